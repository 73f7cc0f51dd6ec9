"""The expert of Obstructed Push's hard variant: it brings the puck around a vase."""

from dataclasses import dataclass

from failurebench.env import Action, Observation
from failurebench.experts import PushExpert
from failurebench.push_view import PushView
from failurebench.sawyer_reward import Point


@dataclass
class DetourExpert(PushExpert):
    """Drags the puck past the vase on the side where it lies.

    Attributes:
        clearance: Distance from the vase's axis at which the puck passes, metres.
    """

    clearance: float = 0.075

    BEFORE = 0.07
    BEHIND = 0.1
    DRAG_HEIGHT = 0.05

    def __call__(self, observation: Observation) -> Action:
        """Return the action (4,) for an observation (39,) whose entries 11:13 are the vase's x, y."""
        self._vase = (float(observation[11]), float(observation[12]))
        return super().__call__(observation)

    def _waypoint(self, view: PushView) -> Point:
        x, y, _ = view.object
        vase_x, vase_y = self._vase
        if y >= vase_y + self.BEFORE:
            return view.goal
        side = 1.0 if x >= vase_x else -1.0
        lateral = abs(x - vase_x)
        if lateral < self.clearance - 0.01:
            return vase_x + side * (self.clearance + 0.01), min(y, vase_y - self.BEFORE), self.DRAG_HEIGHT
        return vase_x + side * max(lateral, self.clearance), vase_y + self.BEHIND, self.DRAG_HEIGHT
