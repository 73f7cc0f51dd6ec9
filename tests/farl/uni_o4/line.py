"""A made-up task for the tests: a point on a line is pushed, and near zero is good."""

from __future__ import annotations

import numpy as np

from farl.datasets import Episode
from farl.types import EpisodeKind

STEPS = 20


def step(state: np.ndarray, action: np.ndarray) -> np.ndarray:
    """State (position, velocity, a constant) after a push."""
    velocity = 0.5 * state[1] + 0.2 * float(action[0])
    return np.array([state[0] + velocity, velocity, 7.0], np.float32)


def line_episodes(
    count: int, seed: int, gain: float = 1.0, noise: float = 0.3, kind: EpisodeKind = EpisodeKind.TASK
) -> list[Episode]:
    """Episodes of a noisy controller a = −gain · position; the second action dimension is always 1."""
    episodes = []
    for index in range(count):
        random = np.random.default_rng([seed, index])
        states = [np.array([random.uniform(-1, 1), 0.0, 7.0], np.float32)]
        actions = []
        for _ in range(STEPS):
            push = np.clip(-gain * states[-1][0] + noise * random.standard_normal(), -1, 1)
            actions.append(np.array([push, 1.0], np.float32))
            states.append(step(states[-1], actions[-1]))
        rewards = np.array([1.0 - abs(s[0]) for s in states[1:]], np.float32)
        costs = np.array([float(abs(s[0]) > 1.5) for s in states[1:]], np.float32)
        observations = np.stack(states)
        done = np.stack(actions)
        episodes.append(
            Episode(kind, observations, done, rewards, costs, False, True, rewards[-1] > 0.9, index)
        )
    return episodes
