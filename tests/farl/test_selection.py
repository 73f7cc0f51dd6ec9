"""The choice of H, γ_risk and threshold: the known best of made-up predictions, within its budget."""

import json

import numpy as np
import pytest

from farl.calibration import NEVER, StepRisks, quality
from farl.intervals import Interval, wilson
from farl.models import ModelError
from farl.risk import RiskForm
from farl.selection import CARD_KEY, Choice, choose, horizons_up_to


def foretold_by(failing: list[np.ndarray], clean: list[np.ndarray]) -> StepRisks:
    """Episodes by their step risks (T, H + 1); failing ones end with the violation."""
    episodes = [*failing, *clean]
    lengths = [len(e) for e in episodes]
    to_go = [np.arange(n)[::-1] for n in lengths]
    ahead = [x if i < len(failing) else np.full(len(x), NEVER) for i, x in enumerate(to_go)]
    index = np.repeat(np.arange(len(episodes)), lengths)
    return StepRisks(
        np.concatenate(episodes).astype(np.float32), np.concatenate(ahead), np.concatenate(to_go), index
    )


def oracle(steps: int, horizon: int, sees: int, noise: float = 0.0) -> np.ndarray:
    """Step risks of an episode that fails in its last step, foreseen ``sees`` steps ahead."""
    risks = np.full((steps, horizon + 1), noise)
    for t in range(steps):
        k = steps - 1 - t
        if k <= min(sees, horizon):
            risks[t, k] = 0.9
    return risks


def test_the_interval_is_that_of_wilson() -> None:
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3: 81/263, 15/148 and 0/20
    for (successes, trials), (low, high) in {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
    }.items():
        interval = wilson(successes, trials)
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)
    assert wilson(0, 0) == Interval(0.0, 1.0)
    for trials in range(1, 200):  # rounding must not leave the share outside: plots draw bars from it
        assert wilson(0, trials).low == 0.0 and wilson(trials, trials).high == 1.0


@pytest.mark.parametrize(
    ("longest", "lead", "expected"),
    [
        (20, 5, (5, 8, 10, 15, 20)),
        (10, 4, (5, 8, 10)),
        (12, 6, (8, 10, 12)),
        (3, 2, (3,)),
        (30, 9, (10, 15, 20, 30)),
    ],
)
def test_candidates_reach_from_the_lead_to_the_longest(
    longest: int, lead: int, expected: tuple[int, ...]
) -> None:
    assert horizons_up_to(longest, lead) == expected


def test_the_shortest_horizon_of_equally_good_ones_is_taken() -> None:
    foretold = foretold_by([oracle(30, 20, sees=20)] * 4, [np.zeros((30, 21))] * 4)
    choice = choose(foretold, lead=5, false_alarm_budget=0.05)
    assert choice.fits and choice.figures.caught == 1.0 and choice.figures.precision == 1.0
    assert choice.horizon == 5 and choice.figures.false_alarms == 0.0
    assert choice.caught_interval == wilson(4, 4) and (choice.failing, choice.clean) == (4, 4)


def test_a_horizon_that_catches_more_is_worth_its_length() -> None:
    """With a lead of 9 only H = 10 and above see failures in time; beyond 10 nothing more is foreseen."""
    foretold = foretold_by([oracle(40, 20, sees=10)] * 3, [np.zeros((40, 21))] * 3)
    assert choose(foretold, lead=9, false_alarm_budget=0.05).horizon == 10


def test_false_alarms_at_far_steps_forbid_a_long_look_ahead() -> None:
    """Steps 11-20 of the roll-out predict nonsense: what H = 15 and 20 catch, they flag everywhere."""
    nonsense = np.zeros((40, 21))
    nonsense[:, 11:] = 0.95
    foretold = foretold_by([np.maximum(oracle(40, 20, sees=6), nonsense)] * 3, [nonsense] * 3)
    choice = choose(foretold, lead=5, false_alarm_budget=0.05)
    assert choice.fits and choice.horizon in (8, 10, 5) and choice.figures.false_alarms == 0.0
    assert choice.figures.caught == 1.0


def test_the_budget_is_respected_and_spent() -> None:
    """Clean episodes at risk .5 in 10 % of their steps; half of the failures are foreseen at .4 only."""
    noisy = np.zeros((50, 6))
    noisy[:5, 0] = 0.5
    weak, strong = oracle(30, 5, sees=5) * (0.4 / 0.9), oracle(30, 5, sees=5)
    foretold = foretold_by([weak, strong, weak, strong], [noisy] * 4)
    strict = choose(foretold, lead=3, false_alarm_budget=0.05)
    assert strict.figures.caught == 0.5 and strict.figures.false_alarms == 0.0
    generous = choose(foretold, lead=3, false_alarm_budget=0.1)
    assert generous.figures.caught == 1.0 and generous.figures.false_alarms == pytest.approx(0.1)
    assert generous.clean_flagged == 4 and strict.clean_flagged == 0


