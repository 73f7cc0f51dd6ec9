"""Bags written again under another name or number: merged from several places, or cut out of a long one.

The sources are only read. Payloads stay as they are, byte for byte, but for the episode number. A new bag is
made in a hidden folder beside its place, and gets its name in one step when all of it, its labels too, is
written.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rosbags.typesys import TypesysError, get_types_from_msg

from farl.types import EpisodeKind
from farl_ros.bag_reader import Bag, Streamed
from farl_ros.bag_tools.labels import labels_file
from farl_ros.bag_writer import BagError, BagWriter
from farl_ros.message_columns import offset_of
from farl_ros.messages import TYPES, Topic, typestore
from farl_ros.task_spec import TaskError, TaskSpec, parse_task

NUMBERED = (Topic.STATE, Topic.TRANSITION, Topic.EPISODE_EVENT)
"""Topics whose messages say which episode they belong to."""


def episode_number(message: Streamed) -> int | None:
    """The episode that a message says it belongs to; None if it says nothing.

    Raises:
        BagError: It is damaged.
    """
    place = _number_at(message)
    return None if place is None else int(struct.unpack_from(place[0], message.payload, place[1])[0])


def renumbered(message: Streamed, episode: int) -> bytes:
    """The payload with another episode number in it, if there is one.

    Raises:
        BagError: The message is damaged.
    """
    place = _number_at(message)
    if place is None:
        return message.payload
    changed = bytearray(message.payload)
    struct.pack_into(place[0], changed, place[1], episode)
    return bytes(changed)


def _number_at(message: Streamed) -> tuple[str, int] | None:
    """Format and offset of the episode number."""
    if message.topic not in NUMBERED or message.type_name != TYPES[Topic(message.topic)]:
        return None
    try:
        offset = offset_of(message.payload, message.type_name, typestore(), "episode")
    except (ValueError, IndexError) as error:
        raise BagError(f"topic {message.topic}: {error} at {message.stamp_ns} ns") from error
    return "<I" if message.payload[1] & 1 else ">I", offset


def numbered_name(episode: int) -> str:
    """Name of the bag of an episode."""
    return f"episode_{episode:06d}"


@contextmanager
def new_bag(
    folder: Path,
    episode: int,
    source: Bag,
    task: TaskSpec,
    kind: EpisodeKind,
    extra: Mapping[str, str],
    labels: Path | None = None,
) -> Iterator[BagWriter]:
    """A bag that appears in ``folder`` under the name of its episode once the block has ended well.

    Args:
        folder: Where.
        episode: Its number.
        source: Bag that it is made from; what that says of itself, the new one says too.
        task: Its task, for a source that does not name it.
        kind: What it was recorded for.
        extra: What it says beyond that.
        labels: Labels that go with it, if there are any in that file.

    Raises:
        BagError: The name is taken.
    """
    place = folder / numbered_name(episode)
    if place.exists():
        raise BagError(f"{place} exists already; choose another folder, or move it away")
    folder.mkdir(parents=True, exist_ok=True)
    workshop = folder / f".making-{place.name}"
    shutil.rmtree(workshop, ignore_errors=True)  # what a killed copy left; its source is whole
    workshop.mkdir()
    recovered = {} if source.problem is None else {"recovered": source.problem}
    metadata = {**source.metadata, **recovered, "kind": kind.name, **extra, "episode": str(episode)}
    try:
        with BagWriter(workshop / place.name, task, kind, metadata) as writer:
            yield writer
        if labels is not None and labels.is_file():
            shutil.copyfile(labels, labels_file(workshop / place.name))
        (workshop / place.name).rename(place)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def copy_message(writer: BagWriter, message: Streamed, episode: int) -> None:
    """Write a message of another bag, under its own definition, as one of an episode.

    Raises:
        BagError: It is damaged, or its type is not defined anywhere.
    """
    if message.topic == Topic.RECORDING:
        return  # what a bag says of itself: the writer says it
    if message.type_name not in typestore().fielddefs and message.definition:
        try:
            typestore().register(get_types_from_msg(message.definition, message.type_name))
        except TypesysError as error:
            raise BagError(
                f"topic {message.topic}: {message.type_name} is defined wrongly ({error})"
            ) from error
    writer.write_raw(message.topic, message.type_name, renumbered(message, episode), message.stamp_ns)


def task_in(bag: Bag, given: TaskSpec | None) -> TaskSpec:
    """The task that a bag says it is a recording of, else the one given.

    Raises:
        BagError: It says none, and none is given; or what it says is no task.
    """
    text = bag.metadata.get("spec")
    if text is None:
        if given is None:
            raise BagError(f"{bag.path}: nothing in it says which task was recorded; say it with --task")
        return given
    try:
        return parse_task(json.loads(text), str(bag.path))
    except (TaskError, ValueError) as error:
        if given is None:
            raise BagError(
                f"{bag.path}: its task spec is of another version of farl_ros ({error}); give --task"
            ) from error
        return given
