"""Reads a bag into memory from front to back: also where its end is missing, up to the last whole chunk."""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from pathlib import Path

import numpy as np
from mcap.exceptions import EndOfFile, McapError
from mcap.records import Channel, Schema
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, TypesysError, get_types_from_msg, get_typestore
from zstandard import ZstdError

from farl_ros.bag_writer import BagError
from farl_ros.mcap_stream import stream
from farl_ros.message_columns import Column, columns
from farl_ros.messages import TYPES, Message, Topic, typestore


@dataclass(frozen=True)
class Recorded:
    """What was recorded on one topic.

    Attributes:
        type_name: Its type.
        definition: The type's .msg text with those that it needs; empty if the bag does not hold one.
        messages: Stamp [ns] and CDR payload, in the order of writing.
    """

    type_name: str
    definition: str
    messages: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Streamed:
    """One message on its way through: topic, type and its definition, log time [ns], CDR payload."""

    topic: str
    type_name: str
    definition: str
    stamp_ns: int
    payload: bytes


@dataclass(frozen=True)
class Bag:
    """One bag in memory.

    Attributes:
        path: Its folder or file.
        topics: Type of each topic, also of those that were not asked for.
        recorded: What was recorded on each topic that was asked for and has messages.
        problem: What stopped the reading before the end of the file; None of a whole bag.
        metadata: What the bag says of itself; empty if another recorder wrote it.
    """

    path: Path
    topics: Mapping[str, str]
    recorded: Mapping[str, Recorded]
    problem: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def checked(self, topic: Topic) -> Recorded:
        """What was recorded on a topic, of the type and definition that the topic has today.

        Raises:
            BagError: There is no such topic, or its type is not ours.
        """
        recorded, wanted = self.recorded.get(topic), TYPES[topic]
        if recorded is None:
            cause = "" if self.problem is None else f" ({self.problem})"
            have = ", ".join(sorted(self.topics)) or "none"
            raise BagError(f"{self.path}: no messages on topic {topic}{cause}; topics in it: {have}")
        if recorded.type_name != wanted:
            raise BagError(f"{self.path}, topic {topic}: type {recorded.type_name}, expected {wanted}")
        if recorded.definition and _type_hash(wanted, recorded.definition) != typestore().hash_rihs01(wanted):
            raise BagError(
                f"{self.path}, topic {topic}: recorded with another definition of {wanted}; "
                "record it again, or use the revision that recorded it"
            )
        return recorded

    def messages(self, topic: Topic) -> Iterator[tuple[int, Message]]:
        """Yield stamp [ns] and message, in the order of writing.

        Raises:
            BagError: There is no such topic, its type is not ours, or a payload is damaged.
        """
        for stamp_ns, payload in self.checked(topic).messages:
            try:
                yield stamp_ns, typestore().deserialize_cdr(payload, TYPES[topic])
            except SerdeError as error:
                where = f"{self.path}, topic {topic}"
                raise BagError(f"{where}: damaged message at {stamp_ns} ns ({error})") from error


def read_columns(bag: Bag, topic: Topic, fields: Sequence[str]) -> dict[str, Column]:
    """Decode fields of all messages on a topic: an array each, one row per message, in the order of writing.

    Args:
        bag: The bag.
        topic: The topic.
        fields: Paths of fields of numbers, such as ``executed.values``.

    Raises:
        BagError: As for ``Bag.messages``; or a field has not the same number of entries in every message.
    """
    recorded = bag.checked(topic)
    found = columns([payload for _, payload in recorded.messages], TYPES[topic], typestore(), fields)
    if found is not None:
        return found
    messages = [message for _, message in bag.messages(topic)]
    found = {}
    for path in fields:
        values = [np.asarray(attrgetter(path)(message)) for message in messages]
        sizes = sorted({value.shape for value in values})
        if len(sizes) > 1:
            entries = [size[0] for size in sizes]
            raise BagError(
                f"{bag.path}, topic {topic}: {path} has {entries} entries; expected the same number in "
                "every step"
            )
        found[path] = np.stack(values)
    return found


def read_bag(path: Path, topics: Collection[Topic] | None = None) -> Bag:
    """Read a bag: a folder with an MCAP file, finished or not, or the file.

    Args:
        path: The bag.
        topics: Which topics to keep messages of; all by default.

    Raises:
        BagError: There is not exactly one MCAP file, or nothing in it can be read.
    """
    bag = _scan(path, file_of(path), None if topics is None else {*topics, Topic.RECORDING})
    if bag.problem is not None and not bag.recorded:
        raise BagError(f"{path}: nothing in it can be read: {bag.problem}")
    return Bag(path, bag.topics, bag.recorded, bag.problem, _metadata(bag))


