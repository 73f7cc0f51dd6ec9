"""The uneven turf of Franka Bounded Soccer."""

import math

import numpy as np
from numpy.typing import NDArray

_WAVES = 3
_LENGTH = (0.25, 0.5)
"""Wave lengths, metres."""


class Turf:
    """A gently sloping, wavy surface: its slope at each point.

    A few millimetres of height matter only through the slope: a ball on it is a ball on a plane, pulled
    downhill by its weight times the slope. So the physics stays flat, and fast.
    """

    def __init__(self, tilt: float, waviness: float) -> None:
        """Make a flat turf.

        Args:
            tilt: Greatest slope of the whole field, metres per metre.
            waviness: Greatest slope of each of the waves on it, metres per metre.
        """
        self.tilt = tilt
        self.waviness = waviness
        self._slope = (0.0, 0.0)
        self._waves: list[tuple[float, float, float, float]] = [(0.0, 0.0, 0.0, 0.0)] * _WAVES

    def draw(self, random: np.random.Generator) -> None:
        """Draw new slopes."""
        way, share = random.uniform((-math.pi, 0.0), (math.pi, 1.0)).tolist()
        self._slope = (self.tilt * share * math.cos(way), self.tilt * share * math.sin(way))
        self._waves = []
        for _ in range(_WAVES):
            way, length, phase, share = random.uniform(
                (-math.pi, _LENGTH[0], -math.pi, 0.0), (math.pi, _LENGTH[1], math.pi, 1.0)
            ).tolist()
            number = 2.0 * math.pi / length
            wave = (number * math.cos(way), number * math.sin(way), phase, self.waviness * share / number)
            self._waves.append(wave)

    def slope(self, x: float, y: float) -> tuple[float, float]:
        """Rise along x and y at a point (metres), metres per metre."""
        along_x, along_y = self._slope
        for number_x, number_y, phase, height in self._waves:
            rise = height * math.cos(number_x * x + number_y * y + phase)
            along_x += number_x * rise
            along_y += number_y * rise
        return along_x, along_y

    def packed(self) -> NDArray[np.float64]:
        """Return the slopes as one vector."""
        return np.array((*self._slope, *(number for wave in self._waves for number in wave)))

    def unpack(self, numbers: NDArray[np.float64]) -> None:
        """Take over slopes that ``packed`` gave."""
        values: list[float] = numbers.tolist()
        self._slope = (values[0], values[1])
        self._waves = [
            (a, b, c, d) for a, b, c, d in zip(*(values[2 + i :: 4] for i in range(4)), strict=True)
        ]
