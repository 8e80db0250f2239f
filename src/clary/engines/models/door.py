"""The door of a multi-model instance: a small server before the container's own, outside of its sandbox.

    python -m clary.engines.models.door TOLD.json

A request names its model; the door sees that the container has it loaded and passes the request on. It stands by one
run (see Work.companions) and ends with it.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from clary.engines.models.base import FAULT, SOCKET, leave, read, spool
from clary.engines.models.cache import Cache, Refusal
from clary.engines.models.upstream import HEAD_LIMIT, Answer, Gone, Head, Upstream, read_head
from clary.engines.runners.sockets import NAME, place_of

MODEL = "x-amzn-sagemaker-target-model"
COUNTERS = "/counters"
COUNT_SECONDS = 5.0
LEAVE_SECONDS = 5.0
"""For answers that are on their way when the container has ended."""
_OWN = ("content-length", "host", "connection", "transfer-encoding")


class Door:
    def __init__(self, cache: Cache, upstream: Upstream) -> None:
        self._cache = cache
        self._upstream = upstream
        self._busy: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a front: requests one after another."""
        with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
            while True:
                head = await read_head(reader)
                body = await reader.readexactly(int(head.fields.get("content-length", 0)))
                task = asyncio.ensure_future(self._answer(head, body, writer))
                self._busy.add(task)
                task.add_done_callback(self._busy.discard)
                await task
                if head.fields.get("connection", "").lower() == "close":
                    break
        writer.close()

    async def leave(self) -> None:
        """What is being answered is answered, if it comes soon."""
        if self._busy:
            await asyncio.wait(self._busy, timeout=LEAVE_SECONDS)

    async def _answer(self, head: Head, body: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            await self._route(head, body, writer)
        except Refusal as refusal:
            await _say(writer, refusal.status, str(refusal), refusal.headers)
        except Gone as gone:
            await _say(writer, 502, f"The container gave no answer: {gone}", {})

    async def _route(self, head: Head, body: bytes, writer: asyncio.StreamWriter) -> None:
        _, path, _ = head.line.decode("latin-1").split(" ", 2)
        if path == "/ping":
            await _relay(await self._upstream.ask(_request(b"GET /ping HTTP/1.1", {}, b"")), writer)
        elif path == COUNTERS:
            await _say(writer, 200, json.dumps(self._cache.doc()), {})
        elif path != "/invocations":
            raise Refusal(404, f"{path} is not served here")
        else:
            model = head.fields.get(MODEL, "").lstrip("/")
            if not model:
                raise Refusal(400, "The request names no model (TargetModel).", validation=True)
            async with self._cache.using(model) as name:
                line = f"POST /models/{name}/invoke HTTP/1.1".encode()
                await _relay(await self._upstream.ask(_request(line, head.fields, body)), writer)


def _request(line: bytes, fields: dict[str, str], body: bytes) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if name not in _OWN)
    return line + f"\r\nhost: localhost\r\n{lines}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body


async def _relay(answer: Answer, writer: asyncio.StreamWriter) -> None:
    """The answer as it comes, framed as it is."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in answer.head.fields.items() if name != FAULT)
    writer.write(answer.head.line + f"\r\n{lines}\r\n".encode("latin-1"))
    try:
        await _copied(answer.raw(), writer)
    except (Gone, OSError):
        answer.drop()
        writer.transport.abort()  # half an answer must not be taken for a whole one


async def _copied(pieces: AsyncIterator[bytes], writer: asyncio.StreamWriter) -> None:
    async for piece in pieces:
        writer.write(piece)
        await writer.drain()


async def _say(writer: asyncio.StreamWriter, status: int, said: str, headers: dict[str, str]) -> None:
    body = said.encode()
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"HTTP/1.1 {status} X\r\n{lines}content-type: text/plain; charset=utf-8\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode("latin-1") + body)
    with suppress(OSError):
        await writer.drain()


def _count(path: Path, metrics: dict[str, list[int]]) -> None:
    """What was observed is left for who makes metrics of it."""
    if not metrics:
        return
    with suppress(OSError):  # the instance's files are gone, or the disk is full: serving goes on
        told = read(path)
        whose = {"account": told.account, "region": told.region, "endpoint": told.endpoint, "variant": told.variant}
        leave(spool(path), {**whose, "at": time.time(), "metrics": metrics})


async def main(told: Path) -> None:
    """Serves until SIGTERM, or until the run's keeper has ended."""
    place = place_of(os.environ["CLARY_RUN"])
    upstream = Upstream(place / NAME)
    cache = Cache(told, Path(os.environ["CLARY_RUN_ML"]), upstream)
    door = Door(cache, upstream)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    keeper = int(os.environ["CLARY_KEEPER"])
    with suppress(ProcessLookupError):
        loop.add_reader(os.pidfd_open(keeper), ended.set)
    if os.getppid() != keeper:  # looked at after the descriptor is there: it ended before we began
        return
    (place / SOCKET).unlink(missing_ok=True)
    server = await asyncio.start_unix_server(door.serve, place / SOCKET, limit=HEAD_LIMIT, backlog=512)
    while not ended.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), COUNT_SECONDS)
        await asyncio.to_thread(_count, told, cache.take())
    server.close()
    await door.leave()
    _count(told, cache.take())
    (place / SOCKET).unlink(missing_ok=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
