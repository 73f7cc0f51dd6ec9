"""The state that franky reads as an ``ArmState`` message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from farl_interfaces.msg import ArmState
from geometry_msgs.msg import Quaternion, Vector3
from numpy.typing import NDArray

from farl_ros.arm.pose import Pose
from farl_ros.conversions import time_of

if TYPE_CHECKING:
    import franky

BASE_FRAME = "base"


@dataclass(frozen=True, slots=True)
class Measured:
    """One state of the arm, base frame.

    Attributes:
        time_ms: The robot's own clock [ms]; stands still when no new state comes.
        mode: Name of franky's ``RobotMode``.
        errors: libfranka's names of the active errors.
        pose: Of the end-effector.
        twist: Shape ``(6,)``, of the end-effector: from measured joint velocities [m/s, rad/s].
        message: The same and more, for the graph.
    """

    time_ms: int
    mode: str
    errors: tuple[str, ...]
    pose: Pose
    twist: NDArray[np.float64]
    message: ArmState


def measured(
    state: franky.RobotState, jacobian: NDArray[np.float64], joint_names: list[str], stamp_ns: int
) -> Measured:
    """Convert one state.

    Args:
        state: As franky read it.
        jacobian: Shape ``(6, 7)``, of the end-effector in the base frame, linear rows first.
        joint_names: Seven names.
        stamp_ns: When it was read [ns].
    """
    twist = jacobian @ state.dq
    pose = Pose(state.O_T_EE.translation, state.O_T_EE.quaternion)
    message = ArmState()
    message.header.stamp, message.header.frame_id = time_of(stamp_ns), BASE_FRAME
    message.joints.header = message.header
    message.joints.name = joint_names
    message.joints.position = state.q.tolist()
    message.joints.velocity = state.dq.tolist()
    message.joints.effort = state.tau_J.tolist()
    x, y, z = pose.position.tolist()
    message.end_effector_pose.position.x = x
    message.end_effector_pose.position.y = y
    message.end_effector_pose.position.z = z
    message.end_effector_pose.orientation = Quaternion(
        **dict(zip("xyzw", pose.quaternion.tolist(), strict=True))
    )
    message.end_effector_twist.linear = _vector(twist[:3])
    message.end_effector_twist.angular = _vector(twist[3:])
    # As the robot gives it: about the stiffness frame, in the base frame.
    message.external_wrench.force = _vector(state.O_F_ext_hat_K[:3])
    message.external_wrench.torque = _vector(state.O_F_ext_hat_K[3:])
    return Measured(
        state.time.to_msec(), state.robot_mode.name, error_names(state.current_errors), pose, twist, message
    )


def error_names(errors: franky.Errors) -> tuple[str, ...]:
    """The names of those that are active."""
    names = (name for name in dir(type(errors)) if not name.startswith("_"))
    return tuple(name for name in names if getattr(errors, name) is True)


def _vector(values: NDArray[np.float64]) -> Vector3:
    x, y, z = values.tolist()
    return Vector3(x=x, y=y, z=z)
