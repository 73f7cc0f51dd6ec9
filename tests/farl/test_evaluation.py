"""The shield as a monitor, false alarms, and the meter for one term of the reward."""

from dataclasses import replace

import numpy as np
import pytest

from farl.actor import Actor
from farl.evaluation import Monitor, TermMeter, evaluate, false_alarm_rate, play
from farl.models import ModelBundle
from farl.policy import FastPolicy
from farl.rollout import FinishedEpisode
from farl.shield import Shield, ShieldMode, ShieldSettings
from farl.types import ActionSource, Reason
from tests.farl.conftest import ACTION, OBSERVATION

HORIZON = 6


class Line:
    """An episode of six steps; every odd seed fails in its third."""

    def __init__(self) -> None:
        self.executed: list[np.ndarray] = []

    def reset(self, *, seed=None, options=None):
        self._random, self._seed, self._step = np.random.default_rng(seed), seed, 0
        return self._observation(), {}

    def step(self, action):
        self.executed.append(action)
        self._step += 1
        cost = float(self._seed % 2 == 1 and self._step == 3)
        terms = {"task": 2.0, "penalty": -5.0 * cost}
        info = {"cost": cost, "success": False, "reward_terms": terms}
        return self._observation(), 2.0 - 5.0 * cost, False, self._step == HORIZON, info

    def _observation(self):
        return self._random.standard_normal(OBSERVATION).astype(np.float32)


def make(kind: type[Shield], bundle: ModelBundle, threshold: float) -> Shield:
    return kind(
        ShieldSettings(ShieldMode.ON, horizon=5, threshold=threshold),
        FastPolicy.of(bundle.task_policy),
        FastPolicy.of(bundle.recovery_policy),
        bundle.world_model,
        "hash",
    )


def explorer(bundle: ModelBundle) -> Actor:
    return Actor(FastPolicy.of(bundle.task_policy), 0, HORIZON)


def test_a_monitor_foretells_what_the_shield_does_and_executes_the_proposal(bundle: ModelBundle) -> None:
    generator = np.random.default_rng(0)
    observations = generator.standard_normal((16, OBSERVATION)).astype(np.float32)
    proposals = explorer(bundle).propose_batch(observations, list(range(16)), [0] * 16)
    risks = [d.risk for d in make(Shield, bundle, 0.0).check_batch(observations, proposals)]
    threshold = float(np.median(risks))
    acted = make(Shield, bundle, threshold).check_batch(observations, proposals)
    watched = make(Monitor, bundle, threshold).check_batch(observations, proposals)
    assert {d.reason for d in acted} == {Reason.SAFE, Reason.RISK_ABOVE_THRESHOLD}
    assert [d.reason for d in watched] == [d.reason for d in acted]
    assert [d.risk for d in watched] == [d.risk for d in acted]
    assert not any(d.intervened for d in watched)
    for decision, proposal in zip(watched, proposals, strict=True):
        assert decision.executed is proposal.values
        assert decision.source == ActionSource.TASK


def test_a_monitored_episode_is_the_unshielded_one(bundle: ModelBundle) -> None:
    alone, watched = Line(), Line()
    off = make(Shield, bundle, 0.0)
    off.settings = replace(off.settings, mode=ShieldMode.OFF)
    off.load_task_policy(explorer(bundle).policy)
    play([alone], explorer(bundle), off, 3, seed=0)
    episodes = play([watched], explorer(bundle), make(Monitor, bundle, -1.0), 3, seed=0)
    np.testing.assert_array_equal(alone.executed, watched.executed)
    assert len(episodes) == 3
    assert all(d.reason == Reason.RISK_ABOVE_THRESHOLD for e in episodes for d in e.decisions)


def flagged(episode: FinishedEpisode, steps: set[int], failed: bool) -> FinishedEpisode:
    reasons = [Reason.RISK_ABOVE_THRESHOLD if t in steps else Reason.SAFE for t in range(HORIZON)]
    return FinishedEpisode(
        tuple(replace(t, cost=float(failed and t.step == 2)) for t in episode.transitions),
        tuple(replace(d, reason=r) for d, r in zip(episode.decisions, reasons, strict=True)),
    )


def test_false_alarms_are_the_flagged_steps_of_harmless_episodes(bundle: ModelBundle) -> None:
    (episode,) = play([Line()], explorer(bundle), make(Monitor, bundle, 1.0), 1, seed=0)
    harmless = [flagged(episode, {0, 4}, failed=False), flagged(episode, set(), failed=False)]
    failing = flagged(episode, {0, 1, 2, 3}, failed=True)
    assert false_alarm_rate([*harmless, failing]) == pytest.approx(2 / 12)
    assert false_alarm_rate([failing]) is None


def test_a_meter_adds_up_one_term_over_all_episodes(bundle: ModelBundle) -> None:
    meter = TermMeter(Line(), "penalty")
    result = evaluate([meter], explorer(bundle), make(Monitor, bundle, 1.0), 10, seed=0)
    failures = round(10 * result.failure_rate)
    assert 0 < failures < 10
    assert meter.total == -5.0 * failures
    assert result.mean_return - meter.total / 10 == pytest.approx(2.0 * HORIZON)
    other = TermMeter(Line(), "no such term")
    evaluate([other], explorer(bundle), make(Monitor, bundle, 1.0), 2, seed=0)
    assert other.total == 0.0


def test_no_action_of_another_size_is_played(bundle: ModelBundle) -> None:
    line = Line()
    play([line], explorer(bundle), make(Monitor, bundle, 1.0), 1, seed=0)
    assert {action.shape for action in line.executed} == {(ACTION,)}
