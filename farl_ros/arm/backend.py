"""What the controller needs of an arm, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from farl_interfaces.msg import ArmState

from farl.types import ActionSource, Array
from farl_ros.arm.pose import Pose


class FaultKind(StrEnum):
    """Why an arm refuses to move."""

    REFLEX = "reflex"  # a contact or a torque limit stopped it
    MOTION_LIMIT = "motion_limit"  # the command asked for more than the robot may do
    COMMUNICATION = "communication"  # packets lost or late
    USER_STOP = "user_stop"
    NETWORK = "network"  # not reachable
    VERSION = "version"  # library and robot do not speak the same protocol
    OTHER = "other"  # none of these


class ArmError(RuntimeError):
    """The arm cannot do what it was told."""

    def __init__(self, kind: FaultKind, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


@dataclass(frozen=True, slots=True)
class ArmCommand:
    """One action for one control period.

    Attributes:
        values: Shape ``(A,)``, finite, in [-1, 1]; the backend scales it to a Cartesian motion.
        source: Who it comes from.
        stamp_ns: Stamp of the state that it answers [ns].
        log_prob: Of ``values`` under the task policy; NaN where it did not propose them.
        policy_version: Of the task policy.
        target: Where the end-effector is to be one control period from now, as the command chain allows it;
            None where the backend makes the motion of ``values`` itself.
    """

    values: Array
    source: ActionSource
    stamp_ns: int
    log_prob: float
    policy_version: int
    target: Pose | None = None


StateListener = Callable[[ArmState], None]
"""Called with every new measured state; ``mode`` and ``fault`` are the controller's to fill in."""


class ArmBackend(Protocol):
    """One arm. A context manager: entering connects, leaving stands still and disconnects."""

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            ArmError: There is no such arm, or it refuses.
        """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stand still and disconnect."""

    def state(self) -> ArmState | None:
        """The newest measured state; None before the first."""

    def command(self, command: ArmCommand) -> ArmCommand:
        """Start the motion; returns what was really sent.

        Raises:
            ArmError: The arm refused; it stands still.
        """

    def hold(self, stamp_ns: int) -> ArmCommand:
        """Stand still where the arm is measured to be, in answer to a state; returns what was sent.

        Raises:
            ArmError: The arm did not confirm it.
        """

    def stop(self) -> None:
        """End the motion as fast as the arm can.

        Raises:
            ArmError: The arm did not confirm it.
        """

    def recover(self, automatic: bool = False) -> None:
        """Clear a fault, once; where the arm is measured to be then is where it may go on from.

        Args:
            automatic: Nobody has looked. Only a few reflexes and motion limits in a row may be cleared so.

        Raises:
            ArmError: The fault is still there, or it needs a person.
        """

    def gripper(self, width: float) -> None:
        """Open or close the gripper to a width [m].

        Raises:
            ArmError: There is none, or it refuses.
        """

    def events(self) -> list[ArmError]:
        """Faults since the last call."""
