"""A worker of compiled models inside another process with an event loop: what that process hands in itself, and what
others send over the socket, is answered together."""

import asyncio
import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from clary.algorithms.graphs.base import Answer, Program, Request
from clary.algorithms.graphs.frames import HEAD, WORD, Broken, Reader, word
from clary.algorithms.graphs.shelf import Shelf

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.5
INLINE_BYTES = 16 * 1024
"""Bodies of one run on the loop, at most: about a millisecond. More than that is run in a thread, and the loop goes
on meanwhile."""
_GONE = Answer(0, "", b"")

Told = Callable[[Any, int, str, bytes], None]
_Waiting = tuple[Program | None, Request, Told, Any]


class Hosted:
    """`worker` is its number. Belongs to one event loop."""

    def __init__(self, asked: Path, worker: int) -> None:
        self.worker = worker
        self._loop = asyncio.get_running_loop()
        self._shelf = Shelf(asked, worker, lambda: None)
        self._waiting: list[_Waiting] = []
        self._running = False
        self._threads = ThreadPoolExecutor(1, "graphs")
        self._server: asyncio.Server | None = None
        self._ticker: asyncio.TimerHandle | None = None

    async def start(self, socket: Path) -> None:
        """Others are answered at the Unix socket, too."""
        self._tick()
        socket.unlink(missing_ok=True)
        self._server = await self._loop.create_unix_server(lambda: Remote(self), str(socket), backlog=128)

    def close(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        if self._server is not None:
            self._server.close()
        self._threads.shutdown(wait=False)

    def take(self, uid: str, content_type: str, accept: str, body: bytes, told: Told, token: Any) -> None:
        """`told(token, status, content type, answer)` is called in a later turn of the loop, in the order of `take`;
        status 0: no such instance is held."""
        place = self._shelf.places.get(uid)
        program = place.program if place is not None else None
        self._waiting.append((program, Request(content_type, accept, body), told, token))
        if not self._running:
            self._running = True
            self._loop.call_soon(self._run)

    def state(self, uid: str) -> dict[str, object]:
        self._shelf.refresh()
        place = self._shelf.places.get(uid)
        said = {"asked": uid, "state": "absent", "why": "", "pid": os.getpid()}
        return said if place is None else {**said, "state": place.state, "why": place.why}

    def _tick(self) -> None:
        self._ticker = self._loop.call_later(TICK_SECONDS, self._tick)
        self._shelf.refresh()

    def _run(self) -> None:
        count, size = 0, 0
        for _, request, _, _ in self._waiting:
            size += len(request.body)
            if size > INLINE_BYTES and count:
                size -= len(request.body)
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        if size > INLINE_BYTES:
            run = self._loop.run_in_executor(self._threads, _answers, batch)
            run.add_done_callback(lambda done: self._tell(batch, done.result()))
        else:
            self._tell(batch, _answers(batch))

    def _tell(self, batch: list[_Waiting], answers: list[Answer]) -> None:
        # First: what is told may hand in more.
        if self._waiting:
            self._loop.call_soon(self._run)
        else:
            self._running = False
        for (_, _, told, token), (status, content_type, body) in zip(batch, answers, strict=True):
            told(token, status, content_type, body)


def _answers(batch: list[_Waiting]) -> list[Answer]:
    first = batch[0][0]
    if first is not None and all(one[0] is first for one in batch):
        return _of(first, [one[1] for one in batch])
    answers: list[Answer] = [_GONE] * len(batch)
    of: dict[Program, list[int]] = {}
    for index, (program, _, _, _) in enumerate(batch):
        if program is not None:
            of.setdefault(program, []).append(index)
    for program, indices in of.items():
        for index, answer in zip(indices, _of(program, [batch[i][1] for i in indices]), strict=True):
            answers[index] = answer
    return answers


def _of(program: Program, requests: list[Request]) -> list[Answer]:
    try:
        return program.answer(requests)
    except Exception:
        logger.exception("a compiled model failed")
        return [Answer(500, "text/plain; charset=utf-8", b"The compiled model failed.")] * len(requests)


class Remote(asyncio.Protocol):
    """The connection from the router of another process; see `frames`."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._reader = Reader()
        self._shapes: dict[int, tuple[str, str, str]] = {}
        self._kinds: dict[tuple[int, str], int] = {}
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            for first, body in self._reader.feed(data):
                if first == WORD:
                    self._hear(json.loads(body))
                else:
                    instance, content_type, accept = self._shapes[first]
                    self._hosted.take(instance, content_type, accept, body, Remote._told, self)
        except (Broken, ValueError, KeyError, TypeError):
            logger.exception("a router does not speak as agreed")
            if self._transport is not None:
                self._transport.abort()

    def _hear(self, said: dict[str, Any]) -> None:
        if "ask" in said:
            self._write(word(self._hosted.state(said["ask"])))
        elif "forget" in said:
            self._shapes.clear()
        else:
            self._shapes[int(said["shape"])] = (said["instance"], said["content_type"], said["accept"])

    def _told(self, status: int, content_type: str, body: bytes) -> None:
        out = b""
        kind = self._kinds.get((status, content_type))
        if kind is None:
            kind = self._kinds[status, content_type] = len(self._kinds) + 1
            out = word({"kind": kind, "status": status, "content_type": content_type})
        self._write(out + HEAD.pack(kind, len(body)) + body)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)
