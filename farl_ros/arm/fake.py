"""An arm in memory, for tests: it remembers what it was told, and fails when it is told to."""

from __future__ import annotations

import math
from types import TracebackType
from typing import Self

import numpy as np
from farl_interfaces.msg import ArmState
from geometry_msgs.msg import Quaternion

from farl.types import ActionSource
from farl_ros.arm.backend import ArmCommand, ArmError, StateListener
from farl_ros.conversions import time_of


class FakeBackend:
    """Reports a new state after every command; the end-effector goes to the target.

    Without one it moves by ``values`` times ``step``.
    """

    def __init__(self, action_size: int, on_state: StateListener) -> None:
        self.commands: list[ArmCommand] = []
        self.calls: list[str] = []
        self.fail_with: ArmError | None = None
        """Raised by every call that moves, and by ``recover``, until it is None again."""
        self.pending: list[ArmError] = []
        """Faults that the next ``events`` reports."""
        self.step = 1e-3
        """What an action of 1.0 moves the end-effector by [m]."""
        self._size, self._on_state = action_size, on_state
        self._state = ArmState()

    def __enter__(self) -> Self:
        self._do("connect")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.calls.append("disconnect")

    def state(self) -> ArmState | None:
        """The newest state."""
        return self._state

    def command(self, command: ArmCommand) -> ArmCommand:
        """Remember the command and move."""
        self._do("command")
        self.commands.append(command)
        pose = self._state.end_effector_pose
        position = pose.position
        if command.target is None:
            moved = [self.step * float(v) for v in command.values[:3]] + [0.0] * 3
            here = (position.x + moved[0], position.y + moved[1], position.z + moved[2])
        else:
            here = command.target.position.tolist()
            turned = command.target.quaternion.tolist()
            pose.orientation = Quaternion(**dict(zip("xyzw", turned, strict=True)))
        position.x, position.y, position.z = here
        self._report(command.stamp_ns)
        return command

    def hold(self, stamp_ns: int) -> ArmCommand:
        """Remember a command of zeros."""
        self._do("hold")
        command = ArmCommand(np.zeros(self._size, np.float32), ActionSource.HOLD, stamp_ns, math.nan, 0)
        self.commands.append(command)
        self._report(stamp_ns)
        return command

    def stop(self) -> None:
        """Remember the call."""
        self._do("stop")

    def recover(self, automatic: bool = False) -> None:
        """Remember the call."""
        self._do("recover automatically" if automatic else "recover")

    def gripper(self, width: float) -> None:
        """Remember the call."""
        self._do(f"gripper {width}")

    def events(self) -> list[ArmError]:
        """The faults in ``pending``, once."""
        faults, self.pending = self.pending, []
        return faults

    def _do(self, call: str) -> None:
        self.calls.append(call)
        if self.fail_with is not None:
            raise self.fail_with

    def _report(self, stamp_ns: int) -> None:
        self._state.header.stamp = time_of(stamp_ns)
        self._on_state(self._state)
