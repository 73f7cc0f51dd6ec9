"""Scripts for Fragile Push Wall: medium experts that pass too near the wall, and the recovery from there."""

from dataclasses import dataclass

import numpy as np

from failurebench.controllers import clipped
from failurebench.demonstrators import HesitantPusher
from failurebench.env import Action, Observation
from failurebench.experts import CLOSE, OPEN, PushWallExpert
from failurebench.push_view import PushView, push_view, toward


@dataclass
class HesitantWallPusher(HesitantPusher, PushWallExpert):
    """Hesitates in front of the wall, then drags the puck around it."""


def near_wall_pusher(random: np.random.Generator) -> HesitantWallPusher:
    """Draw a medium expert: it hesitates near the fragile zone, then drags the puck around through it."""
    return HesitantWallPusher(
        gain=float(random.uniform(6.0, 15.0)),
        grip=float(random.uniform(0.4, 0.6)),
        detour=(float(random.uniform(-0.05, -0.04)), float(random.uniform(0.655, 0.665))),
        dwell_steps=int(random.integers(80, 300)),
        clearance=float(random.uniform(-0.1, -0.03)),
    )


@dataclass
class Withdraw:
    """Pull the gripped puck straight out of the zone around the wall; let go of nothing, chase nothing.

    Attributes:
        centre: Middle of the zone (x, y), metres.
        half_size: Half-sizes of the zone (x, y), metres.
        clearance: How far outside the zone the puck is brought, metres.
    """

    centre: tuple[float, float] = (0.10, 0.75)
    half_size: tuple[float, float] = (0.12, 0.06)
    clearance: float = 0.08

    REACH = 0.05
    LOW = 0.10
    GAIN = 20.0
    DRAG_HEIGHT = 0.04

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (4,) for an observation (39,)."""
        view = push_view(observation)
        if view.hand_distance < self.REACH and view.hand[2] < self.LOW:
            x, y = self._outside(view)
            offset = (view.hand[0] - view.object[0], view.hand[1] - view.object[1])
            end = (x + offset[0], y + offset[1], self.DRAG_HEIGHT)
            return clipped([*toward(view.hand, end, self.GAIN), CLOSE])
        return clipped([0.0, 0.0, (0.25 - view.hand[2]) * self.GAIN, OPEN])

    def _outside(self, view: PushView) -> tuple[float, float]:
        """Where the puck goes: straight away from the nearest side that is not the closed right one."""
        x, y = view.object[0], view.object[1]
        left = self.centre[0] - self.half_size[0] - self.clearance
        front = self.centre[1] - self.half_size[1] - self.clearance
        back = self.centre[1] + self.half_size[1] + self.clearance
        ways = ((x - left, (left, y)), (y - front, (x, front)), (back - y, (x, back)))
        return min(ways)[1]
