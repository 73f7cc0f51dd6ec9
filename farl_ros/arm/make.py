"""From parameters to an arm: which backend, on which robot, behind which chain."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.node import Node

from farl_ros.arm.backend import ArmBackend, BackendName, StateListener
from farl_ros.arm.command_chain import ChainSettings
from farl_ros.arm.fake import FakeBackend
from farl_ros.arm.franky import FrankyBackend
from farl_ros.arm.franky_options import FrankyOptions, MotionMode
from farl_ros.arm.robots import Gripper, load_robot
from farl_ros.arm.sim import SimBackend
from farl_ros.task_spec import TaskSpec


@dataclass(frozen=True, slots=True)
class ArmRequest:
    """The controller's parameters about its arm.

    Attributes:
        backend: Name of the backend.
        robot: Robot name or YAML file; for a real arm.
        host: Name or address of the robot; for a real arm.
        motion: How a target becomes a motion; for a real arm.
        enforce_real_time: Whether a kernel without real-time scheduling is refused; for a real arm.
    """

    backend: str
    robot: str
    host: str
    motion: str
    enforce_real_time: bool


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm, not yet connected.

    Attributes:
        backend: The arm itself.
        chain: What its commands go through; None where it takes actions as they are.
        gripper: Its hand; None where the backend makes the gripper's part of an action itself.
    """

    backend: ArmBackend
    chain: ChainSettings | None = None
    gripper: Gripper | None = None


def make_arm(request: ArmRequest, node: Node, spec: TaskSpec, on_state: StateListener) -> Arm:
    """Make what the request names.

    Args:
        request: What is wanted.
        node: Whose publishers and subscriptions a simulated arm uses.
        spec: The task.
        on_state: Called with every measured state.

    Raises:
        ValueError: There is no such backend, robot or motion, or the host is missing.
    """
    if request.backend == BackendName.SIM:
        return Arm(SimBackend(node, spec.action_size, on_state))
    if request.backend == BackendName.FAKE:
        return Arm(FakeBackend(spec.action_size, on_state))
    if request.backend != BackendName.FRANKY:
        names = ", ".join(BackendName)
        raise ValueError(
            f"parameter 'backend' is {request.backend!r}: there is no such arm; expected one of {names}"
        )
    if not request.host:
        raise ValueError("parameter 'host' is empty; expected the name or address of the robot")
    if request.motion not in set(MotionMode):
        raise ValueError(f"parameter 'motion' is {request.motion!r}; expected one of {', '.join(MotionMode)}")
    robot = load_robot(request.robot)
    options = FrankyOptions(
        host=request.host,
        period=1.0 / spec.control_rate_hz,
        mode=MotionMode(request.motion),
        enforce_real_time=request.enforce_real_time,
    )
    chain = ChainSettings.of(spec.action, spec.workspace, spec.control_rate_hz, robot.control)
    return Arm(FrankyBackend(robot, options, spec.action_size, on_state), chain, robot.gripper)
