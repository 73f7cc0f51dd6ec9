"""Where the arm's hand is now, asked from whatever publishes ``arm_state`` on this machine."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

import rclpy
from farl_interfaces.msg import ArmState
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from farl_ros import qos
from farl_ros.conversions import pose_of, stamp_ns
from farl_ros.sight.arm_poses import ArmPoses
from perception.calibration.hand_eye import CalibrationError
from perception.frame import Transform

STILL_M, STILL_S = 5e-4, 0.5
"""The hand stands still if it moves less than this [m] within this time [s]."""


class ArmListener:
    """A context manager that listens to the arm."""

    def __enter__(self) -> Self:
        self._context = Context()
        rclpy.init(args=[], context=self._context)
        self._node = Node("calibration", context=self._context, use_global_arguments=False)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._newest: ArmState | None = None
        self._node.create_subscription(ArmState, "arm_state", self._take, qos.NEWEST)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def pose(self) -> Transform:
        """Return base_from_hand (4, 4) of an arm that stands still.

        Raises:
            CalibrationError: Nobody tells, or the arm moves.
        """
        first, last = self._read(), self._read(after=STILL_S)
        moved = float(abs(first[:3, 3] - last[:3, 3]).max())
        if moved > STILL_M:
            raise CalibrationError(
                f"the hand moves ({1e3 * moved:.1f} mm in {STILL_S:g} s): wait until it stands"
            )
        return last

    def _read(self, after: float = 0.0) -> Transform:
        end = time.monotonic() + after
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.05)
        self._newest, deadline = None, time.monotonic() + 2.0
        while self._newest is None and time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=0.05)
        if self._newest is None:
            raise CalibrationError("nobody publishes arm_state: start franka_controller, then try again")
        try:
            poses, stamp = ArmPoses(0), stamp_ns(self._newest.header.stamp)
            poses.add(stamp, pose_of(self._newest.end_effector_pose))
        except ValueError as error:
            raise CalibrationError(f"arm_state: {error}") from error
        found = poses.at(stamp)
        assert found is not None
        return found

    def _take(self, state: ArmState) -> None:
        self._newest = state
