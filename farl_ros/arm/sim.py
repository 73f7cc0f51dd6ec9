"""The simulator's arm: commands go out as messages, and its measured state comes in as messages."""

from __future__ import annotations

import math
from types import TracebackType
from typing import Self

import numpy as np
from farl_interfaces.msg import Action, ArmState
from rclpy.node import Node

from farl.types import ActionSource
from farl_ros import qos
from farl_ros.arm.backend import ArmCommand, ArmError, FaultKind, StateListener
from farl_ros.conversions import action_message, time_of


class SimBackend:
    """Publishes ``arm_command``; listens to ``sim/arm_state``."""

    def __init__(self, node: Node, action_size: int, on_state: StateListener) -> None:
        self._zeros = np.zeros(action_size, np.float32)
        self._on_state = on_state
        self._state: ArmState | None = None
        self._commands = node.create_publisher(Action, "arm_command", qos.NEWEST)
        node.create_subscription(ArmState, "sim/arm_state", self._take, qos.STREAM)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to do: a simulated arm stands still without commands."""

    def state(self) -> ArmState | None:
        """The newest state from the simulator."""
        return self._state

    def command(self, command: ArmCommand) -> ArmCommand:
        """Publish the command."""
        self._commands.publish(
            action_message(
                command.values,
                command.source,
                command.log_prob,
                command.policy_version,
                time_of(command.stamp_ns),
            )
        )
        return command

    def hold(self, stamp_ns: int) -> ArmCommand:
        """Publish zero motion."""
        return self.command(ArmCommand(self._zeros, ActionSource.HOLD, stamp_ns, math.nan, 0))

    def stop(self) -> None:
        """Nothing to do: the simulated arm stops with its last command."""

    def recover(self, automatic: bool = False) -> None:
        """Nothing to do: the simulated arm has no faults."""

    def gripper(self, width: float) -> None:
        """The tasks have the gripper in their action, or none.

        Raises:
            ArmError: Always.
        """
        raise ArmError(
            FaultKind.MOTION_LIMIT, f"the simulated arm has no gripper of its own (asked for {width} m)"
        )

    def events(self) -> list[ArmError]:
        """No faults."""
        return []

    def _take(self, state: ArmState) -> None:
        self._state = state
        self._on_state(state)
