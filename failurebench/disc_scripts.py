"""Scripts for Disc Table: expert, demonstrators and recovery are one pusher with different aims."""

import math
from dataclasses import dataclass

import numpy as np

from failurebench.controllers import clipped
from failurebench.disc_table import CONTACT, DiscTable
from failurebench.env import Action, Observation


@dataclass
class DiscPusher:
    """Circle to the far side of the puck, as seen from the aim, then push it there.

    Attributes:
        aim: Where to push the puck (x, y), metres; None means the goal in the observation.
        aim_error: Constant error added to the aim, metres.
        eagerness: How hard to push far from the aim, as a share of the greatest speed.
        precision: Distance to the aim, metres, at which to stop and back off.
    """

    aim: tuple[float, float] | None = None
    aim_error: tuple[float, float] = (0.0, 0.0)
    eagerness: float = 0.8
    precision: float = 0.015

    CLEARANCE = 0.025
    ALIGNED = 0.5

    def reset(self) -> None:
        """Nothing to forget: the script looks only at the observation."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (2,) for an observation (10,)."""
        finger_x, finger_y, puck_x, puck_y, _, _, goal_x, goal_y, *_ = observation.tolist()
        aim_x, aim_y = (goal_x, goal_y) if self.aim is None else self.aim
        aim_x, aim_y = aim_x + self.aim_error[0], aim_y + self.aim_error[1]
        distance = math.hypot(aim_x - puck_x, aim_y - puck_y)
        behind = math.atan2(puck_y - aim_y, puck_x - aim_x)
        angle = math.atan2(finger_y - puck_y, finger_x - puck_x)
        gap = math.hypot(finger_x - puck_x, finger_y - puck_y) - CONTACT
        if distance < self.precision:
            return self._velocity(math.cos(angle), math.sin(angle), 0.5 if gap < self.CLEARANCE else 0.0)
        turn = math.remainder(behind - angle, math.tau)
        if abs(turn) > self.ALIGNED:
            return self._circle((finger_x, finger_y), (puck_x, puck_y), angle, turn)
        push = min(self.eagerness, 0.15 + 4.0 * distance)
        # Heading for a point inside the puck, on the line through the aim, keeps the contact on that line.
        end_x = puck_x + 0.6 * CONTACT * math.cos(behind)
        end_y = puck_y + 0.6 * CONTACT * math.sin(behind)
        length = math.hypot(end_x - finger_x, end_y - finger_y)
        return self._velocity((end_x - finger_x) / length, (end_y - finger_y) / length, push)

    def _circle(
        self, finger: tuple[float, float], puck: tuple[float, float], angle: float, turn: float
    ) -> Action:
        """Go around the puck at a small clearance."""
        radius = CONTACT + self.CLEARANCE
        ahead = angle + math.copysign(min(abs(turn), 0.8), turn)
        end_x, end_y = puck[0] + radius * math.cos(ahead), puck[1] + radius * math.sin(ahead)
        gain = 1.0 / (DiscTable.FINGER_SPEED * DiscTable.TIME_STEP)
        return clipped([(end_x - finger[0]) * gain, (end_y - finger[1]) * gain])

    @staticmethod
    def _velocity(direction_x: float, direction_y: float, share: float) -> Action:
        return clipped([direction_x * share, direction_y * share])


def centre_pusher() -> DiscPusher:
    """Return the scripted recovery: get to the outer side of the puck and push it back to the middle."""
    return DiscPusher(aim=(0.0, 0.0), eagerness=0.4, precision=0.1)


def hasty_pusher(random: np.random.Generator) -> DiscPusher:
    """Draw a medium expert: too fast and not well aimed."""
    error_x, error_y = random.normal((0.0, 0.01), 0.04).tolist()
    return DiscPusher(aim_error=(error_x, error_y), eagerness=float(random.uniform(0.8, 1.0)))
