"""Names for the numbers that the scripted push controllers look at."""

import math
from typing import NamedTuple

from failurebench.env import Observation
from failurebench.sawyer_reward import Point


class PushView(NamedTuple):
    """The parts of a Sawyer observation (39,) in metres."""

    hand: Point
    opening: float
    object: Point
    velocity: Point
    """Object motion during the last simulator step, metres per 12.5 ms."""
    goal: Point

    @property
    def hand_distance(self) -> float:
        """Horizontal distance of hand and object."""
        return math.hypot(self.hand[0] - self.object[0], self.hand[1] - self.object[1])


def push_view(observation: Observation) -> PushView:
    """Name the parts of a Sawyer observation (39,)."""
    v: list[float] = observation.tolist()
    return PushView(
        hand=(v[0], v[1], v[2]),
        opening=v[3],
        object=(v[4], v[5], v[6]),
        velocity=(v[4] - v[22], v[5] - v[23], v[6] - v[24]),
        goal=(v[36], v[37], v[38]),
    )


def toward(start: Point, end: Point, gain: float) -> list[float]:
    """Return the proportional motion from ``start`` to ``end``, not yet clipped."""
    return [(b - a) * gain for a, b in zip(start, end, strict=True)]
