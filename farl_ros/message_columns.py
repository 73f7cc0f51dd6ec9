"""Many messages of one type at once: each field a column, decoded by NumPy, not one object per message.

Messages of one type whose strings and sequences have the same lengths have every field at the same byte (CDR,
OMG XCDR1). The first message says where; the others must agree in all lengths. Where they do not, nothing is
guessed: the caller decodes message by message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.interfaces import Nodetype
from rosbags.typesys.store import Typestore

HEADER = 4
"""Bytes of a payload before its content; the second one says whether it is little-endian."""
_NUMPY = {
    "bool": "u1", "byte": "u1", "octet": "u1", "char": "u1", "uint8": "u1", "int8": "i1", "uint16": "u2",
    "int16": "i2", "uint32": "u4", "int32": "i4", "uint64": "u8", "int64": "i8", "float32": "f4",
    "float64": "f8",
}  # fmt: skip
Column = NDArray[Any]


@dataclass
class _Walk:
    """Where the fields of one message are.

    Attributes:
        payload: The message.
        types: Definitions.
        order: ``<`` or ``>``.
        position: Where the walk is [bytes from the begin of the content].
        columns: Format and offset of each field of numbers, by its path (``executed.values``).
        lengths: Offsets of the lengths of strings and sequences.
    """

    payload: bytes
    types: Typestore
    order: str
    position: int = 0
    columns: dict[str, tuple[str, int]] = field(default_factory=dict)
    lengths: list[int] = field(default_factory=list)

    def message(self, type_name: str, path: str) -> None:
        for name, descriptor in self.types.fielddefs[type_name][1]:
            self._field(descriptor, f"{path}{name}")

    def _field(self, descriptor: Any, path: str) -> None:  # noqa: ANN401 - rosbags' nested tuples
        kind, detail = descriptor
        if kind == Nodetype.BASE:
            self._base(detail[0], path)
        elif kind == Nodetype.NAME:
            self.message(detail, f"{path}.")
        else:
            element, count = detail
            if kind == Nodetype.SEQUENCE:
                count = self._length()
            if element[0] == Nodetype.BASE and element[1][0] != "string":
                self._base(element[1][0], path, count)
            else:
                for index in range(count):
                    self._field(element, f"{path}.{index}")

    def _base(self, name: str, path: str, count: int | None = None) -> None:
        if name == "string":
            length = self._length()
            self.position += length
            return
        kind = _NUMPY[name]
        size = int(kind[1])
        if count != 0:
            self.position += -self.position % size
        shape = "" if count is None else f"({count},)"
        self.columns[path] = (f"{shape}{self.order}{kind}", HEADER + self.position)
        self.position += size * (1 if count is None else count)

    def _length(self) -> int:
        self.position += -self.position % 4
        offset = HEADER + self.position
        if offset + 4 > len(self.payload):
            raise IndexError
        self.lengths.append(offset)
        self.position += 4
        length = int(np.frombuffer(self.payload, f"{self.order}u4", 1, offset)[0])
        if length > len(self.payload):
            raise IndexError
        return length


def columns(
    payloads: Sequence[bytes], type_name: str, types: Typestore, wanted: Sequence[str]
) -> dict[str, Column] | None:
    """Decode some fields of messages of one type.

    Args:
        payloads: CDR with its four-byte header, at least one.
        type_name: Their type.
        types: Its definition and those that it needs.
        wanted: Paths of the fields, of numbers only.

    Returns:
        By path an array with one row per message; None where the messages differ in their layout, or the
        first one is shorter than its own lengths say.
    """
    first = payloads[0]
    if len(first) < HEADER or any(len(p) != len(first) or p[:HEADER] != first[:HEADER] for p in payloads):
        return None
    walk = _Walk(first, types, "<" if first[1] & 1 else ">")
    try:
        walk.message(type_name, "")
    except IndexError:
        return None
    if HEADER + walk.position > len(first):
        return None
    table = np.frombuffer(b"".join(payloads), np.uint8).reshape(len(payloads), len(first))
    for offset in walk.lengths:
        if (table[:, offset : offset + 4] != table[0, offset : offset + 4]).any():
            return None
    formats, offsets = zip(*(walk.columns[path] for path in wanted), strict=True)
    layout = np.dtype({"names": wanted, "formats": formats, "offsets": offsets, "itemsize": len(first)})
    rows = table.view(layout)[:, 0]
    return {path: rows[path].astype(rows[path].dtype.newbyteorder("="), order="C") for path in wanted}


def offset_of(payload: bytes, type_name: str, types: Typestore, path: str) -> int:
    """Where a field of numbers begins in one message [bytes].

    Raises:
        ValueError: The message is shorter than its own lengths say.
        KeyError: It has no such field.
    """
    walk = _Walk(payload, types, "<" if payload[1] & 1 else ">")
    try:
        walk.message(type_name, "")
    except IndexError as error:
        raise ValueError(f"a damaged message of type {type_name}") from error
    return walk.columns[path][1]
