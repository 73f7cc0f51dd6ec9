"""From a target to a motion of the Franka arm, one class for each ``MotionMode``."""

from __future__ import annotations

import math
from typing import Protocol

import franky
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from farl_ros.arm.franky_options import FrankyOptions, MotionMode
from farl_ros.arm.pose import Pose
from farl_ros.arm.robots import REST, Reach, RelativeDynamics, RobotSpec

STOP_ACCELERATION, STOP_JERK = 0.2, 0.1
"""Shares of the limits at which the arm stops when no command comes: more than a motion may have, and
still no reflex in an emulator that enforces the limits (0 of 80 velocity motions)."""
LEAST_HOLD = 1.1
"""Control periods for which a velocity lasts at least: the next command may come a little late."""
GAIN = 5.0
"""What the arm is behind its target is made up for at this rate [1/s]. It takes some 0.1 s to follow: with
all of it made up for in each period of 20 ms, a rate of 50, it swings (-1 to 7 cm/s about 5, measured)."""
SPRING_STOP_DAMPING = np.array([50.0, 50.0, 50.0, 50.0, 30.0, 25.0, 15.0])
"""Of the joints while a spring motion ends [Nm s/rad]; source: libfranka, joint_impedance_control.cpp."""
SPRING_STOP_RAMP = 0.05
"""From the spring's torque to that damping [s]; franky's own 0.2 s lets the arm run on."""


class Motions(Protocol):
    """Makes motions; every method is called in the thread that may block."""

    blocking: bool
    """A motion is to be waited for until it ends."""

    def send(self, target: Pose, measured: Pose) -> None:
        """Move towards the target, to be there in one control period."""

    def hold(self, measured: Pose) -> None:
        """Stand still."""


def make_motions(arm: franky.Robot, robot: RobotSpec, options: FrankyOptions) -> Motions:
    """Those of the options' mode."""
    if options.mode == MotionMode.VELOCITY:
        return VelocityMotions(arm, robot, options.period)
    if options.mode == MotionMode.POSE:
        return PoseMotions(arm, robot.relative_dynamics)
    return ImpedanceTracking(arm, options)


class VelocityMotions:
    """Velocities that end by themselves ``dead_man`` periods after the last command, or earlier (REST)."""

    blocking = False

    def __init__(self, arm: franky.Robot, robot: RobotSpec, period: float) -> None:
        self._arm, self._robot, self._period = arm, robot, period
        self._share = share_of(robot.relative_dynamics)
        self._stop = stopping(robot.relative_dynamics)
        self._last: Pose | None = None  # target; none after standing still

    def send(self, target: Pose, measured: Pose) -> None:
        """Move with the constant velocity of the target, and towards it, or as fast as is allowed."""
        last = measured if self._last is None else self._last
        linear, angular = velocity_to(target, last, measured, self._period, self._robot.control.speed)
        self._last = target
        seconds = hold_time(math.hypot(*linear), math.hypot(*angular), self._period, self._robot)
        # Both: held from when it is reached, but ending then even where it is reached late.
        duration = franky.Duration(round(1e3 * seconds))
        going = franky.CartesianVelocityWaypoint(
            franky.Twist(linear, angular),
            self._share,
            hold_target_duration=duration,
            max_total_duration=duration,
        )
        resting = franky.CartesianVelocityWaypoint(franky.Twist(), self._stop)
        self._arm.move(franky.CartesianVelocityWaypointMotion([going, resting]), asynchronous=True)

    def hold(self, measured: Pose) -> None:
        """Ramp to rest."""
        self._last = None
        if self._arm.is_in_control:
            self._arm.move(franky.CartesianVelocityStopMotion(self._stop), asynchronous=True)


class PoseMotions:
    """Motions that end at the target, which is never farther than the command chain's leash.

    Each is waited for: streamed positions are what the robot answers with discontinuity reflexes.
    """

    blocking = True

    def __init__(self, arm: franky.Robot, dynamics: RelativeDynamics) -> None:
        self._arm, self._share, self._stop = arm, share_of(dynamics), stopping(dynamics)

    def send(self, target: Pose, measured: Pose) -> None:
        """Move to the target."""
        motion = franky.CartesianMotion(affine(target), relative_dynamics_factor=self._share)
        self._arm.move(motion, asynchronous=True)

    def hold(self, measured: Pose) -> None:
        """Ramp to rest."""
        if self._arm.is_in_control:
            self._arm.move(franky.CartesianStopMotion(self._stop), asynchronous=True)


