"""Quality figures counted by hand."""

import numpy as np
import pytest

from farl.calibration import NEVER, RiskSamples, StepRisks, first_flags, foretell, quality, up_to_violation
from farl.models import ModelBundle
from farl.policy import FastPolicy
from farl.risk import RiskForm
from tests.farl.conftest import make_episode

# Episode 0 fails after step 3 (steps to failure 3, 2, 1, 0); episode 1 never does.
SAMPLES = RiskSamples(
    risk=np.array([0.1, 0.4, 0.2, 0.9, 0.05, 0.6], np.float32),
    steps_to_failure=np.array([3, 2, 1, 0, NEVER, NEVER]),
    episode=np.array([0, 0, 0, 0, 1, 1]),
)


def test_figures_by_hand() -> None:
    result = quality(SAMPLES, threshold=0.3, window=2, lead=2)
    # flagged: 0.4, 0.9, 0.6. Followed by a violation within 2 steps: the last three of episode 0.
    assert result.precision == pytest.approx(2 / 3)
    assert result.recall == pytest.approx(2 / 3)
    assert result.false_alarms == pytest.approx(1 / 2)
    assert (result.caught, result.median_lead) == (1.0, 2.0)
    assert result.caught_by_chance == pytest.approx(1 / 2)  # stretches of one step: one of two is flagged
    assert quality(SAMPLES, 0.3, 2, lead=1).caught_by_chance == 1.0  # of two steps: the only one
    assert quality(SAMPLES, 0.3, 2, lead=0).caught_by_chance is None  # of three steps: none is so long
    assert quality(SAMPLES, 0.3, 2, lead=3).caught == 0.0


def test_stretches_do_not_reach_into_the_next_episode() -> None:
    samples = RiskSamples(
        np.array([0, 0, 0, 1, 0, 0], np.float32), np.full(6, NEVER), np.array([0, 0, 0, 1, 1, 1])
    )
    assert quality(samples, 0.5, window=2, lead=1).caught_by_chance == pytest.approx(1 / 4)


def test_a_flag_long_before_the_window_foretells_nothing() -> None:
    early = RiskSamples(
        risk=np.array([0.9, 0.0, 0.0, 0.0], np.float32),
        steps_to_failure=np.array([30, 2, 1, 0]),
        episode=np.zeros(4, np.int64),
    )
    result = quality(early, 0.5, window=5, lead=1)
    assert result.caught == 0.0 and result.median_lead is None
    assert first_flags(early, 0.5, 5).tolist() == [-1]


def test_shares_of_nothing_are_none() -> None:
    nothing = RiskSamples(np.array([0.5], np.float32), np.array([NEVER]), np.array([0]))
    result = quality(nothing, 0.9, 5, 1)
    assert result.precision is None and result.recall is None and result.caught is None
    assert result.false_alarms == 0.0


def test_a_risk_that_is_no_number_is_flagged_as_the_shield_would() -> None:
    broken = RiskSamples(np.array([np.nan], np.float32), np.array([NEVER]), np.array([0]))
    assert quality(broken, 5.0, 5, 1).false_alarms == 1.0


def test_first_flags_by_hand() -> None:
    samples = RiskSamples(
        risk=np.array([0.9, 0.1, 0.9, 0.1, 0.1, 0.8], np.float32),
        steps_to_failure=np.array([2, 1, 0, NEVER, 1, 0]),
        episode=np.array([0, 0, 0, 1, 2, 2]),
    )
    assert first_flags(samples, 0.5, 5).tolist() == [2, 0]
    assert first_flags(samples, 0.5, 1).tolist() == [0, 0]
    assert first_flags(samples, 0.85, 5).tolist() == [2, -1]


def test_steps_are_counted_up_to_the_first_violation(bundle: ModelBundle) -> None:
    episodes = [make_episode(0, steps=6, failure_at=2), make_episode(1, steps=4)]
    assert [up_to_violation(e) for e in episodes] == [3, 4]
    foretold = foretell(bundle.world_model, FastPolicy.of(bundle.task_policy), episodes, 5)
    assert foretold.step_risk.shape == (7, 6) and foretold.horizon == 5
    assert foretold.steps_to_failure.tolist() == [2, 1, 0, *[NEVER] * 4]
    assert foretold.steps_seen.tolist() == [5, 4, 3, 3, 2, 1, 0]
    assert foretold.episode.tolist() == [0, 0, 0, 1, 1, 1, 1]


def test_one_long_rollout_gives_the_shorter_ones(bundle: ModelBundle) -> None:
    policy, episodes = FastPolicy.of(bundle.task_policy), [make_episode(0, steps=20, failure_at=15)]
    long = foretell(bundle.world_model, policy, episodes, 9).looking(4, 0.9, RiskForm.DISCOUNTED_SUM)
    short = foretell(bundle.world_model, policy, episodes, 4).looking(4, 0.9, RiskForm.DISCOUNTED_SUM)
    np.testing.assert_allclose(long.risk, short.risk, rtol=1e-6)


def test_risk_looks_no_further_than_asked() -> None:
    foretold = StepRisks(np.array([[0.1, 0.2, 0.7]], np.float32), np.array([2]), np.array([2]), np.array([0]))
    assert foretold.looking(1, 0.5, RiskForm.DISCOUNTED_SUM).risk[0] == pytest.approx(0.1 + 0.5 * 0.2)
    assert foretold.looking(2, 1.0, RiskForm.DISCOUNTED_SUM).risk[0] == pytest.approx(1.0)
