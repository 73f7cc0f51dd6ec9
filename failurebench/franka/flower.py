"""The flower of Franka Disturbed Push, and how near hand and puck are to it."""

import math
from dataclasses import dataclass

from failurebench.franka.panda_model import FINGER_RADIUS, FINGER_SPREAD, PALM_HALF_SIZE, PALM_HEIGHT


@dataclass(frozen=True)
class Flower:
    """An upright cylinder around a low pot with a flower.

    Attributes:
        radius: Metres.
        height: Metres.
    """

    radius: float
    height: float

    def gap_to_puck(self, away_x: float, away_y: float, puck_radius: float) -> float:
        """Signed distance (metres) of a puck's rim to the flower.

        Args:
            away_x: From the flower's axis to the puck's centre along x, metres.
            away_y: The same along y.
            puck_radius: Metres.
        """
        return math.hypot(away_x, away_y) - self.radius - puck_radius

    def gap_to_hand(self, away_x: float, away_y: float, tip_height: float) -> float:
        """Signed distance (metres) of the hand, which points straight down, to the flower.

        The fingers are upright cylinders, as wide as their capsules; the palm is a box above them.

        Args:
            away_x: From the flower's axis to the point between the finger tips along x, metres.
            away_y: The same along y.
            tip_height: Height of the finger tips, metres.
        """
        above = tip_height - self.height
        near = min(math.hypot(away_x, away_y - FINGER_SPREAD), math.hypot(away_x, away_y + FINGER_SPREAD))
        fingers = _both(near - self.radius - FINGER_RADIUS, above)
        side = abs(away_x) - PALM_HALF_SIZE[0]
        end = abs(away_y) - PALM_HALF_SIZE[1]
        flat = math.hypot(side, end) if side > 0.0 and end > 0.0 else max(side, end)
        return min(fingers, _both(flat - self.radius, above + PALM_HEIGHT))


def _both(flat: float, upright: float) -> float:
    """Signed distance of two upright solids from their horizontal and vertical ones."""
    return math.hypot(flat, upright) if flat > 0.0 and upright > 0.0 else max(flat, upright)
