"""One worker of the data plane: accepts on the public socket, answers inferences, and hands every other connection to
the control process. Single-threaded; any number of them share the socket."""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Container
from dataclasses import asdict
from email.utils import formatdate
from pathlib import Path

from clary.engines.serving.ask import answer_at
from clary.engines.serving.capture import Captures
from clary.engines.serving.connection import InferenceConnection
from clary.engines.serving.counters import Counters
from clary.engines.serving.framing import sniff
from clary.engines.serving.graphs.local import Holder
from clary.engines.serving.instance import Limits
from clary.engines.serving.paths import adopt_socket, captured_dir, front_socket
from clary.engines.serving.primed import Primed
from clary.engines.serving.router import Router
from clary.engines.serving.routes import BadTable, RouteFile, RouteKey
from clary.engines.serving.sending import Sender
from clary.engines.serving.shared import Authenticate, Bounds, EventWriter, Shared
from clary.kernel.clock import Clock
from clary.kernel.resource import Doc

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
ACCEPT_BATCH = 2
"""Few: when many clients come at once, the other fronts shall get their share of them."""
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
"""Without a body, so that a client of any protocol takes it for what it is."""


class _Fresh:
    """An accepted connection that has not shown yet what it wants, or one that was refused and is read to its end."""

    __slots__ = ("connection", "data", "deadline", "refused")

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.connection = connection
        self.data = b""
        self.deadline = deadline
        self.refused = False


