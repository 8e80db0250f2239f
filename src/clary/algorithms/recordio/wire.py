"""The protobuf message `aialgs.data.Record` on the wire: maps of tensors, and a few texts.

Written here rather than with the protobuf library, since that gives each number as a Python object: the arrays are
read straight from the bytes, without one for dense rows of equal size, and the image needs no further library."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.recordio.frames import Malformed

# Field numbers of the messages.
_FEATURES, _LABEL, _UID, _METADATA, _CONFIGURATION = 1, 2, 3, 4, 5
_KEY, _VALUE = 1, 2
_FLOAT32, _FLOAT64, _INT32, _BYTES = 2, 3, 7, 9
_VALUES, _KEYS, _SHAPE = 1, 2, 3
# Wire types.
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5

_FLOATS: Mapping[int, str] = {_FLOAT32: "<f4", _FLOAT64: "<f8"}
_WIDTHS = {_FIXED64: 8, _FIXED32: 4}


@dataclass(frozen=True, slots=True)
class Tensor:
    """Numbers; with `keys`, those at these places of a row of `shape` columns, all others being 0."""

    values: NDArray[Any]
    """float32, float64 or int32."""
    keys: NDArray[np.uint64] | None = None
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One row: tensors by name. The usual name is `values`."""

    features: Mapping[str, Tensor] = field(default_factory=dict)
    label: Mapping[str, Tensor] = field(default_factory=dict)
    uid: str | None = None
    metadata: str | None = None
    configuration: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Where a tensor's numbers stand in the message, not yet read."""

    kind: int
    values: tuple[tuple[int, int, bool], ...]
    """(begin, end, packed) of each piece; usually there is one."""
    keys: tuple[tuple[int, int], ...]
    shape: tuple[tuple[int, int], ...]


def decode(payload: bytes) -> Record:
    """Raises Malformed."""
    features, label, texts = scan(payload)
    return Record(
        {name: tensor(payload, span) for name, span in features.items()},
        {name: tensor(payload, span) for name, span in label.items()},
        texts.get(_UID),
        texts.get(_METADATA),
        texts.get(_CONFIGURATION),
    )


def scan(payload: bytes) -> tuple[dict[str, Span], dict[str, Span], dict[int, str]]:
    """Where features and labels stand, by name, and the texts by field number. Raises Malformed."""
    features: dict[str, Span] = {}
    label: dict[str, Span] = {}
    texts: dict[int, str] = {}
    try:
        for number, kind, begin, end in _fields(payload, 0, len(payload)):
            if number in (_FEATURES, _LABEL) and kind == _LENGTH:
                name, span = _entry(payload, begin, end)
                (features if number == _FEATURES else label)[name] = span
            elif number in (_UID, _METADATA, _CONFIGURATION) and kind == _LENGTH:
                texts[number] = payload[begin:end].decode()
    except (IndexError, UnicodeDecodeError) as error:
        raise Malformed(f"the message is cut off or damaged ({error})") from None
    return features, label, texts


def tensor(payload: bytes, span: Span) -> Tensor:
    """The numbers of that span. Raises Malformed when values and keys do not pair."""
    found = numbers(payload, span)
    keys = None
    if span.keys:
        keys = varints(b"".join(payload[begin:end] for begin, end in span.keys))
        if len(keys) != len(found):
            raise Malformed(f"{len(found)} values but {len(keys)} keys")
    shape = varints(b"".join(payload[begin:end] for begin, end in span.shape)) if span.shape else ()
    return Tensor(found, keys, tuple(int(one) for one in shape))


def numbers(payload: bytes, span: Span) -> NDArray[Any]:
    """The values alone, in the type that they were written in."""
    kind = _FLOATS.get(span.kind)
    if kind is None:
        raw = varints(b"".join(payload[begin:end] for begin, end, _ in span.values))
        return raw.astype(np.int64).astype(np.int32)
    pieces = [payload[begin:end] for begin, end, _ in span.values]
    joined = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    if len(joined) % int(kind[2]):
        raise Malformed(f"{len(joined)} bytes are no whole count of {8 * int(kind[2])}-bit numbers")
    return np.frombuffer(joined, kind)


def raw_float32(payload: bytes, span: Span) -> bytes:
    """The values alone as the bytes of little-endian float32."""
    if span.kind == _FLOAT32:
        if len(span.values) == 1:
            begin, end, _ = span.values[0]
            if (end - begin) % 4 == 0:
                return payload[begin:end]
        elif not span.values:
            return b""
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is reported as such
        return numbers(payload, span).astype("<f4").tobytes()


def columns(payload: bytes, span: Span) -> int:
    """The last number of the shape: how many columns a row has."""
    begin, end = span.shape[-1]
    position = end - 1
    while position > begin and payload[position - 1] > 127:
        position -= 1
    return _varint(payload, position)[0]


