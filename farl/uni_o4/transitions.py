"""Episodes as single transitions with the reward that a policy is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import torch
from torch import Tensor

from farl.datasets import Episode
from farl.gae import advantages
from farl.types import Array


class RewardOf(StrEnum):
    """What a policy is judged by."""

    TASK = "task"  # the recorded reward, scaled
    SAFETY = "safety"  # −1 for the first violation: Q is −P(violation), discounted


@dataclass(frozen=True)
class Transitions:
    """M transitions, and of each the return of its episode from there on.

    Attributes:
        bounds: No value can be below or above.
        states: ``(M, O)``.
        actions: ``(M, A)``.
        rewards: In scaled units, ``(M,)``.
        following: States after the actions, ``(M, O)``.
        goes_on: 0 where the episode ends by itself with the transition, else 1, ``(M,)``.
        afterwards: What comes after such an end, ``(M,)``: the last reward for ever where success was held
            (no data says what comes then), else 0.
        returns: Discounted recorded rewards to the end of the episode, ``(M,)``.
        last_states: Last state of the transition's episode, ``(M, O)``.
        last_weight: Discount of that state's value in the return, ``(M,)``; 0 where the episode ended by
            itself.
    """

    bounds: tuple[float, float]
    states: Tensor
    actions: Tensor
    rewards: Tensor
    following: Tensor
    goes_on: Tensor
    afterwards: Tensor
    returns: Tensor
    last_states: Tensor
    last_weight: Tensor

    def __len__(self) -> int:
        """Number of transitions M."""
        return len(self.states)

    @classmethod
    def of(cls, episodes: Sequence[Episode], reward: RewardOf, scale: float, gamma: float) -> Transitions:
        """Take episodes apart.

        Args:
            episodes: With ``SAFETY`` they are read up to their first violation, and one without is taken to
                be safe for good: that is what recoveries are recorded for.
            reward: What counts.
            scale: Factor from environment reward to the value's units; a violation counts 1 in any units.
            gamma: Discount per agent step.
        """
        columns: list[list[Array]] = [[] for _ in range(9)]
        for episode in episodes:
            e = until_violation(episode) if reward == RewardOf.SAFETY else episode
            steps = len(e)
            rewards = (-e.costs if reward == RewardOf.SAFETY else e.rewards * scale).astype(np.float32)
            over = e.terminated or reward == RewardOf.SAFETY
            goes_on, afterwards = np.ones(steps, np.float32), np.zeros(steps, np.float32)
            goes_on[-1] = 0.0 if over else 1.0
            if over and reward == RewardOf.TASK and e.success:
                afterwards[-1] = rewards[-1] / (1.0 - gamma)
            returns = advantages(rewards, np.zeros_like(rewards), float(afterwards[-1]), gamma, 1.0)
            weight = goes_on[-1] * gamma ** np.arange(steps, 0, -1)
            states = e.observations
            last = np.broadcast_to(states[-1], (steps, states.shape[1]))
            rows = (states[:-1], e.actions, rewards, states[1:], goes_on, afterwards, returns, last, weight)
            for column, row in zip(columns, rows, strict=True):
                column.append(np.asarray(row, np.float32))
        tensors = [torch.from_numpy(np.concatenate(column)) for column in columns]
        least, most = float(tensors[2].min()) / (1.0 - gamma), float(tensors[2].max()) / (1.0 - gamma)
        return cls((-1.0, 0.0) if reward == RewardOf.SAFETY else (least, most), *tensors)


def until_violation(episode: Episode, steps: int | None = None) -> Episode:
    """The episode up to its first violation, that step included; of it the last ``steps`` only, if given."""
    end = int(np.argmax(episode.costs > 0)) + 1 if episode.failed else len(episode)
    start = 0 if steps is None else max(0, end - steps)
    if (start, end) == (0, len(episode)):
        return episode
    cut = end < len(episode)
    return replace(
        episode,
        observations=episode.observations[start : end + 1],
        actions=episode.actions[start:end],
        rewards=episode.rewards[start:end],
        costs=episode.costs[start:end],
        terminated=episode.terminated and not cut,
        truncated=episode.truncated or cut,
        success=episode.success and not cut,
    )
