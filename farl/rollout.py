"""Episodes without ROS: a plain loop over environments, batched only where policy and shield are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from farl.actor import Actor
from farl.noise import episode_seed, plays_on
from farl.shield import Shield
from farl.types import Array, Decision, Transition

PLAY_ON = {"play_on": True}


class Environment(Protocol):
    """What the loop needs of a Gymnasium environment."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start an episode; ``PLAY_ON`` among the options takes the success end away from it."""

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Execute one action."""


@dataclass(frozen=True)
class FinishedEpisode:
    """One whole online episode: its transitions, and the shield's decision behind each."""

    transitions: tuple[Transition, ...]
    decisions: tuple[Decision, ...]

    def __len__(self) -> int:
        """Number of agent steps."""
        return len(self.transitions)

    @property
    def episode(self) -> int:
        """Number in the run."""
        return self.transitions[0].episode

    @property
    def failed(self) -> bool:
        """Whether any step violated the failure set."""
        return any(t.cost > 0 for t in self.transitions)

    @property
    def success(self) -> bool:
        """Success at the end."""
        return self.transitions[-1].success

    @property
    def episode_return(self) -> float:
        """Sum of rewards, unscaled and undiscounted."""
        return float(sum(t.reward for t in self.transitions))


@dataclass
class _Slot:
    """One environment and the episode that runs in it."""

    environment: Environment
    episode: int = -1
    observation: Array = field(default_factory=lambda: np.empty(0, np.float32))
    transitions: list[Transition] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)


def transition_of(
    episode: int,
    step: int,
    observation: Array,
    decision: Decision,
    outcome: tuple[Array, float, bool, bool, dict[str, Any]],
) -> Transition:
    """Put the two ends of a step together; everything is float32 at this border, as it is in the messages."""
    following, reward, terminated, truncated, info = outcome
    return Transition(
        episode=episode,
        step=step,
        observation=observation,
        proposed=decision.proposed,
        executed=decision.executed,
        source=decision.source,
        reward=float(np.float32(reward)),
        cost=float(np.float32(info["cost"])),
        next_observation=following,
        terminated=terminated,
        truncated=truncated,
        success=bool(info["success"]),
        risk=decision.risk,
    )


def run_episodes(
    environments: Sequence[Environment],
    actor: Actor,
    shield: Shield,
    seed: int,
    first_episode: int,
    may_start: Callable[[int], bool],
    play_on_every: int = 0,
) -> Iterator[FinishedEpisode]:
    """Run episodes until no new one may start and all have ended.

    Args:
        environments: One slot each.
        actor: Proposes.
        shield: Decides.
        seed: Seed of the run; episode k starts from ``episode_seed(seed, k)``.
        first_episode: Number of the next episode.
        may_start: Asked before each start with the steps of the episodes that are still running.
        play_on_every: Every so many-th episode goes on after a held success; 0 for none.

    Yields:
        Finished episodes, in the order of their ends.
    """
    free = [_Slot(e) for e in environments]
    running: list[_Slot] = []
    next_episode = first_episode
    while True:
        while free and may_start(sum(len(s.transitions) for s in running)):
            slot = free.pop(0)
            slot.episode, next_episode = next_episode, next_episode + 1
            options = PLAY_ON if plays_on(slot.episode, play_on_every) else None
            slot.observation, _ = slot.environment.reset(
                seed=episode_seed(seed, slot.episode), options=options
            )
            slot.transitions, slot.decisions = [], []
            running.append(slot)
        if not running:
            return
        observations = np.stack([s.observation for s in running])
        steps = [len(s.transitions) for s in running]
        proposals = actor.propose_batch(observations, [s.episode for s in running], steps)
        decisions = shield.check_batch(observations, proposals)
        for slot, step, decision in zip(list(running), steps, decisions, strict=True):
            outcome = slot.environment.step(decision.executed)
            transition = transition_of(slot.episode, step, slot.observation, decision, outcome)
            slot.transitions.append(transition)
            slot.decisions.append(decision)
            slot.observation = outcome[0]
            if transition.done:
                running.remove(slot)
                free.append(slot)
                yield FinishedEpisode(tuple(slot.transitions), tuple(slot.decisions))
