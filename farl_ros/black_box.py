"""The black box: the last seconds are kept in memory, and written around every intervention and failure.

It belongs to the recorder's thread: nothing of it runs where decisions are made.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from farl_ros.bag_writer import BagWriter

MOST_MESSAGES = 50_000
"""Of the ring, whatever its seconds say: memory stays bounded."""


@dataclass(frozen=True)
class BlackBoxSettings:
    """What the black box keeps.

    Attributes:
        before: Seconds before an event.
        after: Seconds after it.
        least_free: Bytes that must stay free on the disk; below, nothing more is written.
    """

    before: float = 5.0
    after: float = 3.0
    least_free: int = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Kept:
    """One message of the ring; ``when`` is what it is dated by in the bag [ns]."""

    topic: str
    type_name: str
    payload: bytes
    stamp_ns: int
    when_ns: int


class BlackBox:
    """A ring of messages, and the dump that is being written, if there is one.

    An event while a dump is being written makes it longer: no message is written twice.

    Attributes:
        dumps: How many were begun.
        refused: How many were not, because the disk is nearly full.
    """

    def __init__(
        self,
        settings: BlackBoxSettings,
        folder: Path,
        open_bag: Callable[[Path, str], BagWriter],
        say: Callable[[str], None],
        free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        """Begin with an empty ring.

        Args:
            settings: What is kept.
            folder: Where the dumps go, as ``000001-intervention``.
            open_bag: Makes the bag of a dump, from its path and what triggered it.
            say: Warns a person.
            free: Free bytes on the disk of a folder.
        """
        self._settings, self._folder, self._open_bag = settings, folder, open_bag
        self._say, self._free = say, free
        self._ring: deque[Kept] = deque(maxlen=MOST_MESSAGES)
        self._bag: BagWriter | None = None
        self._until_ns = 0
        self._newest_ns = 0
        self.dumps, self.refused = 0, 0

    def take(self, message: Kept, trigger: str) -> None:
        """Take a message; ``trigger`` names the event that it tells of, or is empty."""
        self._newest_ns = max(self._newest_ns, message.stamp_ns)
        if self._bag is not None and self._newest_ns > self._until_ns:
            self.finish()
        if trigger:
            self._until_ns = max(self._until_ns, message.stamp_ns + round(self._settings.after * 1e9))
            if self._bag is None:
                self._begin(trigger, message.stamp_ns)
        if self._bag is not None:
            self._write(message)
            return
        self._ring.append(message)
        oldest_ns = self._newest_ns - round(self._settings.before * 1e9)
        while self._ring and self._ring[0].stamp_ns < oldest_ns:
            self._ring.popleft()

    def finish(self) -> None:
        """End the dump that is being written."""
        bag, self._bag = self._bag, None
        if bag is not None:
            bag.__exit__(None, None, None)

    def _begin(self, trigger: str, stamp_ns: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        free = self._free(self._folder)
        if free < self._settings.least_free:
            self.refused += 1
            self._say(
                f"BLACK BOX STOPPED: {self._folder} has {free / 1e9:.1f} GB free, less than "
                f"{self._settings.least_free / 1e9:.1f} GB; {self.refused} events were not kept. Make "
                "room: what was written stays, and the next event is kept again"
            )
            return
        self.dumps += 1
        taken = [int(path.name[:6]) for path in self._folder.iterdir() if path.name[:6].isdigit()]
        number = max(taken, default=0) + 1
        oldest_ns = stamp_ns - round(self._settings.before * 1e9)
        self._bag = self._open_bag(self._folder / f"{number:06d}-{trigger}", trigger).__enter__()
        for message in self._ring:
            if message.stamp_ns >= oldest_ns:
                self._write(message)
        self._ring.clear()

    def _write(self, message: Kept) -> None:
        if self._bag is not None:
            self._bag.write_raw(message.topic, message.type_name, message.payload, message.when_ns)
