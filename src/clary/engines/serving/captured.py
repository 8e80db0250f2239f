"""Captured inferences on disk: a file of them begins with one line of JSON that says whose they are and how they are
to be told, and goes on with one frame each. Who was killed while it wrote leaves a torn last frame: it is passed over.
"""

import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from clary.engines.serving.base import CaptureRule

OPEN, WHOLE = ".part", ".whole"
"""What the name of a file ends with while somebody writes it (who holds its lock), and after that."""
_HEAD = struct.Struct("<IdHHHHHII")
_LONGEST = 4096
"""Of a header's value, in bytes."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose inferences a file holds."""

    account: str
    region: str
    endpoint: str
    variant: str
    role: str
    """As whom they are stored."""
    rule: CaptureRule

    def line(self) -> bytes:
        return orjson.dumps(asdict(self)) + b"\n"


class Captured(NamedTuple):
    """One inference that the model answered well."""

    at: float
    """Epoch seconds."""
    event: str
    inference: str
    """The InferenceId that the client gave it; "" for none."""
    attributes: str
    input_type: str
    output_type: str
    input: bytes
    output: bytes


class Torn(Exception):
    """The file holds no captured inferences: it does not even say whose."""


def frame(
    at: float, event: str, inference: str, attributes: str, input_type: str, output_type: str, put: bytes, got: bytes
) -> bytes:
    """The inference as bytes; `put` went in and `got` came out."""
    words = [one.encode()[:_LONGEST] for one in (event, inference, attributes, input_type, output_type)]
    lengths = [len(one) for one in words]
    size = sum(lengths) + len(put) + len(got)
    return b"".join((_HEAD.pack(size, at, *lengths, len(put), len(got)), *words, put, got))


def read(path: Path) -> tuple[Origin, Iterator[Captured]]:
    """Whose they are, and the inferences that were written whole, lazily. Raises Torn, OSError."""
    file = path.open("rb")
    try:
        origin = _origin(file.readline())
    except BaseException:
        file.close()
        raise
    return origin, _frames(file)


def _origin(line: bytes) -> Origin:
    try:
        said: dict[str, Any] = orjson.loads(line)
        rule = said["rule"]
        lists = {name: tuple(rule[name]) for name in ("csv_types", "json_types")}
        return Origin(**{**said, "rule": CaptureRule(**{**rule, **lists})})
    except (ValueError, KeyError, TypeError) as error:
        raise Torn(repr(error)) from error


def _frames(file: BinaryIO) -> Iterator[Captured]:
    with file:
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            size, at, *lengths = _HEAD.unpack(head)
            data = file.read(size)
            if len(data) < size:
                return
            parts, start = [], 0
            for length in lengths:
                parts.append(data[start : start + length])
                start += length
            words = (part.decode("utf-8", "replace") for part in parts[:5])
            yield Captured(at, *words, *parts[5:])  # type: ignore[arg-type]
