"""Risk, the fused roll-out against its readable reference, and what the shield decides."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from farl.fused import FusedRollout
from farl.models import ModelBundle
from farl.policy import FastPolicy
from farl.risk import RiskForm, aggregate, rollout_step_risk
from farl.shield import Shield, ShieldMode, ShieldSettings
from farl.types import ActionSource, Proposal, Reason
from tests.farl.conftest import ACTION, OBSERVATION

probabilities = arrays(
    np.float32, st.tuples(st.integers(1, 4), st.integers(1, 12)), elements=st.floats(0, 1, width=32)
)


def states(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    observations = generator.standard_normal((count, OBSERVATION)).astype(np.float32)
    return observations, generator.uniform(-1, 1, (count, ACTION)).astype(np.float32)


def make_shield(bundle: ModelBundle, **settings: object) -> Shield:
    base = ShieldSettings(horizon=5)
    return Shield(
        replace(base, **settings),
        FastPolicy.of(bundle.task_policy),
        FastPolicy.of(bundle.recovery_policy),
        bundle.world_model,
        "hash",
    )


def test_both_forms_by_hand() -> None:
    steps = np.array([0.5, 0.5, 1.0], np.float32)
    # .5 + .9·.5 + .81·1 = 1.76;  .5 + .9·.5·.5 + .81·1·.25 = .9275
    assert aggregate(steps, 0.9, RiskForm.DISCOUNTED_SUM) == pytest.approx(1.76)
    assert aggregate(steps, 0.9, RiskForm.ABSORBING) == pytest.approx(0.9275)


@given(probabilities, st.floats(0.5, 1.0))
def test_the_absorbing_form_is_a_probability_below_the_sum(step_risk: np.ndarray, gamma: float) -> None:
    absorbing = aggregate(step_risk, gamma, RiskForm.ABSORBING)
    assert (absorbing >= -1e-6).all() and (absorbing <= 1 + 1e-5).all()
    assert (absorbing <= aggregate(step_risk, gamma, RiskForm.DISCOUNTED_SUM) + 1e-5).all()
    undiscounted = aggregate(step_risk, 1.0, RiskForm.ABSORBING)
    assert undiscounted == pytest.approx(1 - np.prod(1 - step_risk.astype(np.float64), -1), abs=1e-4)


@pytest.mark.parametrize("horizon", [0, 1, 5, 20])
@pytest.mark.parametrize("batch", [1, 8])
def test_the_fused_roll_out_equals_the_readable_one(bundle: ModelBundle, horizon: int, batch: int) -> None:
    observations, actions = states(batch)
    fused = FusedRollout(bundle.world_model, FastPolicy.of(bundle.task_policy), horizon)(
        observations, actions
    )
    plain = rollout_step_risk(
        bundle.world_model,
        bundle.task_policy,
        torch.from_numpy(observations),
        torch.from_numpy(actions),
        horizon,
    )
    assert fused.shape == (batch, horizon + 1)
    assert fused == pytest.approx(plain.numpy(), abs=2e-6)


def test_the_roll_out_follows_a_new_policy(bundle: ModelBundle) -> None:
    shield = make_shield(bundle)
    observations, actions = states(1)
    before = shield.check(observations[0], Proposal(actions[0], 0.0, 0))
    shield.load_task_policy(FastPolicy.of(bundle.recovery_policy))
    after = shield.check(observations[0], Proposal(actions[0], 0.0, 1))
    assert before.step_risk[0] == after.step_risk[0]  # the first action is the proposed one
    assert not np.array_equal(before.step_risk[1:], after.step_risk[1:])


def test_risk_at_the_threshold_is_executed_and_above_it_is_not(bundle: ModelBundle) -> None:
    observations, actions = states(1)
    proposal = Proposal(actions[0], -1.0, 0)
    risk = make_shield(bundle).check(observations[0], proposal).risk
    at = make_shield(bundle, threshold=risk).check(observations[0], proposal)
    assert (at.reason, at.source, at.intervened) == (Reason.SAFE, ActionSource.TASK, False)
    assert np.array_equal(at.executed, actions[0])
    above = make_shield(bundle, threshold=float(np.nextafter(np.float32(risk), np.float32(0)))).check(
        observations[0], proposal
    )
    assert (above.reason, above.source) == (Reason.RISK_ABOVE_THRESHOLD, ActionSource.RECOVERY)
    assert above.intervened and above.proposed is proposal
    recovery = FastPolicy.of(bundle.recovery_policy).mean(observations[0])
    assert above.executed == pytest.approx(recovery, abs=1e-6)
    assert len(above.step_risk) == 6 and above.latency_ms > 0 and above.model_hash == "hash"


def test_a_risk_that_is_not_a_number_counts_as_unsafe(bundle: ModelBundle) -> None:
    decision = make_shield(bundle, threshold=1e9).check(
        np.full(OBSERVATION, np.nan, np.float32), Proposal(np.zeros(ACTION, np.float32), 0.0, 0)
    )
    assert decision.source == ActionSource.RECOVERY


def test_without_a_shield_everything_is_executed(bundle: ModelBundle) -> None:
    observations, actions = states(3)
    shield = make_shield(bundle, mode=ShieldMode.OFF, threshold=-1.0)
    for i, decision in enumerate(shield.check_batch(observations, [Proposal(a, 0.0, 0) for a in actions])):
        assert decision.reason == Reason.SHIELD_OFF and not decision.intervened
        assert np.array_equal(decision.executed, actions[i])


def test_a_batch_decides_as_one_by_one(bundle: ModelBundle) -> None:
    observations, actions = states(8)
    proposals = [Proposal(a, 0.0, 0) for a in actions]
    median = float(
        np.median(
            [make_shield(bundle).check(o, p).risk for o, p in zip(observations, proposals, strict=True)]
        )
    )
    shield = make_shield(bundle, threshold=median)
    batch = shield.check_batch(observations, proposals)
    single = [shield.check(o, p) for o, p in zip(observations, proposals, strict=True)]
    assert [d.reason for d in batch] == [d.reason for d in single]
    assert len({d.reason for d in batch}) == 2
    assert [d.risk for d in batch] == pytest.approx([d.risk for d in single], abs=1e-5)
