"""Scripted recovery primitives for Bounded Push: what to do when the puck is about to leave the box.

Each is a controller of its own, because demonstrations of one primitive clone better than a mixture.
"""

import math
from dataclasses import dataclass

from failurebench.controllers import clipped
from failurebench.env import Action, Observation
from failurebench.experts import CLOSE, OPEN
from failurebench.push_view import PushView, push_view, toward
from failurebench.sawyer_reward import Point


class Up:
    """Rise at full speed and keep the fingers open."""

    HEIGHT = 0.3

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (4,) for an observation (39,)."""
        return clipped([0.0, 0.0, (self.HEIGHT - float(observation[2])) * 20.0, OPEN])


class Freeze:
    """Stand still; keep squeezing if something is between the fingers."""

    HOLDING = 0.7

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (4,) for an observation (39,)."""
        return clipped([0.0, 0.0, 0.0, CLOSE if float(observation[3]) < self.HOLDING else 0.0])


@dataclass
class Retract:
    """Draw the hand up and back to a safe point above the middle of the box."""

    home: Point = (0.0, 0.6, 0.2)

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (4,) for an observation (39,)."""
        view = push_view(observation)
        return clipped([*toward(view.hand, self.home, 10.0), OPEN])


@dataclass
class Drag:
    """Grip the puck, or catch it first, and drag it to the middle of the box.

    Attributes:
        centre: Where to drag it, metres.
    """

    centre: Point = (0.0, 0.72, 0.05)

    REACH = 0.055
    """Within this horizontal distance of the hand (metres) the puck counts as between the fingers; generous,
    so that a puck which slips is squeezed at once (measured: 0.035 saves a tenth less)."""
    LOW = 0.09
    LEAD_STEPS = 6.0
    GRIP_GAIN = 10.0
    CATCH_GAIN = 25.0

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (4,) for an observation (39,)."""
        view = push_view(observation)
        if view.hand_distance < self.REACH and view.hand[2] < 0.10:
            return clipped([*toward(view.hand, self.centre, self.GRIP_GAIN), CLOSE])
        x = view.object[0] + self.LEAD_STEPS * view.velocity[0]
        y = view.object[1] + self.LEAD_STEPS * view.velocity[1]
        above = math.hypot(view.hand[0] - x, view.hand[1] - y) < self.REACH
        if above:
            end = (x, y, view.object[2] + 0.03)
        elif view.hand[2] < self.LOW:
            end = (view.hand[0], view.hand[1], 0.12)
        else:
            end = (x, y, view.object[2] + 0.1)
        return clipped([*toward(view.hand, end, self.CATCH_GAIN), OPEN])


@dataclass
class Block:
    """Put the closed fingers on the outer side of the puck, stop it there and push it back in.

    Attributes:
        centre: Middle of the box (x, y), metres.
        half_size: Half-sizes of the box (x, y), metres; they decide which side is "outer".
    """

    centre: tuple[float, float] = (0.0, 0.75)
    half_size: tuple[float, float] = (0.2, 0.25)

    GAIN = 20.0
    LEAD_STEPS = 10.0

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (4,) for an observation (39,)."""
        view = push_view(observation)
        axis, sign = self._outward(view)
        outer = (view.hand[axis] - view.object[axis]) * sign
        sideways = view.hand[1 - axis] - view.object[1 - axis]
        if outer > 0.02 and abs(sideways) < 0.03:
            return self._push_in(view, axis, sign, sideways)
        if view.hand[2] < 0.115 and view.hand_distance < 0.05:
            return self._go(view, (view.hand[0], view.hand[1], 0.16))
        close = view.hand_distance < 0.12 and outer <= 0.02
        outside = _ahead(view, axis, self.LEAD_STEPS, 0.045 * sign, 0.125 if close else 0.06)
        return self._go(view, outside)

    def _outward(self, view: PushView) -> tuple[int, float]:
        offsets = [(view.object[i] - self.centre[i]) / self.half_size[i] for i in range(2)]
        axis = 0 if abs(offsets[0]) >= abs(offsets[1]) else 1
        return axis, math.copysign(1.0, offsets[axis])

    def _push_in(self, view: PushView, axis: int, sign: float, sideways: float) -> Action:
        if view.hand[2] >= 0.095:
            return self._go(view, _ahead(view, axis, 6.0, 0.036 * sign, 0.05))
        motion = [0.0, 0.0, (0.05 - view.hand[2]) * self.GAIN, CLOSE]
        motion[axis] = (view.object[axis] - 0.04 * sign - view.hand[axis]) * self.GAIN
        motion[1 - axis] = min(max(-10.0 * sideways, -0.5), 0.5)
        return clipped(motion)

    def _go(self, view: PushView, end: Point) -> Action:
        return clipped([*toward(view.hand, end, self.GAIN), CLOSE])


def _ahead(view: PushView, axis: int, steps: float, offset: float, height: float) -> Point:
    """Where the puck will be in ``steps`` simulator steps, shifted by ``offset`` along an axis."""
    point = [view.object[i] + steps * view.velocity[i] for i in range(2)]
    point[axis] += offset
    return point[0], point[1], height