def _entry(payload: bytes, begin: int, end: int) -> tuple[str, Span]:
    """Name and tensor of one entry of a map."""
    name, value = "", None
    for number, kind, first, last in _fields(payload, begin, end):
        if kind != _LENGTH:
            continue
        if number == _KEY:
            name = payload[first:last].decode()
        elif number == _VALUE:
            value = _tensor_span(payload, first, last, value)
    return name, value or Span(_FLOAT32, (), (), ())


def _tensor_span(payload: bytes, begin: int, end: int, before: Span | None) -> Span | None:
    for number, _, first, last in _fields(payload, begin, end):
        if number == _BYTES:
            raise Malformed("it holds raw bytes where numbers are expected")
        if number not in (_FLOAT32, _FLOAT64, _INT32):
            continue
        values: list[tuple[int, int, bool]] = []
        keys: list[tuple[int, int]] = []
        shape: list[tuple[int, int]] = []
        for part, kind, one, two in _fields(payload, first, last):
            if part == _VALUES:
                values.append((one, two, kind == _LENGTH))
            elif part == _KEYS:
                keys.append((one, two))
            elif part == _SHAPE:
                shape.append((one, two))
        return Span(number, tuple(values), tuple(keys), tuple(shape))
    return before


def _fields(payload: bytes, position: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(field number, wire type, begin, end) of the contents of every field. IndexError where bytes are missing."""
    while position < end:
        tag = payload[position]
        position += 1
        if tag > 127:
            tag, position = _varint(payload, position - 1)
        kind = tag & 7
        begin = position
        if kind == _LENGTH:
            size = payload[position]
            position += 1
            if size > 127:
                size, position = _varint(payload, position - 1)
            begin = position
            position += size
        elif kind == _VARINT:
            _, position = _varint(payload, position)
        elif kind in _WIDTHS:
            position += _WIDTHS[kind]
        else:
            raise IndexError(f"wire type {kind} is unknown")
        if position > end:
            raise IndexError(f"field {tag >> 3} ends {position - end} bytes too late")
        yield tag >> 3, kind, begin, position


def _varint(payload: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = payload[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
        if shift > 63:
            raise IndexError("a number is longer than 64 bits")


def varints(data: bytes) -> NDArray[np.uint64]:
    """All variable-length integers of these bytes, at once. Raises Malformed when the last one does not end."""
    raw = np.frombuffer(data, np.uint8)
    last = np.flatnonzero(raw < 128)
    if len(raw) and (not len(last) or last[-1] != len(raw) - 1):
        raise Malformed("a whole number is cut off")
    if len(last) == len(raw):
        return raw.astype(np.uint64)
    first = np.empty_like(last)
    first[:1] = 0
    first[1:] = last[:-1] + 1
    sizes = last - first + 1
    if int(sizes.max(initial=0)) > 10:
        raise Malformed("a whole number is longer than 64 bits")
    found = np.zeros(len(last), np.uint64)
    for place in range(int(sizes.max(initial=0))):
        there = sizes > place
        found[there] |= (raw[first[there] + place] & np.uint8(127)).astype(np.uint64) << np.uint64(7 * place)
    return found


def encode(record: Record) -> bytes:
    """The message of one record."""
    parts = [
        _field(number, _field(_KEY, name.encode()) + _field(_VALUE, _encode_tensor(one)))
        for number, tensors in ((_FEATURES, record.features), (_LABEL, record.label))
        for name, one in tensors.items()
    ]
    texts = ((_UID, record.uid), (_METADATA, record.metadata), (_CONFIGURATION, record.configuration))
    parts += [_field(number, text.encode()) for number, text in texts if text is not None]
    return b"".join(parts)


def _encode_tensor(one: Tensor) -> bytes:
    values = np.asarray(one.values)
    if values.dtype == np.float32:
        kind, raw = _FLOAT32, values.astype("<f4").tobytes()
    elif values.dtype == np.float64:
        kind, raw = _FLOAT64, values.astype("<f8").tobytes()
    else:
        # A negative int32 is written as the 64-bit number of the same value, as protobuf has it.
        kind, raw = _INT32, encode_varints(values.astype(np.int64).astype(np.uint64))
    body = _field(_VALUES, raw) if len(values) else b""
    if one.keys is not None and len(one.keys):
        body += _field(_KEYS, encode_varints(one.keys))
    if one.shape:
        body += _field(_SHAPE, encode_varints(np.array(one.shape, np.uint64)))
    return _field(kind, body)


def _field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | _LENGTH]) + _size(len(data)) + data


def _size(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_varints(values: NDArray[Any]) -> bytes:
    return b"".join(map(_size, values.tolist()))
