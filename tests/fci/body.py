"""The emulated arm without its network: it follows commands exactly, and stops where a real one does."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from tests.fci.kinematics import READY, Matrix, hand_frame, link_frames, pose_and_jacobian, rotation_vector
from tests.fci.layouts import ERRORS, Controller, ErrorIndex, Generator, MoveStatus, RobotMode

CYCLE = 1e-3  # [s]
LOST_PACKETS = 20
"""So many in a row and the arm stops (communication_constraints_violation)."""
BRAKE = 10.0
"""Deceleration of every joint after a motion was cut off [rad/s2]: an assumption, no datasheet gives it."""
TOLERANCE = 1.5
"""Of the acceleration limit: the check looks at one cycle, in which a filtered command is rough."""
STILL = 2e-3
"""Speed of the end-effector below which it counts as standing [m/s]."""
INERTIA = np.array([1.0, 1.0, 1.0, 1.0, 0.1, 0.1, 0.1])
"""Of the joints under torque control, each for itself [kg m2]; gravity is compensated, as on the robot."""
FRICTION = 2.0 * INERTIA  # [Nm s/rad]


@dataclass(frozen=True)
class JointLimits:
    """What the arm refuses: range [rad], speed [rad/s], acceleration [rad/s2], shape ``(7,)`` each."""

    lower: Matrix
    upper: Matrix
    velocity: Matrix
    acceleration: Matrix


_LOWER = np.array([-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973])
_UPPER = np.array([2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973])
# Panda: libfranka 0.9.2 rate_limiting.h. FR3: the same range, which is close to its own.
PANDA = JointLimits(
    _LOWER,
    _UPPER,
    np.array([2.175] * 4 + [2.61] * 3),
    np.array([15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0]),
)
FR3 = JointLimits(
    _LOWER,
    _UPPER,
    np.array([2.62, 2.62, 2.62, 2.62, 5.26, 4.18, 5.26]),
    np.full(7, 10.0),
)


@dataclass(frozen=True)
class Setpoint:
    """What one command datagram asks for, in the order of the datagram."""

    joints: Matrix
    joint_velocity: Matrix
    pose: Matrix
    twist: Matrix
    torque: Matrix
    finished: bool


@dataclass(frozen=True)
class Motion:
    """A motion under way."""

    command_id: int
    controller: Controller
    generator: Generator


@dataclass
class Stamps:
    """When something happened: number of cycles, and monotonic time [s] that all processes share."""

    cycle: int = 0
    seconds: float = field(default_factory=time.monotonic)


class Body:
    """Joints, frames, errors and the motion under way."""

    def __init__(self, limits: JointLimits) -> None:
        self.limits = limits
        self.joints, self.velocity, self.torque = READY.copy(), np.zeros(7), np.zeros(7)
        self.flange_to_nominal, self.nominal_to_tool, self.tool_to_stiffness = (
            hand_frame(),
            np.eye(4),
            np.eye(4),
        )
        self.wrench = np.zeros(6)
        self.errors = [False] * ERRORS
        self.last_errors = [False] * ERRORS
        self.user_stop = False
        self.motion: Motion | None = None
        self.cycle = 0
        self.moved, self.broken, self.rested = Stamps(), Stamps(), Stamps()
        self.travelled, self.fastest = 0.0, 0.0  # by the end-effector since it began [m], [m/s]
        self._seconds = array("d")  # when each cycle was
        self._pose, self.speed = link_frames(self.joints)[7] @ self.tool, 0.0
        self.commanded_pose, self.commanded_twist = self.pose(), np.zeros(6)
        self._last: Setpoint | None = None
        self._lost = 0

    @property
    def tool(self) -> Matrix:
        """Flange to end-effector."""
        return self.flange_to_nominal @ self.nominal_to_tool

    def pose(self) -> Matrix:
        """The end-effector in the base frame, shape ``(4, 4)``."""
        return self._pose

    @property
    def mode(self) -> RobotMode:
        """As the state datagram tells it."""
        if self.user_stop:
            return RobotMode.USER_STOPPED
        if any(self.errors):
            return RobotMode.REFLEX
        return RobotMode.IDLE if self.motion is None else RobotMode.MOVE

    def begin(self, motion: Motion) -> None:
        """Start a motion from here; commands are filtered against the pose that is commanded last."""
        self.motion, self._last, self._lost = motion, None, 0
        self.velocity = np.zeros(7)
        self.commanded_pose, self.commanded_twist = self.pose(), np.zeros(6)

    def end(self) -> None:
        """End the motion; what is left of its speed is braked."""
        self.motion = None
        self.torque, self.commanded_twist = np.zeros(7), np.zeros(6)

    def fail(self, error: ErrorIndex) -> MoveStatus:
        """Stop with an error; the status is the motion's end."""
        self.errors[error] = True
        self.last_errors = list(self.errors)
        self.mark_broken()
        self.end()
        return MoveStatus.REFLEX

    def press_user_stop(self) -> MoveStatus:
        """Stop by the button."""
        self.user_stop = True
        self.mark_broken()
        self.end()
        return MoveStatus.EMERGENCY

    def recover(self) -> None:
        """Clear the errors."""
        self.errors = [False] * ERRORS

    @property
    def answered(self) -> bool:
        """Whether the motion under way has had a command yet."""
        return self.motion is not None and self._last is not None

    def step(self, setpoint: Setpoint | None) -> MoveStatus | None:
        """One cycle.

        Args:
            setpoint: The command that came; None when none came.

        Returns:
            How the motion ended, None while it goes on.
        """
        before = self._pose[:3, 3]
        status = self._advance(setpoint)
        self.cycle += 1
        self._pose = link_frames(self.joints)[7] @ self.tool
        self._seconds.append(time.monotonic())
        way = float(np.linalg.norm(self._pose[:3, 3] - before))
        self.speed = way / CYCLE
        self.travelled, self.fastest = self.travelled + way, max(self.fastest, self.speed)
        if self.speed > STILL:
            self.moved = Stamps(self.cycle)
        elif self.rested.cycle < self.broken.cycle:
            self.rested = Stamps(self.cycle)  # for the first time since
        return status

    def _advance(self, setpoint: Setpoint | None) -> MoveStatus | None:
        if self.motion is None:
            self.velocity -= np.clip(self.velocity, -BRAKE * CYCLE, BRAKE * CYCLE)
            self.joints = self.joints + self.velocity * CYCLE
            return None
        if setpoint is None and self._last is None:
            return None  # the client has just learnt that the motion began
        self._lost = self._lost + 1 if setpoint is None else 0
        if self._lost >= LOST_PACKETS:
            return self.fail(ErrorIndex.COMMUNICATION_CONSTRAINTS)
        if setpoint is None:
            setpoint = self._last
        self._last = setpoint
        if setpoint.finished:
            self.end()
            return MoveStatus.SUCCESS
        return self._follow(self.motion, setpoint)

    def _follow(self, motion: Motion, setpoint: Setpoint) -> MoveStatus | None:
        if motion.controller == Controller.EXTERNAL:
            self.torque = setpoint.torque
            self.velocity = self.velocity + (setpoint.torque - FRICTION * self.velocity) / INERTIA * CYCLE
            self.joints = self.joints + self.velocity * CYCLE
            return None
        joints = self._wanted(motion.generator, setpoint)
        velocity = (joints - self.joints) / CYCLE
        error = self._violated(joints, velocity, motion.generator)
        if error is not None:
            return self.fail(error)
        self.joints, self.velocity = joints, velocity
        return None

    def _wanted(self, generator: Generator, setpoint: Setpoint) -> Matrix:
        if generator == Generator.JOINT_POSITION:
            return setpoint.joints
        if generator == Generator.JOINT_VELOCITY:
            return self.joints + setpoint.joint_velocity * CYCLE
        pose, jacobian = pose_and_jacobian(self.joints, self.tool)
        if generator == Generator.CARTESIAN_POSE:
            turn = rotation_vector(setpoint.pose[:3, :3] @ pose[:3, :3].T)
            change = np.concatenate([setpoint.pose[:3, 3] - pose[:3, 3], turn])
            self.commanded_pose = setpoint.pose
        else:
            self.commanded_twist = setpoint.twist
            change = setpoint.twist * CYCLE
        gram = jacobian @ jacobian.T + 1e-6 * np.eye(6)
        return self.joints + jacobian.T @ np.linalg.solve(gram, change)

    def _violated(self, joints: Matrix, velocity: Matrix, generator: Generator) -> ErrorIndex | None:
        own = generator in (Generator.JOINT_POSITION, Generator.JOINT_VELOCITY)
        limits = self.limits
        if ((joints < limits.lower) | (joints > limits.upper)).any():
            return ErrorIndex.JOINT_POSITION_LIMIT if own else ErrorIndex.CARTESIAN_JOINT_POSITION_LIMIT
        if (np.abs(velocity) > limits.velocity).any():
            return ErrorIndex.JOINT_VELOCITY_LIMIT if own else ErrorIndex.CARTESIAN_JOINT_VELOCITY_LIMIT
        if (np.abs(velocity - self.velocity) > TOLERANCE * limits.acceleration * CYCLE).any():
            if own:
                return ErrorIndex.JOINT_VELOCITY_DISCONTINUITY
            return ErrorIndex.CARTESIAN_JOINT_VELOCITY_DISCONTINUITY
        return None

    def mark_broken(self) -> None:
        """Something has just gone wrong; ``broken`` keeps when."""
        self.broken = Stamps(self.cycle)

    def mark_broken_at(self, seconds: float) -> None:
        """Something went wrong at a monotonic time [s] that lies in the past, as somebody else knows."""
        self.broken = Stamps(bisect_right(self._seconds, seconds), seconds)

    def place(self, position: Matrix) -> None:
        """Put the end-effector somewhere, as by hand: it keeps its orientation, and nothing counts as moved.

        Args:
            position: x, y, z in the base frame, shape ``(3,)`` [m].
        """
        for _ in range(100):
            pose, jacobian = pose_and_jacobian(self.joints, self.tool)
            way = position - pose[:3, 3]
            share = min(1.0, 0.02 / max(1e-12, float(np.linalg.norm(way))))  # a little at a time
            change = np.concatenate([share * way, np.zeros(3)])  # and without turning
            self.joints = self.joints + np.linalg.pinv(jacobian) @ change
        self._pose = link_frames(self.joints)[7] @ self.tool
        self.commanded_pose = self.pose()
