"""The online loop on a small environment: order, numbering, limits and the update rule."""

from typing import Any

import numpy as np
import pytest

from farl.actor import Actor
from farl.finetuning import Limit, finetune
from farl.learner import Learner
from farl.models import ModelBundle
from farl.policy import FastPolicy
from farl.presets import PPOSettings
from farl.rollout import FinishedEpisode
from farl.shield import Shield, ShieldSettings
from tests.farl.conftest import OBSERVATION

HORIZON = 12


class Drift:
    """A point that drifts with the action; an episode is a pure function of (seed, actions)."""

    def __init__(self) -> None:
        self.resets: list[int] = []
        self.played_on: list[bool] = []

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        assert seed is not None
        self.resets.append(seed)
        self.played_on.append(options is not None and options["play_on"])
        generator = np.random.default_rng(seed)
        self.state = generator.standard_normal(OBSERVATION).astype(np.float32)
        self.left = int(generator.integers(5, HORIZON + 1))
        return self.state, {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.state = (0.9 * self.state + np.tile(action, 3)).astype(np.float32)
        self.left -= 1
        cost = float(self.state[0] > 1.5)
        return (
            self.state,
            float(-np.abs(self.state[0])),
            False,
            self.left == 0,
            {"cost": cost, "success": False},
        )


def run(
    bundle: ModelBundle,
    limit: Limit,
    environments: int = 1,
    seed: int = 0,
    worlds: list[Drift] | None = None,
) -> tuple[list[FinishedEpisode], Learner]:
    settings = PPOSettings(rollout_steps=30, epochs=1, minibatch=16, value_only_updates=0)
    learner = Learner(bundle, settings, seed)
    policy = learner.fast_policy()
    shield = Shield(
        ShieldSettings(horizon=3, threshold=1.6),
        policy,
        FastPolicy.of(bundle.recovery_policy),
        bundle.world_model,
        "",
    )
    episodes: list[FinishedEpisode] = []
    finetune(
        [Drift() for _ in range(environments)] if worlds is None else worlds,
        learner,
        Actor(policy, seed, HORIZON),
        shield,
        seed,
        limit,
        episodes.append,
        lambda stats: None,
    )
    return episodes, learner


@pytest.mark.parametrize("environments", [1, 3])
def test_every_episode_is_played_by_one_policy_version(bundle: ModelBundle, environments: int) -> None:
    episodes, learner = run(bundle, Limit(steps=200), environments)
    versions = [{t.proposed.policy_version for t in e.transitions} for e in episodes]
    assert all(len(v) == 1 for v in versions)
    assert sorted(e.episode for e in episodes) == list(range(len(episodes)))
    assert learner.policy_version >= 4
    steps = {}
    for version, episode in zip(versions, episodes, strict=True):
        steps[next(iter(version))] = steps.get(next(iter(version)), 0) + len(episode)
    full = [steps[v] for v in range(learner.policy_version)]
    assert min(full) >= 30
    assert max(full) < 30 + environments * HORIZON


def test_every_eighth_episode_is_played_on(bundle: ModelBundle) -> None:
    world = Drift()
    run(bundle, Limit(episodes=20), worlds=[world])
    assert [i for i, on in enumerate(world.played_on) if on] == [7, 15]


def test_limits_end_the_run_with_whole_episodes(bundle: ModelBundle) -> None:
    episodes, learner = run(bundle, Limit(episodes=7))
    assert len(episodes) == 7 == learner.episodes
    episodes, learner = run(bundle, Limit(steps=50))
    assert learner.steps == sum(len(e) for e in episodes) >= 50
    assert learner.steps - len(episodes[-1]) < 50
    with pytest.raises(ValueError, match="limit of at least 1"):
        Limit()
    with pytest.raises(ValueError, match="at least 1"):
        Limit(steps=0)


def test_the_same_seed_gives_the_same_run_and_another_does_not(bundle: ModelBundle) -> None:
    first, second, other = (run(bundle, Limit(steps=150), seed=s)[0] for s in (4, 4, 5))
    assert {t.intervened for e in first for t in e.transitions} == {True, False}
    for a, b in zip(first, second, strict=True):
        assert [t.reward for t in a.transitions] == [t.reward for t in b.transitions]
        assert all(
            np.array_equal(s.executed, t.executed) for s, t in zip(a.transitions, b.transitions, strict=True)
        )
    assert [t.reward for t in first[0].transitions] != [t.reward for t in other[0].transitions]


def test_transitions_chain_and_carry_what_was_executed(bundle: ModelBundle) -> None:
    episodes, _ = run(bundle, Limit(episodes=5))
    for episode in episodes:
        for step, (transition, decision) in enumerate(
            zip(episode.transitions, episode.decisions, strict=True)
        ):
            assert transition.step == step
            assert np.array_equal(transition.executed, decision.executed)
            assert transition.observation.dtype == transition.executed.dtype == np.float32
            if step:
                assert np.array_equal(episode.transitions[step - 1].next_observation, transition.observation)
        assert [t.done for t in episode.transitions] == [False] * (len(episode) - 1) + [True]
