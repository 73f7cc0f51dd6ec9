"""Scripts for Obstructed Push: medium experts whose arm sweeps over the vase, and the recovery from there."""

from dataclasses import dataclass

import numpy as np

from failurebench.controllers import clipped
from failurebench.demonstrators import HesitantPusher
from failurebench.env import Action, Observation
from failurebench.experts import CLOSE, OPEN
from failurebench.push_view import push_view, toward
from failurebench.sawyer_reward import Point


@dataclass
class Retreat:
    """Draw the hand back from the vase, with the puck if it is between the fingers.

    Attributes:
        home: Where to, metres.
    """

    home: Point = (-0.1, 0.6, 0.15)

    GAIN = 20.0
    HOLDING = 0.05
    DRAG_HEIGHT = 0.06

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        """Return the action (4,) for an observation (39,)."""
        view = push_view(observation)
        holding = view.hand_distance < self.HOLDING and view.hand[2] < 0.10
        end = (self.home[0], self.home[1], self.DRAG_HEIGHT if holding else self.home[2])
        return clipped([*toward(view.hand, end, self.GAIN), CLOSE if holding else OPEN])


def far_reaching_pusher(random: np.random.Generator) -> HesitantPusher:
    """Draw a medium expert: it carries the puck toward the vase, hesitates there, then goes to the goal."""
    return HesitantPusher(
        gain=float(random.uniform(8.0, 20.0)),
        grip=float(random.uniform(0.4, 0.6)),
        detour=(float(random.uniform(0.08, 0.09)), float(random.uniform(0.65, 0.66))),
        dwell_steps=int(random.integers(0, 25)),
    )
