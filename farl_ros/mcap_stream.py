"""The messages of an MCAP file from front to back, its index not needed (https://mcap.dev/spec).

The mcap library makes an object of every record, also of those that nobody asked for; of a folder with
200,000 transitions that alone takes 15 s. Here chunks are taken apart in place, and index records skipped.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from mcap.data_stream import ReadDataStream
from mcap.exceptions import EndOfFile, InvalidMagic, RecordLengthLimitExceeded
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, DataEnd, Footer, Schema
from mcap.stream_reader import CRCValidationError, get_chunk_data_stream

MAGIC = b"\x89MCAP0\r\n"
_RECORD = struct.Struct("<BQ")
"""Opcode and length of the content [bytes]."""
_MESSAGE = struct.Struct("<HIQQ")
"""Channel, sequence number, log time [ns], publish time [ns]; the payload follows."""
_KEPT = (Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE, Opcode.CHUNK, Opcode.DATA_END, Opcode.FOOTER)

StoredMessage = tuple[int, int, bytes]
"""Channel, log time [ns], payload."""


def stream(file: BinaryIO, size: int) -> Iterator[Schema | Channel | StoredMessage | Footer]:
    """Yield schemas, channels and messages in the order of writing, and the footer of a whole file.

    Args:
        file: Open at its beginning.
        size: Its size [bytes]: a longer record is damage, not something to allocate memory for.

    Raises:
        McapError, ZstdError, struct.error, ValueError: It is damaged from here on (``EndOfFile``: it ends).
    """
    begin = file.read(len(MAGIC))
    if len(begin) < len(MAGIC):
        raise EndOfFile
    if begin != MAGIC:
        raise InvalidMagic(begin)
    checksum = zlib.crc32(MAGIC)
    while True:
        head = file.read(_RECORD.size)
        if len(head) < _RECORD.size:
            raise EndOfFile
        opcode, length = _RECORD.unpack(head)
        if length > size:
            raise RecordLengthLimitExceeded(opcode, length, size)
        content = file.read(length)
        if len(content) < length:
            raise EndOfFile
        if opcode == Opcode.DATA_END:
            end = DataEnd.read(ReadDataStream(BytesIO(content)))
            if end.data_section_crc not in (0, checksum):
                raise CRCValidationError(end.data_section_crc, checksum, end)
        elif opcode == Opcode.CHUNK:
            chunk = Chunk.read(ReadDataStream(BytesIO(content)))
            data, total = get_chunk_data_stream(chunk, validate_crc=True)
            yield from _broken_up(data.read(total))
        elif opcode == Opcode.FOOTER:
            yield Footer.read(ReadDataStream(BytesIO(content)))
            return
        elif opcode in _KEPT:
            yield _record(opcode, content)
        checksum = zlib.crc32(content, zlib.crc32(head, checksum))


def _broken_up(data: bytes) -> Iterator[Schema | Channel | StoredMessage]:
    """The records in an uncompressed chunk."""
    position, end = 0, len(data)
    while position < end:
        opcode, length = _RECORD.unpack_from(data, position)
        position += _RECORD.size
        if position + length > end:
            raise EndOfFile
        if opcode == Opcode.MESSAGE:
            channel, _, log_time, _ = _MESSAGE.unpack_from(data, position)
            yield channel, log_time, data[position + _MESSAGE.size : position + length]
        elif opcode in _KEPT:
            yield _record(opcode, data[position : position + length])
        position += length


def _record(opcode: int, content: bytes) -> Schema | Channel | StoredMessage:
    if opcode == Opcode.MESSAGE:
        channel, _, log_time, _ = _MESSAGE.unpack_from(content)
        return channel, log_time, content[_MESSAGE.size :]
    reader = ReadDataStream(BytesIO(content))
    record: Schema | Channel = Schema.read(reader) if opcode == Opcode.SCHEMA else Channel.read(reader)
    return record
