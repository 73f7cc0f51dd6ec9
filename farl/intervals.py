"""How sure a share is that was counted on few episodes."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """95 % Wilson score interval of a share (Wilson 1927)."""

    low: float
    high: float


def wilson(successes: int, trials: int, z: float = 1.959964) -> Interval:
    """Wilson score interval of ``successes`` of ``trials``; all of [0, 1] where nothing was tried."""
    if trials == 0:
        return Interval(0.0, 1.0)
    p, scale = successes / trials, 1.0 + z * z / trials
    centre = (p + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(p * (1.0 - p) / trials + z * z / (4 * trials * trials))
    low = max(0.0, centre - half) if successes > 0 else 0.0  # rounding must not leave p outside
    high = min(1.0, centre + half) if successes < trials else 1.0
    return Interval(low, high)
