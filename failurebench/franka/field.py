"""The field of Franka Bounded Soccer, seen from above."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """A rectangle that the ball's centre must not leave.

    Attributes:
        centre: Centre x, y, metres.
        half_size: Half of its length on x and its width on y, metres.
    """

    centre: tuple[float, float]
    half_size: tuple[float, float]

    def margin_at(self, x: float, y: float) -> float:
        """Signed distance (metres) of a point to the outside, negative outside."""
        end = self.half_size[0] - abs(x - self.centre[0])
        side = self.half_size[1] - abs(y - self.centre[1])
        return -math.hypot(end, side) if end < 0.0 and side < 0.0 else min(end, side)
