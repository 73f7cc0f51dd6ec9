"""Which states an exploring policy visits without a shield, and what the shield would have said there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farl.actor import Actor
from farl.branches import ResumableEnvironment
from farl.noise import episode_seed
from farl.policy import FastPolicy
from farl.shield import Shield
from farl.types import Array, Proposal

_RESAMPLED = 0x72657361  # stream name, see farl.noise


@dataclass(frozen=True)
class VisitedEpisode:
    """The states of one unshielded episode before its first violation, T of them.

    Attributes:
        number: Of the episode, from 0.
        observations: ``(T, O)``.
        actions: Sampled and executed, ``(T, A)``.
        flagged: Whether the shield would have swapped them, ``(T,)``.
        moments: Snapshots, T.
        violation: Whether the last of these states' actions violated: its step, T − 1; None without one.
    """

    number: int
    observations: Array
    actions: Array
    flagged: NDArray[np.bool_]
    moments: tuple[Any, ...]
    violation: int | None

    def foretold(self, horizon: int) -> bool:
        """Whether one of the last H states before the violating step was flagged; False without one."""
        if self.violation is None:
            return False
        return bool(self.flagged[max(self.violation - horizon, 0) : self.violation].any())

    def risk_probabilities(
        self, shield: Shield, policy: FastPolicy, seed: int, actions: int, every: int
    ) -> list[float]:
        """p_risk(s) in every so many-th state, from as many actions drawn anew in each."""
        steps = range(0, len(self.actions), every)
        drawn = [resample(policy, self.observations[t], actions, seed, self.number, t) for t in steps]
        seen = np.repeat(self.observations[::every], actions, axis=0)
        at_risk = flags(shield, seen, np.concatenate(drawn))
        return [float(p) for p in at_risk.reshape(-1, actions).mean(1)]


def flags(shield: Shield, observations: Array, actions: Array) -> NDArray[np.bool_]:
    """Whether the shield would swap each action, ``(B,)``, of actions ``(B, A)`` at states ``(B, O)``."""
    nothing = float("nan")
    decisions = shield.check_batch(observations, [Proposal(a, nothing, 0) for a in actions])
    return np.array([d.intervened for d in decisions], np.bool_)


def resample(policy: FastPolicy, observation: Array, count: int, seed: int, episode: int, step: int) -> Array:
    """Other actions of the policy in one state, shape ``(K, A)``; a pure function of the arguments."""
    generator = np.random.default_rng([seed, _RESAMPLED, episode, step])
    noise = generator.standard_normal((count, policy.action_size), dtype=np.float32)
    return np.asarray(np.clip(policy.mean(observation) + policy.std * noise, -1.0, 1.0), np.float32)


def visit(
    environment: ResumableEnvironment, explorer: Actor, shield: Shield, seed: int, number: int, longest: int
) -> VisitedEpisode:
    """Explore one episode without a shield, and ask the shield about all its states afterwards.

    Args:
        environment: Plays.
        explorer: Proposes; everything that it proposes is executed.
        shield: Switched on; only asked.
        seed: The episode starts from ``episode_seed(seed, number)``.
        number: Of the episode.
        longest: Longest episode [agent steps].
    """
    observation, _ = environment.reset(seed=episode_seed(seed, number))
    observations, actions, moments = [], [], []
    violation = None
    for step in range(longest):
        observations.append(observation)
        moments.append(environment.snapshot())
        actions.append(explorer.propose(observation, number, step).values)
        observation, _, terminated, truncated, info = environment.step(actions[-1])
        if info["cost"] > 0.0:
            violation = step
        if violation is not None or terminated or truncated:
            break
    seen, done = np.stack(observations), np.stack(actions)
    return VisitedEpisode(number, seen, done, flags(shield, seen, done), tuple(moments), violation)
