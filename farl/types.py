"""The values that pass between policy, shield and learner: one dataclass per hop, one enum per choice."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class ActionSource(IntEnum):
    """Who an action comes from; the numbers are those of ``farl_interfaces/msg/Action``."""

    TASK = 0
    RECOVERY = 1
    TELEOP = 2
    REPLAY = 3
    HOLD = 4


class EpisodeKind(IntEnum):
    """What an episode was recorded for; the numbers are those of ``farl_interfaces/msg/EpisodeEvent``."""

    TASK = 0
    RECOVERY = 1
    FAILURE = 2
    ONLINE = 3


class Reason(IntEnum):
    """Why the shield executes what it executes; the numbers are those of ``ShieldDecision``."""

    SAFE = 0
    RISK_ABOVE_THRESHOLD = 1
    RECOVERY_UNSAFE = 2
    SHIELD_OFF = 3
    FAILSAFE = 4


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the task policy would do in one state.

    Attributes:
        values: Action, shape ``(A,)``, each in [-1, 1].
        log_prob: log π_task(values | s) under the version that proposed it; NaN where no policy did.
        policy_version: Number of learner updates that the proposing policy has seen.
        source: Who proposes; TASK for the task policy.
    """

    values: Array
    log_prob: float
    policy_version: int
    source: ActionSource = ActionSource.TASK


@dataclass(frozen=True, slots=True)
class Decision:
    """What the shield decided for one state (Eq. 12), and why.

    Attributes:
        risk: Predicted risk of the proposed action over the horizon (Eq. 11); NaN without a shield.
        threshold: ε_safe that the risk was held against; NaN without a shield.
        step_risk: Predicted violation per look-ahead step 0..H, shape ``(H + 1,)``; empty without a shield.
        proposed: What the task policy proposed.
        executed: Action that is executed, shape ``(A,)``.
        source: Who the executed action comes from.
        reason: Why.
        latency_ms: Duration of the check [ms].
        model_hash: SHA-256 of the world model; empty without a shield.
    """

    risk: float
    threshold: float
    step_risk: Array
    proposed: Proposal
    executed: Array
    source: ActionSource
    reason: Reason
    latency_ms: float
    model_hash: str

    @property
    def intervened(self) -> bool:
        """Whether something else than the proposed action is executed."""
        return self.source != self.proposed.source


@dataclass(frozen=True, slots=True)
class Transition:
    """One control step as the learner sees it; shapes ``(O,)`` for observations and ``(A,)`` for actions."""

    episode: int
    step: int
    observation: Array
    proposed: Proposal
    executed: Array
    source: ActionSource
    reward: float
    cost: float
    next_observation: Array
    terminated: bool
    truncated: bool
    success: bool
    risk: float

    @property
    def intervened(self) -> bool:
        """Whether something else than the proposed action was executed."""
        return self.source != self.proposed.source

    @property
    def done(self) -> bool:
        """Whether the episode ends with this step."""
        return self.terminated or self.truncated
