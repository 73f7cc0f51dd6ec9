"""The one place that decides what a swapped step puts into PPO, and where an episode's return goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from farl.types import ActionSource, Array, Transition


class SwappedSteps(StrEnum):
    """What steps in which the shield swapped the action contribute to the policy loss."""

    EXECUTED = "executed"  # the executed action, its ratio starting at 1 (the paper)
    DROPPED = "dropped"  # nothing; they still count for the value and the advantages of earlier steps


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
        goes_on: Whether more could be earned after the last step, so that its value belongs to the return.
    """

    observations: Array
    last_observation: Array
    actions: Array
    log_probs: Array
    rewards: Array
    in_policy_loss: Array
    goes_on: bool

    def __len__(self) -> int:
        """Number of steps T."""
        return len(self.actions)


def episode_arrays(transitions: Sequence[Transition], swapped: SwappedSteps) -> EpisodeArrays:
    """Turn a finished episode into what PPO learns from.

    A step that executed the task policy's own proposal keeps the log-probability of that moment. A swapped
    step stores the executed action; its log-probability is left open (NaN) and taken from the policy just
    before the update, so that its ratio starts at 1. A step in which nobody chose (a watchdog, the fail-safe
    table) never enters the policy loss.

    A time-out cuts an episode whose return would go on, and so does a success that was held: both bootstrap
    from the value of the last state. Neither 0 nor the last reward for ever will do: the one teaches a policy
    to hover short of success, the other to rush through the goal (docs/experiments.md). Only an end by
    failure (where a task variant has it) ends the return.
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
        goes_on=last.success or not last.terminated,
    )
