"""The command chain: an action becomes a target that the arm may go to.

In this order: finite? → clip to [-1, 1] → scale → step limit → workspace box → leash → speed cap. The target
is integrated from the last *commanded* pose, not from the measured one: an arm that lags or sags would drift
otherwise. The leash keeps it near the measured pose, so that a blocked arm does not wind up.

Frames: the base frame for everything. A rotation is a rotation vector about the base's axes: an action of yaw
turns the hand about the base's z, through the hand's own origin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from farl.types import Array
from farl_ros.arm.pose import Pose
from farl_ros.arm.robots import Control, Reach
from farl_ros.task_fields import ActionField, Workspace
from perception.strict_model import nearest

Vector = NDArray[np.float64]


class Stage(StrEnum):
    """The steps that may refuse or change a command, in their order."""

    FINITE = "finite"  # refused: not numbers, or not as many as the task has
    CLIP = "clip"  # beyond [-1, 1]
    STEP = "step"  # one action asked for too long a way
    WORKSPACE = "workspace"  # out of the box
    LEASH = "leash"  # too far from where the arm is
    SPEED = "speed"  # too far for one control period


class Axis(StrEnum):
    """What an action dimension moves; the order of the first six is that of a twist."""

    X = "x"
    Y = "y"
    Z = "z"
    ROLL = "roll"
    PITCH = "pitch"
    YAW = "yaw"
    GRIPPER = "gripper"


TWIST = (Axis.X, Axis.Y, Axis.Z, Axis.ROLL, Axis.PITCH, Axis.YAW)
UNITS = {axis: "m" if axis in TWIST[:3] else "rad" if axis in TWIST else "1" for axis in Axis}


class CommandRefused(ValueError):
    """No command can be made of this; the arm must not be sent anything."""

    def __init__(self, stage: Stage, message: str) -> None:
        super().__init__(message)
        self.stage = stage


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """What the chain goes by.

    Attributes:
        axes: What each of the A action dimensions moves.
        scale: What an action of 1.0 stands for in each dimension [m, rad or share].
        control: Limits of step [m, rad], leash [m, rad] and speed [m/s, rad/s]; 0.0 means: do not move.
        workspace: The box for the target's position [m].
        period: Control period [s].
    """

    axes: tuple[Axis, ...]
    scale: tuple[float, ...]
    control: Control
    workspace: Workspace
    period: float

    def __post_init__(self) -> None:
        """Check what the types do not.

        Raises:
            ValueError: The settings contradict each other.
        """
        if len(self.axes) != len(self.scale):
            raise ValueError(f"{len(self.axes)} axes, but {len(self.scale)} scales")
        if len(set(self.axes)) != len(self.axes):
            raise ValueError(f"axes {', '.join(self.axes)}: one stands there twice")
        if not all(math.isfinite(value) for value in self.scale):
            raise ValueError(f"scale {self.scale}: expected finite numbers")
        if not (math.isfinite(self.period) and self.period > 0.0):
            raise ValueError(f"control period {self.period} s: expected more than 0")
        if self.control.leash.rotation >= math.pi / 2:
            # Farther apart, the way between two orientations within the leash may lead outside of it.
            raise ValueError(f"leash of {self.control.leash.rotation} rad: expected less than pi/2")

    @classmethod
    def of(
        cls, action: tuple[ActionField, ...], workspace: Workspace, rate_hz: float, control: Control
    ) -> ChainSettings:
        """The settings for a task on a robot.

        Args:
            action: The task's action dimensions, each named after what it moves (``hand_dx``, ``hand_dyaw``,
                ``gripper``).
            workspace: The task's.
            rate_hz: The task's control rate [Hz].
            control: The robot's limits.

        Raises:
            ValueError: An action dimension names nothing that moves, or has another unit.
        """
        axes = tuple(_axis(field) for field in action)
        return cls(axes, tuple(field.scale for field in action), control, workspace, 1.0 / rate_hz)

    def at(self, rate_hz: float) -> ChainSettings:
        """The same speeds at another control rate [Hz]: shorter steps more often, or longer ones more seldom.

        What an action stands for and what it may ask for are ways per period and change with it; speeds, the
        leash (it is to where the arm is) and the gripper's share (it is where to, not how far) do not.
        """
        share = 1.0 / (rate_hz * self.period)
        step = self.control.step
        reach = Reach(translation=share * step.translation, rotation=share * step.rotation)
        return replace(
            self,
            scale=tuple(
                scale if axis == Axis.GRIPPER else share * scale
                for axis, scale in zip(self.axes, self.scale, strict=True)
            ),
            control=self.control.model_copy(update={"step": reach}),
            period=1.0 / rate_hz,
        )


@dataclass(frozen=True, slots=True)
class ChainState:
    """What the chain remembers: the last commanded pose.

    Begin with the measured pose: at the start, and whenever the arm has moved without this chain (a reset, a
    fault, a re-armed robot).
    """

    commanded: Pose


@dataclass(frozen=True, slots=True)
class ChainResult:
    """A command.

    Attributes:
        state: For the next step.
        target: Where the end-effector is to be one control period from now.
        gripper: Share of the gripper's action in [-scale, scale]; None in a task without one.
        values: Shape ``(A,)``, the action clipped to [-1, 1]: the one that the target follows.
        clippings: The stages that changed the command.
    """

    state: ChainState
    target: Pose
    gripper: float | None
    values: Array
    clippings: frozenset[Stage]


def require_finite(action: Array, size: int) -> None:
    """Check the shape of an action, which is to be ``(size,)``, and its numbers.

    Raises:
        CommandRefused: It has another shape, or is not finite.
    """
    if action.shape != (size,):
        raise CommandRefused(Stage.FINITE, f"action of shape {action.shape}, expected ({size},)")
    if not np.isfinite(action).all():
        raise CommandRefused(Stage.FINITE, f"action {action.tolist()} is not finite")


def step(state: ChainState, action: Array, measured: Pose, settings: ChainSettings) -> ChainResult:
    """Make one command.

    Args:
        state: From the last step.
        action: Shape ``(A,)``.
        measured: Where the end-effector is.
        settings: What to go by.

    Raises:
        CommandRefused: The action has another shape, or is not finite.
    """
    require_finite(action, len(settings.axes))
    values = action.astype(np.float64)
    clipped = np.clip(values, -1.0, 1.0)
    scaled = {axis: float(v) * s for axis, v, s in zip(settings.axes, clipped, settings.scale, strict=True)}
    twist = np.array([scaled.get(axis, 0.0) for axis in TWIST])
    position, position_stages = _position(state.commanded.position, twist[:3], measured.position, settings)
    quaternion, rotation_stages = _quaternion(
        state.commanded.quaternion, twist[3:], measured.quaternion, settings
    )
    target = Pose(position, quaternion)
    return ChainResult(
        ChainState(target),
        target,
        scaled.get(Axis.GRIPPER),
        clipped.astype(np.float32),
        _changed((Stage.CLIP, values, clipped)) | position_stages | rotation_stages,
    )


def _axis(field: ActionField) -> Axis:
    name = field.name.rpartition("_")[2].removeprefix("d")
    if name not in set(Axis):
        raise ValueError(
            f"action {field.name!r} names nothing that an arm moves; the nearest is '{nearest(name, Axis)}' "
            f"(of {', '.join(Axis)}; hand_dx is x)"
        )
    if field.unit != UNITS[Axis(name)]:
        raise ValueError(f"action {field.name!r} has unit {field.unit!r}, expected {UNITS[Axis(name)]!r}")
    return Axis(name)


def _position(
    last: Vector, asked: Vector, measured: Vector, settings: ChainSettings
) -> tuple[Vector, frozenset[Stage]]:
    """Position [m] of the target, from step limit to speed cap, and the stages that changed it."""
    control, box = settings.control, settings.workspace
    # A box that the last target and the arm itself are out of is widened to the nearer of the two: the target
    # may come back in, but go no further out.
    lower = np.minimum(box.lower, np.maximum(last, measured))
    upper = np.maximum(box.upper, np.minimum(last, measured))
    moved = _shortened(asked, control.step.translation)
    wanted = last + moved
    boxed = np.clip(wanted, lower, upper)
    leashed = _towards(measured, boxed, control.leash.translation)
    # The speed is counted from the pose to hold: a leash that pulls a target back to the arm moves no arm.
    hold = _towards(measured, np.clip(last, lower, upper), control.leash.translation)
    target = _towards(hold, leashed, control.speed.translation * settings.period)
    return target, _changed(
        (Stage.STEP, asked, moved),
        (Stage.WORKSPACE, wanted, boxed),
        (Stage.LEASH, boxed, leashed),
        (Stage.SPEED, leashed, target),
    )


def _quaternion(
    last: Vector, asked: Vector, measured: Vector, settings: ChainSettings
) -> tuple[Vector, frozenset[Stage]]:
    """Orientation of the target, in the same order; the box has none."""
    control = settings.control
    turned = _shortened(asked, control.step.rotation)
    wanted = _rotated(last, turned) if turned.any() else last
    leashed = _turned_towards(measured, wanted, control.leash.rotation)
    hold = _turned_towards(measured, last, control.leash.rotation)
    target = _turned_towards(hold, leashed, control.speed.rotation * settings.period)
    return target, _changed(
        (Stage.STEP, asked, turned), (Stage.LEASH, wanted, leashed), (Stage.SPEED, leashed, target)
    )


def _changed(*steps: tuple[Stage, Vector, Vector]) -> frozenset[Stage]:
    return frozenset(stage for stage, before, after in steps if (before != after).any())


def _shortened(vector: Vector, longest: float) -> Vector:
    """The vector itself, or one of length ``longest`` in its direction."""
    length = math.hypot(*vector)
    return vector if length <= longest else vector * (longest / length)


def _towards(start: Vector, end: Vector, most: float) -> Vector:
    """``end`` itself, or the point on the way from ``start`` to it that is ``most`` away."""
    way = end - start
    shortened = _shortened(way, most)
    # With both ends in the box the result is in it, exactly: the factor is at least one rounding below 1.
    return end if shortened is way else start + shortened


def _turned_towards(start: Vector, end: Vector, most: float) -> Vector:
    """``end`` itself, or the orientation on the shortest way to it that is ``most`` [rad] from ``start``."""
    if (start == end).all():
        return end
    way = (Rotation.from_quat(end) * Rotation.from_quat(start).inv()).as_rotvec()
    shortened = _shortened(way, most)
    return end if shortened is way else _rotated(start, shortened)


def _rotated(quaternion: Vector, rotation: Vector) -> Vector:
    """A quaternion turned by a rotation vector [rad] in the base frame."""
    result: Vector = (Rotation.from_rotvec(rotation) * Rotation.from_quat(quaternion)).as_quat()
    return result
