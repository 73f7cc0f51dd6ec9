"""Messages find the bag of their episode, whatever order they come in."""

import errno
import json
import struct
import time
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("rclpy")

from farl.types import EpisodeKind
from farl_ros import recording
from farl_ros.bags import read_bag
from farl_ros.messages import TYPES, Event, Topic, event_message, state_message, typestore
from farl_ros.recording import EpisodeMark, EpisodeRouter, Sample, header_stamp


class FakeBag:
    """Remembers stamps by topic."""

    def __init__(self, episode: int) -> None:
        self.episode, self.written, self.closed, self.metadata = episode, [], False, {"task": "DiscTable"}
        self.path = Path(f"episode_{episode:06d}")

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self.closed = True

    def write_raw(self, topic, type_name, payload, stamp_ns) -> None:
        assert type_name == TYPES[topic]
        self.written.append((topic.value, stamp_ns))

    def write(self, topic, message, stamp_ns) -> None:
        self.written.append((topic.value, json.loads(message.data)))


def sample(stamp: int, topic: Topic = Topic.STATE) -> Sample:
    return Sample(topic, b"\x00\x01\x00\x00" + struct.pack("<iI", *divmod(stamp, 10**9)), 10**12 + stamp)


def event(kind: Event, stamp: int, episode: int) -> tuple[Sample, EpisodeMark]:
    return sample(stamp, Topic.EPISODE_EVENT), EpisodeMark(kind, episode)


@pytest.fixture
def bags() -> list[FakeBag]:
    return []


@pytest.fixture
def router(bags) -> EpisodeRouter:
    def open_bag(episode: int) -> FakeBag:
        bags.append(FakeBag(episode))
        return bags[-1]

    return EpisodeRouter(open_bag, wall_clock=False)


def stamps(bag: FakeBag, topic: Topic = Topic.STATE) -> list[int]:
    return [stamp for name, stamp in bag.written if name == topic]


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_stamp_is_read_in_either_byte_order(order):
    payload = bytes([0, order == "<", 0, 0]) + struct.pack(f"{order}iI", 7, 5)
    assert header_stamp(payload) == 7_000_000_005


def test_states_that_overtake_their_start_event_are_kept(router, bags):
    for stamp in (10, 20):
        router.take(sample(stamp), None)
    router.take(*event(Event.STARTED, 10, 4))
    router.take(sample(30), None)
    router.take(*event(Event.TIMED_OUT, 30, 4))
    assert (bags[0].episode, stamps(bags[0])) == (4, [10, 20, 30])


def test_what_comes_between_two_episodes_goes_where_its_stamp_says(router, bags):
    router.take(*event(Event.STARTED, 10, 0))
    router.take(*event(Event.SUCCEEDED, 30, 0))
    router.take(sample(30), None)  # the last state, late
    router.take(sample(40), None)  # the first of the next episode, early
    assert not bags[0].closed
    router.take(*event(Event.STARTED, 40, 1))
    router.take(sample(30, Topic.DECISION), None)  # on the last state of an episode that is over: of no use
    router.take(sample(50), None)
    assert bags[0].closed
    assert [stamps(bag) for bag in bags] == [[30], [40, 50]]
    router.finish()
    assert bags[1].closed


def test_an_episode_that_was_cut_off_ends_with_the_next(router, bags):
    router.take(*event(Event.STARTED, 10, 0))
    router.take(sample(10), None)
    router.take(*event(Event.STARTED, 50, 0))
    router.take(sample(50), None)
    assert [stamps(bag) for bag in bags] == [[10], [50]]


def test_dropped_messages_are_counted_in_the_bag(router, bags):
    router.take(*event(Event.STARTED, 10, 0))
    router.dropped += 3
    router.finish()
    (note,) = [note for name, note in bags[0].written if name == Topic.RECORDING]
    assert note == {"task": "DiscTable", "dropped_messages": "3"}
    assert router.dropped == 0


def test_wall_clock_dates_messages_by_when_they_came(bags):
    router = EpisodeRouter(lambda episode: bags.append(FakeBag(episode)) or bags[-1], wall_clock=True)
    router.take(*event(Event.STARTED, 10, 0))
    router.take(sample(20), None)
    assert stamps(bags[0]) == [10**12 + 20]


@pytest.fixture
def recorder(spec, tmp_path):
    made = recording.Recorder(spec, tmp_path / "bags", EpisodeKind.ONLINE, wall_clock=False)
    yield made
    with suppress(OSError):  # of the tests that make it fail
        made.close()


def serialised(message, topic: Topic) -> bytes:
    return bytes(typestore().serialize_cdr(message, TYPES[topic]))


def start(recorder, episode: int, stamp: int = 40) -> None:
    message = event_message(Event.STARTED, EpisodeKind.ONLINE, episode, stamp)
    recorder.put(
        Topic.EPISODE_EVENT, serialised(message, Topic.EPISODE_EVENT), EpisodeMark(Event.STARTED, episode)
    )


def test_the_thread_writes_bags_and_counts_what_the_queue_did_not_take(recorder, spec, tmp_path, monkeypatch):
    import numpy as np

    monkeypatch.setattr(recording, "QUEUE_LENGTH", 5)
    start(recorder, 7)
    for step in range(10):
        state = state_message(spec, np.zeros(10, np.float32), 7, step, 40 * (step + 1))
        recorder.put(Topic.STATE, serialised(state, Topic.STATE))
    recorder.close()
    assert recorder.error() is None
    bag = read_bag(tmp_path / "bags" / "episode_000007")
    written = len(bag.recorded[Topic.STATE].messages)
    assert written < 10
    notes = [json.loads(message.data) for _, message in bag.messages(Topic.RECORDING)]
    assert notes[-1]["dropped_messages"] == str(10 - written)


def test_an_error_of_the_thread_is_told(recorder, tmp_path):
    (tmp_path / "bags").write_text("not a folder")
    start(recorder, 7)
    deadline = time.monotonic() + 5.0
    while recorder.error() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert isinstance(recorder.error(), OSError)


@pytest.mark.parametrize("method", ["take", "finish"])
def test_an_error_of_the_last_moment_is_told_by_close(recorder, monkeypatch, method):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(EpisodeRouter, method, full)
    start(recorder, 7)
    with pytest.raises(OSError, match="No space left"):
        recorder.close()


def test_the_bag_of_an_attempt_that_was_aborted_is_set_aside(recorder, tmp_path):
    start(recorder, 7)
    start(recorder, 7, stamp=80)
    start(recorder, 7, stamp=120)
    recorder.close()
    assert recorder.error() is None
    folders = ("aborted-1", "aborted-2", "")
    stamps = [
        read_bag(tmp_path / "bags" / folder / "episode_000007").recorded[Topic.EPISODE_EVENT].messages[0][0]
        for folder in folders
    ]
    assert stamps == [40, 80, 120]


def test_putting_never_blocks(recorder):
    payload = sample(10).payload
    start_s = time.perf_counter()
    for _ in range(2000):
        recorder.put(Topic.STATE, payload)
    assert (time.perf_counter() - start_s) / 2000 < 1e-4
