"""A worker of compiled models: `python -m clary.algorithms.graphs.worker --asked FILE --socket PATH --worker N`.

It holds graphs, and answers what the routers of the data plane send it. All that has come when its loop turns is run at
once, one run a graph: the more there is to do, the less each costs.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

from clary.algorithms.graphs.base import Answer, Program, Request
from clary.algorithms.graphs.frames import HEAD, WORD, Broken, Reader, word
from clary.algorithms.graphs.shelf import Shelf

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.5
RUN_BYTES = 256 * 1024
"""Bodies that are answered together, at most: what came later should not wait for all of them."""
_GONE = Answer(0, "", b"")


class Shape(NamedTuple):
    instance: str
    content_type: str
    accept: str


class Router(asyncio.Protocol):
    """The connection from one router. Answers in the order of the requests."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._reader = Reader()
        self._shapes: dict[int, Shape] = {}
        self._kinds: dict[tuple[int, str], int] = {}
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._worker.routers.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._worker.routers.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            for first, body in self._reader.feed(data):
                if first == WORD:
                    self._hear(json.loads(body))
                else:
                    self._worker.take(self, self._shapes[first], body)
        except (Broken, ValueError, KeyError, TypeError):
            logger.exception("a router does not speak as agreed")
            if self._transport is not None:
                self._transport.abort()

    def answer(self, answers: Sequence[Answer]) -> None:
        if self._transport is None:
            return
        out: list[bytes] = []
        for status, content_type, body in answers:
            kind = self._kinds.get((status, content_type))
            if kind is None:
                kind = self._kinds[status, content_type] = len(self._kinds) + 1
                out.append(word({"kind": kind, "status": status, "content_type": content_type}))
            out.append(HEAD.pack(kind, len(body)))
            out.append(body)
        self._transport.write(b"".join(out))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _hear(self, said: dict[str, object]) -> None:
        if "ask" in said:
            self._say(self._worker.state(str(said["ask"])))
        elif "forget" in said:
            self._shapes.clear()
        else:
            shape = Shape(str(said["instance"]), str(said["content_type"]), str(said["accept"]))
            self._shapes[int(cast(int, said["shape"]))] = shape

    def _say(self, said: dict[str, object]) -> None:
        if self._transport is not None:
            self._transport.write(word(said))


class Worker:
    def __init__(self, asked: Path, number: int) -> None:
        self._loop = asyncio.get_running_loop()
        self.routers: set[Router] = set()
        self.shelf = Shelf(asked, number, lambda: None)
        self._waiting: list[tuple[Router, Program | None, Request]] = []
        self._running = False

    def take(self, router: Router, shape: Shape, body: bytes) -> None:
        place = self.shelf.places.get(shape.instance)
        program = place.program if place is not None else None
        self._waiting.append((router, program, Request(shape.content_type, shape.accept, body)))
        if not self._running:
            self._running = True
            self._loop.call_soon(self._run)

    def state(self, uid: str) -> dict[str, object]:
        self.shelf.refresh()
        place = self.shelf.places.get(uid)
        said = {"asked": uid, "state": "absent", "why": "", "pid": os.getpid()}
        return said if place is None else {**said, "state": place.state, "why": place.why}

    def _run(self) -> None:
        """One run of what waits; the rest in the next turn of the loop, with what has come by then."""
        count, size = 0, 0
        for _, _, request in self._waiting:
            size += len(request.body)
            if size > RUN_BYTES and count:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        if self._waiting:
            self._loop.call_soon(self._run)
        else:
            self._running = False
        answers: list[Answer] = [_GONE] * len(batch)
        of: dict[Program | None, list[int]] = {}
        for index, (_, program, _) in enumerate(batch):
            of.setdefault(program, []).append(index)
        for program, indices in of.items():
            if program is None:
                continue
            for index, answer in zip(indices, _answers(program, [batch[i][2] for i in indices]), strict=True):
                answers[index] = answer
        back: dict[Router, list[Answer]] = {}
        for (router, _, _), answer in zip(batch, answers, strict=True):
            back.setdefault(router, []).append(answer)
        for router, theirs in back.items():
            router.answer(theirs)


def _answers(program: Program, requests: list[Request]) -> list[Answer]:
    try:
        return program.answer(requests)
    except Exception:
        logger.exception("a compiled model failed")
        return [Answer(500, "text/plain; charset=utf-8", b"The compiled model failed.")] * len(requests)


async def serve(asked: Path, socket: Path, number: int, ready: int | None) -> None:
    """Until SIGTERM; then what has come is answered."""
    loop = asyncio.get_running_loop()
    worker = Worker(asked, number)
    worker.shelf.refresh()
    socket.unlink(missing_ok=True)
    server = await loop.create_unix_server(lambda: Router(worker), str(socket), backlog=128)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    if ready is not None:
        os.write(ready, b"ready\n")
        os.close(ready)
    while not stop.is_set():
        worker.shelf.refresh()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), TICK_SECONDS)
    server.close()
    await asyncio.sleep(0)  # what was read in this turn is run in it
    for router in list(worker.routers):
        router.close()
    socket.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="clary graph worker")
    parser.add_argument("--asked", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--worker", type=int, required=True)
    parser.add_argument("--ready-fd", type=int)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    import uvloop

    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(given.asked, given.socket, given.worker, given.ready_fd))


if __name__ == "__main__":
    main()
