"""How good a policy is: whole episodes over the full horizon, alone or under the shield."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from farl.actor import Actor
from farl.rollout import Environment, FinishedEpisode, run_episodes
from farl.shield import Shield


@dataclass(frozen=True)
class Evaluation:
    """Means over episodes.

    Attributes:
        episodes: How many.
        mean_return: Mean undiscounted return.
        std_return: Its standard deviation over episodes.
        success_rate: Share of episodes that end in success.
        failure_rate: Share of episodes with a violation.
        recovery_share: Share of steps in which the recovery action was executed.
    """

    episodes: int
    mean_return: float
    std_return: float
    success_rate: float
    failure_rate: float
    recovery_share: float


def summarise(episodes: Sequence[FinishedEpisode]) -> Evaluation:
    """Average over finished episodes."""
    returns = [e.episode_return for e in episodes]
    steps = sum(len(e) for e in episodes)
    return Evaluation(
        episodes=len(episodes),
        mean_return=float(np.mean(returns)),
        std_return=float(np.std(returns)),
        success_rate=float(np.mean([e.success for e in episodes])),
        failure_rate=float(np.mean([e.failed for e in episodes])),
        recovery_share=sum(t.intervened for e in episodes for t in e.transitions) / steps,
    )


def evaluate(
    environments: Sequence[Environment], actor: Actor, shield: Shield, episodes: int, seed: int
) -> Evaluation:
    """Run ``episodes`` episodes.

    Args:
        environments: Made without a success end, one slot each.
        actor: Deterministic for the policy's mean action, else it explores.
        shield: Switched off for the policy alone.
        episodes: How many.
        seed: Episode k starts from ``episode_seed(seed, k)``.
    """
    started = 0

    def may_start(_: int) -> bool:
        nonlocal started
        started += 1
        return started <= episodes

    return summarise(list(run_episodes(environments, actor, shield, seed, 0, may_start)))
