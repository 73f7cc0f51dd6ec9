"""Conformal thresholds: numbers by hand, and the promised miss rate over many drawings."""

import math

import numpy as np
import pytest

from farl.calibration import NEVER, RiskSamples, quality
from farl.conformal import (
    ConformalError,
    conformal_threshold,
    failures_needed,
    missed,
    scores,
    sure_bound,
)


@pytest.mark.parametrize(
    ("rate", "needed"), [(0.5, 1), (0.1, 9), (0.05, 19), (0.02, 49), (0.01, 99), (0.3, 3)]
)
def test_failures_needed_by_hand(rate: float, needed: int) -> None:
    assert failures_needed(rate) == needed


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, math.nan])
def test_a_rate_that_is_none(rate: float) -> None:
    with pytest.raises(ConformalError, match="expected a share between 0 and 1"):
        failures_needed(rate)


def test_of_nineteen_the_smallest_score_is_kept() -> None:
    made = conformal_threshold(np.arange(1, 20, dtype=np.float32), 0.05)
    assert (made.rank, made.failures, made.miss_rate) == (1, 19, 0.05)
    assert made.threshold == 0.9999  # the largest of four digits below 1
    twice = conformal_threshold(np.arange(1, 40, dtype=np.float32), 0.05)
    assert (twice.rank, twice.threshold) == (2, 1.999)


def test_too_few_failures_are_refused_with_the_number_that_is_needed() -> None:
    with pytest.raises(
        ConformalError, match=r"18 failing .* at least 19 are needed .* record 1 more.*0\.053"
    ):
        conformal_threshold(np.ones(18, np.float32), 0.05)


def test_failures_that_come_too_soon_are_refused() -> None:
    too_soon = np.array([-np.inf, -np.inf, *range(1, 20)], np.float32)
    with pytest.raises(ConformalError, match="2 of 21 failures happen too soon"):
        conformal_threshold(too_soon, 0.05)
    assert conformal_threshold(too_soon, 0.14).threshold == 0.9999  # the third of 21: 3 / 22 = 0.136


@pytest.mark.parametrize("score", [1e-30, 1.234567e-5, 0.05, 0.3, 1.0, 7.5, 1e6])
def test_a_threshold_lies_just_below_the_score_it_is_set_on(score: float) -> None:
    of_float = np.float32(score)
    threshold = conformal_threshold(np.full(19, of_float), 0.05).threshold
    assert np.float32(threshold) < of_float and threshold > 0.998 * score
    assert missed(np.array([of_float]), threshold) == 0.0


def test_no_risk_at_all_flags_everything() -> None:
    threshold = conformal_threshold(np.zeros(19, np.float32), 0.05).threshold
    assert threshold < 0.0 and missed(np.zeros(3, np.float32), threshold) == 0.0


def test_the_sure_bound_is_the_rule_of_59() -> None:
    # k = 1: 1 - (1 - x)^n = 0.95, so x = 1 - 0.05^(1 / n); 59 samples are needed for 5 % at 95 %
    assert sure_bound(59, 1) == pytest.approx(1 - 0.05 ** (1 / 59), abs=1e-9)
    assert sure_bound(59, 1) < 0.05 < sure_bound(58, 1)
    assert sure_bound(1, 1) == pytest.approx(0.95)
    assert sure_bound(20_000, 1_000) == pytest.approx(0.05, abs=0.004)  # the coefficients are no floats


def test_scores_are_what_decides_whether_a_failure_is_caught() -> None:
    random = np.random.default_rng(0)
    lengths = [30, 12, 3, 25, 2]
    ahead = np.concatenate([np.arange(n)[::-1] for n in lengths] + [np.full(20, NEVER)])
    episode = np.repeat(np.arange(6), [*lengths, 20])
    samples = RiskSamples(random.exponential(size=len(ahead)).astype(np.float32), ahead, episode)
    failing = scores(samples, lead=4, window=10)
    assert failing.shape == (5,) and np.isneginf(failing[[2, 4]]).all()
    for threshold in (0.0, 0.5, 1.0, 2.0, 4.0):
        caught = quality(samples, threshold, window=10, lead=4).caught
        assert caught == pytest.approx(1.0 - missed(failing, threshold))


def test_a_risk_that_is_no_number_is_flagged() -> None:
    samples = RiskSamples(np.array([np.nan, 0.0], np.float32), np.array([1, 0]), np.array([0, 0]))
    assert scores(samples, lead=1, window=5).tolist() == [np.inf]
    assert scores(RiskSamples(*(np.empty(0) for _ in range(3))), 1, 5).shape == (0,)


@pytest.mark.parametrize(("n", "rate"), [(19, 0.05), (30, 0.05), (60, 0.05), (25, 0.2)])
@pytest.mark.parametrize("ties", [False, True])
def test_the_promised_miss_rate_holds_over_many_drawings(n: int, rate: float, ties: bool) -> None:
    """Of a skewed distribution; with equal scores (risks are nearly binary) fewer are missed, never more."""
    random, drawings, further = np.random.default_rng(7), 1000, 200
    rates, bounds = np.empty(drawings), None
    for i in range(drawings):
        drawn = random.lognormal(sigma=2.0, size=n + further).astype(np.float32)
        drawn = np.round(np.minimum(drawn, 1.0), 1) if ties else drawn
        made = conformal_threshold(drawn[:n], rate)
        rates[i], bounds = missed(drawn[n:], made.threshold), made
    assert bounds is not None
    error = rates.std() / math.sqrt(drawings)
    assert rates.mean() <= bounds.miss_rate + 4 * error
    assert bounds.miss_rate <= rate
    if not ties:  # k / (n + 1) is no loose bound: one rank more would break the promise
        assert rates.mean() == pytest.approx(bounds.miss_rate, abs=4 * error + 1e-3)
        assert rates.mean() + 1 / (n + 1) > rate
    # the sure bound is one for the true rate: 200 further failures blur it
    blur = 3 * math.sqrt(bounds.miss_rate_sure / further)
    assert (rates <= bounds.miss_rate_sure + blur).mean() >= 0.95
