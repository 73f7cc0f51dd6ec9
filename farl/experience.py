"""The one place that decides what a swapped step puts into PPO, and where an episode's return goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np

from farl.types import ActionSource, Array, Transition


class SwappedSteps(StrEnum):
    """What steps in which the shield swapped the action contribute to the policy loss."""

    EXECUTED = "executed"  # the executed action, its ratio starting at 1 (the paper)
    DROPPED = "dropped"  # nothing; they still count for the value and the advantages of earlier steps


class End(IntEnum):
    """What comes after the last step of an episode, for its return."""

    GOES_ON = 0  # a time-out cut it: the value of the last state
    HELD = 1  # success was held: its reward would be earned for ever
    OVER = 2  # nothing more can be earned


@dataclass(frozen=True)
class EpisodeArrays:
    """One finished episode of T steps, as the learner keeps it.

    Attributes:
        observations: ``(T, O)``.
        last_observation: ``(O,)``, after the last action.
        actions: Executed actions, ``(T, A)``.
        log_probs: log π_task(executed | s) under the acting policy, ``(T,)``; NaN where it was not the
            proposer.
        rewards: ``(T,)``, unscaled.
        in_policy_loss: ``(T,)``: 1 where the step enters the policy loss, else 0.
        end: What comes after the last step.
    """

    observations: Array
    last_observation: Array
    actions: Array
    log_probs: Array
    rewards: Array
    in_policy_loss: Array
    end: End

    def __len__(self) -> int:
        """Number of steps T."""
        return len(self.actions)


def episode_arrays(transitions: Sequence[Transition], swapped: SwappedSteps) -> EpisodeArrays:
    """Turn a finished episode into what PPO learns from.

    A step that executed the task policy's own proposal keeps the log-probability of that moment. A swapped
    step stores the executed action; its log-probability is left open (NaN) and taken from the policy just
    before the update, so that its ratio starts at 1. A step in which nobody chose (a watchdog, the fail-safe
    table) never enters the policy loss.

    A time-out cuts an episode whose return would go on. So does a success that was held: nothing was ever
    seen after it, so that the value there is a guess; as a guess that is too low teaches a policy to hover
    short of success (docs/experiments.md), the last reward is taken to go on. Only an end by failure (where a
    task variant has it) ends the return.
    """
    own = np.array([t.source == ActionSource.TASK for t in transitions])
    recovery = np.array([t.source == ActionSource.RECOVERY for t in transitions])
    last = transitions[-1]
    return EpisodeArrays(
        observations=np.stack([t.observation for t in transitions]).astype(np.float32),
        last_observation=np.asarray(last.next_observation, np.float32),
        actions=np.stack([t.executed for t in transitions]).astype(np.float32),
        log_probs=np.where(own, [t.proposed.log_prob for t in transitions], np.nan).astype(np.float32),
        rewards=np.array([t.reward for t in transitions], np.float32),
        in_policy_loss=(own if swapped == SwappedSteps.DROPPED else own | recovery).astype(np.float32),
        end=_end(last),
    )


def _end(last: Transition) -> End:
    if last.terminated:
        return End.HELD if last.success else End.OVER
    return End.GOES_ON
