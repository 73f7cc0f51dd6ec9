"""What differs between episodes, as a pure function of their number: resuming leaves no trace."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from farl.types import Array

_EXPLORATION, _EPISODE = 0x6E6F6973, 0x65706973  # stream names: the two uses never share random numbers


@lru_cache(maxsize=32)
def exploration_noise(seed: int, episode: int, horizon: int, action_size: int) -> Array:
    """Standard normal exploration noise of one whole episode.

    Args:
        seed: Seed of the run.
        episode: Number of the episode in the run, from 0.
        horizon: Longest episode [agent steps].
        action_size: Number of action dimensions A.

    Returns:
        Array of shape ``(horizon + 1, A)``, read-only; the last row answers a proposal on a final state.
    """
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, _EXPLORATION, episode])))
    noise = generator.standard_normal((horizon + 1, action_size), dtype=np.float32)
    noise.setflags(write=False)
    return noise


PLAY_ON_EVERY = 8
"""Every so many-th online episode is played on to the horizon, whatever it achieves."""


def plays_on(episode: int, every: int) -> bool:
    """Whether an episode goes on after a held success.

    Where every episode ended there, nothing would ever be seen of what comes after: a value that is guessed
    too low makes the policy hover short of success, one that is guessed too high makes it rush through the
    goal (docs/experiments.md).

    Args:
        episode: Number of the episode in the run, from 0.
        every: Every so many-th does, the last of each group; 0 for none.
    """
    return every > 0 and episode % every == every - 1


def episode_seed(seed: int, episode: int) -> int:
    """Seed for the environment's reset at the start of an episode, in [0, 2^32)."""
    return int(np.random.SeedSequence([seed, _EPISODE, episode]).generate_state(1)[0])
