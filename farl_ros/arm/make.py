"""From parameters to an arm: which backend, on which robot, behind which chain."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from rclpy.node import Node

from farl_ros.arm.backend import ArmBackend, StateListener
from farl_ros.arm.command_chain import ChainSettings
from farl_ros.arm.fake import FakeBackend
from farl_ros.arm.franky import FrankyBackend
from farl_ros.arm.franky_options import FrankyOptions, MotionMode
from farl_ros.arm.registry import ARMS, BackendName
from farl_ros.arm.robots import REST, Gripper, Rates, Reach, RobotSpec, load_robot
from farl_ros.arm.sim import SimBackend
from farl_ros.plugins import PluginError
from farl_ros.task_spec import TaskSpec

LEAST_RATE, MOST_RATE = 1.0, 50.0
"""Control rates that an arm is driven at [Hz]."""
CALLS = 0.03
"""What a command takes before the arm moves, and after it rests until that is known [s]."""


@dataclass(frozen=True, slots=True)
class ArmRequest:
    """The controller's parameters about its arm.

    Attributes:
        backend: Name of the backend.
        control_rate: How often a command comes [Hz].
        robot: Robot name or YAML file; for a real arm.
        host: Name or address of the robot; for a real arm.
        motion: How a target becomes a motion; for a real arm.
        enforce_real_time: Whether a kernel without real-time scheduling is refused; for a real arm.
    """

    backend: str
    control_rate: float
    robot: str
    host: str
    motion: str
    enforce_real_time: bool

    def period(self, spec: TaskSpec) -> float:
        """Control period [s].

        Raises:
            ValueError: No arm is driven at that rate, or not this one.
        """
        rate, own = self.control_rate, spec.control_rate_hz
        if self.backend == BackendName.SIM:
            if rate != own:
                raise ValueError(
                    f"parameter 'control_rate' is {rate:g} Hz, but the simulated arm moves at the rate of "
                    f"its task, {own:g} Hz: leave it out, or change control_rate_hz in the task file"
                )
        elif not LEAST_RATE <= rate <= MOST_RATE:  # NaN is not either
            raise ValueError(
                f"parameter 'control_rate' is {rate:g} Hz; expected {LEAST_RATE:g} to {MOST_RATE:g} Hz"
            )
        return 1.0 / rate


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
    """Make what the request names. Every maker in ``registry.ARMS`` takes the same and raises the same.

    Args:
        request: What is wanted.
        node: Whose publishers, subscriptions and parameters the arm may use.
        spec: The task.
        on_state: Called with every measured state, from any thread.

    Raises:
        ValueError: There is no such backend, robot, motion or control rate, or the host is missing.
    """
    try:
        maker = ARMS.get(request.backend)
    except PluginError as error:
        raise ValueError(f"parameter 'backend': {error}") from error
    return maker(request, node, spec, on_state)


def sim_arm(request: ArmRequest, node: Node, spec: TaskSpec, on_state: StateListener) -> Arm:
    """The simulator's arm."""
    return Arm(SimBackend(node, spec.action_size, on_state))


def fake_arm(request: ArmRequest, node: Node, spec: TaskSpec, on_state: StateListener) -> Arm:
    """An arm in memory."""
    return Arm(FakeBackend(spec.action_size, on_state))


def franky_arm(request: ArmRequest, node: Node, spec: TaskSpec, on_state: StateListener) -> Arm:
    """A Franka arm behind the command chain.

    Raises:
        ValueError: There is no such robot, motion or control rate, or the host is missing.
    """
    if not request.host:
        raise ValueError("parameter 'host' is empty; expected the name or address of the robot")
    if request.motion not in set(MotionMode):
        raise ValueError(f"parameter 'motion' is {request.motion!r}; expected one of {', '.join(MotionMode)}")
    robot = load_robot(request.robot)
    options = FrankyOptions(
        host=request.host,
        period=request.period(spec),
        mode=MotionMode(request.motion),
        enforce_real_time=request.enforce_real_time,
    )
    chain = ChainSettings.of(spec.action, spec.workspace, spec.control_rate_hz, robot.control)
    chain = chain.at(request.control_rate)
    if options.mode == MotionMode.POSE:
        chain = with_short_steps(chain, robot)
    return Arm(FrankyBackend(robot, options, spec.action_size, on_state), chain, robot.gripper)


def with_short_steps(chain: ChainSettings, robot: RobotSpec) -> ChainSettings:
    """For motions that nothing can cut short: no step is so long that rest comes late after a missed command.

    A motion from rest to rest over a way d takes T with d = a (T/2 - a/j) T/2: half of it accelerating with
    a, at whose ends the jerk is j.
    """
    most = chain.period + REST - CALLS
    step, limits, share = chain.control.step, robot.limits, robot.relative_dynamics

    def reach(rates: Rates) -> float:
        acceleration, jerk = share.acceleration * rates.acceleration, share.jerk * rates.jerk
        ramp = acceleration / jerk if jerk > 0.0 else math.inf
        return max(0.0, acceleration * (0.5 * most - ramp) * 0.5 * most) if acceleration > 0.0 else 0.0

    shorter = Reach(
        translation=min(step.translation, reach(limits.translation)),
        rotation=min(step.rotation, reach(limits.rotation)),
    )
    return replace(chain, control=chain.control.model_copy(update={"step": shorter}))
