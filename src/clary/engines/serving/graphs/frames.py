"""What goes over the socket between a router and a worker of compiled models. The worker's side has a module of the
same words (algorithms never import engines, nor they them); a test holds the two together.

Every frame is eight bytes, two little-endian 32-bit numbers, and a body. The second number is the body's length.

To the worker: the first number is a *shape*, which stands for an instance, a Content-Type and an Accept, and was told
before by a word; the body is the request's. From the worker: the first is a *kind*, which stands for a status and a
Content-Type, and was told before by a word. There is one answer for each request, in order. Shape 0 and kind 0 are
words, JSON documents:

    to    {"shape": 3, "instance": "uid", "content_type": "text/csv", "accept": ""}
          {"forget": true}                    the shapes told so far are used no more
          {"ask": "uid"}
    from  {"kind": 2, "status": 200, "content_type": "text/csv; charset=utf-8"}
          {"asked": "uid", "state": "loaded" | "absent" | "loading" | "failed", "why": "", "pid": 1}

A kind of status 0 is no answer: the worker holds no such instance, and the request is to be sent elsewhere.
"""

from collections.abc import Mapping
from struct import Struct
from typing import Any

import orjson

HEAD = Struct("<II")
WORD = 0
LONGEST = 64 * 1024 * 1024


def word(said: Mapping[str, Any]) -> bytes:
    body = orjson.dumps(said)
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
