"""A transport whose writes of one turn of the loop become one write to the kernel.

uvicorn writes the head of an answer and its body one after the other. A process that is killed between the two leaves a
head without a body on the wire, and clients that do not compare the length (botocore is one) take that for a whole, but
empty answer. In one write an ordinary answer is handed to the kernel whole, or not at all. It also saves a system call.
"""

import asyncio
from typing import Any

MOST = 64 * 1024
"""Bytes that are held back at most: longer answers are written as they come."""


class Joined(asyncio.Transport):
    """Stands before `real`. What a protocol does not ask of it is not here."""

    def __init__(self, real: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._real = real
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(bytes(data))
        self._size += len(data)
        if self._size >= MOST:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            held, self._held, self._size = self._held, [], 0
            self._real.write(held[0] if len(held) == 1 else b"".join(held))

    def close(self) -> None:
        """What was written is still sent."""
        self._flush()
        self._real.close()

    def abort(self) -> None:
        self._held.clear()
        self._real.abort()

    def is_closing(self) -> bool:
        return self._real.is_closing()

    def pause_reading(self) -> None:
        self._real.pause_reading()

    def resume_reading(self) -> None:
        self._real.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._real.get_extra_info(name, default)
