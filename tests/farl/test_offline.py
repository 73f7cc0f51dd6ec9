"""The split of failure demonstrations: both sides can be learnt from and counted on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farl.datasets import DatasetError
from farl.offline import split
from tests.farl.conftest import make_episode


@given(st.integers(2, 30), st.integers(1, 30), st.floats(0.01, 0.99), st.integers(0, 99))
def test_both_sides_hold_what_they_need(failing: int, clean: int, share: float, seed: int) -> None:
    episodes = [
        make_episode(i, steps=3, failure_at=1 if i < failing else None) for i in range(failing + clean)
    ]
    training, held_out = split(episodes, share, seed)
    assert sorted(e.episode for e in [*training, *held_out]) == list(range(failing + clean))
    assert any(e.failed for e in training)
    assert {e.failed for e in held_out} == {True, False}
    assert [e.episode for e in split(episodes, share, seed)[1]] == [e.episode for e in held_out]


@pytest.mark.parametrize(("failing", "clean"), [(1, 5), (10, 0), (0, 3)])
def test_too_few_of_a_kind_is_said_before_any_training(failing: int, clean: int) -> None:
    episodes = [
        make_episode(i, steps=3, failure_at=1 if i < failing else None) for i in range(failing + clean)
    ]
    with pytest.raises(
        DatasetError, match=f"{failing} failure demonstrations contain a failure and {clean} do not"
    ):
        split(episodes, 0.2, 0)
