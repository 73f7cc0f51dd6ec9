"""The true gap between puck and wall in the push-wall scene."""

import sys

import mujoco
import numpy as np

from failurebench.sawyer import Sawyer

_FAR = 1.0


class WallGap:
    """Signed gap of puck and wall as MuJoCo's collision detection sees it.

    It belongs to the pose of the last forward pass. A physics step makes that pass before it moves anything,
    so after it the gap is that of the pose before the step.
    """

    def __init__(self, sawyer: Sawyer) -> None:
        """Find puck and wall in a push-wall scene."""
        model = sawyer.model
        self._model, self._data = model, sawyer.data
        self._puck = model.geom("objGeom").id
        wall = model.body("wall").id
        # A drawn and a colliding geom of one shape; the puck collides with both.
        self._wall = [geom for geom in range(model.ngeom) if model.geom_bodyid[geom] == wall]
        self._ends = np.empty(6)

    def now(self) -> float:
        """Return the gap in metres: zero or less exactly if there is a contact, at most 1."""
        contacts = self._data.contact
        depths: list[float] = [
            distance
            for (a, b), distance in zip(contacts.geom.tolist(), contacts.dist.tolist(), strict=True)
            if (a == self._puck and b in self._wall) or (b == self._puck and a in self._wall)
        ]
        if depths:
            return min(0.0, *depths)
        gap = mujoco.mj_geomDistance(self._model, self._data, self._puck, self._wall[0], _FAR, self._ends)
        # Without a contact there is no failure, however the distance is rounded.
        return max(float(gap), sys.float_info.min)