def test_a_flag_that_lets_go_is_worth_less_than_one_that_stays() -> None:
    """Half of the steps before a failure are foreseen at .9, the others at .3: both catch every failure."""
    wavering = oracle(30, 5, sees=5)
    wavering[::2] /= 3.0
    choice = choose(foretold_by([wavering] * 4, [np.zeros((30, 6))] * 4), lead=4, false_alarm_budget=0.05)
    assert choice.threshold < 0.3 and choice.held == 1.0 and choice.figures.caught == 1.0


def test_thresholds_reach_beyond_the_fixed_ones() -> None:
    """A constant bias of .5 per step: clean sums reach 10.5 at H = 20, failing ones 10.9."""
    foretold = foretold_by([oracle(30, 20, sees=20, noise=0.5)] * 3, [np.full((30, 21), 0.5)] * 3)
    choice = choose(foretold, lead=15, false_alarm_budget=0.05)
    assert choice.fits and choice.figures.caught == 1.0 and choice.figures.false_alarms == 0.0
    assert choice.threshold > 5.0


def test_where_nothing_fits_the_choice_says_so() -> None:
    blind = foretold_by([np.zeros((30, 11))] * 3, [np.zeros((30, 11))] * 3)
    choice = choose(blind, lead=4, false_alarm_budget=0.05)
    assert not choice.fits and choice.figures.caught == 0.0
    # in clean episodes the same risk as before failures, nearly everywhere: to catch is to flag everything
    alike = foretold_by([oracle(30, 10, sees=10)] * 3, [np.full((30, 11), 0.9)] * 3)
    choice = choose(alike, lead=4, false_alarm_budget=0.05)
    assert not choice.fits


def test_failing_and_clean_episodes_are_both_needed() -> None:
    with pytest.raises(ValueError, match="0 of 2 held-out episodes fail"):
        choose(foretold_by([], [np.zeros((5, 6))] * 2), 2, 0.05)


def test_figures_are_those_of_the_chosen_threshold() -> None:
    generator = np.random.default_rng(0)
    foretold = foretold_by(
        [np.clip(oracle(30, 20, sees=12) + generator.uniform(0, 0.1, (30, 21)), 0, 1) for _ in range(9)],
        [generator.uniform(0, 0.12, (40, 21)) for _ in range(9)],
    )
    choice = choose(foretold, lead=5, false_alarm_budget=0.05)
    samples = foretold.looking(choice.horizon, choice.gamma, RiskForm.DISCOUNTED_SUM)
    assert choice.figures == quality(samples, choice.threshold, window=20, lead=5)
    curve = next(c for c in choice.curves if (c.horizon, c.gamma) == (choice.horizon, choice.gamma))
    assert list(curve.thresholds) == sorted(curve.thresholds)
    assert list(curve.caught) == sorted(curve.caught, reverse=True)
    assert list(curve.false_alarms) == sorted(curve.false_alarms, reverse=True)
    assert len(choice.curves) == 15


def test_cross_validation_is_free_of_the_best_candidates_luck() -> None:
    """Pure noise: the best of hundreds of candidates looks better on its own data than on other data."""
    luck = []
    for seed in range(8):
        generator = np.random.default_rng(seed)
        noise = [generator.uniform(0, 0.3, (30, 21)) for _ in range(40)]
        choice = choose(foretold_by(noise[:20], noise[20:]), lead=5, false_alarm_budget=0.05)
        assert choice.cross_validation is not None and choice.cross_validation.folds == 5
        luck.append(choice.held - choice.cross_validation.held)
    assert np.mean(luck) > 0.01 and min(luck) >= 0.0
    one = choose(foretold_by(noise[:1], noise[20:]), lead=5, false_alarm_budget=0.05)
    assert one.cross_validation is None


def test_the_choice_survives_the_model_card() -> None:
    choice = choose(foretold_by([oracle(30, 20, 20)] * 3, [np.zeros((30, 21))] * 3), 5, 0.05)
    written = json.dumps(choice.to_json(), allow_nan=False)
    assert Choice.of_card({CARD_KEY: json.loads(written)}) == choice


def test_a_card_without_a_choice_or_with_half_of_it_is_refused() -> None:
    with pytest.raises(ModelError, match=r"does not say how .* train again"):
        Choice.of_card({"shield": {"horizon": 5}})
    with pytest.raises(ModelError, match="damaged"):
        Choice.of_card({CARD_KEY: {"horizon": 5}})
