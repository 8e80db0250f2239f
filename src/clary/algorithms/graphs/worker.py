"""A worker of compiled models: `python -m clary.algorithms.graphs.worker --asked FILE --socket PATH --worker N`.

It holds graphs, and answers what the routers of the data plane send it. All that has come when its loop turns is run at
once, one run a graph: the more there is to do, the less each costs. The loop is a bare one: there are a handful of
connections, and what a framework would bring is a third of the memory of the worker.
"""

import argparse
import contextlib
import gc
import json
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from clary.algorithms.graphs.base import Answer, Program, Request
from clary.algorithms.graphs.frames import HEAD, WORD, Broken, Reader, word
from clary.algorithms.graphs.shelf import Shelf

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.5
READ_BYTES = 1 << 20
RUN_BYTES = 256 * 1024
"""Bodies that are answered together, at most: what came later should not wait for all of them."""
UNSENT_BYTES = 64 << 20
"""A router that does not take its answers is not read from when so much waits for it."""
_GONE = Answer(0, "", b"")


class Shape(NamedTuple):
    instance: str
    content_type: str
    accept: str


class Router:
    """The connection from one router. Answers in the order of the requests."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.reader = Reader()
        self.shapes: dict[int, Shape] = {}
        self.unsent = b""
        self._kinds: dict[tuple[int, str], int] = {}

    def written(self, answers: Sequence[Answer]) -> bytes:
        """The answers as frames."""
        out: list[bytes] = []
        for status, content_type, body in answers:
            kind = self._kinds.get((status, content_type))
            if kind is None:
                kind = self._kinds[status, content_type] = len(self._kinds) + 1
                out.append(word({"kind": kind, "status": status, "content_type": content_type}))
            out.append(HEAD.pack(kind, len(body)))
            out.append(body)
        return b"".join(out)

    def send(self, data: bytes) -> None:
        """As much as the socket takes; the rest is kept. Raises OSError."""
        if self.unsent:
            data = self.unsent + data
        sent = 0
        with contextlib.suppress(BlockingIOError):
            sent = self.connection.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        self.unsent = data[sent:]


class Worker:
    """`listener` is where routers connect; `wake` becomes readable when the worker shall look up (a signal, a graph
    that has been loaded)."""

    def __init__(self, shelf: Shelf, listener: socket.socket, wake: int) -> None:
        self.stopping = False
        self._shelf = shelf
        self._listener = listener
        self._wake = wake
        self._routers: dict[int, Router] = {}
        self._waiting: list[tuple[Router, Program | None, Request]] = []
        self._poll = select.epoll()
        for descriptor in (listener.fileno(), wake):
            self._poll.register(descriptor, select.EPOLLIN)

    def run(self) -> None:
        """Until `stopping`; then what has come is answered."""
        look = 0.0
        while not self.stopping:
            for descriptor, events in self._poll.poll(0 if self._waiting else TICK_SECONDS):
                self._hear(descriptor, events)
            if self._waiting:
                self._answer()
            if (now := time.monotonic()) >= look:
                self._shelf.refresh()
                look = now + TICK_SECONDS
        while self._waiting:
            self._answer()

    def _hear(self, descriptor: int, events: int) -> None:
        router = self._routers.get(descriptor)
        if router is not None:
            try:
                if events & select.EPOLLOUT:
                    self._send(router, b"")
                if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                    self._read(router)
            except (OSError, Broken, ValueError, KeyError, TypeError) as error:
                if not isinstance(error, OSError):
                    logger.exception("a router does not speak as agreed")
                self._drop(router)
        elif descriptor == self._listener.fileno():
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            self._routers[connection.fileno()] = Router(connection)
            self._poll.register(connection.fileno(), select.EPOLLIN)
        elif descriptor == self._wake:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, 4096)

    def _read(self, router: Router) -> None:
        data = router.connection.recv(READ_BYTES)
        if not data:
            self._drop(router)
            return
        places, shapes, waiting = self._shelf.places, router.shapes, self._waiting
        for first, body in router.reader.feed(data):
            if first == WORD:
                self._take_word(router, json.loads(body))
                continue
            instance, content_type, accept = shapes[first]
            place = places.get(instance)
            program = place.program if place is not None else None
            waiting.append((router, program, Request(content_type, accept, body)))

    def _take_word(self, router: Router, said: dict[str, str]) -> None:
        if "ask" in said:
            self._send(router, word(self._state(said["ask"])))
        elif "forget" in said:
            router.shapes.clear()
        else:
            router.shapes[int(said["shape"])] = Shape(said["instance"], said["content_type"], said["accept"])

    def _state(self, uid: str) -> dict[str, object]:
        self._shelf.refresh()
        place = self._shelf.places.get(uid)
        said = {"asked": uid, "state": "absent", "why": "", "pid": os.getpid()}
        return said if place is None else {**said, "state": place.state, "why": place.why}

    def _answer(self) -> None:
        """One run of what waits; the rest in the next turn of the loop, with what has come by then."""
        count, size = 0, 0
        for _, _, request in self._waiting:
            size += len(request.body)
            if size > RUN_BYTES and count:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        answers: list[Answer] = [_GONE] * count
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
            if router.connection.fileno() < 0:
                continue  # it has gone
            try:
                self._send(router, router.written(theirs))
            except OSError:
                self._drop(router)

    def _send(self, router: Router, data: bytes) -> None:
        held = bool(router.unsent)
        router.send(data)
        if held or router.unsent:
            wanted = select.EPOLLIN if len(router.unsent) < UNSENT_BYTES else 0
            self._poll.modify(router.connection.fileno(), wanted | (select.EPOLLOUT if router.unsent else 0))

    def _drop(self, router: Router) -> None:
        descriptor = router.connection.fileno()
        if descriptor >= 0:
            self._poll.unregister(descriptor)
            self._routers.pop(descriptor, None)
            router.connection.close()


def _answers(program: Program, requests: list[Request]) -> list[Answer]:
    try:
        return program.answer(requests)
    except Exception:
        logger.exception("a compiled model failed")
        return [Answer(500, "text/plain; charset=utf-8", b"The compiled model failed.")] * len(requests)


def serve(asked: Path, path: Path, number: int, ready: int | None) -> None:
    """Until SIGTERM; then what has come is answered."""
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(128)
        shelf = Shelf(asked, number, lambda: None)
        worker = Worker(shelf, listener, wake_read)

        def stop(*_: object) -> None:
            worker.stopping = True

        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        shelf.refresh()
        if ready is not None:
            os.write(ready, b"ready\n")
            os.close(ready)
        worker.run()
        path.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="clary graph worker")
    parser.add_argument("--asked", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--worker", type=int, required=True)
    parser.add_argument("--ready-fd", type=int)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    gc.freeze()
    serve(given.asked, given.socket, given.worker, given.ready_fd)
    logging.shutdown()
    # Not by the interpreter's own end: a thread that is just loading a graph would have it abort.
    os._exit(0)


if __name__ == "__main__":
    main()
