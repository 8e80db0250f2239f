"""The worker's side of the frames that the data plane speaks; clary.engines.serving.graphs.frames says what they mean.

A frame is two little-endian 32-bit numbers and a body, whose length the second number tells. The first number of a
request stands for an instance, a Content-Type and an Accept; that of an answer for a status and a Content-Type; 0 is a
word, a JSON document that tells what a number stands for.
"""

import json
from collections.abc import Mapping
from struct import Struct
from typing import Any

HEAD = Struct("<II")
WORD = 0
LONGEST = 64 * 1024 * 1024


def word(said: Mapping[str, Any]) -> bytes:
    body = json.dumps(said).encode()
    return HEAD.pack(WORD, len(body)) + body


class Broken(Exception):
    """The other side does not speak so."""


class Reader:
    """Bytes to frames."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._held = 0
        self._needs = 8

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The frames that are whole now. Raises Broken."""
        if self._parts:
            self._parts.append(data)
            self._held += len(data)
            if self._held < self._needs:  # a long body comes in many pieces: they are joined once
                return []
            data = b"".join(self._parts)
            self._parts = []
        frames = []
        at, end, unpack = 0, len(data), HEAD.unpack_from
        self._needs = 8
        while end - at >= 8:
            first, size = unpack(data, at)
            if size > LONGEST:
                raise Broken(f"a frame of {size} bytes")
            stop = at + 8 + size
            if stop > end:
                self._needs = 8 + size
                break
            frames.append((first, data[at + 8 : stop]))
            at = stop
        if at < end:
            self._parts = [data[at:]]
            self._held = end - at
        return frames
