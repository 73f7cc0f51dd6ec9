"""How fast a replay goes: as recorded, faster, slower, or as fast as the machine allows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass


class PaceError(ValueError):
    """Nothing can go that fast; the message says what can."""


@dataclass
class Pace:
    """Waits until a moment of the recording has come.

    Attributes:
        speed: 1.0 as recorded, 2.0 twice as fast; 0.0 never waits.
        clock: Seconds.
        sleep: Waits some seconds.
    """

    speed: float = 0.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Check the speed.

        Raises:
            PaceError: It is negative, or no number.
        """
        if not (self.speed >= 0.0 and math.isfinite(self.speed)):
            raise PaceError(
                f"speed {self.speed:g}: expected 0 (as fast as possible) or more; 1 is as recorded"
            )
        self._begin: float | None = None

    def wait(self, moment: float) -> None:
        """Return when so much of the recording is to be over [s]; the first call says where it begins."""
        if self.speed == 0.0:
            return
        now = self.clock()
        if self._begin is None:
            self._begin = now - moment / self.speed
        due = self._begin + moment / self.speed
        if due > now:
            self.sleep(due - now)
