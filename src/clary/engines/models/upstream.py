"""What the door asks the container behind it, over kept connections, one request at a time on each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HEAD_LIMIT = 64 * 1024
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Head:
    line: bytes
    """The first one, without its end."""
    fields: dict[str, str]
    """Names in lower case."""

    @property
    def status(self) -> int:
        return int(self.line.split(b" ", 2)[1])


class Gone(Exception):
    """The container is not there, or went away before it answered."""


async def read_head(reader: asyncio.StreamReader) -> Head:
    """The next head. Raises asyncio.IncompleteReadError at the stream's end, LimitOverrunError beyond the limit."""
    line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in rest if one)}
    return Head(line.encode("latin-1"), fields)


class Upstream:
    """The container's server at a Unix socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, request: bytes) -> "Answer":
        """Send the request; the head of its answer. On a kept connection that turns out to be dead it is sent once
        more. Raises Gone."""
        while self._idle:
            reader, writer = self._idle.pop()
            with suppress(OSError, asyncio.IncompleteReadError):
                return await self._ask(reader, writer, request)
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket, limit=HEAD_LIMIT)
            return await self._ask(reader, writer, request)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise Gone(str(error) or "the container closed the connection before it answered") from None

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> "Answer":
        try:
            writer.write(request)
            await writer.drain()
            return Answer(self, await read_head(reader), reader, writer)
        except BaseException:
            writer.close()
            raise

    def keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._idle.append((reader, writer))


class Answer:
    """Its body is to be read to the end, or `drop` called."""

    def __init__(self, owner: Upstream, head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.head = head
        self._owner = owner
        self._reader = reader
        self._writer = writer

    async def raw(self) -> AsyncIterator[bytes]:
        """The body as it is framed, in pieces as they come; then the connection is kept, if it can be. Raises Gone."""
        try:
            if "chunked" in self.head.fields.get("transfer-encoding", ""):
                async for piece in self._chunks():
                    yield piece
            elif (length := self.head.fields.get("content-length")) is not None:
                left = int(length)
                while left:
                    piece = await self._reader.read(min(left, _PIECE))
                    if not piece:
                        raise Gone("the container closed the connection in the middle of its answer")
                    left -= len(piece)
                    yield piece
            else:
                while piece := await self._reader.read(_PIECE):
                    yield piece
                self._writer.close()
                return
        except (OSError, asyncio.IncompleteReadError) as error:
            raise Gone(str(error)) from None
        if self.head.fields.get("connection", "").lower() == "close":
            self._writer.close()
        else:
            self._owner.keep(self._reader, self._writer)

    async def body(self) -> bytes:
        return b"".join([piece async for piece in self.raw()])

    def drop(self) -> None:
        self._writer.close()

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            line = await self._reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            yield line + await self._reader.readexactly(size + 2)
            if size == 0:
                return
