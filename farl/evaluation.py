"""How good a policy is: whole episodes, alone, under the shield, or with the shield only watching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from farl.actor import Actor
from farl.rollout import Environment, FinishedEpisode, run_episodes
from farl.shield import Shield
from farl.types import Array, Decision, Proposal, Reason


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


def play(
    environments: Sequence[Environment], actor: Actor, shield: Shield, episodes: int, seed: int
) -> list[FinishedEpisode]:
    """Run ``episodes`` episodes.

    Args:
        environments: One slot each; an evaluation's are made without a success end.
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

    return list(run_episodes(environments, actor, shield, seed, 0, may_start))


def evaluate(
    environments: Sequence[Environment], actor: Actor, shield: Shield, episodes: int, seed: int
) -> Evaluation:
    """Run episodes as ``play`` does, and average over them."""
    return summarise(play(environments, actor, shield, episodes, seed))


class Monitor(Shield):
    """A shield that only watches: it foretells the risk of every proposal, and the proposal is executed."""

    def check_batch(self, observations: Array, proposals: Sequence[Proposal]) -> list[Decision]:
        """Judge a batch as the shield does; the reason says what it would have done."""
        return [
            replace(decision, executed=decision.proposed.values, source=decision.proposed.source)
            for decision in super().check_batch(observations, proposals)
        ]


def false_alarm_rate(episodes: Sequence[FinishedEpisode]) -> float | None:
    """Share of the steps of failure-free episodes that a ``Monitor`` flagged; None if all episodes failed."""
    harmless = [decision for e in episodes if not e.failed for decision in e.decisions]
    if not harmless:
        return None
    return sum(decision.reason == Reason.RISK_ABOVE_THRESHOLD for decision in harmless) / len(harmless)


class TermMeter:
    """An environment that adds up one named term of the reward (``info["reward_terms"]``).

    Attributes:
        total: Sum of the term over all steps so far; 0 where the task has no such term.
    """

    def __init__(self, environment: Environment, term: str) -> None:
        """Watch an environment."""
        self._environment, self._term = environment, term
        self.total = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start an episode."""
        return self._environment.reset(seed=seed, options=options)

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Execute one action."""
        outcome = self._environment.step(action)
        self.total += float(outcome[4]["reward_terms"].get(self._term, 0.0))
        return outcome
