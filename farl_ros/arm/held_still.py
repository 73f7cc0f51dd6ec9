"""Shadow mode: an arm that everything is said to and that never moves."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from farl_interfaces.msg import ArmState

from farl_ros.arm.backend import ArmBackend, ArmCommand, ArmError


class HeldStill:
    """An ``ArmBackend`` around another one: each command becomes ``hold``; the gripper is not asked at all.

    It is the last thing before the arm, so that shadow mode depends on nothing that is decided before.

    Attributes:
        arm: The other one.
    """

    def __init__(self, arm: ArmBackend) -> None:
        self.arm = arm

    def __enter__(self) -> Self:
        self.arm.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stand still and disconnect."""
        self.arm.__exit__(kind, error, trace)

    def state(self) -> ArmState | None:
        """The newest measured state."""
        return self.arm.state()

    def command(self, command: ArmCommand) -> ArmCommand:
        """Stand still instead; returns the holding that was sent."""
        return self.arm.hold(command.stamp_ns)

    def hold(self, stamp_ns: int) -> ArmCommand:
        """Stand still."""
        return self.arm.hold(stamp_ns)

    def stop(self) -> None:
        """Stand still at once."""
        self.arm.stop()

    def recover(self, automatic: bool = False) -> None:
        """Clear a fault."""
        self.arm.recover(automatic)

    def gripper(self, width: float) -> None:
        """Leave the gripper as it is."""

    def events(self) -> list[ArmError]:
        """Faults since the last call."""
        return self.arm.events()
