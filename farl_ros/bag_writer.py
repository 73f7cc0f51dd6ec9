"""Writes bags: MCAP, zstd, one per episode, whole under their final name or not at all."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from rosbags.interfaces import Connection
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.rosbag2.storage_mcap import McapWriter

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from farl.types import Array, Decision, EpisodeKind, Proposal, Transition
from farl_ros.messages import (
    TYPES,
    Event,
    Message,
    Topic,
    action_message,
    decision_message,
    event_message,
    recording_message,
    state_message,
    transition_message,
    typestore,
)
from farl_ros.provenance import versions
from farl_ros.task_spec import TaskSpec

CHUNK_BYTES = 32 * 1024
"""A chunk is written out at this size, about 25 steps: what a killed process can lose. Files grow by 5 %."""
DURABLE_CHUNK_NS = 1_000_000_000
"""In a durable bag a chunk also ends after this time, counted in stamps [ns]: what a power cut can lose."""


class BagError(ValueError):
    """A bag cannot be written or read; the message names file and topic, what is wrong, what is expected."""


class BagWriter:
    """Context manager that writes one bag, readable by ``ros2 bag`` and by the rosbags library.

    The bag grows in ``<name>.partial/``. It gets its name when the block ends without an exception; else what
    was written stays there, readable up to its last chunk. Usable from any one thread.
    """

    def __init__(
        self,
        path: Path,
        spec: TaskSpec,
        kind: EpisodeKind,
        metadata: Mapping[str, str] | None = None,
        *,
        durable: bool = False,
    ) -> None:
        """Say what will be recorded; nothing is created yet.

        Args:
            path: Folder that the bag shall become.
            spec: The task; its resolved form goes into the bag.
            kind: What the episode is recorded for.
            metadata: What else the bag shall say of itself: seed, operator, ….
            durable: Lose at most a second of stamps, also in a power cut: every chunk is synced to the disk.
        """
        self.path = path
        self._spec, self._kind, self._durable = spec, kind, durable
        self.metadata: dict[str, str] = {
            "task": spec.name,
            "kind": kind.name,
            "spec_sha256": spec.sha256,
            "spec": json.dumps(spec.resolved()),
            **{key: versions()[key] for key in ("farl_ros", "git_revision")},
            **({} if metadata is None else metadata),
        }
        self._connections: dict[str, Connection] = {}
        self._described = False

    def __enter__(self) -> Self:
        """Create the unfinished bag.

        Raises:
            BagError: Something has the bag's name already.
        """
        if self.path.exists():
            raise BagError(f"{self.path} exists already; choose another name, or move it away")
        self._partial = _unused(self.path)
        self._writer = Writer(self._partial / self.path.name, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        for key, value in self.metadata.items():
            self._writer.set_custom_data(key, value)
        self._writer.open()
        storage = self._writer.storage
        assert isinstance(storage, McapWriter)
        storage.compressor = _compress_with_checksum
        self._storage = storage
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the bag and give it its name; after an exception, save what there is as a partial one."""
        if error is not None:
            self._end_chunk()
            self._writer.abort()
            return
        if not self._described:
            self._describe(0)
        self._writer.close()
        finished = self._partial / self.path.name
        if self._durable:
            for path in (*finished.iterdir(), finished):
                _sync(path)
        finished.rename(self.path)
        self._partial.rmdir()
        if self._durable:
            _sync(self.path.parent)

    def write(self, topic: Topic, message: Message, stamp_ns: int) -> None:
        """Append a message of ``farl_ros.messages``, received at ``stamp_ns`` [ns]."""
        self.write_raw(topic, TYPES[topic], typestore().serialize_cdr(message, TYPES[topic]), stamp_ns)

    def write_raw(self, topic: str, type_name: str, payload: bytes | memoryview, stamp_ns: int) -> None:
        """Append a serialised message.

        Args:
            topic: Its topic, absolute or relative (then made absolute).
            type_name: Its type, such as ``farl_interfaces/msg/State``.
            payload: CDR with its four-byte header, as a raw subscription delivers it.
            stamp_ns: When it was received [ns].

        Raises:
            BagError: The type is unknown, or the topic has another one.
        """
        if not self._described:
            self._describe(stamp_ns)
        self._append(topic if topic.startswith("/") else f"/{topic}", type_name, payload, stamp_ns)
        chunk = self._storage.chunk
        full = chunk.bio.tell() >= CHUNK_BYTES
        if full or (self._durable and stamp_ns - chunk.message_start_time >= DURABLE_CHUNK_NS):
            self._end_chunk()

    def write_state(self, observation: Array, episode: int, step: int, stamp_ns: int) -> None:
        """Append a state; ``observation`` has shape ``(O,)``."""
        self.write(Topic.STATE, state_message(self._spec, observation, episode, step, stamp_ns), stamp_ns)

    def write_action(self, proposal: Proposal, stamp_ns: int) -> None:
        """Append a proposed action."""
        self.write(Topic.ACTION, action_message(proposal, stamp_ns), stamp_ns)

    def write_decision(self, decision: Decision, stamp_ns: int) -> None:
        """Append a decision of the shield."""
        self.write(Topic.DECISION, decision_message(decision, stamp_ns), stamp_ns)

    def write_transition(self, transition: Transition, stamp_ns: int) -> None:
        """Append a transition."""
        self.write(Topic.TRANSITION, transition_message(transition, stamp_ns), stamp_ns)

    def write_event(self, event: Event, episode: int, stamp_ns: int, note: str = "") -> None:
        """Append an event of the episode."""
        self.write(Topic.EPISODE_EVENT, event_message(event, self._kind, episode, stamp_ns, note), stamp_ns)

    def _describe(self, stamp_ns: int) -> None:
        """Write what the bag says of itself into a chunk of its own: a bag cut off anywhere still knows."""
        self._described = True
        message = recording_message(json.dumps(self.metadata))
        payload = typestore().serialize_cdr(message, TYPES[Topic.RECORDING])
        self._append(Topic.RECORDING, TYPES[Topic.RECORDING], payload, stamp_ns)
        self._end_chunk()

    def _append(self, topic: str, type_name: str, payload: bytes | memoryview, stamp_ns: int) -> None:
        connection, where = self._connections.get(topic), f"{self.path}, topic {topic}"
        if connection is None:
            if type_name not in typestore().fielddefs:
                raise BagError(f"{where}: type {type_name!r} is not in ROS 2 Jazzy or farl_interfaces")
            connection = self._writer.add_connection(str(topic), type_name, typestore=typestore())
            self._connections[topic] = connection
        elif connection.msgtype != type_name:
            raise BagError(f"{where}: got a {type_name}, but it carries {connection.msgtype}")
        self._writer.write(connection, stamp_ns, payload)

    def _end_chunk(self) -> None:
        if self._storage.chunk.bio.tell():
            self._storage.close_chunk()
        self._storage.bio.flush()
        if self._durable:
            os.fdatasync(self._storage.bio.fileno())


def _unused(path: Path) -> Path:
    """A partial name that is free: what a crash left behind is never overwritten."""
    partial, count = path.with_name(f"{path.name}.partial"), 1
    while partial.exists():
        count += 1
        partial = path.with_name(f"{path.name}.partial{count}")
    return partial


def _compress_with_checksum(data: bytes) -> bytes:
    """Compress a chunk so that damage is noticed when it is read: rosbags leaves the MCAP checksum out."""
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


def _sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
