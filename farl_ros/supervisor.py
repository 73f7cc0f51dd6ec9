"""The supervisor of a graph's processes: honcho's, with time for the nodes to save what they have."""

from __future__ import annotations

import time

from honcho.manager import Manager

SAVE_S = 30.0
"""The nodes have this long to end after the first has ended or a signal came [s], as with the launch files.

Five seconds, as honcho gives, are too few for a busy machine to write a checkpoint and a report.
"""


class Supervisor(Manager):
    """Ends all processes with the first; kills what is left only after ``SAVE_S``."""

    _deadline = float("inf")

    def terminate(self) -> None:
        """Ask all processes to end; the first call counts."""
        self._deadline = min(self._deadline, time.monotonic() + SAVE_S)
        super().terminate()

    def kill(self) -> None:
        """Kill what has had its time; called again and again."""
        if time.monotonic() > self._deadline:
            super().kill()
