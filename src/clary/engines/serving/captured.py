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
_HEAD = struct.Struct("<dIII")
_WORDS = 5


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
    """The inference as bytes; `put` went in and `got` came out. What was read off the wire holds no line breaks, and
    any other is written as a blank."""
    text = f"{event}\n{inference}\n{attributes}\n{input_type}\n{output_type}"
    if text.count("\n") != _WORDS - 1:
        text = "\n".join([one.replace("\n", " ") for one in (event, inference, attributes, input_type, output_type)])
    words = text.encode()
    return b"".join((_HEAD.pack(at, len(words), len(put), len(got)), words, put, got))


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
            at, words, put, got = _HEAD.unpack(head)
            data = file.read(words + put + got)
            if len(data) < words + put + got:
                return
            text = data[:words].decode("utf-8", "replace").split("\n")
            if len(text) != _WORDS:
                return  # nothing behind it can be told apart
            event, inference, attributes, came, went = text
            yield Captured(at, event, inference, attributes, came, went, data[words : words + put], data[words + put :])