class Front:
    """`start`, then `drain`. `listener` is the inherited public socket; `sockets` is what `socket_dir` gave; `uses`
    tells whom it let in lately, for who asks."""

    def __init__(
        self,
        name: str,
        listener: socket.socket,
        routes: RouteFile,
        sockets: Path,
        authenticate: Authenticate,
        clock: Clock,
        bounds: Bounds | None = None,
        limits: Limits | None = None,
        events: EventWriter | None = None,
        uses: Callable[[], list[Doc]] = list,
        captures: Captures | None = None,
        holder: Holder | None = None,
    ) -> None:
        self._name = name
        self._listener = listener
        self._routes = routes
        self._sockets = sockets
        self._clock = clock
        self._uses = uses
        self._bounds = bounds or Bounds()
        self._loop = asyncio.get_running_loop()
        self._stamp = (-1, -1, -1)
        self._fresh: dict[int, _Fresh] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepting = False
        self._ticker: asyncio.TimerHandle | None = None
        self._answers: asyncio.Server | None = None
        self._empty = asyncio.Event()
        self.sender = Sender(adopt_socket(sockets), self._bounds.adopt_seconds, self._turn_away)
        self.router = Router(limits, sockets=sockets, holder=holder)
        self.captures = captures or Captures(captured_dir(routes.path.parent), name, clock=clock)
        self._served: Container[RouteKey] = ()
        self.shared = Shared(self.router, authenticate, self.sender, Counters(), self._bounds, events)
        self.shared.emptied = self._empty.set
        self.router.copied = lambda copy: self.shared.counters.ended(copy, time.perf_counter())

    async def start(self) -> None:
        """It serves. It can be asked before it accepts, so nobody serves a table unasked."""
        self._answers = await answer_at(front_socket(self._sockets, self._name), self._answer)
        self._refresh()
        self._tick()
        self._listener.setblocking(False)
        if self._listener.family != socket.AF_UNIX:
            # A connection is shown to us with its first bytes, so one wake-up is enough for both. One that sends
            # nothing is shown after the same time as we would have waited.
            self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, int(self._bounds.head_seconds) or 1)
        self._accept_again()

    async def drain(self, grace: float) -> None:
        """Nothing new is accepted; what was begun is finished, for at most `grace` seconds. Idle connections close."""
        self.shared.draining = True
        self._stop_accepting()
        self._listener.close()
        for fresh in list(self._fresh.values()):
            self._forget(fresh)
        for connection in list(self.shared.connections):
            connection.close_if_idle()
        try:
            async with asyncio.timeout(grace):
                while self.shared.connections or self.sender.pending or self._tasks:
                    self._empty.clear()
                    with contextlib.suppress(TimeoutError):  # connections tell when they have ended, others do not
                        await asyncio.wait_for(self._empty.wait(), 0.1)
        except TimeoutError:
            logger.warning("not everything ended in time", extra={"connections": len(self.shared.connections)})
        self.close()

    def close(self) -> None:
        """Everything is broken off."""
        self._stop_accepting()
        if self._ticker is not None:
            self._ticker.cancel()
        if self._answers is not None:
            self._answers.close()
        self.sender.close()
        for fresh in list(self._fresh.values()):
            self._forget(fresh)
        for connection in list(self.shared.connections):
            connection.close()
        self.router.close()
        self.captures.close()

    # Once a second.

    def _tick(self) -> None:
        self._ticker = self._loop.call_later(TICK_SECONDS, self._tick)  # first: whatever fails below, time goes on
        now = self._loop.time()
        self.shared.date = f"date: {formatdate(self._clock.now(), usegmt=True)}\r\n".encode()
        self._refresh()
        for connection in [one for one in self.shared.connections if one.deadline <= now]:
            connection.expire()
        for fresh in [one for one in self._fresh.values() if one.deadline <= now]:
            self._forget(fresh)
        self.sender.sweep(now)
        self.shared.counters.under_way(self.router.under_way(), int(self._clock.now()))
        if not self._accepting and not self.shared.draining:
            self._accept_again()

    def _refresh(self) -> None:
        """Take up the route table if it has changed. Level-triggered: a lost hint costs a second, not a route."""
        stamp = self._routes.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            table = self._routes.read()
            self.router.take(table)
            self.captures.take(table.routes, self.shared.counters)
            self._served = table.routes
        except BadTable:
            logger.exception("the route table does not parse: the one before it stays")

    def _answer(self, question: Doc) -> Doc:
        self._refresh()
        match question:
            case {"do": "route", "account": account, "region": region, "endpoint": endpoint}:
                route = self.router.serves(account, region, endpoint)
                return {"route": None if route is None else asdict(route), "generation": self.router.generation}
            case {"do": "counters"}:
                return {
                    "front": self._name,
                    "pid": os.getpid(),
                    **self.shared.counters.doc(),
                    "in_flight": self.router.in_flight,
                    "capture_dropped": self.captures.dropped,
                }
            case {"do": "grown", "after": after}:
                told = self.shared.counters.grown(after, self._served)
                return {"front": self._name, "pid": os.getpid(), **told}
            case {"do": "uses"}:
                return {"uses": self._uses()}
            case {"do": "refresh"}:
                return {"generation": self.router.generation}
            case _:
                return {"error": "unknown question"}

    # Accepting.

    def _accept_again(self) -> None:
        self._accepting = True
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def _stop_accepting(self) -> None:
        if self._accepting:
            self._accepting = False
            self._loop.remove_reader(self._listener.fileno())

    def _accept(self) -> None:
        for _ in range(ACCEPT_BATCH):
            try:
                connection, _address = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:  # out of descriptors: the next tick tries again
                logger.warning("cannot accept", extra={"error": str(error)})
                self._stop_accepting()
                return
            # Non-blocking mode and TCP_NODELAY are set by whoever makes a transport of it.
            if len(self.shared.connections) + len(self._fresh) + self.sender.pending >= self._bounds.connections:
                self._turn_away(connection)
            else:
                self._look(_Fresh(connection, self._loop.time() + self._bounds.head_seconds))

    def _look(self, fresh: _Fresh) -> None:
        """Read the first bytes; what they begin decides who gets the connection."""
        try:
            data = fresh.connection.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            self._wait(fresh)
            return
        except OSError:
            data = b""
        if not data:
            self._forget(fresh)
            return
        if fresh.refused:
            return
        fresh.data += data
        match sniff(fresh.data):
            case "more":
                self._wait(fresh)
            case "other":
                self._unwatch(fresh)
                self.shared.counters.handed_over += 1
                self.sender.send(fresh.connection, fresh.data)
            case "inference":
                self._unwatch(fresh)
                task = self._loop.create_task(self._serve(fresh.connection, fresh.data))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket, data: bytes) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: Primed(InferenceConnection(self.shared), data), connection)
        except OSError as error:
            logger.info("a connection was gone before it was served", extra={"error": str(error)})
            connection.close()

    def _wait(self, fresh: _Fresh) -> None:
        descriptor = fresh.connection.fileno()
        if descriptor not in self._fresh:
            self._fresh[descriptor] = fresh
            self._loop.add_reader(descriptor, self._look, fresh)

    def _unwatch(self, fresh: _Fresh) -> None:
        descriptor = fresh.connection.fileno()
        if self._fresh.pop(descriptor, None) is not None:
            self._loop.remove_reader(descriptor)

    def _forget(self, fresh: _Fresh) -> None:
        self._unwatch(fresh)
        fresh.connection.close()

    def _turn_away(self, connection: socket.socket) -> None:
        """503, and the end. What the client still sends is read for a while, or it might not see the answer."""
        fresh = _Fresh(connection, self._loop.time() + self._bounds.linger_seconds)
        fresh.refused = True
        try:
            connection.send(_BUSY, socket.MSG_DONTWAIT)
            connection.shutdown(socket.SHUT_WR)
        except OSError:  # it is gone already
            connection.close()
            return
        if self.shared.draining or len(self._fresh) >= self._bounds.connections:
            connection.close()
        else:
            self._wait(fresh)
