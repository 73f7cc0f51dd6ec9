"""Generalised advantage estimation over whole episodes."""

from __future__ import annotations

import numpy as np

from farl.types import Array


def advantages(rewards: Array, values: Array, bootstrap: float, gamma: float, lam: float) -> Array:
    """GAE(γ, λ) of one episode.

    Args:
        rewards: Scaled rewards, shape ``(T,)``.
        values: V of the states that the actions were taken in, shape ``(T,)``.
        bootstrap: V of the state after the last action; 0 only where nothing more can be earned from there.
        gamma: Discount per agent step.
        lam: λ, trade-off between bias and variance.

    Returns:
        Advantages, shape ``(T,)``.
    """
    result = np.empty_like(rewards, dtype=np.float32)
    following, running = bootstrap, 0.0
    for t in range(len(rewards) - 1, -1, -1):
        delta = float(rewards[t]) + gamma * following - float(values[t])
        running = delta + gamma * lam * running
        result[t] = running
        following = float(values[t])
    return result
