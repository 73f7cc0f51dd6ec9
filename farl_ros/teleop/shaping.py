"""From what a device says to an action: dead zone, direction, speed scale, smooth start."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from farl.types import Array
from farl_ros.task_spec import TaskSpec
from farl_ros.teleop.device import Reading, Speed

GRIPPER = "gripper"
DIRECTIONS = ("_dx", "_dy", "_dz")
"""Endings of the action dimensions that the axes x, y and z move."""


class ShapingError(ValueError):
    """A task cannot be teleoperated, or a setting is wrong; the message says which and why."""


@dataclass(frozen=True)
class Feel:
    """How the arm follows the hand.

    Attributes:
        dead_zone: Share of an axis around its middle that moves nothing, in [0, 1).
        ramp: From nothing to the whole speed after the dead-man is taken [s]; 0.0 for at once.
        speeds: The speed scales, each in (0, 1], increasing.
        facing: Direction in which the person looks, about z in the robot's base frame [rad]; 0 along x.
    """

    dead_zone: float = 0.08
    ramp: float = 0.6
    speeds: tuple[float, ...] = (0.25, 0.5, 1.0)
    facing: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.dead_zone < 1.0 or not self.ramp >= 0.0 or not math.isfinite(self.facing):
            raise ShapingError(f"expected a dead zone in [0, 1), a ramp of 0 s or more, got {self}")
        increasing = all(a < b for a, b in zip((0.0, *self.speeds), self.speeds, strict=False))
        if not self.speeds or not increasing or self.speeds[-1] > 1.0:
            raise ShapingError(f"speeds {self.speeds}: expected increasing shares in (0, 1]")


class Shaper:
    """Keeps the ramp, the speed and the gripper between two actions."""

    def __init__(self, spec: TaskSpec, feel: Feel) -> None:
        """Begin in the middle of the speeds.

        Raises:
            ShapingError: The task has an action dimension that no axis moves.
        """
        self._feel = feel
        self._places: list[int | None] = []
        for field in spec.action:
            axis = next((i for i, end in enumerate(DIRECTIONS) if field.name.endswith(end)), None)
            if axis is None and field.name != GRIPPER:
                raise ShapingError(
                    f"{spec.name}: action dimension {field.name!r} cannot be teleoperated; expected names "
                    f"that end with {', '.join(DIRECTIONS)}, or {GRIPPER!r}"
                )
            self._places.append(axis)
        self._level = len(feel.speeds) // 2
        self._gain = 0.0
        self._gripper = 0.0

    @property
    def speed(self) -> float:
        """The speed scale in use."""
        return self._feel.speeds[self._level]

    def change(self, speed: Speed) -> None:
        """Go one speed up or down."""
        step = 1 if speed == Speed.FASTER else -1
        self._level = min(max(self._level + step, 0), len(self._feel.speeds) - 1)

    def action(self, reading: Reading | None, seconds: float) -> Array | None:
        """The action, shape ``(A,)``, each in [-1, 1]; None for: hold still.

        Args:
            reading: What the device says; None without a device.
            seconds: Since the last call [s]: what the ramp goes on by.
        """
        if reading is None or not reading.held or not all(map(math.isfinite, reading.axes)):
            self._gain = 0.0
            return None
        if self._feel.ramp > 0.0:
            self._gain = min(1.0, self._gain + seconds / self._feel.ramp)
        else:
            self._gain = 1.0
        if reading.gripper != 0:
            self._gripper = float(reading.gripper)
        forward, left, up = (self._past_dead_zone(value) for value in reading.axes)
        cosine, sine = math.cos(self._feel.facing), math.sin(self._feel.facing)
        way = (cosine * forward - sine * left, sine * forward + cosine * left, up)
        scale = self._gain * self.speed
        values = [self._gripper if place is None else scale * way[place] for place in self._places]
        return np.clip(np.array(values, np.float32), -1.0, 1.0)

    def _past_dead_zone(self, value: float) -> float:
        beyond = (abs(value) - self._feel.dead_zone) / (1.0 - self._feel.dead_zone)
        return math.copysign(min(1.0, max(0.0, beyond)), value)
