"""When decisions may move a real arm: while an episode runs, and at no other time."""

from __future__ import annotations

from farl_ros.messages import Event

ENDS = (Event.SUCCEEDED, Event.TIMED_OUT, Event.ABORTED)
"""Events after which an episode does not go on."""


class EpisodeGate:
    """Opened and closed by episode events, and held against the stamp of the state that is answered.

    The last state of an episode has the stamp of the event that ends it: whatever is decided on it comes too
    late, in whichever order the two arrive.
    """

    def __init__(self) -> None:
        self._from_ns: int | None = None
        self._until_ns: int | None = None

    @property
    def running(self) -> bool:
        """Whether an episode runs."""
        return self._from_ns is not None and self._until_ns is None

    def take(self, event: Event, stamp_ns: int) -> bool:
        """Take an episode event of that stamp [ns]; returns whether it ended the running episode."""
        if event == Event.STARTED:
            self._from_ns, self._until_ns = stamp_ns, None
        elif event in ENDS and self.running:
            self._until_ns = stamp_ns
            return True
        return False

    def is_open(self, stamp_ns: int) -> bool:
        """Whether a decision on the state of that stamp [ns] may move the arm."""
        if self._from_ns is None or stamp_ns < self._from_ns:
            return False
        return self._until_ns is None or stamp_ns < self._until_ns
