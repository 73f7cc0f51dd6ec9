"""Colour, depth and camera information come as three messages: which belong to one moment."""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import Any

KEPT = 8
"""Messages of each stream that wait for the others."""


class Stream(IntEnum):
    """What comes by itself."""

    COLOUR = 0
    DEPTH = 1
    INFO = 2


class FrameJoin:
    """Puts messages together whose stamps differ by at most a tolerance.

    Attributes:
        dropped: Colour pictures that never became part of a frame.
    """

    def __init__(self, tolerance_ns: int) -> None:
        """Start without messages.

        Args:
            tolerance_ns: Greatest difference of depth's and information's stamps to the colour's [ns].
        """
        self._tolerance = tolerance_ns
        self._waiting: tuple[deque[tuple[int, Any]], ...] = tuple(deque(maxlen=KEPT) for _ in Stream)
        self.dropped = 0

    def add(self, stream: Stream, stamp_ns: int, message: Any) -> tuple[Any, Any, Any] | None:  # noqa: ANN401 - any message
        """Take a message; returns colour, depth and information once all three of a moment are there."""
        waiting = self._waiting[stream]
        if stream is Stream.COLOUR and len(waiting) == KEPT:
            self.dropped += 1
        waiting.append((stamp_ns, message))
        colours, depths, infos = self._waiting
        for at, colour in reversed(colours):
            depth, info = self._nearest(depths, at), self._nearest(infos, at)
            if depth is not None and info is not None:
                self.dropped += sum(stamp < at for stamp, _ in colours)
                for queue, last in ((colours, at), (depths, depth[0]), (infos, info[0])):
                    while queue and queue[0][0] <= last:
                        queue.popleft()
                return colour, depth[1], info[1]
        return None

    def _nearest(self, queue: deque[tuple[int, Any]], at: int) -> tuple[int, Any] | None:
        near = min(queue, key=lambda entry: abs(entry[0] - at), default=None)
        return near if near is not None and abs(near[0] - at) <= self._tolerance else None
