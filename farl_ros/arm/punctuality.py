"""How evenly commands come: what `/diagnostics` tells about the control rate."""

from __future__ import annotations

import math


class Punctuality:
    """Intervals between commands since the last report."""

    def __init__(self, period: float, late: float) -> None:
        """Start.

        Args:
            period: Control period [s].
            late: An interval longer than so many periods is an overrun.
        """
        self._period, self._limit = period, late * period
        self._last: float | None = None
        self._clear()

    def _clear(self) -> None:
        self._count, self._overruns, self._longest, self._squares = 0, 0, 0.0, 0.0

    def tick(self, now: float) -> None:
        """A command was sent at ``now`` [s, steady clock]."""
        if self._last is not None:
            interval = now - self._last
            self._count += 1
            self._overruns += interval > self._limit
            self._longest = max(self._longest, interval)
            self._squares += (interval - self._period) ** 2
        self._last = now

    def pause(self) -> None:
        """No command is due: the interval to the next one says nothing."""
        self._last = None

    def report(self) -> dict[str, float]:
        """Intervals, overruns, the longest [s] and the jitter (root mean square) [s] since the last time."""
        jitter = math.sqrt(self._squares / self._count) if self._count > 0 else 0.0
        figures = {
            "intervals": float(self._count),
            "overruns": float(self._overruns),
            "longest_interval_s": self._longest,
            "jitter_s": jitter,
        }
        self._clear()
        return figures
