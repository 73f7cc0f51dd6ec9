"""Medium experts for task demonstrations: they mostly succeed, but bring the puck near the edge on the way."""

from dataclasses import dataclass

import numpy as np

from failurebench.env import Action, Observation
from failurebench.experts import PushExpert
from failurebench.push_view import PushView
from failurebench.sawyer_reward import Point


@dataclass
class DetourPusher(PushExpert):
    """Drags the puck by a detour towards the edge of the box before it goes to the goal.

    Attributes:
        detour: Way-point of the detour (x, y), metres.
        idle_steps: Agent steps of standing still at the start.
    """

    detour: tuple[float, float] = (0.1, 0.75)
    idle_steps: int = 0

    def __post_init__(self) -> None:
        """Start as after ``reset``."""
        self.reset()

    def reset(self) -> None:
        """Forget the last episode."""
        self._waited = 0
        self._passed = False

    def __call__(self, observation: Observation) -> Action:
        """Return the action (4,) for an observation (39,)."""
        if self._waited < self.idle_steps:
            self._waited += 1
            return np.zeros(4, dtype=np.float32)
        return super().__call__(observation)

    def _waypoint(self, view: PushView) -> Point:
        x, y = self.detour
        if not self._passed:
            self._passed = abs(view.object[0] - x) < 0.03 and abs(view.object[1] - y) < 0.03
        return view.goal if self._passed else (x, y, 0.05)


def medium_pusher(random: np.random.Generator) -> DetourPusher:
    """Draw a medium expert."""
    side = 1.0 if random.random() < 0.5 else -1.0
    return DetourPusher(
        gain=float(random.uniform(6.0, 20.0)),
        grip=float(random.uniform(0.2, 0.6)),
        detour=(side * float(random.uniform(0.08, 0.17)), float(random.uniform(0.68, 0.80))),
        idle_steps=int(random.integers(0, 6)),
    )
