"""Scripted experts: they solve the tasks and never fail."""

import math
from dataclasses import dataclass

from failurebench.controllers import clipped
from failurebench.env import Action, Observation
from failurebench.push_view import PushView, push_view, toward
from failurebench.sawyer_reward import Point

CLOSE = 1.0
OPEN = -1.0


@dataclass
class PushExpert:
    """Approach the puck from above, open, descend, grip, drag it to the goal, release, rise and hover.

    Attributes:
        gain: Proportional gain from metres to action.
        grip: Gripper effort while dragging.
    """

    gain: float = 10.0
    grip: float = 0.6

    OPENED = 0.92
    LOW = 0.12
    TRAVEL_HEIGHT = 0.2

    def reset(self) -> None:
        """Nothing to forget: the script looks only at the observation."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (4,) for an observation (39,)."""
        view = push_view(observation)
        if self._delivered(view):
            return self._release(view)
        aim = (view.object[0] - 0.005, view.object[1], view.object[2])
        sideways = math.hypot(view.hand[0] - aim[0], view.hand[1] - aim[1])
        height = abs(view.hand[2] - aim[2])
        if sideways > 0.02 or height > 0.10:
            return self._approach(view, aim, sideways, height)
        if height > 0.04:
            return self._move(view.hand, (aim[0], aim[1], aim[2] + 0.03), self.grip)
        return self._move(view.hand, self._waypoint(view), self.grip)

    def _waypoint(self, view: PushView) -> Point:
        """Where to drag the puck."""
        return view.goal

    def _move(self, start: Point, end: Point, effort: float) -> Action:
        return clipped([*toward(start, end, self.gain), effort])

    @staticmethod
    def _delivered(view: PushView) -> bool:
        offset = math.hypot(view.object[0] - view.goal[0], view.object[1] - view.goal[1])
        return offset < 0.035 and view.object[2] < 0.05

    def _release(self, view: PushView) -> Action:
        if view.hand[2] >= self.LOW:
            return self._move(view.hand, (view.goal[0], view.goal[1], self.TRAVEL_HEIGHT), OPEN)
        if view.opening <= self.OPENED:
            return clipped([0.0, 0.0, 0.0, OPEN])
        return self._move(view.hand, (view.hand[0], view.hand[1], self.TRAVEL_HEIGHT), OPEN)

    def _approach(self, view: PushView, aim: Point, sideways: float, height: float) -> Action:
        if height < 0.10 and view.opening <= self.OPENED:
            return clipped([0.0, 0.0, 0.0, OPEN])
        if sideways <= 0.02:
            end = (aim[0], aim[1], aim[2] + 0.03)
        elif view.hand[2] < self.LOW and sideways > 0.03:
            end = (view.hand[0], view.hand[1], 0.25)
        else:
            end = (aim[0], aim[1], aim[2] + self.TRAVEL_HEIGHT)
        return self._move(view.hand, end, OPEN)


@dataclass
class PushWallExpert(PushExpert):
    """Drags the puck around the near end of the wall.

    Attributes:
        clearance: x at which the puck passes the wall, metres.
    """

    clearance: float = -0.12

    NEAR_SIDE = 0.69
    FAR_SIDE = 0.86
    PASSED = 0.82
    DRAG_HEIGHT = 0.05

    def _waypoint(self, view: PushView) -> Point:
        x, y, _ = view.object
        if y >= self.PASSED:
            return view.goal
        if x > self.clearance + 0.035 and y < 0.79:
            return self.clearance, min(y, self.NEAR_SIDE), self.DRAG_HEIGHT
        return self.clearance + 0.015, self.FAR_SIDE, self.DRAG_HEIGHT


@dataclass
class SoccerExpert(PushExpert):
    """Grip the ball from above, carry it into the goal and keep hold of it there: let go, it would roll on.

    A script that pushes the ball, as Meta-World's does, earns half of this or less and is at the mercy of the
    layout.
    """

    grip: float = 1.0

    ABOVE_BALL = 0.03

    def __call__(self, observation: Observation) -> Action:
        """Return the action (4,) for an observation (39,)."""
        view = push_view(observation)
        x, y, z = view.object
        height = abs(view.hand[2] - z)
        if view.hand_distance > 0.02 or height > 0.10:
            return self._approach(view, view.object, view.hand_distance, height)
        if height > self.ABOVE_BALL + 0.012:
            return self._move(view.hand, (x, y, z + self.ABOVE_BALL), self.grip)
        return self._move(view.hand, (view.goal[0], view.goal[1], view.hand[2]), self.grip)
