"""Scripts for Franka Disturbed Push."""

import math
from dataclasses import dataclass

import numpy as np

from failurebench.env import Action, Observation
from failurebench.franka.view import FrankaView, franka_view, get_behind, leave_alone, move, push_to

STEP = 0.03
_REST = 0.0335
"""How far in front of the hand a puck is that rests against both fingers, metres."""
START_SPEED = 0.11
"""Speed at which a resting flower is expected to set out, metres per second: more than any moves at
(``Disturber``: 0.04 to 0.08), so that there is time to spare. It does not follow from the disturber's speeds:
the demonstrations that the shipped models are made of follow from it."""
_FLOWER = slice(9, 14)


@dataclass
class FlowerDodger:
    """Pushes the puck up to the flower's lane, waits until the flower leaves the way, then hurries across.

    Attributes:
        line: x up to which the puck is pushed while the flower is in the way, metres.
        clearance: How far the flower's axis must stay from the puck's centre during a crossing, metres.
        start_speed: Speed at which a resting flower is expected to set out, metres per second.
        judgement: Share of a moving flower's speed that is reckoned with.
        speed: Share of full speed while crossing.
    """

    line: float = 0.38
    clearance: float = 0.095
    start_speed: float = START_SPEED
    judgement: float = 1.0
    speed: float = 1.0

    FAR_SIDE = 0.6
    """x of the puck from which puck and hand are across, metres."""
    COMMITTED = 0.47
    """x of the puck from which there is no way back, metres."""
    RATE = 0.14
    """Metres per second at full speed, the start included."""
    NEAR = 0.01
    DONE = 0.025

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (3,) for an observation (18,)."""
        view = franka_view(observation)
        if math.dist(view.object[:2], view.goal[:2]) < self.DONE:
            return leave_alone(view, STEP)
        waiting = not self._may_cross(view, observation[_FLOWER].tolist())
        if waiting and view.object[0] > self.line - self.NEAR:
            return leave_alone(view, STEP)
        behind = get_behind(view, STEP, _REST)
        if behind is not None:
            return behind
        x, y = (self.line, view.object[1]) if waiting else view.goal[:2]
        return push_to(view, x, y, STEP, self._speed_at(view))

    def _speed_at(self, view: FrankaView) -> float:
        return self.speed

    def _may_cross(self, view: FrankaView, flower: list[float]) -> bool:
        """Whether the flower stays out of the way for as long as the rest of the crossing takes."""
        if view.object[0] > self.COMMITTED:
            return True
        off, speed = flower[1] - view.object[1], self.judgement * flower[4]
        if speed == 0.0:
            speed = -math.copysign(self.start_speed, off)
        later = off + speed * (self.FAR_SIDE - view.object[0]) / (self.speed * self.RATE)
        return off * later > 0.0 and min(abs(off), abs(later)) > self.clearance


@dataclass
class HastyDodger(FlowerDodger):
    """Hesitates with the puck at the flower's lane, crosses with little foresight, then creeps on.

    Attributes:
        dwell_steps: Agent steps of hesitation.
        last_speed: Share of full speed on the far side of the lane.
    """

    dwell_steps: int = 10
    last_speed: float = 0.2

    def __post_init__(self) -> None:
        """Start as after ``reset``."""
        self.reset()

    def reset(self) -> None:
        """Forget the last episode."""
        self._dwell_left = self.dwell_steps

    def _speed_at(self, view: FrankaView) -> float:
        return self.last_speed if view.object[0] > self.FAR_SIDE else self.speed

    def _may_cross(self, view: FrankaView, flower: list[float]) -> bool:
        if self._dwell_left > 0:
            if view.object[0] > self.line - self.NEAR:
                self._dwell_left -= 1
            return False
        return super()._may_cross(view, flower)


def hasty_dodger(random: np.random.Generator) -> HastyDodger:
    """Draw a medium expert: it waits too near to the lane, crosses slowly and too soon, then creeps."""
    return HastyDodger(
        line=float(random.uniform(0.38, 0.39)),
        clearance=float(random.uniform(0.06, 0.08)),
        start_speed=float(random.uniform(0.0, 0.02)),
        judgement=float(random.uniform(0.0, 0.3)),
        speed=float(random.uniform(0.35, 0.7)),
        dwell_steps=int(random.integers(5, 30)),
        last_speed=float(random.uniform(0.1, 0.25)),
    )


@dataclass
class StepAside:
    """Leave the flower's lane: forward with the puck where time is left or none to turn, else back.

    Attributes:
        lane: x of the puck between which it is in the flower's way, metres.
        committed: x of the puck from which the way forward is the only one, metres.
        clearance: Distance of the puck from the flower's axis that must remain, metres.
    """

    lane: tuple[float, float] = (0.415, 0.635)
    committed: float = 0.47
    clearance: float = 0.085

    BACK = 0.34
    RATE = 0.14
    """Of the hand, metres per second."""

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (3,) for an observation (18,)."""
        view = franka_view(observation)
        near, far = self.lane
        if view.object[0] >= far:
            return leave_alone(view, STEP)
        if view.object[0] > near and self._forward(view, observation[_FLOWER].tolist()):
            behind = get_behind(view, STEP, _REST)
            return push_to(view, far + 0.05, view.object[1], STEP, 1.0) if behind is None else behind
        # Straight back; up only where the hand is clear of the puck and no longer over the lane.
        height = 0.12 if view.ahead > 0.08 or view.hand[2] > 0.06 else view.hand[2]
        return move(view, (min(self.BACK, view.hand[0]), view.hand[1], height), STEP)

    def _forward(self, view: FrankaView, flower: list[float]) -> bool:
        if view.object[0] > self.committed:
            return True
        off, speed = flower[1] - view.object[1], flower[4]
        if off * speed > 0.0:
            return abs(off) > self.clearance
        time_left = (abs(off) - self.clearance) / (abs(speed) if speed != 0.0 else START_SPEED)
        return time_left > (self.lane[1] - 0.035 - view.object[0]) / self.RATE
