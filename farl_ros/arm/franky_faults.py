"""What kind of fault it is: from franky's exceptions and the robot's state; and who may clear it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from farl_ros.arm.backend import FaultKind

# libfranka's names of errors (franka::Errors). What is in none of these lists (power limit, instability,
# safety functions, a base that moves) needs a person and is OTHER.
CONTACT = ("joint_reflex", "cartesian_reflex", "tau_j_range_violation")
COMMUNICATION = ("communication_constraints_violation",)
MOTION = (
    "joint_position_limits_violation",
    "joint_velocity_violation",
    "cartesian_position_limits_violation",
    "cartesian_velocity_violation",
    "self_collision_avoidance_violation",
    "max_goal_pose_deviation_violation",
    "max_path_pose_deviation_violation",
    "controller_torque_discontinuity",
    "joint_move_in_wrong_direction",
    "start_elbow_sign_inconsistent",
)
MOTION_PREFIXES = (
    "joint_motion_generator_",
    "cartesian_motion_generator_",
    "cartesian_position_motion_generator_",
)

RECOVERABLE = (FaultKind.REFLEX, FaultKind.MOTION_LIMIT)
"""What may be cleared without a person."""

# Texts of libfranka and franky; they come in exceptions of several types.
_TEXTS = (
    (re.compile(r"incompatible library version", re.IGNORECASE), FaultKind.VERSION),
    (re.compile(r"user stop", re.IGNORECASE), FaultKind.USER_STOP),
    (re.compile(r"Net Exception|UDP |TCP |[Cc]onnection|Host not found|multiple motions"), FaultKind.NETWORK),
    (re.compile(r"realtime|real-time", re.IGNORECASE), FaultKind.COMMUNICATION),
    (re.compile(r"Motion planner failed|limit"), FaultKind.MOTION_LIMIT),
)
_QUOTED = re.compile(r'"(\w+)"')
PREEMPTED = "Move command preempted"
"""In the exception of a motion that ``stop`` ended: no fault."""


def kind_of_errors(names: Iterable[str]) -> FaultKind | None:
    """The most serious kind among libfranka's names of active errors; None without errors."""
    kinds = {_kind_of_name(name) for name in names}
    for kind in (FaultKind.OTHER, FaultKind.COMMUNICATION, FaultKind.REFLEX, FaultKind.MOTION_LIMIT):
        if kind in kinds:
            return kind
    return None


def kind_of_message(message: str) -> FaultKind:
    """The kind of an exception, by its text: franky does not keep the types apart (``Net Exception``)."""
    named = kind_of_errors(name for name in _QUOTED.findall(message) if "_" in name)
    if named is not None:
        return named
    return next((kind for pattern, kind in _TEXTS if pattern.search(message)), FaultKind.OTHER)


def _kind_of_name(name: str) -> FaultKind:
    if name in CONTACT:
        return FaultKind.REFLEX
    if name in COMMUNICATION:
        return FaultKind.COMMUNICATION
    if name in MOTION or name.startswith(MOTION_PREFIXES):
        return FaultKind.MOTION_LIMIT
    return FaultKind.OTHER


@dataclass
class RecoveryBudget:
    """How often a fault may be cleared without a person.

    Attributes:
        most: Automatic recoveries within ``window``.
        window: How long one counts [s].
    """

    most: int = 3
    window: float = 60.0
    _times: deque[float] = field(default_factory=deque)

    def refusal(self, kind: FaultKind, now: float) -> str:
        """Why this fault waits for a person at the time ``now`` [s]; empty if it may be cleared."""
        if kind not in RECOVERABLE:
            return f"a {kind} fault is never cleared automatically"
        while self._times and now - self._times[0] > self.window:
            self._times.popleft()
        if len(self._times) >= self.most:
            return f"{len(self._times)} automatic recoveries in {self.window:g} s are enough"
        return ""

    def spend(self, now: float) -> None:
        """Count one."""
        self._times.append(now)

    def reset(self) -> None:
        """A person has looked."""
        self._times.clear()
