"""CBOR (RFC 8949) as Smithy's RPC protocol uses it: one document a body, nothing that could be a bomb."""

import struct
from typing import Any, Final

DEPTH: Final = 128
"""Deeper documents are refused; no model of AWS nests half as deep."""
_BREAK: Final = object()


class BadCbor(Exception):
    """The bytes are no such document. The message says why."""


def dumps(value: Any) -> bytes:
    """Of None, bool, int, float, str, bytes, lists, maps with texts as keys, and `Tagged`."""
    out = bytearray()
    _write(value, out)
    return bytes(out)


class Tagged:
    """A value with a tag before it, for example 1: seconds since the epoch."""

    __slots__ = ("tag", "value")

    def __init__(self, tag: int, value: Any) -> None:
        self.tag = tag
        self.value = value


def _head(major: int, number: int, out: bytearray) -> None:
    if number < 24:
        out.append(major << 5 | number)
        return
    for code, bound, form in ((24, 1 << 8, ">B"), (25, 1 << 16, ">H"), (26, 1 << 32, ">I"), (27, 1 << 64, ">Q")):
        if number < bound:
            out.append(major << 5 | code)
            out += struct.pack(form, number)
            return
    raise ValueError(f"{number} has more than 64 bits")


def _write(value: Any, out: bytearray) -> None:
    if value is None:
        out.append(0xF6)
    elif isinstance(value, bool):
        out.append(0xF5 if value else 0xF4)
    elif isinstance(value, int):
        _head(0, value, out) if value >= 0 else _head(1, -1 - value, out)
    elif isinstance(value, float):
        out.append(0xFB)
        out += struct.pack(">d", value)
    elif isinstance(value, str):
        data = value.encode()
        _head(3, len(data), out)
        out += data
    elif isinstance(value, bytes):
        _head(2, len(value), out)
        out += value
    elif isinstance(value, list | tuple):
        _head(4, len(value), out)
        for item in value:
            _write(item, out)
    elif isinstance(value, dict):
        _head(5, len(value), out)
        for key, item in value.items():
            _write(key, out)
            _write(item, out)
    elif isinstance(value, Tagged):
        _head(6, value.tag, out)
        _write(value.value, out)
    else:
        raise TypeError(f"CBOR has no {type(value).__name__}")


def loads(data: bytes) -> Any:
    """The document; times (tag 1) as their number, other tags are refused. Raises BadCbor."""
    reader = _Reader(data)
    value = reader.value(0)
    if value is _BREAK or reader.at != len(data):
        raise BadCbor("something follows the document")
    return value


class _Reader:
    """Every length is held against what is left before anything is made of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def value(self, depth: int) -> Any:
        if depth > DEPTH:
            raise BadCbor(f"the document is nested more than {DEPTH} deep")
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if major == 7:
            return self.simple(info)
        if info == 31:
            return self.endless(major, depth)
        number = self.number(info)
        match major:
            case 0:
                return number
            case 1:
                return -1 - number
            case 2:
                return self.take(number)
            case 3:
                return self.text(self.take(number))
            case 4:
                self.room(number)
                return [self.item(depth) for _ in range(number)]
            case 5:
                self.room(number)
                return {self.key(depth): self.item(depth) for _ in range(number)}
        value = self.item(depth)
        if number != 1 or isinstance(value, bool) or not isinstance(value, int | float):
            raise BadCbor(f"the tag {number} is not known here")
        return value

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise BadCbor("the document ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def room(self, count: int) -> None:
        """An item takes a byte at least: a length that cannot be true is refused before it costs anything."""
        if count > len(self.data) - self.at:
            raise BadCbor("the document ends too early")

    def number(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise BadCbor("a length of unknown form")
        return int.from_bytes(self.take(1 << (info - 24)), "big")

    def simple(self, info: int) -> Any:
        match info:
            case 20 | 21:
                return info == 21
            case 22 | 23:
                return None
            case 25:
                return struct.unpack(">e", self.take(2))[0]
            case 26:
                return struct.unpack(">f", self.take(4))[0]
            case 27:
                return struct.unpack(">d", self.take(8))[0]
            case 31:
                return _BREAK
        raise BadCbor(f"the simple value {info} is not known here")

    def endless(self, major: int, depth: int) -> Any:
        """A text, bytes, list or map that ends with a break."""
        if major not in (2, 3, 4, 5):
            raise BadCbor("a length of unknown form")
        items: list[Any] = []
        while (one := self.value(depth + 1)) is not _BREAK:
            items.append(one)
        if major == 4:
            return items
        if major == 5:
            if len(items) % 2 or not all(isinstance(key, str) for key in items[::2]):
                raise BadCbor("a map needs texts as keys, and a value for each")
            return dict(zip(items[::2], items[1::2], strict=True))
        kind = bytes if major == 2 else str
        if not all(isinstance(one, kind) for one in items):
            raise BadCbor("a part of a text or of bytes is neither")
        return b"".join(items) if major == 2 else "".join(items)

    def item(self, depth: int) -> Any:
        value = self.value(depth + 1)
        if value is _BREAK:
            raise BadCbor("a break where a value belongs")
        return value

    def key(self, depth: int) -> str:
        value = self.item(depth)
        if not isinstance(value, str):
            raise BadCbor("a key must be a text")
        return value

    def text(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise BadCbor(f"a text is not UTF-8: {error}") from None