class ImpedanceTracking:
    """A spring to the target. It holds the last target for ever: who stops commanding must call ``hold``."""

    blocking = False

    def __init__(self, arm: franky.Robot, options: FrankyOptions) -> None:
        self._arm, self._options = arm, options
        self._tracker: franky.CartesianImpedanceTracker | None = None

    def send(self, target: Pose, measured: Pose) -> None:
        """Move the spring's end to the target."""
        if self._tracker is None or not self._tracker.is_running:
            self._tracker = franky.CartesianImpedanceTracker(
                self._arm,
                translational_stiffness=self._options.translational_stiffness,
                rotational_stiffness=self._options.rotational_stiffness,
            )
        self._tracker.set_target(affine(target))

    def hold(self, measured: Pose) -> None:
        """Let the spring go, damp the joints to rest, and leave the robot to hold itself.

        A spring whose end is put where the hand is does not do: it is only as damped as its stiffness asks
        for, and swings for 0.65 s.
        """
        self._tracker = None
        if self._arm.is_in_control:
            stop = franky.TorqueStopMotion(SPRING_STOP_DAMPING, SPRING_STOP_RAMP)
            self._arm.move(stop, asynchronous=True)


def velocity_to(
    target: Pose, last: Pose, measured: Pose, period: float, speed: Reach
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Constant velocities [m/s] and [rad/s]: those of the targets, and what makes up for being behind.

    Up to 5 Hz they lead from where the arm is to the target in one period.

    Args:
        target: Where to.
        last: The target before it.
        measured: Where from.
        period: Control period [s].
        speed: Most of both; 0.0 is a limit.
    """
    gain = min(GAIN, 1.0 / period)
    linear = (target.position - last.position) / period + gain * (last.position - measured.position)
    angular = _turn(last, target) / period + gain * _turn(measured, last)
    return _shortened(linear, speed.translation), _shortened(angular, speed.rotation)


def hold_time(linear: float, angular: float, period: float, robot: RobotSpec) -> float:
    """For how long a velocity is kept [s]: the dead-man, less what the ramp takes where rest would be late.

    Args:
        linear: Speed [m/s].
        angular: Speed [rad/s].
        period: Control period [s].
        robot: Its limits, and how many periods the dead-man has.
    """
    ramps = [
        speed / (STOP_ACCELERATION * rates.acceleration)
        + STOP_ACCELERATION * rates.acceleration / (STOP_JERK * rates.jerk)
        for speed, rates in ((linear, robot.limits.translation), (angular, robot.limits.rotation))
        if speed > 0.0
    ]
    dead_man = robot.watchdog.dead_man * period
    rest = max(REST, dead_man)
    return max(LEAST_HOLD * period, min(dead_man, rest - max(ramps, default=0.0)))


def share_of(dynamics: RelativeDynamics) -> franky.RelativeDynamicsFactor:
    """For a motion."""
    return franky.RelativeDynamicsFactor(dynamics.velocity, dynamics.acceleration, dynamics.jerk)


def stopping(dynamics: RelativeDynamics) -> franky.RelativeDynamicsFactor:
    """For coming to rest: never less than a motion has."""
    return franky.RelativeDynamicsFactor(
        dynamics.velocity,
        max(dynamics.acceleration, STOP_ACCELERATION),
        max(dynamics.jerk, STOP_JERK),
    )


def affine(pose: Pose) -> franky.Affine:
    """The same for franky."""
    return franky.Affine(pose.position, pose.quaternion)


def _turn(start: Pose, end: Pose) -> NDArray[np.float64]:
    """Rotation vector [rad] of the shortest way from one orientation to another."""
    turn = Rotation.from_quat(end.quaternion) * Rotation.from_quat(start.quaternion).inv()
    vector: NDArray[np.float64] = turn.as_rotvec()
    return vector


def _shortened(vector: NDArray[np.float64], longest: float) -> NDArray[np.float64]:
    length = math.hypot(*vector)
    return vector if length <= longest else vector * (longest / length)
