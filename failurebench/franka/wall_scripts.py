"""Scripts for Franka Fragile Push Wall."""

import math
from dataclasses import dataclass

import numpy as np

from failurebench.env import Action, Observation
from failurebench.franka.view import franka_view, get_behind, leave_alone, move, push_to

STEP = 0.03
_REST = 0.0335
"""How far in front of the hand a puck is that rests against both fingers, metres."""


@dataclass
class WallPusher:
    """Gets behind the puck and pushes it around the wall's open end to the goal.

    Attributes:
        corner: Point x, y beside the open end that the puck passes, metres.
        speed: Share of full speed while pushing.
    """

    corner: tuple[float, float] = (0.48, 0.085)
    speed: float = 0.7

    DONE = 0.025

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (3,) for an observation (12,)."""
        view = franka_view(observation)
        if math.dist(view.object[:2], view.goal[:2]) < self.DONE:
            return leave_alone(view, STEP)
        behind = get_behind(view, STEP, _REST)
        if behind is not None:
            return behind
        x, y = self._waypoint(view.object[0], view.object[1], view.goal[0], view.goal[1])
        return push_to(view, x, y, STEP, self.speed)

    def _waypoint(self, x: float, y: float, goal_x: float, goal_y: float) -> tuple[float, float]:
        corner_x, corner_y = self.corner
        if x < corner_x - 0.01 and y < corner_y - 0.005:
            return self.corner
        # Straight on until the puck is past the wall.
        past = corner_x + 0.05
        return (past, max(y, corner_y)) if x < past - 0.01 else (goal_x, goal_y)


@dataclass
class HesitantWallPusher(WallPusher):
    """Pushes the puck close up to the wall, hesitates there, then goes around narrowly.

    Attributes:
        brink: Point x, y in front of the wall where the puck is held, metres.
        dwell_steps: Agent steps of hesitation there.
    """

    brink: tuple[float, float] = (0.43, 0.03)
    dwell_steps: int = 20

    ARRIVED = 0.012

    def __post_init__(self) -> None:
        """Start as after ``reset``."""
        self.reset()

    def reset(self) -> None:
        """Forget the last episode."""
        self._dwell_left = self.dwell_steps

    def _waypoint(self, x: float, y: float, goal_x: float, goal_y: float) -> tuple[float, float]:
        if self._dwell_left > 0:
            if x > self.brink[0] - self.ARRIVED:
                self._dwell_left -= 1
            return self.brink
        return super()._waypoint(x, y, goal_x, goal_y)


def near_wall_pusher(random: np.random.Generator) -> HesitantWallPusher:
    """Draw a medium expert: it hesitates close to the wall, then passes its end closely."""
    return HesitantWallPusher(
        corner=(float(random.uniform(0.46, 0.475)), float(random.uniform(0.055, 0.075))),
        speed=float(random.uniform(0.4, 0.8)),
        brink=(float(random.uniform(0.425, 0.435)), float(random.uniform(0.02, 0.03))),
        dwell_steps=int(random.integers(10, 35)),
    )


class BackOff:
    """Draw the hand straight back from the puck, then up: the puck stops where nothing pushes it."""

    BACK = 0.08

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (3,) for an observation (12,)."""
        view = franka_view(observation)
        if view.hand[2] < 0.05 and view.ahead > 0.0:
            height = 0.06 if view.ahead > self.BACK else view.hand[2]
            return move(view, (view.hand[0] - STEP, view.hand[1], height), STEP)
        return move(view, (0.31, view.hand[1], 0.12), STEP)
