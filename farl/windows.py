"""Windows of H + 1 steps cut from demonstrations, failures drawn on purpose more often than they happen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from farl.datasets import Episode


@dataclass(frozen=True)
class Batch:
    """B windows of L = H + 1 steps.

    Attributes:
        observations: ``(L + 1, B, O)``.
        actions: ``(L, B, A)``.
        rewards: ``(L, B)``, scaled.
        costs: ``(L, B)``.
        mask: ``(L, B)``: 1 up to and including the first violation and inside the episode, else 0.
    """

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    costs: Tensor
    mask: Tensor


class WindowSampler:
    """Draws windows; a share of each batch contains a violation."""

    def __init__(
        self,
        episodes: Sequence[Episode],
        horizon: int,
        reward_scale: float,
        failure_share: float,
        generator: np.random.Generator,
    ) -> None:
        self._length, self._share, self._generator = horizon + 1, failure_share, generator
        observations, actions, rewards, costs, masks = [], [], [], [], []
        self._with_failure: list[int] = []
        self._without: list[int] = []
        offset = 0
        for e in episodes:
            steps = len(e)
            violations = np.flatnonzero(e.costs > 0)
            last = int(violations[0]) if len(violations) else steps - 1
            padded = steps + self._length  # every start has a whole window; the mask hides the padding
            observations.append(np.pad(e.observations, ((0, self._length), (0, 0)), mode="edge"))
            actions.append(np.pad(e.actions, ((0, self._length + 1), (0, 0))))
            rewards.append(np.pad(e.rewards * reward_scale, (0, self._length + 1)))
            costs.append(np.pad(e.costs, (0, self._length + 1)))
            masks.append(np.pad(np.ones(last + 1), (0, padded + 1 - last - 1)))
            for start in range(last + 1):
                sees_it = len(violations) > 0 and start + self._length > last
                (self._with_failure if sees_it else self._without).append(offset + start)
            offset += padded + 1
        self._observations = torch.from_numpy(np.concatenate(observations).astype(np.float32))
        self._actions = torch.from_numpy(np.concatenate(actions).astype(np.float32))
        self._rewards = torch.from_numpy(np.concatenate(rewards).astype(np.float32))
        self._costs = torch.from_numpy(np.concatenate(costs).astype(np.float32))
        self._masks = torch.from_numpy(np.concatenate(masks).astype(np.float32))

    def sample(self, size: int) -> Batch:
        """Draw a batch of ``size`` windows."""
        failures = round(size * self._share) if self._with_failure else 0
        if not self._without:
            failures = size
        starts = np.concatenate(
            [
                self._generator.choice(self._with_failure, failures) if failures else np.empty(0, np.int64),
                self._generator.choice(self._without, size - failures)
                if failures < size
                else np.empty(0, np.int64),
            ]
        ).astype(np.int64)
        index = torch.from_numpy(starts)[None] + torch.arange(self._length + 1)[:, None]
        inner = index[:-1]
        return Batch(
            self._observations[index],
            self._actions[inner],
            self._rewards[inner],
            self._costs[inner],
            self._masks[inner],
        )
