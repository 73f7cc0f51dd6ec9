"""Medium experts for task demonstrations: they mostly succeed, but bring the puck near the edge first."""

from dataclasses import dataclass

import numpy as np

from failurebench.env import Action, Observation
from failurebench.experts import PushExpert
from failurebench.push_view import PushView
from failurebench.sawyer_reward import Point


@dataclass
class HesitantPusher(PushExpert):
    """Drags the puck to a point near the edge of the box, hesitates there, then drags it to the goal.

    A policy cloned from several of these cannot know for how long to hesitate: its mean action stays near the
    edge with the puck in its grip, from where exploration noise now and then carries the puck out.

    Attributes:
        detour: Point near the edge (x, y), metres.
        dwell_steps: Agent steps of hesitation there.
        idle_steps: Agent steps of standing still at the start.
    """

    detour: tuple[float, float] = (0.14, 0.68)
    dwell_steps: int = 50
    idle_steps: int = 0

    ARRIVED = 0.03

    def __post_init__(self) -> None:
        """Start as after ``reset``."""
        self.reset()

    def reset(self) -> None:
        """Forget the last episode."""
        self._idle_left = self.idle_steps
        self._dwell_left = self.dwell_steps
        self._arrived = False

    def __call__(self, observation: Observation) -> Action:
        """Return the action (4,) for an observation (39,)."""
        if self._idle_left > 0:
            self._idle_left -= 1
            return np.zeros(4, dtype=np.float32)
        return super().__call__(observation)

    def _waypoint(self, view: PushView) -> Point:
        x, y = self.detour
        if not self._arrived:
            self._arrived = abs(view.object[0] - x) < self.ARRIVED and abs(view.object[1] - y) < self.ARRIVED
        if self._arrived:
            self._dwell_left -= 1
        return super()._waypoint(view) if self._dwell_left < 0 else (x, y, 0.05)


def hesitant_pusher(random: np.random.Generator) -> HesitantPusher:
    """Draw a medium expert for Bounded Push."""
    return HesitantPusher(
        gain=float(random.uniform(6.0, 20.0)),
        grip=float(random.uniform(0.3, 0.6)),
        detour=(float(random.uniform(0.135, 0.15)), float(random.uniform(0.66, 0.69))),
        dwell_steps=int(random.integers(80, 300)),
        idle_steps=int(random.integers(0, 6)),
    )
