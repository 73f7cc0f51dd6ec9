"""The learner: ratios, what the policy learns from, and resuming bit for bit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from farl.experience import SwappedSteps
from farl.learner import Learner
from farl.models import ModelBundle, ModelError, load_policy
from farl.presets import PPOSettings
from farl.types import ActionSource, Transition
from tests.farl.conftest import OBSERVATION, make_transitions

SETTINGS = PPOSettings(rollout_steps=40, epochs=2, minibatch=16, value_only_updates=1)


def weights(learner: Learner) -> dict[str, np.ndarray]:
    modules = {"policy": learner.policy, "value": learner.value}
    return {f"{n}.{k}": v.numpy().copy() for n, m in modules.items() for k, v in m.state_dict().items()}


def feed(learner: Learner, first: int, count: int, swapped: frozenset[int] = frozenset()) -> None:
    for episode in range(first, first + count):
        learner.add_episode(make_transitions(learner.policy, episode, 20, swapped))


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(a[k], b[k]) for k in a)


def test_first_updates_fit_the_value_and_leave_the_policy_alone(bundle: ModelBundle) -> None:
    learner = Learner(bundle, SETTINGS, seed=0)
    before = weights(learner)
    feed(learner, 0, 2)
    assert learner.wants_update
    learner.update()
    after = weights(learner)
    assert np.array_equal(before["policy.body.0.weight"], after["policy.body.0.weight"])
    assert not np.array_equal(before["value.body.0.weight"], after["value.body.0.weight"])
    feed(learner, 2, 2)
    stats = learner.update()
    assert not np.array_equal(after["policy.body.0.weight"], weights(learner)["policy.body.0.weight"])
    assert stats.policy_version == 2 and stats.steps == 40 and not learner.wants_update


def test_the_ratio_starts_at_one_for_own_and_for_swapped_steps(bundle: ModelBundle) -> None:
    """Before the first gradient step the KL divergence is nil, however improbable the executed actions."""
    one_step = replace(SETTINGS, rollout_steps=20, epochs=1, minibatch=20, value_only_updates=0)
    learner = Learner(bundle, one_step, seed=0)
    feed(learner, 0, 1, swapped=frozenset({1, 5, 6}))
    stats = learner.update()
    assert abs(stats.approx_kl) < 1e-5
    assert stats.clip_fraction == 0.0
    assert stats.swapped_share == pytest.approx(3 / 20)


def test_dropped_steps_do_not_reach_the_policy(bundle: ModelBundle) -> None:
    settings = replace(SETTINGS, swapped=SwappedSteps.DROPPED, value_only_updates=0, rollout_steps=20)
    other_action = []
    for shift in (0.0, 0.5):
        learner = Learner(bundle, settings, seed=0)
        transitions = make_transitions(learner.policy, 0, 20, frozenset({3}))
        moved = np.clip(transitions[3].executed + np.float32(shift), -1, 1)
        transitions[3] = replace(transitions[3], executed=moved)
        learner.add_episode(transitions)
        learner.update()
        other_action.append(weights(learner))
    assert same(*other_action)


def test_a_better_action_becomes_more_probable(bundle: ModelBundle) -> None:
    settings = PPOSettings(
        rollout_steps=200, epochs=4, minibatch=64, policy_rate=1e-2, value_only_updates=0, lam=0.0, gamma=0.0
    )
    learner = Learner(bundle, settings, seed=0)
    probe = torch.zeros(1, OBSERVATION)
    before = float(learner.policy.mean(probe)[0, 0].detach())
    for update in range(10):
        for episode in range(10):
            transitions: list[Transition] = make_transitions(learner.policy, 100 * update + episode, 20)
            learner.add_episode([replace(t, reward=10.0 * float(t.executed[0])) for t in transitions])
        learner.update()
    assert float(learner.policy.mean(probe)[0, 0].detach()) > before + 0.2


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_resuming_continues_bit_for_bit(bundle: ModelBundle, tmp_path: Path, stop_after: int) -> None:
    def play(learner: Learner, first: int, last: int) -> None:
        for episode in range(first, last):
            feed(learner, episode, 1, frozenset({episode % 7}))
            if learner.wants_update:
                learner.update()

    straight = Learner(bundle, SETTINGS, seed=7)
    play(straight, 0, 8)
    halted = Learner(bundle, SETTINGS, seed=7)
    play(halted, 0, stop_after)
    halted.save(tmp_path)
    resumed = Learner(bundle, SETTINGS, seed=7)
    resumed.load(tmp_path)
    assert resumed.buffered_steps == halted.buffered_steps
    play(resumed, stop_after, 8)
    assert same(weights(straight), weights(resumed))
    assert (resumed.policy_version, resumed.steps, resumed.episodes) == (4, 160, 8)


def test_a_diverged_update_is_refused(bundle: ModelBundle, tmp_path: Path) -> None:
    learner = Learner(bundle, SETTINGS, seed=0)
    transitions = make_transitions(learner.policy, 0, 40)
    learner.add_episode([replace(t, reward=float("nan")) for t in transitions])
    with pytest.raises(ModelError, match="not finite"):
        learner.update()
    with torch.no_grad():
        learner.policy.log_std.fill_(float("nan"))
    sha256 = learner.export_policy(tmp_path / "p.safetensors")
    with pytest.raises(ModelError, match="not finite"):
        load_policy(tmp_path / "p.safetensors", sha256)


def test_a_checkpoint_of_another_run_is_refused(bundle: ModelBundle, tmp_path: Path) -> None:
    Learner(bundle, SETTINGS, seed=1).save(tmp_path)
    with pytest.raises(ModelError, match="seed 1, this run has 2"):
        Learner(bundle, SETTINGS, seed=2).load(tmp_path)
    with pytest.raises(ModelError, match="settings"):
        Learner(bundle, replace(SETTINGS, clip=0.1), seed=1).load(tmp_path)


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_damaged_checkpoint_is_refused(bundle: ModelBundle, tmp_path: Path, cut: int) -> None:
    learner = Learner(bundle, SETTINGS, seed=1)
    learner.save(tmp_path)
    file = tmp_path / "learner.safetensors"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(ModelError, match=r"learner\.safetensors: its SHA-256"):
        learner.load(tmp_path)


def test_an_exported_policy_acts_as_the_trained_one(bundle: ModelBundle, tmp_path: Path) -> None:
    learner = Learner(bundle, SETTINGS, seed=1)
    sha256 = learner.export_policy(tmp_path / "policy.safetensors")
    loaded = load_policy(tmp_path / "policy.safetensors", sha256)
    observation = np.ones(OBSERVATION, np.float32)
    assert np.array_equal(loaded.mean(observation), learner.fast_policy().mean(observation))
    with pytest.raises(ModelError, match="SHA-256"):
        load_policy(tmp_path / "policy.safetensors", "0" * 64)


def held(transitions: list[Transition]) -> list[Transition]:
    """The same, but the arm stood still."""
    still = np.zeros_like(transitions[0].executed)
    return [replace(t, executed=still, source=ActionSource.HOLD) for t in transitions]


@pytest.mark.parametrize("own", [0, 1])
def test_where_nobody_chose_an_action_only_the_value_learns(bundle: ModelBundle, own: int) -> None:
    """No kept step has no mean, one alone no spread: neither may become a number that is none."""
    learner = Learner(bundle, replace(SETTINGS, value_only_updates=0, rollout_steps=20), seed=0)
    before = weights(learner)
    transitions = make_transitions(learner.policy, 0, 20)
    learner.add_episode([*transitions[:own], *held(transitions[own:])])
    stats = learner.update()
    after = weights(learner)
    assert all(np.isfinite(value).all() for value in after.values())
    assert np.isfinite([stats.policy_loss, stats.value_loss, stats.approx_kl]).all()
    assert not np.array_equal(before["value.body.0.weight"], after["value.body.0.weight"])
    unmoved = np.array_equal(before["policy.body.0.weight"], after["policy.body.0.weight"])
    assert unmoved == (own == 0)


def test_an_episode_that_is_only_counted_is_not_learnt_from(bundle: ModelBundle) -> None:
    learner = Learner(bundle, SETTINGS, seed=0)
    for episode in range(5):
        learner.count_episode(make_transitions(learner.policy, episode, 20))
    assert (learner.episodes, learner.steps, learner.buffered_steps) == (5, 100, 0)
    assert not learner.wants_update
