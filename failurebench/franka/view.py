"""Names for the numbers that the Franka scripts look at, and the motions that they share."""

import math
from typing import NamedTuple

from failurebench.controllers import clipped
from failurebench.env import Action, Observation
from failurebench.franka.panda_model import Point

PUSH_HEIGHT = 0.026
TRAVEL_HEIGHT = 0.09
_LOW = 0.05
_BEHIND = 0.06
"""Where the hand goes down: this far behind the object's centre, metres."""
_ARRIVED = 0.015
_RUN_ON = 0.04
"""Lag of the servos, seconds."""
_CONE = math.radians(35.0)
"""A disc stays against both fingers while it is pushed within this angle of straight ahead."""


class FrankaView(NamedTuple):
    """The parts of an observation that all Franka tasks share; metres, metres per second."""

    hand: Point
    object: Point
    velocity: Point
    goal: Point

    @property
    def ahead(self) -> float:
        """How far the object is in front of the hand."""
        return self.object[0] - self.hand[0]

    @property
    def aside(self) -> float:
        """How far it is to the left of the hand."""
        return self.object[1] - self.hand[1]


def franka_view(observation: Observation) -> FrankaView:
    """Name the parts of an observation."""
    v: list[float] = observation.tolist()
    return FrankaView((v[0], v[1], v[2]), (v[3], v[4], v[5]), (v[6], v[7], v[8]), (v[-3], v[-2], v[-1]))


def move(view: FrankaView, target: Point, step: float, speed: float = 1.0) -> Action:
    """Return the action (3,) that goes straight to a point (metres), at most ``speed`` of full speed."""
    wanted = [(b - a) / step for a, b in zip(view.hand, target, strict=True)]
    largest = max(abs(value) for value in wanted)
    return clipped([value * speed / largest for value in wanted] if largest > speed else wanted)


def get_behind(view: FrankaView, step: float, reach: float) -> Action | None:
    """Return the action (3,) towards the pushing position, or None where the hand is there.

    Args:
        view: What is seen.
        step: Metres for the action 1.0.
        reach: Distance from the hand to the centre of an object that rests against both fingers, metres.
    """
    x, y = view.object[0] - _BEHIND, view.object[1]
    if view.hand[2] < _LOW and abs(view.aside) < 0.03 and 0.6 * reach < view.ahead:
        if view.ahead < reach + 0.012 and abs(view.aside) < 0.012:
            return None
        if abs(view.aside) < 0.02 and view.ahead < _BEHIND + 0.04:
            return move(view, (view.object[0] - reach, y, PUSH_HEIGHT), step)
    if math.hypot(x - view.hand[0], y - view.hand[1]) < _ARRIVED:
        return move(view, (x, y, PUSH_HEIGHT), step)
    far = view.ahead > 0.5 * _BEHIND and view.hand[2] < _LOW
    height = view.hand[2] if far and abs(view.aside) < 0.05 else TRAVEL_HEIGHT
    if not far and view.hand[2] < 0.07:
        # Up first: a low hand beside or before the object would sweep it away.
        return move(view, (view.hand[0], view.hand[1], TRAVEL_HEIGHT), step)
    return move(view, (x, y, height), step)


def push_to(view: FrankaView, x: float, y: float, step: float, speed: float) -> Action:
    """Return the action (3,) that pushes an object, which rests at both fingers, towards a point (metres)."""
    # The hand runs on for a moment after its last command.
    away_x = x - view.object[0] - _RUN_ON * view.velocity[0]
    away_y = y - view.object[1] - _RUN_ON * view.velocity[1]
    angle = min(max(math.atan2(away_y, max(away_x, 1e-6)), -_CONE), _CONE)
    ahead = away_x * math.cos(angle) + away_y * math.sin(angle)
    length = min(max(ahead, 0.0) / step, speed) if away_x > 0.0 else 0.0
    lift = (PUSH_HEIGHT - view.hand[2]) / step
    return clipped([length * math.cos(angle), length * math.sin(angle) + 0.3 * view.aside / step, lift])


def leave_alone(view: FrankaView, step: float) -> Action:
    """Return the action (3,) that draws the hand back from an object that is where it shall be."""
    return move(view, (view.object[0] - _BEHIND, view.hand[1], PUSH_HEIGHT), step)
