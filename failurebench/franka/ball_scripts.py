"""Scripts for Franka Bounded Soccer."""

import math
from dataclasses import dataclass

import numpy as np

from failurebench.controllers import clipped
from failurebench.env import Action, Observation
from failurebench.franka.view import (
    PUSH_HEIGHT,
    TRAVEL_HEIGHT,
    FrankaView,
    franka_view,
    get_behind,
    leave_alone,
    move,
    push_to,
)

STEP = 0.04
_REST = 0.0265
"""How far in front of the hand a ball is that rests against both fingers, metres."""


@dataclass
class Dribbler:
    """Gets behind the ball and dribbles it into the goal, both fingers at the ball.

    Attributes:
        speed: Share of full speed while dribbling.
        lead: For how long the ball is expected to roll on as it does, seconds.
    """

    speed: float = 0.5
    lead: float = 0.2

    DONE = 0.04

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (3,) for an observation (12,)."""
        view = _ahead(franka_view(observation), self.lead)
        if math.dist(view.object[:2], view.goal[:2]) < self.DONE:
            return leave_alone(view, STEP)
        behind = get_behind(view, STEP, _REST)
        if behind is not None:
            return behind
        return self._push(view)

    def _push(self, view: FrankaView) -> Action:
        return push_to(view, view.goal[0] + 0.02, view.goal[1], STEP, self.speed)


def _ahead(view: FrankaView, seconds: float) -> FrankaView:
    """What is seen, with the ball where it will be."""
    x, y, z = view.object
    return view._replace(object=(x + seconds * view.velocity[0], y + seconds * view.velocity[1], z))


@dataclass
class LingeringDribbler(Dribbler):
    """Stops the ball in mid-field and lingers there, then dribbles on into the goal, not quite straight.

    Attributes:
        stop: x where the ball is stopped, metres.
        linger_steps: Agent steps of lingering.
        aim: Offset of the aim from the goal on y, metres.
    """

    stop: float = 0.5
    linger_steps: int = 15
    aim: float = 0.0

    def __post_init__(self) -> None:
        """Start as after ``reset``."""
        self.reset()

    def reset(self) -> None:
        """Forget the last episode."""
        self._linger_left = self.linger_steps

    def _push(self, view: FrankaView) -> Action:
        if self._linger_left > 0 and view.object[0] > self.stop - 0.02:
            self._linger_left -= 1
            return clipped([0.0, 0.0, (PUSH_HEIGHT - view.hand[2]) / STEP])
        x, y, _ = view.goal
        return push_to(view, x + 0.02, y + self.aim, STEP, self.speed)


def lingering_dribbler(random: np.random.Generator) -> LingeringDribbler:
    """Draw a medium expert: it stops in mid-field and aims badly."""
    return LingeringDribbler(
        speed=float(random.uniform(0.35, 0.8)),
        lead=float(random.uniform(0.1, 0.3)),
        stop=float(random.uniform(0.47, 0.5)),
        linger_steps=int(random.integers(5, 30)),
        aim=float(random.uniform(-0.03, 0.03)),
    )


@dataclass
class Block:
    """Put the fingers on the outer side of the ball and push it back to the middle of the field.

    Attributes:
        centre: Middle of the field x, y, metres.
        half_size: Half of its size on x and y, metres; they decide which side is the outer one.
        lead: How far ahead the ball's path is followed, seconds.
    """

    centre: tuple[float, float] = (0.5, 0.0)
    half_size: tuple[float, float] = (0.21, 0.18)
    lead: float = 0.4

    OFFSET = (0.05, 0.075)
    """Distance of the hand from the ball's centre on its outer side: along x, along y; metres."""
    SAFE = 0.5
    """Share of the half-size within which the ball is left alone."""
    LOW = 0.055
    OVER = 0.085

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (3,) for an observation (12,)."""
        now = franka_view(observation)
        view = _ahead(now, self.lead)
        axis, sign = self._outward(view)
        outer = (now.hand[axis] - now.object[axis]) * sign
        beside = now.hand[1 - axis] - now.object[1 - axis]
        if outer > 0.02 and now.hand[2] < self.LOW:
            if abs(beside) < 0.05:
                return self._push_in(now, view, axis, sign)
            return self._go(now, view, axis, sign, PUSH_HEIGHT)
        near = math.hypot(now.hand[0] - now.object[0], now.hand[1] - now.object[1]) < 0.11
        if now.hand[2] < 0.07 and near and outer <= 0.02:
            return move(now, (now.hand[0], now.hand[1], TRAVEL_HEIGHT), STEP)
        target = self._outside(view, axis, sign)
        there = math.hypot(now.hand[0] - target[0], now.hand[1] - target[1]) < 0.03
        return self._go(now, view, axis, sign, PUSH_HEIGHT if there else self.OVER)

    def _outward(self, view: FrankaView) -> tuple[int, float]:
        offsets = [(view.object[i] - self.centre[i]) / self.half_size[i] for i in range(2)]
        axis = 0 if abs(offsets[0]) >= abs(offsets[1]) else 1
        return axis, math.copysign(1.0, offsets[axis])

    def _outside(self, view: FrankaView, axis: int, sign: float) -> tuple[float, float]:
        point = [view.object[0], view.object[1]]
        point[axis] += sign * self.OFFSET[axis]
        return point[0], point[1]

    def _go(self, now: FrankaView, view: FrankaView, axis: int, sign: float, height: float) -> Action:
        x, y = self._outside(view, axis, sign)
        return move(now, (x, y, height), STEP)

    def _push_in(self, now: FrankaView, view: FrankaView, axis: int, sign: float) -> Action:
        offset = abs(view.object[axis] - self.centre[axis]) / self.half_size[axis]
        target = [view.object[0], view.object[1]]
        target[axis] = now.hand[axis] - sign * (0.5 * STEP if offset > self.SAFE else 0.0)
        return move(now, (target[0], target[1], PUSH_HEIGHT), STEP)
