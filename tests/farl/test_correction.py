"""Theorem 1's terms on a ledge where they are known: what is flagged, what falls, what a step is worth."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from failurebench.kit import kit
from farl.branches import branch
from farl.correction import CorrectionSettings, CorrectionTerms, measure_correction
from farl.estimates import EpisodeMean, Estimate, product
from farl.policy import FastPolicy, GaussianPolicy
from farl.shield import Shield, ShieldMode, ShieldSettings
from farl.types import ActionSource, Array, Decision, Proposal, Reason

SIGMA, SLIP = 0.15, 0.25
RECOVERY = np.array([-1.0], np.float32)
SETTINGS = CorrectionSettings(
    episodes=400,
    longest=4,
    flagged_states=400,
    branch_steps=4,
    gamma=0.5,
    resampled_actions=8,
    resample_every=2,
    actions_per_side=2,
    recovery_steps=3,
)


class Ledge:
    """Reward 1 per step until the fall; an action above 0 falls, the recovery action slips in 1 of 4."""

    def __init__(self) -> None:
        self.random, self.fallen = np.random.default_rng(), False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        self.random, self.fallen = np.random.default_rng(seed), False
        return self._observe(), {}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        slips = self.random.random() < SLIP
        fall = action[0] > 0.0 or (action[0] == RECOVERY[0] and slips)
        self.fallen = self.fallen or bool(fall)
        reward = 0.0 if self.fallen else 1.0
        return self._observe(), reward, False, False, {"cost": float(self.fallen), "success": False}

    def snapshot(self) -> Any:
        return copy.deepcopy(self.random.bit_generator.state), self.fallen

    def restore(self, snapshot: Any) -> Array:
        state, self.fallen = snapshot
        self.random.bit_generator.state = copy.deepcopy(state)
        return self._observe()

    def _observe(self) -> Array:
        return np.array([float(self.fallen)], np.float32)


class LedgeShield(Shield):
    """Flags actions above a limit."""

    def __init__(self, limit: float, mode: ShieldMode = ShieldMode.ON) -> None:
        self.settings, self.limit = ShieldSettings(mode, horizon=0), limit

    def recovery_action(self, observation: Array) -> Array:
        return RECOVERY

    def check_batch(self, observations: Array, proposals: Any) -> list[Decision]:
        return [self._decide(p) for p in proposals]

    def _decide(self, p: Proposal) -> Decision:
        unsafe = p.values[0] > self.limit
        risk = np.full(1, float(unsafe), np.float32)
        source, reason = (
            (ActionSource.RECOVERY, Reason.RISK_ABOVE_THRESHOLD) if unsafe else (p.source, Reason.SAFE)
        )
        return Decision(
            float(unsafe), 0.5, risk, p, RECOVERY if unsafe else p.values, source, reason, 0.0, ""
        )


def make_policy(mean: float) -> FastPolicy:
    policy = GaussianPolicy(1, 1, hidden=4, log_std=math.log(SIGMA))
    with torch.no_grad():
        for parameter in policy.body.parameters():
            parameter.zero_()
        policy.body[-1].bias.fill_(math.atanh(mean))
    return FastPolicy.of(policy)


def above(limit: float, mean: float) -> float:
    """P(a > limit) of the Gaussian."""
    return 0.5 * math.erfc((limit - mean) / SIGMA / math.sqrt(2.0))


def measure(mean: float = -0.1, limit: float = 0.0, seed: int = 0, **changes: int) -> CorrectionTerms:
    return measure_correction(
        Ledge(), Ledge(), make_policy(mean), LedgeShield(limit), seed, replace(SETTINGS, **changes)
    )


def near(estimate: Estimate, expected: float) -> None:
    assert estimate.mean is not None and estimate.standard_error is not None
    assert 0.0 < estimate.standard_error < 0.2
    assert abs(estimate.mean - expected) < 4.0 * estimate.standard_error


def test_terms_by_hand() -> None:
    p = above(0.0, -0.1)  # .2525
    assert p == pytest.approx(0.2525, abs=1e-4)
    terms = measure()
    near(terms.p_risk, p)
    near(terms.p_risk_resampled, p)
    near(terms.failure_rate, 1.0 - (1.0 - p) ** 4)
    # γ(1 − p) = .374 per step survived: a safe step is worth 1 + .374 + .140 + .052, a fall nothing
    safe = sum((0.5 * (1.0 - p)) ** k for k in range(4))
    near(terms.delta, safe)
    near(terms.correction, (1.0 - SLIP) * safe)
    near(terms.eps_rec, SLIP)
    near(terms.fails_after_one, SLIP)
    near(terms.eps_rec_long, 1.0 - (1.0 - SLIP) * (1.0 - p * SLIP) ** 3)
    near(terms.saved, 1.0 - SLIP)
    near(terms.intervention, (1.0 - SLIP) * sum((0.5 * (1.0 - p * SLIP)) ** k for k in range(4)))
    near(terms.gain, p * (1.0 - SLIP) * safe)
    near(terms.bound, p * safe * (1.0 - SLIP))
    assert terms.fails_alone == Estimate(1.0, 0.0, terms.measured)
    assert terms.recovery_flagged.mean == 0.0 and terms.harmed == Estimate(None, None, 0)
    assert terms.measured == terms.flagged == round(terms.p_risk.mean * terms.states)


def test_a_single_step_is_worth_exactly_its_reward() -> None:
    terms = measure(branch_steps=4, gamma=0.0)
    assert terms.delta == Estimate(1.0, 0.0, terms.delta.count)
    assert terms.correction.mean == 1.0 - terms.eps_rec.mean
    assert terms.gain.mean == pytest.approx(terms.bound.mean)


def test_false_alarms_are_seen() -> None:
    terms = measure(limit=-0.15)
    near(terms.p_risk, above(-0.15, -0.1))
    near(terms.fails_alone, above(0.0, -0.1) / above(-0.15, -0.1))
    near(terms.harmed, SLIP)


def test_nothing_flagged() -> None:
    terms = measure(limit=2.0, episodes=20)
    assert terms.flagged == terms.measured == 0
    assert terms.p_risk.mean == terms.gain.mean == terms.bound.mean == 0.0
    assert terms.delta == terms.correction == terms.eps_rec == terms.saved == Estimate(None, None, 0)


def test_everything_flagged() -> None:
    terms = measure(limit=-2.0, episodes=20)
    assert terms.p_risk.mean == terms.p_risk_resampled.mean == 1.0 and terms.mixed.mean == 0.0
    assert terms.recovery_flagged.mean == 1.0 and terms.released.mean == 0.0
    assert terms.delta == terms.bound == Estimate(None, None, 0)
    assert terms.gain.mean is not None and math.isfinite(terms.gain.mean)


def test_a_subsample_is_as_large_as_asked() -> None:
    terms = measure(flagged_states=7, episodes=60)
    assert terms.measured == terms.eps_rec.count == terms.bound.count == 7 < terms.flagged


def test_the_seed_decides_everything() -> None:
    assert measure(episodes=20, seed=3).to_dict() == measure(episodes=20, seed=3).to_dict()
    assert measure(episodes=20, seed=3) != measure(episodes=20, seed=4)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="shield is off"):
        measure_correction(Ledge(), Ledge(), make_policy(0.0), LedgeShield(0.0, ShieldMode.OFF), 0, SETTINGS)
    with pytest.raises(ValueError, match="got 0, 4 and 4"):
        measure(recovery_steps=4)


def test_branches_of_one_moment_are_bit_equal_and_leave_no_trace() -> None:
    """On a real task: snapshots fit an instance with other rules, and the visit goes on as it would."""
    task = kit("DiscTable")
    environment, other = task.make(), task.make(end_on_success=False, horizon=10_000)
    actions = np.random.default_rng(0).uniform(-1, 1, (60, 2)).astype(np.float32)
    environment.reset(seed=5)
    for action in actions[:20]:
        environment.step(action)
    moment = environment.snapshot()

    def rest(_: Array, k: int) -> tuple[Array, bool]:
        return actions[20 + k], False

    first = branch(other, moment, actions[20], rest, 30, 0.99)
    assert branch(other, moment, -actions[20], rest, 30, 0.99) != first
    assert branch(other, moment, actions[20], rest, 30, 0.99) == first
    rewards = [environment.step(a)[1] for a in actions[20:50]]
    assert first.value == pytest.approx(sum(0.99**k * r for k, r in enumerate(rewards)), abs=1e-9)


def test_standard_errors_by_hand() -> None:
    # Episodes 0: 1, 3; 1: 5; 2: nothing. Mean 3; pulls (−2 + 0)/3 and 2/3; two clusters: × √2.
    mean = EpisodeMean.of([1.0, 3.0, 5.0], [0, 0, 1], 3)
    assert mean.estimate() == Estimate(3.0, pytest.approx(math.sqrt(2.0 * (4 + 4) / 9)), 3)
    assert EpisodeMean.of([1.0, 3.0], [1, 1], 3).estimate() == Estimate(2.0, None, 2)
    # d(3 · (1 − 3)) = (1 − 3) d − 3 d = −5 d: the factors are one and the same, not independent
    both = product(mean, mean.complement())
    assert both.mean == -6.0 and both.standard_error == pytest.approx(5.0 * math.sqrt(16 / 9))
    with pytest.raises(ValueError, match="3 samples with 2"):
        EpisodeMean.of([1.0, 3.0, 5.0], [0, 0], 3)


def test_one_sample_per_episode_gives_the_usual_standard_error() -> None:
    samples = np.random.default_rng(0).standard_normal(50)
    error = EpisodeMean.of(samples, range(50), 50).estimate().standard_error
    assert error == pytest.approx(samples.std(ddof=1) / math.sqrt(50))
