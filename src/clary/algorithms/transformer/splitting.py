"""From the bytes of an object to requests: whole, by lines, or by the records of two binary formats.

Nothing here holds more than one request's bytes, whatever the object's size."""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from clary.algorithms.transformer.faults import Failure

_CHUNK: Final = 1 << 20
_RECORDIO_MAGIC: Final = 0xCED7230A
_RECORDIO_HEAD: Final = struct.Struct("<II")
_TFRECORD_HEAD: Final = struct.Struct("<QI")
_TFRECORD_FOOT: Final = 4


@dataclass(frozen=True, slots=True)
class Batch:
    """The body of one request. `first` is the number of its first record in the object, from 1."""

    body: bytes
    first: int


def batches(source: BinaryIO, split: str, payload: int, single: bool) -> Iterator[Batch]:
    """The requests of one object, in order; none of them larger than `payload` bytes. Raises Failure ClientError for a
    record that is larger, by its number, and for an object that is not of its format."""
    if split == "None":
        yield from _whole(source, payload)
    elif split == "Line":
        yield from (_single_lines(source, payload) if single else _lines(source, payload))
    else:
        yield from _packed(_RECORDS[split](source, payload), payload, single)


def _whole(source: BinaryIO, payload: int) -> Iterator[Batch]:
    body = source.read(payload + 1)
    if len(body) > payload:
        raise Failure(
            "ClientError",
            f"Too much data for max payload size: the object has more than {payload:,} bytes and SplitType is None. "
            "Raise MaxPayloadInMB, or split the object by SplitType.",
        )
    yield Batch(body, 1)


def _lines(source: BinaryIO, payload: int) -> Iterator[Batch]:
    """As many whole lines a request as fit; the last line of the object needs no newline."""
    rest, first = b"", 1
    while True:
        body = rest + source.read(payload + 1 - len(rest))
        if len(body) <= payload:  # there is no more
            if body:
                yield Batch(body, first)
            return
        end = body.rfind(b"\n", 0, payload) + 1
        if not end:
            raise _too_large(first, payload)
        yield Batch(body[:end], first)
        first += body.count(b"\n", 0, end)
        rest = body[end:]


def _single_lines(source: BinaryIO, payload: int) -> Iterator[Batch]:
    """One line a request, without its end. Empty lines are no records."""
    number, rest = 0, b""
    while True:
        read = source.read(_CHUNK)
        lines = (rest + read).split(b"\n")
        rest = lines.pop() if read else b""
        for line in lines:
            number += 1
            if len(line) > payload:
                raise _too_large(number, payload)
            if line.strip():
                yield Batch(line.removesuffix(b"\r"), number)
        if not read:
            return
        if len(rest) > payload:
            raise _too_large(number + 1, payload)


@dataclass(frozen=True, slots=True)
class _Record:
    wrapped: bytes
    """As it stands in the object."""
    data: bytes
    """Without length, checksum and padding."""


def _packed(records: Iterator[_Record], payload: int, single: bool) -> Iterator[Batch]:
    body, first = bytearray(), 1
    for number, record in enumerate(records, 1):
        size = len(record.data if single else record.wrapped)
        if size > payload:
            raise _too_large(number, payload)
        if single:
            yield Batch(record.data, number)
            continue
        if body and len(body) + size > payload:
            yield Batch(bytes(body), first)
            body.clear()
        if not body:
            first = number
        body += record.wrapped
    if body:
        yield Batch(bytes(body), first)


def _recordio(source: BinaryIO, payload: int) -> Iterator[_Record]:
    """MXNet's RecordIO: magic, then 3 bits of continuation and 29 of length, then the data padded to 4 bytes. A record
    whose data holds the magic is stored in parts, cut there."""
    number, wrapped, data = 1, bytearray(), bytearray()
    while head := source.read(_RECORDIO_HEAD.size):
        if len(head) < _RECORDIO_HEAD.size or (told := _RECORDIO_HEAD.unpack(head))[0] != _RECORDIO_MAGIC:
            raise _broken("RecordIO", number)
        part, length = told[1] >> 29, told[1] & ((1 << 29) - 1)
        padded = length + -length % 4
        if len(wrapped) + padded > payload + _RECORDIO_HEAD.size:
            raise _too_large(number, payload)
        body = source.read(padded)
        if len(body) < length or part > 3 or (part in (0, 1)) != (not wrapped):
            raise _broken("RecordIO", number)
        if part in (2, 3):
            data += struct.pack("<I", _RECORDIO_MAGIC)
        wrapped += head + body
        data += body[:length]
        if part in (0, 3):
            yield _Record(bytes(wrapped), bytes(data))
            number += 1
            wrapped.clear()
            data.clear()
    if wrapped:
        raise _broken("RecordIO", number)


def _tfrecord(source: BinaryIO, payload: int) -> Iterator[_Record]:
    """TensorFlow's TFRecord: length and its checksum, the data and its checksum. Who reads the data verifies them."""
    number = 1
    while head := source.read(_TFRECORD_HEAD.size):
        if len(head) < _TFRECORD_HEAD.size:
            raise _broken("TFRecord", number)
        length: int = _TFRECORD_HEAD.unpack(head)[0]
        if length > payload:
            raise _too_large(number, payload)
        body = source.read(length + _TFRECORD_FOOT)
        if len(body) < length + _TFRECORD_FOOT:
            raise _broken("TFRecord", number)
        yield _Record(head + body, body[:length])
        number += 1


_RECORDS: Mapping[str, Callable[[BinaryIO, int], Iterator[_Record]]] = {"RecordIO": _recordio, "TFRecord": _tfrecord}


def _too_large(number: int, payload: int) -> Failure:
    return Failure(
        "ClientError",
        f"Too much data for max payload size: record {number} is larger than {payload:,} bytes. Raise MaxPayloadInMB.",
    )


def _broken(kind: str, number: int) -> Failure:
    return Failure("ClientError", f"The object is not {kind}: record {number} is cut off or has no valid head.")
