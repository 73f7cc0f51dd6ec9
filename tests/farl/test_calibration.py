"""Quality figures counted by hand, and the threshold that follows from them."""

import math

import numpy as np
import pytest

from farl.calibration import NEVER, RiskSamples, choose_threshold, quality

# Episode 0 fails after step 3 (steps to failure 3, 2, 1, 0); episode 1 never does.
SAMPLES = RiskSamples(
    risk=np.array([0.1, 0.4, 0.2, 0.9, 0.05, 0.6], np.float32),
    steps_to_failure=np.array([3, 2, 1, 0, NEVER, NEVER]),
    episode=np.array([0, 0, 0, 0, 1, 1]),
)


def test_figures_by_hand() -> None:
    result = quality(SAMPLES, threshold=0.3, horizon=2, lead=2)
    # flagged: 0.4, 0.9, 0.6. Followed by a violation within 2 steps: the last three of episode 0.
    assert result.precision == pytest.approx(2 / 3)
    assert result.recall == pytest.approx(2 / 3)
    assert result.false_alarms == pytest.approx(1 / 2)
    assert (result.caught, result.median_lead) == (1.0, 2.0)
    assert quality(SAMPLES, 0.3, 2, lead=3).caught == 0.0


def test_a_flag_long_before_the_horizon_foretells_nothing() -> None:
    early = RiskSamples(
        risk=np.array([0.9, 0.0, 0.0, 0.0], np.float32),
        steps_to_failure=np.array([30, 2, 1, 0]),
        episode=np.zeros(4, np.int64),
    )
    result = quality(early, 0.5, horizon=5, lead=1)
    assert result.caught == 0.0 and math.isnan(result.median_lead)


def test_shares_of_nothing_are_not_numbers() -> None:
    nothing = RiskSamples(np.array([0.5], np.float32), np.array([NEVER]), np.array([0]))
    result = quality(nothing, 0.9, 5, 1)
    assert math.isnan(result.precision) and math.isnan(result.recall) and math.isnan(result.caught)
    assert result.false_alarms == 0.0


def test_the_most_sensitive_threshold_within_the_budget_is_chosen() -> None:
    generous, _ = choose_threshold(SAMPLES, 2, 2, false_alarm_budget=0.5)
    assert generous.threshold == 0.05
    strict, curve = choose_threshold(SAMPLES, 2, 2, false_alarm_budget=0.0)
    assert strict.threshold == 0.6 and strict.false_alarms == 0.0
    assert [q.false_alarms for q in curve] == sorted((q.false_alarms for q in curve), reverse=True)
