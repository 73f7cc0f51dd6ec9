"""Every row of the fail-safe table, and what holds for all of them."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farl.failsafe import TABLE, Condition, Mode, Response, is_stale, respond

ONLINE = {
    Condition.STALE_STATE: Response.HOLD,
    Condition.OBJECT_LOST: Response.HOLD,
    Condition.NOT_FINITE: Response.HOLD,
    Condition.MODEL_LATE: Response.RECOVER,
    Condition.OUT_OF_DISTRIBUTION: Response.RECOVER,
    Condition.RECOVERY_UNSAFE: Response.RECOVER,
    Condition.LIMIT_HIT: Response.EXECUTE,
    Condition.LEARNER_GONE: Response.STOP,
    Condition.OPERATOR_RELEASED: Response.STOP,
    Condition.ARM_FAULT: Response.LATCH,
}
TELEOP = ONLINE | {
    Condition.OBJECT_LOST: Response.EXECUTE,
    Condition.MODEL_LATE: Response.EXECUTE,
    Condition.OUT_OF_DISTRIBUTION: Response.EXECUTE,
    Condition.RECOVERY_UNSAFE: Response.EXECUTE,
    Condition.LEARNER_GONE: Response.EXECUTE,
    Condition.OPERATOR_RELEASED: Response.HOLD,
}
REPLAY = ONLINE | {
    Condition.NOT_FINITE: Response.STOP,
    Condition.MODEL_LATE: Response.HOLD,
    Condition.OUT_OF_DISTRIBUTION: Response.EXECUTE,
    Condition.RECOVERY_UNSAFE: Response.STOP,
    Condition.LEARNER_GONE: Response.EXECUTE,
}
LATCHED = dict.fromkeys(ONLINE, Response.LATCH)
ROWS = [
    (mode, condition, response)
    for mode, table in (
        (Mode.ONLINE, ONLINE),
        (Mode.TELEOP, TELEOP),
        (Mode.REPLAY, REPLAY),
        (Mode.LATCHED, LATCHED),
    )
    for condition, response in table.items()
]
conditions = st.lists(st.sampled_from(list(Condition))).map(
    lambda many: Condition(sum(c.value for c in set(many)))
)


@pytest.mark.parametrize(("mode", "condition", "response"), ROWS)
def test_row(mode: Mode, condition: Condition, response: Response) -> None:
    assert respond(condition, mode).response == response


def test_every_condition_has_a_row() -> None:
    assert set(TABLE) == set(Condition) == set(ONLINE)


@pytest.mark.parametrize("mode", [Mode.ONLINE, Mode.TELEOP, Mode.REPLAY])
def test_nothing_wrong_means_execute(mode: Mode) -> None:
    verdict = respond(Condition.NONE, mode)
    assert verdict.response == Response.EXECUTE and verdict.because == Condition.NONE


@given(conditions, conditions, st.sampled_from(list(Mode)))
def test_more_trouble_never_makes_it_less_restrictive(a: Condition, b: Condition, mode: Mode) -> None:
    assert respond(a | b, mode).response == max(respond(a, mode).response, respond(b, mode).response)


@given(conditions, st.sampled_from([Mode.ONLINE, Mode.TELEOP, Mode.REPLAY]))
def test_the_reason_names_the_rows_that_decide(a: Condition, mode: Mode) -> None:
    verdict = respond(a, mode)
    assert verdict.because in a or verdict.because == Condition.NONE
    for condition in verdict.because:
        assert respond(condition, mode).response == verdict.response
    assert (verdict.because == Condition.NONE) == (verdict.response == Response.EXECUTE)


def test_a_fault_latches_in_every_mode() -> None:
    for mode, other in itertools.product(Mode, Condition):
        assert respond(Condition.ARM_FAULT | other, mode).response == Response.LATCH


@pytest.mark.parametrize(
    ("age", "stale"),
    [(0.0, False), (0.3, False), (0.30000001, True), (math.nan, True), (math.inf, True), (-1.0, False)],
)
def test_stale_is_more_than_one_and_a_half_periods(age: float, stale: bool) -> None:
    assert is_stale(age, period=0.2) is stale
