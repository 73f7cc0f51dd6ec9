"""The person in Franka Disturbed Push: moves a flower to and fro across the robot's way, at random."""

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

_MOVES = 14
SIDE = 0.26
"""Distance of the places to the left and right of the robot's way from its middle, metres."""
_MIDDLE = 0.08
"""Greatest distance from the middle of the places where the flower stops on its way, metres."""
_STOPS_MIDWAY = 0.3
_SPEED = (0.04, 0.08)
"""Metres per second."""
_PAUSE = (0.3, 1.5)
"""Seconds."""
_HEAD_START = 10.0
"""Longest time that the person has been at it when an episode starts, seconds."""

XY = tuple[float, float]


class Disturber:
    """Where the flower is at each moment of an episode: a plan that is drawn at reset and then only read.

    The flower moves from one side to the other along straight lines, each at its own speed, stops on the way
    now and then, and pauses where it arrives.
    """

    def __init__(self, lane: XY) -> None:
        """Make a flower that stands still.

        Args:
            lane: Least and greatest x of the places it is moved to, metres.
        """
        self.lane = lane
        self._times = [0.0] * (2 * _MOVES + 1)
        self._x = [sum(lane) / 2] * (2 * _MOVES + 1)
        self._y = [SIDE] * (2 * _MOVES + 1)

    def draw(self, random: np.random.Generator) -> None:
        """Draw a new plan."""
        side = 1.0 if random.uniform() < 0.5 else -1.0
        x, y, time = float(random.uniform(*self.lane)), side * SIDE, -float(random.uniform(0.0, _HEAD_START))
        self._times, self._x, self._y = [time], [x], [y]
        for _ in range(_MOVES):
            pause, speed, midway, new_x, new_y = random.uniform(
                (_PAUSE[0], _SPEED[0], 0.0, self.lane[0], -_MIDDLE),
                (_PAUSE[1], _SPEED[1], 1.0, self.lane[1], _MIDDLE),
            ).tolist()
            if midway >= _STOPS_MIDWAY or abs(y) < SIDE:
                side = -side
                new_y = side * SIDE
            self._append(time + pause, x, y)
            time += pause + float(np.hypot(new_x - x, new_y - y)) / speed
            x, y = new_x, new_y
            self._append(time, x, y)

    def _append(self, time: float, x: float, y: float) -> None:
        self._times.append(time)
        self._x.append(x)
        self._y.append(y)

    def position(self, time: float) -> XY:
        """Where the flower is, metres; after the last move it stands still.

        Args:
            time: Since reset, seconds.
        """
        later = bisect_right(self._times, time)
        if later == len(self._times):
            return self._x[-1], self._y[-1]
        start, end = self._times[later - 1], self._times[later]
        share = (time - start) / (end - start)
        x, y = self._x[later - 1], self._y[later - 1]
        return x + share * (self._x[later] - x), y + share * (self._y[later] - y)

    def velocity(self, time: float) -> XY:
        """How fast the flower moves, metres per second."""
        later = bisect_right(self._times, time)
        if later == len(self._times):
            return 0.0, 0.0
        span = self._times[later] - self._times[later - 1]
        return (self._x[later] - self._x[later - 1]) / span, (self._y[later] - self._y[later - 1]) / span

    def packed(self) -> NDArray[np.float64]:
        """Return the plan as one vector."""
        return np.array((*self._times, *self._x, *self._y))

    def unpack(self, plan: NDArray[np.float64]) -> None:
        """Take over a plan that ``packed`` gave."""
        numbers: list[float] = plan.tolist()
        size = len(numbers) // 3
        self._times, self._x, self._y = numbers[:size], numbers[size : 2 * size], numbers[2 * size :]
