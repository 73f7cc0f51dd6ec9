"""The policy at work: observation in, proposal out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from farl.noise import exploration_noise
from farl.policy import FastPolicy
from farl.types import Array, Proposal


class Actor:
    """Proposes task actions; a proposal is a pure function of (weights, observation, seed, episode, step)."""

    def __init__(
        self, policy: FastPolicy, seed: int, horizon: int, version: int = 0, deterministic: bool = False
    ) -> None:
        self.policy = policy
        self.version = version
        self._seed, self._horizon, self._deterministic = seed, horizon, deterministic

    def load(self, policy: FastPolicy, version: int) -> None:
        """Use other weights from the next proposal on."""
        self.policy, self.version = policy, version

    def propose(self, observation: Array, episode: int, step: int) -> Proposal:
        """Sample the task policy in one state, shape ``(O,)``; ``step`` counts agent steps from the reset."""
        return self.propose_batch(observation[None], [episode], [step])[0]

    def propose_batch(
        self, observations: Array, episodes: Sequence[int], steps: Sequence[int]
    ) -> list[Proposal]:
        """Sample the task policy in a batch of states, shape ``(B, O)``, one per running episode."""
        means = self.policy.mean(observations)
        if self._deterministic:
            actions = means
        else:
            size = self.policy.action_size
            rows = [
                exploration_noise(self._seed, e, self._horizon, size)[min(s, self._horizon)]
                for e, s in zip(episodes, steps, strict=True)
            ]
            actions = np.clip(means + self.policy.std * np.stack(rows), -1.0, 1.0)
        log_probs = self.policy.log_prob(means, actions)
        return [Proposal(a, float(p), self.version) for a, p in zip(actions, log_probs, strict=True)]
