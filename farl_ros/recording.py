"""Serialised messages become one bag per episode; a thread of its own writes them."""

from __future__ import annotations

import json
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from farl.types import EpisodeKind
from farl_ros.bags import BagWriter
from farl_ros.conversions import NANOSECONDS
from farl_ros.messages import TYPES, Event, Topic, recording_message
from farl_ros.task_spec import TaskSpec

QUEUE_LENGTH = 20_000
"""Messages that may wait for the disk; more are dropped and counted."""
BATCH_S = 0.2
"""The thread looks at the queue this often [s]: waking it for every message would slow the control loop."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One message on its way to the disk.

    Attributes:
        topic: Its topic.
        payload: CDR with its four-byte header.
        received_ns: When it was received [ns].
    """

    topic: Topic
    payload: bytes
    received_ns: int


@dataclass(frozen=True, slots=True)
class EpisodeMark:
    """What an episode event says to the recorder."""

    event: Event
    episode: int


def header_stamp(payload: bytes) -> int:
    """Stamp [ns] of a serialised message that begins with a ``std_msgs/Header``."""
    seconds, nanoseconds = struct.unpack_from("<iI" if payload[1] & 1 else ">iI", payload, 4)
    return int(seconds * NANOSECONDS + nanoseconds)


class EpisodeRouter:
    """Decides which bag a message belongs to, by its stamp.

    Messages of different topics overtake each other: a state can come before the event that starts its
    episode. So what comes after the end of an episode waits until the next one starts, and is then kept or
    dropped by its stamp.
    """

    def __init__(self, open_bag: Callable[[int], BagWriter], wall_clock: bool) -> None:
        """Start without an episode.

        Args:
            open_bag: Makes the bag of an episode.
            wall_clock: Whether a message counts as received when it was (else at its own stamp: simulated
                time).
        """
        self._open_bag, self._wall_clock = open_bag, wall_clock
        self._bag: BagWriter | None = None
        self._start_ns = 0
        self._end_ns: int | None = 0
        self._waiting: list[Sample] = []
        self.dropped = 0

    def take(self, sample: Sample, mark: EpisodeMark | None) -> None:
        """Write a message, or keep it until its place is known; ``mark`` comes with episode events."""
        stamp = header_stamp(sample.payload)
        if mark is not None and mark.event == Event.STARTED:
            self.finish()
            self._bag = self._open_bag(mark.episode).__enter__()
            self._start_ns, self._end_ns = stamp, None
            self._write(sample, stamp)
            waiting, self._waiting = self._waiting, []
            for other in waiting:
                self.take(other, None)
        elif self._bag is not None and (self._end_ns is None or stamp <= self._end_ns):
            if stamp >= self._start_ns:
                self._write(sample, stamp)
            if mark is not None and mark.event in (Event.SUCCEEDED, Event.TIMED_OUT, Event.ABORTED):
                self._end_ns = stamp
        else:
            self._waiting.append(sample)

    def finish(self) -> None:
        """Close the bag of the last episode."""
        bag, self._bag = self._bag, None
        if bag is None:
            return
        if self.dropped:
            note = recording_message(json.dumps({**bag.metadata, "dropped_messages": str(self.dropped)}))
            bag.write(Topic.RECORDING, note, self._start_ns)
            self.dropped = 0
        bag.__exit__(None, None, None)

    def _write(self, sample: Sample, stamp: int) -> None:
        when = sample.received_ns if self._wall_clock else stamp
        self._bag.write_raw(sample.topic, TYPES[sample.topic], sample.payload, when)


class Recorder:
    """A bounded queue and the thread that empties it into bags; ``close`` must be called."""

    def __init__(self, spec: TaskSpec, folder: Path, kind: EpisodeKind, wall_clock: bool) -> None:
        """Start the thread.

        Args:
            spec: The task.
            folder: Where the bags go, as ``episode_000012``.
            kind: What the episodes are recorded for.
            wall_clock: See ``EpisodeRouter``.
        """
        self._spec, self._folder, self._kind = spec, folder, kind
        self._router = EpisodeRouter(self._open, wall_clock)
        self._queue: deque[tuple[Sample, EpisodeMark | None]] = deque()
        self._closing = threading.Event()
        self.dropped = 0
        self._worker = ThreadPoolExecutor(1, "recorder")
        self._ended = self._worker.submit(self._run)

    def put(self, topic: Topic, payload: bytes, mark: EpisodeMark | None = None) -> None:
        """Take a message; never blocks."""
        if len(self._queue) >= QUEUE_LENGTH:
            self.dropped += 1
        else:
            self._queue.append((Sample(topic, payload, time.time_ns()), mark))

    def close(self) -> None:
        """Write what is waiting and finish the last bag.

        Raises:
            Exception: What stopped the thread, now or before: something was not written.
        """
        self._closing.set()
        self._worker.shutdown()
        self._ended.result()

    def error(self) -> BaseException | None:
        """What stopped the thread; None while it works, and after it was closed in good order."""
        return self._ended.exception() if self._ended.done() else None

    def _open(self, episode: int) -> BagWriter:
        path = self._folder / f"episode_{episode:06d}"
        if path.exists():  # of an attempt that was aborted: it is kept
            folders = (self._folder / f"aborted-{n}" for n in count(1))
            aside = next(folder for folder in folders if not folder.exists())
            aside.mkdir()
            path.rename(aside / path.name)
        return BagWriter(path, self._spec, self._kind)

    def _run(self) -> None:
        while not self._closing.wait(BATCH_S):
            self._drain()
        self._drain()
        self._router.finish()

    def _drain(self) -> None:
        while self._queue:
            sample, mark = self._queue.popleft()
            dropped, self.dropped = self.dropped, 0
            self._router.dropped += dropped
            self._router.take(sample, mark)
