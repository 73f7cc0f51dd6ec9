"""The way of the hand to where an episode starts, over everything that stands on the table: one pure step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from farl.types import Array
from farl_ros.task_spec import TaskSpec

_GAIN = 0.5
"""Share of the way left that one step asks for: the arm lags behind its commands, and would swing."""
_MOTIONS = ("dx", "dy", "dz")


class WayError(ValueError):
    """A task's actions cannot take the hand anywhere; the message says why."""


@dataclass(frozen=True)
class WayToStart:
    """Up to the travelling height, across, and down; a function of where the hand is, with no memory.

    Attributes:
        start: Where to x, y, z [m].
        travel_height: z on the way across [m].
        dimensions: Which action dimension moves the hand along x, y and z.
        scale: What 1.0 stands for in each of them [m per control period].
        action_size: Number of action dimensions A; the others stay 0.
        share: Greatest share of an action that is used, in (0, 1].
        tolerance: This near to the start is there [m].
    """

    start: tuple[float, float, float]
    travel_height: float
    dimensions: tuple[int, int, int]
    scale: tuple[float, float, float]
    action_size: int
    share: float
    tolerance: float

    @classmethod
    def of(cls, spec: TaskSpec, travel_height: float, share: float, tolerance: float) -> Self:
        """The way for a task; no higher than its workspace.

        Raises:
            WayError: The task has no start for the hand, or its actions do not move it along x, y and z.
        """
        if spec.layout.hand_position is None:
            raise WayError(f"{spec.name}: layout.hand_position is missing; expected where the hand starts")
        moves = [field.name.rpartition("_")[2] for field in spec.action]
        missing = [axis for axis in _MOTIONS if axis not in moves]
        if missing:
            raise WayError(f"{spec.name}: no action moves the hand along {', '.join(m[1] for m in missing)}")
        x, y, z = (moves.index(axis) for axis in _MOTIONS)
        return cls(
            start=spec.layout.hand_position,
            travel_height=min(travel_height, spec.workspace.upper[2]),
            dimensions=(x, y, z),
            scale=(spec.action[x].scale, spec.action[y].scale, spec.action[z].scale),
            action_size=len(spec.action),
            share=share,
            tolerance=tolerance,
        )

    def left(self, hand: tuple[float, float, float]) -> float:
        """Distance to the start [m]."""
        return math.dist(hand, self.start)

    def action(self, hand: tuple[float, float, float]) -> Array | None:
        """The next action, shape ``(A,)``, each entry at most ``share``; None once the hand is there.

        Args:
            hand: Where it is measured to be x, y, z [m].
        """
        if self.left(hand) <= self.tolerance:
            return None
        x, y, z = hand
        flat = math.hypot(self.start[0] - x, self.start[1] - y)
        if flat <= 0.5 * self.tolerance:
            wanted = self.start
        elif z < self.travel_height - 2.0 * self.tolerance:
            wanted = (x, y, self.travel_height)
        else:
            wanted = (self.start[0], self.start[1], max(self.travel_height, self.start[2]))
        values = np.zeros(self.action_size, np.float32)
        for dimension, scale, at, to in zip(self.dimensions, self.scale, hand, wanted, strict=True):
            values[dimension] = np.clip(_GAIN * (to - at) / scale, -self.share, self.share)
        return values
