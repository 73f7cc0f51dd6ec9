"""The box around the wall in Fragile Push Wall."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class ObstacleBox:
    """A box seen from above, which a round object must not touch.

    Attributes:
        centre: Centre x, y, metres.
        half_size: Half of its width and depth, metres.
        radius: Radius of the object, metres.
    """

    centre: tuple[float, float]
    half_size: tuple[float, float]
    radius: float

    def margin_at(self, x: float, y: float) -> float:
        """Signed distance (metres) of an object's rim, centre at x, y, to the box; negative in it."""
        side = abs(x - self.centre[0]) - self.half_size[0]
        depth = abs(y - self.centre[1]) - self.half_size[1]
        outside = math.hypot(side, depth) if side > 0.0 and depth > 0.0 else max(side, depth)
        return outside - self.radius
