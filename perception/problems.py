"""What can be wrong with what a camera gives, and the checks that find it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto

import numpy as np

from perception.frame import Colour, Depth, Frame

_STRIDE = 16
"""Pixels between those that are looked at: 1200 of a 640x480 picture are enough, and cost nothing."""


class Problem(Flag):
    """What is wrong; several at once. Any of them makes the frame unusable."""

    NONE = 0
    NO_FRAME = auto()  # the camera waits, or a recording is over
    UNPLUGGED = auto()  # the device is gone
    MALFORMED = auto()  # wrong type, shape or order of the arrays
    NO_INTRINSICS = auto()  # pixels cannot be turned into directions
    WRONG_CAMERA = auto()  # the intrinsics are not those that were calibrated
    BLACK = auto()  # cap on the lens, no light, broken exposure
    COLOURLESS = auto()  # an infrared stream where the colour stream should be
    DEPTH_EMPTY = auto()  # too few pixels with a depth
    DEPTH_UNIT = auto()  # distances that the scene cannot have, such as millimetres read as metres
    TABLE_MISPLACED = auto()  # the table is not where the calibration says: moved camera, wrong scale
    FROZEN = auto()  # the same picture again and again
    CLOCK_JUMP = auto()  # a stamp before the last one, or in the future
    STALE = auto()  # a stamp too long ago
    NO_ARM_POSE = auto()  # a camera on the hand, and nobody says where the hand is


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What is still believed.

    Attributes:
        dark: Below this 99th percentile of brightness a picture is black, grey levels.
        least_depth_share: Share of pixels that must have a depth.
        nearest: Least median depth, metres.
        farthest: Greatest median depth, metres.
        frozen_frames: So many pictures alike in a row are a frozen stream; None where a picture may repeat
            (a simulated camera without noise).
        oldest: Greatest age of a frame, seconds.
        future: How far a stamp may be ahead of the clock, seconds.
    """

    dark: int = 20
    least_depth_share: float = 0.3
    nearest: float = 0.15
    farthest: float = 4.0
    frozen_frames: int | None = 5
    oldest: float = 0.5
    future: float = 0.05


class StreamCheck:
    """Looks at each frame and remembers the last one."""

    def __init__(self, limits: StreamLimits) -> None:
        """Start without a frame."""
        self.limits = limits
        self._stamp: float | None = None
        self._number: int | None = None
        self._picture: tuple[Colour, Depth] | None = None
        self._alike = 1

    def check(self, frame: Frame, now: float) -> Problem:
        """Return everything that is wrong with a new frame.

        Args:
            frame: The frame.
            now: Time on the clock of its stamp, seconds.
        """
        problems = Problem.NONE if frame.intrinsics is not None else Problem.NO_INTRINSICS
        colour, depth = frame.colour[::_STRIDE, ::_STRIDE], frame.depth[::_STRIDE, ::_STRIDE]
        return problems | self._look(colour, depth) | self._time(frame, now) | self._repeats(colour, depth)

    def _look(self, colour: Colour, depth: Depth) -> Problem:
        limits, problems = self.limits, Problem.NONE
        if np.percentile(colour.max(axis=2), 99.0) < limits.dark:
            problems |= Problem.BLACK
        elif np.array_equal(colour[..., 0], colour[..., 1]) and np.array_equal(
            colour[..., 1], colour[..., 2]
        ):
            problems |= Problem.COLOURLESS
        # Negative and not-a-number are no measurements either.
        valid = depth[np.isfinite(depth) & (depth > 0.0)]
        if valid.size < limits.least_depth_share * depth.size:
            return problems | Problem.DEPTH_EMPTY
        middle = float(np.median(valid))
        return problems if limits.nearest <= middle <= limits.farthest else problems | Problem.DEPTH_UNIT

    def _time(self, frame: Frame, now: float) -> Problem:
        limits, problems = self.limits, Problem.NONE
        age = now - frame.stamp
        if self._stamp is not None and frame.stamp < self._stamp:
            problems |= Problem.CLOCK_JUMP
        elif frame.stamp == self._stamp or (self._number is not None and frame.number == self._number):
            problems |= Problem.FROZEN
        if not age >= -limits.future:  # a stamp that is not a number is in no order with the clock
            problems |= Problem.CLOCK_JUMP
        elif age > limits.oldest:
            problems |= Problem.STALE
        self._stamp, self._number = frame.stamp, frame.number
        return problems

    def _repeats(self, colour: Colour, depth: Depth) -> Problem:
        last = self._picture
        alike = last is not None and np.array_equal(last[0], colour) and np.array_equal(last[1], depth)
        self._picture = (colour.copy(), depth.copy())
        self._alike = self._alike + 1 if alike else 1
        limit = self.limits.frozen_frames
        return Problem.FROZEN if limit is not None and self._alike >= limit else Problem.NONE