def file_of(path: Path) -> Path:
    """The one MCAP file of a bag, given its folder or the file itself.

    Raises:
        BagError: There is not exactly one.
    """
    files = [path] if path.is_file() else sorted(path.glob("*.mcap")) or sorted(path.rglob("*.mcap"))
    if len(files) != 1:
        have = "there is none" if not files else f"there are {len(files)}"
        raise BagError(f"{path}: expected a folder with one .mcap file (one bag per episode), but {have}")
    return files[0]


def stream_bag(path: Path) -> Iterator[Streamed]:
    """Yield every message of a bag, in the order of writing, up to where the file ends or is damaged.

    What ``read_bag`` holds in memory goes by here: for bags with pictures. ``read_bag`` also tells why the
    reading ended.

    Raises:
        BagError: There is not exactly one MCAP file, or it cannot be read.
    """
    file = file_of(path)
    schemas: dict[int, Schema] = {}
    channels: dict[int, tuple[str, str, str]] = {}
    try:
        with file.open("rb") as opened:
            for record in stream(opened, file.stat().st_size):
                if isinstance(record, tuple):
                    yield Streamed(*channels[record[0]], *record[1:])
                elif isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    schema = schemas.get(record.schema_id)
                    type_name = "" if schema is None else schema.name
                    channels[record.id] = (record.topic, type_name, _definition(schema))
    except OSError as error:
        raise BagError(f"{file}: cannot be read ({error.strerror})") from error
    except (EndOfFile, KeyError, McapError, ZstdError, struct.error, ValueError):
        return  # as read_bag: what is in front of the damage is whole


def _definition(schema: Schema | None) -> str:
    return schema.data.decode() if schema is not None and schema.encoding == "ros2msg" else ""


def _scan(path: Path, file: Path, wanted: Collection[str] | None) -> Bag:
    schemas: dict[int, Schema] = {}
    channels: dict[int, Channel] = {}
    messages: dict[int, list[tuple[int, bytes]]] = {}
    problem: str | None = f"{file.name} ends before its footer"
    try:
        with file.open("rb") as opened:
            for record in stream(opened, file.stat().st_size):
                if isinstance(record, tuple):
                    kept = messages.get(record[0])
                    if kept is not None:
                        kept.append(record[1:])
                elif isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    channels[record.id] = record
                    if wanted is None or record.topic in wanted:
                        messages.setdefault(record.id, [])
                else:
                    problem = None
    except EndOfFile:
        pass  # the usual end of an unfinished file
    except OSError as error:
        problem = f"{file.name} cannot be read ({error.strerror})"
    except (McapError, ZstdError, struct.error, ValueError) as error:
        problem = f"{file.name} is cut off or damaged ({type(error).__name__}: {error})"
    topics, recorded = {}, {}
    for channel in channels.values():
        schema = schemas.get(channel.schema_id)
        type_name = "" if schema is None else schema.name
        topics[channel.topic] = type_name
        if messages.get(channel.id):
            recorded[channel.topic] = Recorded(type_name, _definition(schema), tuple(messages[channel.id]))
    return Bag(path, topics, recorded, problem)


def _metadata(bag: Bag) -> dict[str, str]:
    """What the bag says of itself, first and in later corrections: ``metadata.yaml`` may be lost."""
    metadata: dict[str, str] = {}
    if bag.topics.get(Topic.RECORDING) != TYPES[Topic.RECORDING] or Topic.RECORDING not in bag.recorded:
        return metadata
    for _, message in bag.messages(Topic.RECORDING):
        try:
            content = json.loads(message.data)
        except ValueError as error:
            raise BagError(f"{bag.path}, topic {Topic.RECORDING}: not JSON ({error})") from error
        if not isinstance(content, dict):
            raise BagError(f"{bag.path}, topic {Topic.RECORDING}: not a JSON object: {message.data[:40]!r}")
        metadata |= {str(key): str(value) for key, value in content.items()}
    return metadata


@lru_cache(maxsize=64)
def _type_hash(type_name: str, definition: str) -> str:
    """The type's hash (REP-2016) by the definition in a bag; empty, fitting nothing, if that is none."""
    store = get_typestore(Stores.EMPTY)
    try:
        store.register(get_types_from_msg(definition, type_name))
        return store.hash_rihs01(type_name)
    except (TypesysError, KeyError):
        return ""
