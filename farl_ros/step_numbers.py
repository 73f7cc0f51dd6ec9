"""Which frames are the steps of an episode, where no simulator says it: a camera sends when it sends."""

from __future__ import annotations

EARLY = 0.1
"""A frame that comes at most this many control periods before it is due is taken: cameras jitter."""
LATE = 0.25
"""After a step that came more than this many control periods late, the next one is due a period after it."""
OVERDUE = 0.5
"""A step that is this many control periods late is missed: blind frames are shown from then on."""


class StepNumbers:
    """Numbers frames: step 0 is the first valid frame of the episode, then one each control period.

    Only a frame in which everything was seen is a step. While no such frame comes, one blind frame each
    period gets the number of the last step, so that the shield sees it, and has the arm stand still; the step
    goes on until there is a valid frame. Outside of an episode no frame gets a number.
    """

    def __init__(self, period_ns: int, horizon: int) -> None:
        """Start outside of an episode.

        Args:
            period_ns: Control period [ns].
            horizon: Last step of an episode; there is none after it, whatever happens.
        """
        self._period, self._horizon = period_ns, horizon
        self._episode: int | None = None
        self._step = -1
        self._due = self._blind_due = 0

    def start(self, episode: int, stamp_ns: int) -> None:
        """Begin an episode: its frames are those acquired at ``stamp_ns`` [ns] or later."""
        self._episode, self._step = episode, -1
        self._due = stamp_ns + round(EARLY * self._period)
        self._blind_due = stamp_ns

    def stop(self) -> None:
        """End the episode."""
        self._episode = None

    def of(self, stamp_ns: int, valid: bool) -> tuple[int, int] | None:
        """The episode and step of a frame acquired at ``stamp_ns`` [ns]; None for one that is left out."""
        early = round(EARLY * self._period)
        if self._episode is None or stamp_ns < self._due - early or self._step >= self._horizon:
            return None
        if not valid:
            if self._step < 0 or stamp_ns < self._blind_due:
                return None
            self._blind_due = stamp_ns + self._period
            return self._episode, self._step
        self._step += 1
        # Due times stay on their grid, so that jitter does not add up, unless one was missed.
        late = self._step == 0 or stamp_ns - self._due > LATE * self._period
        self._due = (stamp_ns if late else self._due) + self._period
        self._blind_due = self._due + round(OVERDUE * self._period)
        return self._episode, self._step
