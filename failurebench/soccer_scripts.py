"""Scripts for Bounded Soccer: medium experts that linger beside the ball, and the catch that saves it."""

import math
from dataclasses import dataclass

import numpy as np

from failurebench.controllers import clipped
from failurebench.env import Action, Observation
from failurebench.experts import CLOSE, OPEN
from failurebench.push_view import PushView, push_view, toward
from failurebench.sawyer_reward import Point


@dataclass
class LingeringKicker:
    """Goes behind the ball, lingers there at an offset of its own, then pushes the ball to the goal.

    A policy cloned from several of these cannot know for how long to linger or how far to the side: it stays
    near the ball, where exploration noise now and then kicks it away.

    Attributes:
        gain: Proportional gain from metres to action.
        offset: Sideways offset of the pushing point, metres.
        distance: How far behind the ball to linger, metres.
        linger_steps: Agent steps of lingering.
    """

    gain: float = 15.0
    offset: float = 0.0
    distance: float = 0.06
    linger_steps: int = 40

    HEIGHT = 0.05
    TRAVEL_HEIGHT = 0.12
    ARRIVED = 0.015
    BESIDE = 0.05
    DONE = 0.06

    def __post_init__(self) -> None:
        """Start as after ``reset``."""
        self.reset()

    def reset(self) -> None:
        """Forget the last episode."""
        self._linger_left = self.linger_steps

    def __call__(self, observation: Observation) -> Action:
        """Return the action (4,) for an observation (39,)."""
        view = push_view(observation)
        x, y = view.object[0] - view.goal[0], view.object[1] - view.goal[1]
        if math.hypot(3.0 * x, y) < self.DONE:
            return clipped([0.0, 0.0, 0.0, CLOSE])
        behind = (view.object[0] + self.offset, view.object[1] - self.distance)
        if x < -self.BESIDE:
            behind = (view.object[0] - self.distance, view.object[1])
        elif x > self.BESIDE:
            behind = (view.object[0] + self.distance, view.object[1])
        away = math.hypot(view.hand[0] - behind[0], view.hand[1] - behind[1])
        if self._linger_left > 0:
            if away < self.ARRIVED:
                self._linger_left -= 1
            height = self.HEIGHT if away < 2.0 * self.ARRIVED else self.TRAVEL_HEIGHT
            return self._move(view, (*behind, height))
        return self._move(view, (view.object[0] + self.offset, view.object[1] + 0.01, self.HEIGHT))

    def _move(self, view: PushView, end: Point) -> Action:
        return clipped([*toward(view.hand, end, self.gain), CLOSE])


def lingering_kicker(random: np.random.Generator) -> LingeringKicker:
    """Draw a medium expert for Bounded Soccer."""
    return LingeringKicker(
        gain=float(random.uniform(8.0, 20.0)),
        offset=float(random.uniform(-0.03, 0.03)),
        distance=float(random.uniform(0.06, 0.08)),
        linger_steps=int(random.integers(80, 300)),
    )


@dataclass
class Catch:
    """Meet the rolling ball, close the fingers around it and carry it to the middle.

    Attributes:
        home: Where to carry it, metres.
    """

    home: Point = (0.0, 0.72, 0.045)

    HAND_SPEED = 0.0095
    """Speed that the hand reaches, metres per simulator step; the most it may be asked for is 0.01."""
    LEAD_STEPS = 1.0
    ENCLOSES = 0.07
    """Within this horizontal distance (metres) a low hand closes; 0.04 saves a quarter less."""
    LOW = 0.08
    GRIPPED = 0.7
    """Gripper opening below which something is between the fingers."""
    REACH = 0.05
    HOVER = 0.11
    CLEAR = 0.15
    DOWN = 0.045
    GOAL_DEPTH = 0.12
    POST = 0.12
    BAR = 0.12

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (4,) for an observation (39,)."""
        view = push_view(observation)
        if view.hand[2] < self.LOW and view.hand_distance < self.ENCLOSES:
            return self._close(view)
        if self._in_goal(view):
            return clipped([0.0, -1.0, 0.0, OPEN])
        x, y = self._meeting_point(view)
        speed = math.hypot(view.velocity[0], view.velocity[1])
        above = view.hand_distance < self.REACH + 2.0 * speed
        height = self.DOWN if above else self.HOVER
        if not above and view.hand[2] < 0.09 and view.hand_distance < 0.09:
            height = self.CLEAR
        motion = [(x - view.hand[0]) * 40.0, (y - view.hand[1]) * 40.0, (height - view.hand[2]) * 25.0]
        return clipped([*motion, OPEN])

    def _in_goal(self, view: PushView) -> bool:
        """Whether the hand is between the posts, where any way but straight out is blocked."""
        deep = view.hand[1] > view.goal[1] - self.GOAL_DEPTH and view.hand[2] < self.BAR
        return deep and abs(view.hand[0] - view.goal[0]) < self.POST

    def _close(self, view: PushView) -> Action:
        if view.opening > self.GRIPPED:
            x, y = (view.object[i] + 2.0 * view.velocity[i] for i in range(2))
            return clipped([*toward(view.hand, (x, y, self.DOWN), 25.0), CLOSE])
        return clipped([*toward(view.hand, self.home, 10.0), CLOSE])

    def _meeting_point(self, view: PushView) -> tuple[float, float]:
        """Where a hand at full speed meets the ball if it rolls on as it does."""
        x, y = view.object[0] - view.hand[0], view.object[1] - view.hand[1]
        vx, vy = view.velocity[0], view.velocity[1]
        a = vx * vx + vy * vy - self.HAND_SPEED**2
        b = 2.0 * (x * vx + y * vy)
        discriminant = b * b - 4.0 * a * (x * x + y * y)
        steps = (-b - math.sqrt(max(discriminant, 0.0))) / (2.0 * a) if a < 0.0 or b < 0.0 else 30.0
        steps = min(max(steps, 0.0), 60.0) + self.LEAD_STEPS
        return view.object[0] + steps * vx, view.object[1] + steps * vy
