"""One instance of a variant: a pool of connections to its model server, and the bounded line of those who wait."""

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from clary.engines.serving.base import Reply
from clary.engines.serving.upstream import Carried, Connection, connect, is_local

logger = logging.getLogger(__name__)

BACKLOG_RETRY_SECONDS = 0.05
REPEATABLE = "x-clary-repeatable"
"""A model server says "true" by this header of its answers when they are functions of the request alone: what such a
server had read when it went away may be asked of another. Nobody's client sees it."""
MOST_RESENT = 2
"""A request that takes its servers down with it is given to so many more, and then given up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a router. Seconds and bytes."""

    connections: int = 64
    """To one instance at the same time: as many requests it works on at once."""
    waiting: int = 512
    """Requests that wait for a connection to one instance, and requests that wait for any instance to come up."""
    connect_seconds: float = 2.0
    answer_seconds: float = 60.0
    """AWS's bound from the request's arrival to the model's answer."""
    stream_seconds: float = 480.0
    """From the head of an answer in parts to its end."""
    patience_seconds: float = 5.0
    """How long a request waits when no instance of its endpoint can be reached."""
    retry_seconds: float = 0.2
    """How often an unreachable instance is tried again while somebody waits for it."""
    idle_seconds: float = 60.0
    """An unused connection is closed after this time; over TCP after at most one second, before any server would."""
    reply_bytes: int = 25 * 1024 * 1024


class Waiting(Carried, Protocol):
    """A request that an instance has accepted."""

    done: bool
    sent: float
    """`time.perf_counter` when it was written to a connection; 0: it is not."""

    def unreachable(self, instance: "Instance") -> None:
        """It was never sent: the instance cannot be reached, or is not asked for any more."""
        ...


class Instance:
    """`outstanding` counts requests that wait here or are being answered; least of it decides the routing."""

    def __init__(self, address: str, limits: Limits) -> None:
        self.address = address
        self.outstanding = 0
        self.turn = 0
        """When a router last chose it among several, counted in the router's choices."""
        self.down_until = 0.0
        """Loop time until which the router looks elsewhere first: it could not be reached a moment ago."""
        self.repeatable = False
        """Its latest answer said so: what it was asked may be asked of another when it goes away."""
        self._limits = limits
        self._local = is_local(address)
        self._idle: list[Connection] = []
        self._busy: dict[Connection, Waiting] = {}
        self._opening = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._line: deque[Waiting] = deque()
        self._retired = False
        self._loop = asyncio.get_running_loop()

    gathering = False

    @property
    def full(self) -> bool:
        return len(self._line) >= self._limits.waiting

    def submit(self, waiting: Waiting) -> None:
        """It is sent as soon as a connection is free. The caller has asked `full` before."""
        self.outstanding += 1
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                self._send(connection, waiting)
                return
        self._line.append(waiting)
        self._open_more()

    def leave(self, waiting: Waiting) -> None:
        """The router has given it up: it counts no more, and a connection that it is on is closed."""
        self.outstanding -= 1
        for connection, carried in self._busy.items():
            if carried is waiting:
                del self._busy[connection]
                connection.abandon()
                self._open_more()  # its place is free: the next in line must not wait for another event
                return
        if waiting in self._line:  # its place in the line is free, too
            self._line.remove(waiting)

    def answered(self, connection: Connection, reply: Reply) -> None:
        """The request on `connection` has its answer, which also says what may become of others."""
        self.repeatable = reply.headers.get(REPEATABLE) == "true"
        self.finished(connection, keep=True)

    def finished(self, connection: Connection, keep: bool) -> None:
        """The request on `connection` has ended; the next in line takes it, or another is opened for it."""
        self.outstanding -= 1
        self._busy.pop(connection, None)
        if keep and connection.usable and not self._retired:
            self._offer(connection)
        else:
            connection.abandon()
            self._open_more()

    def forget_idle(self) -> None:
        """Every idle connection is closed: one of them turned out to be dead."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.abandon()

    def sweep(self, now: float) -> None:
        bound = self._limits.idle_seconds if self._local else min(1.0, self._limits.idle_seconds)
        while self._idle and now - self._idle[0].idle_since > bound:
            self._idle.pop(0).abandon()

    @property
    def has_idle(self) -> bool:
        return bool(self._idle)

    def retire(self) -> None:
        """No new request comes. What was sent is finished; what only waits goes elsewhere."""
        self._retired = True
        self.forget_idle()
        self._turn_away()

    def close(self) -> None:
        self.retire()
        for connection in list(self._busy):
            connection.abandon()
        for task in self._tasks:
            task.cancel()

    def _send(self, connection: Connection, waiting: Waiting) -> None:
        self._busy[connection] = waiting
        waiting.sent = time.perf_counter()
        connection.send(waiting)

    def _next(self) -> Waiting | None:
        while self._line:
            waiting = self._line.popleft()
            if not waiting.done:
                return waiting
        return None

    def _offer(self, connection: Connection) -> None:
        waiting = self._next()
        if waiting is not None:
            self._send(connection, waiting)
            return
        connection.idle_since = self._loop.time()
        self._idle.append(connection)

    def _open_more(self) -> None:
        wanted = len(self._line) - self._opening
        room = self._limits.connections - len(self._busy) - self._opening
        for _ in range(min(wanted, room)):
            self._opening += 1
            task = self._loop.create_task(self._open())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open(self) -> None:
        """One more connection for those in line. When none is left to hope for, they go elsewhere."""
        try:
            connection = await self._connect()
        except OSError as error:
            self._opening -= 1
            self._unreachable(error)
            return
        self._opening -= 1
        if self._retired:
            connection.abandon()
        else:
            self.down_until = 0.0
            self._offer(connection)

    async def _connect(self) -> Connection:
        while True:
            try:
                return await connect(self.address, self._limits.connect_seconds, self._make)
            except BlockingIOError:
                # A Unix socket whose backlog is full: it is alive and busy, so whoever waits here may go on waiting.
                if not self._line:
                    raise
                await asyncio.sleep(BACKLOG_RETRY_SECONDS)

    def _unreachable(self, error: OSError) -> None:
        self.down_until = self._loop.time() + self._limits.retry_seconds
        logger.info("instance cannot be reached", extra={"address": self.address, "error": str(error)})
        if not self._busy and not self._opening:
            self._turn_away()

    def _turn_away(self) -> None:
        while (waiting := self._next()) is not None:
            self.outstanding -= 1
            waiting.unreachable(self)

    def _make(self) -> Connection:
        return Connection(self._local, self._limits.reply_bytes, self._lost_idle)

    def _lost_idle(self, connection: Connection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)
