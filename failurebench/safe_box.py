"""The safe part of the table in the bounded tasks."""

import math
from dataclasses import dataclass

TABLE_END = 1.0
"""Far end of the table, metres: the back wall stops objects a little before it."""


@dataclass(frozen=True)
class SafeBox:
    """``|x| < x_limit`` and ``y > y_limit``, and ``y < far_limit`` where that is given; metres.

    Without a far limit the far side is open: the table's back wall stops the object there. An object beyond
    that wall (y > 1) or below the floor is outside all the same.

    Attributes:
        x_limit: Half-width.
        y_limit: Near edge.
        far_limit: Far edge, or None.
        floor: Height of the centre below which an object has fallen off the table.
    """

    x_limit: float
    y_limit: float
    far_limit: float | None = None
    floor: float = 0.0

    def margin_at(self, x: float, y: float, z: float) -> float:
        """Signed distance (metres) of a point to the outside of the box, negative outside."""
        side, end = self.x_limit - abs(x), y - self.y_limit
        if self.far_limit is not None:
            end = min(end, self.far_limit - y)
        if y > TABLE_END or z < self.floor:
            return min(side, end, TABLE_END - y, z - self.floor)
        if side < 0.0 and end < 0.0:
            return -math.hypot(side, end)
        return min(side, end)
