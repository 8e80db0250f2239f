"""RecordIO framing: magic, length, payload, padded to four bytes. In and out in constant memory."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

MAGIC = 0xCED7230A
CHUNK = 1 << 20
"""Bytes that are asked of a stream at a time."""
LARGEST = (1 << 29) - 1
"""Bytes of one payload: the three bits above tell whether it is part of a longer one."""
_HEADER = struct.Struct("<II")
_MAGIC_BYTES = struct.pack("<I", MAGIC)
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)
_PROBE = 4
"""So many equal lengths in a row must be seen before they are worth an array of their own."""

Payloads = NDArray[np.uint8]
"""(records, bytes): payloads of equal length, one a row."""


class Malformed(ValueError):
    """This is not recordio-protobuf; the message says which record and why."""


def blocks(stream: BinaryIO) -> Iterator[Payloads | bytes]:
    """Every payload, in order: a single one, or neighbours of equal length as one array, so that dense data costs no
    step a record. Raises Malformed. At most one chunk and one record are in memory."""
    rest = b""
    seen = 0
    while True:
        # A pipe gives what it has: less than asked is not yet the end, nothing is.
        fresh = stream.read(max(CHUNK, _missing(rest)))
        if not fresh:
            break
        buffer = rest + fresh
        position = 0
        while (found := _next(buffer, position, seen)) is not None:
            payloads, position = found
            seen += 1 if isinstance(payloads, bytes) else len(payloads)
            yield payloads
        rest = buffer[position:]
    if rest:
        raise Malformed(f"record {seen + 1} is cut off: the data ends {len(rest)} bytes after it began")


def frame(payload: bytes) -> bytes:
    """The framed record. A magic number inside it needs no care: readers go by the length."""
    if len(payload) > LARGEST:
        raise Malformed(f"a record of {len(payload)} bytes is too long for RecordIO")
    return _HEADER.pack(MAGIC, len(payload)) + payload + bytes(-len(payload) % 4)


def _missing(rest: bytes) -> int:
    """How many bytes the record that begins `rest` still needs, so that a long one is not copied chunk by chunk."""
    if len(rest) < _HEADER.size:
        return 0
    length: int = _HEADER.unpack_from(rest)[1] & LARGEST
    return _HEADER.size + length + 3 - len(rest)


def _next(buffer: bytes, position: int, seen: int) -> tuple[Payloads | bytes, int] | None:
    """The payloads that begin at `position` and where the next ones do; None when they are not all there."""
    head = _head(buffer, position, seen)
    if head is None:
        return None
    kind, length = head
    if kind != _WHOLE:
        return _joined(buffer, position, seen)
    stride = _HEADER.size + length + (-length % 4)
    fitting = (len(buffer) - position) // stride
    if not fitting:
        return None
    header = buffer[position : position + _HEADER.size]
    if fitting < _PROBE or not all(buffer.startswith(header, position + row * stride) for row in range(1, _PROBE)):
        begin = position + _HEADER.size
        return buffer[begin : begin + length], position + stride
    # The array is a view: no byte is copied before its values are.
    words = np.frombuffer(buffer, "<u4", fitting * stride // 4, position).reshape(fitting, -1)
    other = np.flatnonzero((words[:, 0] != MAGIC) | (words[:, 1] != length))
    count = int(other[0]) if len(other) else fitting
    rows = np.frombuffer(buffer, np.uint8, count * stride, position).reshape(count, stride)
    return rows[:, _HEADER.size : _HEADER.size + length], position + count * stride


def _head(buffer: bytes, position: int, seen: int) -> tuple[int, int] | None:
    if len(buffer) - position < _HEADER.size:
        return None
    magic, length = _HEADER.unpack_from(buffer, position)
    if magic != MAGIC:
        raise Malformed(
            f"record {seen + 1} does not begin with the magic number of RecordIO (0x{MAGIC:08x}) but with "
            f"0x{magic:08x}; is the data recordio-protobuf?"
        )
    kind = length >> 29
    if kind > _LAST:
        raise Malformed(f"record {seen + 1} has the unknown continuation flag {kind}")
    return kind, length & LARGEST


def _joined(buffer: bytes, position: int, seen: int) -> tuple[bytes, int] | None:
    """A record in parts, as writers make them that take out each aligned magic number: it goes between the parts."""
    parts: list[bytes] = []
    while True:
        head = _head(buffer, position, seen)
        if head is None:
            return None
        kind, length = head
        if kind == _WHOLE or (kind == _FIRST) != (not parts):
            raise Malformed(f"record {seen + 1} is in parts that do not follow each other")
        begin = position + _HEADER.size
        if len(buffer) < begin + length + (-length % 4):
            return None
        parts.append(buffer[begin : begin + length])
        position = begin + length + (-length % 4)
        if kind == _LAST:
            return _MAGIC_BYTES.join(parts), position
