"""Serialised messages become one bag per episode; a thread of its own writes them."""

from __future__ import annotations

import json
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from farl.types import EpisodeKind
from farl_ros.bag_writer import BagWriter
from farl_ros.black_box import BlackBox, Kept
from farl_ros.conversions import NANOSECONDS
from farl_ros.messages import TYPES, Event, Topic, recording_message
from farl_ros.pictures import COMPRESSED, compressed
from farl_ros.task_spec import TaskSpec

QUEUE_LENGTH = 20_000
"""Messages that may wait for the disk; more are dropped and counted."""
MOST_WAITING = 5_000
"""Messages between two episodes of which it is not known yet whether they belong to the next."""
BATCH_S = 0.2
"""The thread looks at the queue this often [s]: waking it for every message would slow the control loop."""


PICTURES_WAITING = 30
"""Pictures that may wait for the disk, a second of them: each takes a megabyte until it is compressed."""
PICTURE = "/compressed"
"""Topics of pictures end like this in a bag, as image_transport has it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One message on its way to the disk.

    Attributes:
        topic: Its topic in the bag.
        payload: CDR with its four-byte header.
        received_ns: When it was received [ns].
    """

    topic: str
    payload: bytes
    received_ns: int

    @property
    def type_name(self) -> str:
        """Its type in the bag."""
        return COMPRESSED if self.topic.endswith(PICTURE) else TYPES[Topic(self.topic)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an episode's bag goes, and what it says of itself.

    Attributes:
        folder: Folder of the bag.
        kind: What the episode is recorded for.
        remarks: What else the bag shall say: the operator, ….
    """

    folder: Path
    kind: EpisodeKind
    remarks: Mapping[str, str] = field(default_factory=dict)


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
        self.dropped = self.dropped_pictures = 0

    @property
    def running(self) -> bool:
        """Whether an episode is being recorded."""
        return self._bag is not None and self._end_ns is None

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
            if len(self._waiting) > MOST_WAITING:  # a long time between two episodes
                del self._waiting[: MOST_WAITING // 2]

    def finish(self, remarks: Mapping[str, str] | None = None) -> Path | None:
        """Close the bag of the last episode; returns its path, None if there is none.

        Args:
            remarks: What the bag shall say of itself beside how many messages were dropped.
        """
        bag, self._bag = self._bag, None
        if bag is None:
            return None
        said = {**bag.metadata, **(remarks or {}), "dropped_messages": str(self.dropped)}
        if self.dropped_pictures:
            said["dropped_pictures"] = str(self.dropped_pictures)
        if self.dropped or self.dropped_pictures or remarks:
            bag.write(Topic.RECORDING, recording_message(json.dumps(said)), self._start_ns)
        self.dropped = self.dropped_pictures = 0
        bag.__exit__(None, None, None)
        self._end_ns = 0  # what still comes of this episode belongs to no other
        return bag.path

    def _write(self, sample: Sample, stamp: int) -> None:
        when = sample.received_ns if self._wall_clock else stamp
        self._bag.write_raw(sample.topic, sample.type_name, sample.payload, when)


class Recorder:
    """A bounded queue and the thread that empties it into bags; ``close`` must be called.

    Attributes:
        place: Where the next episode's bag goes; may be set before the episode starts.
        dropped: Messages that the queue did not take, since the last bag began.
    """

    def __init__(
        self,
        spec: TaskSpec,
        folder: Path,
        kind: EpisodeKind,
        wall_clock: bool,
        *,
        episodes: bool = True,
        black_box: BlackBox | None = None,
        trigger: Callable[[Sample, EpisodeMark | None], str] = lambda sample, mark: "",
        quality: int = 90,
        durable: bool = False,
    ) -> None:
        """Start the thread.

        Args:
            spec: The task.
            folder: Where the bags go, as ``episode_000012``.
            kind: What the episodes are recorded for.
            wall_clock: See ``EpisodeRouter``.
            episodes: Whether whole episodes are recorded, or the black box alone.
            black_box: Takes every message too; None for none.
            trigger: Names the event that a message tells of, for the black box; empty for none. It runs in
                the thread.
            quality: Of the pictures' JPEG, 1 to 100.
            durable: Whether every chunk is synced to the disk; see ``BagWriter``.
        """
        self._spec, self.place = spec, Place(folder, kind)
        self._episodes, self._black_box, self._trigger = episodes, black_box, trigger
        self._wall_clock, self._quality, self._durable = wall_clock, quality, durable
        self._router = EpisodeRouter(self._open, wall_clock)
        self._queue: deque[tuple[Sample, EpisodeMark | None] | _Finish] = deque()
        self._closing = threading.Event()
        self._pictures_in = self._pictures_out = 0  # each counted by one thread alone
        self.dropped = self.dropped_pictures = 0
        self._worker = ThreadPoolExecutor(1, "recorder")
        self._ended = self._worker.submit(self._run)

    def put(self, topic: Topic, payload: bytes, mark: EpisodeMark | None = None) -> None:
        """Take a message; never blocks."""
        if len(self._queue) >= QUEUE_LENGTH:
            self.dropped += 1
        else:
            self._queue.append((Sample(topic, payload, time.time_ns()), mark))

    def put_picture(self, topic: str, payload: bytes) -> None:
        """Take a ``sensor_msgs/Image`` for a topic that ends with ``/compressed``; never blocks."""
        if self._pictures_in - self._pictures_out >= PICTURES_WAITING:
            self.dropped_pictures += 1
        else:
            self._pictures_in += 1
            self._queue.append((Sample(topic, payload, time.time_ns()), None))

    def finish_episode(self, remarks: Mapping[str, str]) -> Future[Path | None]:
        """Close the bag of the last episode once everything that waits is in it.

        Args:
            remarks: What the bag shall say of itself.

        Returns:
            Gets the bag's path, None if there is none; or what stopped the thread.
        """
        finish = _Finish(dict(remarks), Future())
        self._queue.append(finish)
        if self._ended.done():
            finish.done.set_exception(self.error() or RuntimeError("the recorder is closed"))
        return finish.done

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
        place = self.place
        path = place.folder / f"episode_{episode:06d}"
        if path.exists():  # of an attempt that was aborted: it is kept
            folders = (place.folder / f"aborted-{n}" for n in count(1))
            aside = next(folder for folder in folders if not folder.exists())
            aside.mkdir()
            path.rename(aside / path.name)
        return BagWriter(path, self._spec, place.kind, place.remarks, durable=self._durable)

    def _run(self) -> None:
        try:
            while not self._closing.wait(BATCH_S):
                self._drain()
            self._drain()
            self._router.finish()
            if self._black_box is not None:
                self._black_box.finish()
        except BaseException as error:
            for waiting in self._queue.copy():
                if isinstance(waiting, _Finish) and not waiting.done.done():
                    waiting.done.set_exception(error)
            raise

    def _drain(self) -> None:
        while self._queue:
            waiting = self._queue[0]  # it leaves the queue when it is done: whoever waits for it is told
            if isinstance(waiting, _Finish):
                self._count_dropped()
                waiting.done.set_result(self._router.finish(waiting.remarks))
            else:
                self._take(*waiting)
            self._queue.popleft()

    def _take(self, sample: Sample, mark: EpisodeMark | None) -> None:
        self._count_dropped()
        if sample.topic.endswith(PICTURE):
            self._pictures_out += 1
            if self._black_box is None and not self._router.running:
                return  # between two episodes: not worth the time that it takes to compress it
            sample = replace(sample, payload=compressed(sample.payload, self._quality))
        if self._black_box is not None:
            stamp = header_stamp(sample.payload)
            when = sample.received_ns if self._wall_clock else stamp
            kept = Kept(sample.topic, sample.type_name, sample.payload, stamp, when)
            self._black_box.take(kept, self._trigger(sample, mark))
        if self._episodes:
            self._router.take(sample, mark)

    def _count_dropped(self) -> None:
        dropped, self.dropped = self.dropped, 0
        self._router.dropped += dropped
        pictures, self.dropped_pictures = self.dropped_pictures, 0
        self._router.dropped_pictures += pictures


@dataclass(frozen=True, slots=True)
class _Finish:
    """In the queue: close the bag here."""

    remarks: Mapping[str, str]
    done: Future[Path | None]
