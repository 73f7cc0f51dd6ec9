"""Columns are what decoding message by message gives; where messages differ in layout, nothing is guessed."""

from __future__ import annotations

from operator import attrgetter

import numpy as np
import pytest

from farl.types import EpisodeKind
from farl_ros.bag_episodes import demonstration_transitions
from farl_ros.bag_reader import read_bag, read_columns
from farl_ros.bag_writer import BagError, BagWriter
from farl_ros.message_columns import columns, offset_of
from farl_ros.messages import TYPES, Topic, transition_message, typestore

NAME = TYPES[Topic.TRANSITION]
FIELDS = (
    "header.stamp.nanosec", "episode", "observation", "proposed.values", "proposed.policy_version",
    "executed.log_prob", "executed.source", "next_observation", "truncated", "risk",
)  # fmt: skip


@pytest.fixture
def messages(record):
    steps = demonstration_transitions(record(9), EpisodeKind.TASK, 70_000)
    return [transition_message(step, step.step * 40_000_001) for step in steps]


def payloads(messages, frames=("",)) -> list[bytes]:
    for index, message in enumerate(messages):
        message.header.frame_id = frames[index % len(frames)]
    return [bytes(typestore().serialize_cdr(message, NAME)) for message in messages]


@pytest.mark.parametrize("frame", ["", "a", "panda_link0", "x" * 33])
def test_each_field_is_that_of_every_message_whatever_the_alignment(messages, frame):
    found = columns(payloads(messages, (frame,)), NAME, typestore(), FIELDS)
    for path in FIELDS:
        expected = np.stack([np.asarray(attrgetter(path)(message)) for message in messages])
        np.testing.assert_array_equal(found[path], expected)
        assert found[path].flags.c_contiguous


def test_messages_of_different_layouts_are_left_to_others(messages):
    assert columns(payloads(messages, ("a", "abcdefgh")), NAME, typestore(), FIELDS) is None
    same_size = payloads(messages, ("a", "ab"))  # aligned to the same length, but not the same layout
    assert len({len(payload) for payload in same_size}) == 1
    assert columns(same_size, NAME, typestore(), FIELDS) is None
    assert columns([payloads(messages)[0][:40]], NAME, typestore(), FIELDS) is None


def test_a_bag_with_mixed_layouts_reads_the_same(tmp_path, spec, messages):
    for name, frames in (("mixed", ("a", "abcdefgh")), ("same", ("",))):
        with BagWriter(tmp_path / name, spec, EpisodeKind.TASK) as bag:
            for stamp, payload in enumerate(payloads(messages, frames)):
                bag.write_raw(Topic.TRANSITION, NAME, payload, stamp)
    mixed, same = (read_columns(read_bag(tmp_path / n), Topic.TRANSITION, FIELDS) for n in ("mixed", "same"))
    for path in FIELDS:
        np.testing.assert_array_equal(mixed[path], same[path])


def test_a_size_that_changes_is_named(tmp_path, spec, messages):
    messages[4].observation = messages[4].observation[:-1]
    with BagWriter(tmp_path / "bag", spec, EpisodeKind.TASK) as bag:
        for stamp, payload in enumerate(payloads(messages)):
            bag.write_raw(Topic.TRANSITION, NAME, payload, stamp)
    with pytest.raises(BagError, match=r"observation has \[9, 10\] entries; expected the same number"):
        read_columns(read_bag(tmp_path / "bag"), Topic.TRANSITION, FIELDS)


def test_a_field_is_found_in_one_message(messages):
    payload = payloads(messages, ("panda_link0",))[3]
    place = offset_of(payload, NAME, typestore(), "episode")
    assert int.from_bytes(payload[place : place + 4], "little") == 70_000
