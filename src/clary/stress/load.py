"""The load of one process: connections, what is sent on them, what comes back. When to send is the pace's affair."""

import asyncio
import ssl
import time
from typing import Protocol
from urllib.parse import urlsplit

from clary.stress.book import Book, kind_of
from clary.stress.connection import Answer, Connection
from clary.stress.plan import Plan
from clary.stress.signing import Pool

SWEEP_SECONDS = 0.25
REFUSED_SECONDS = 0.1
"""After a connection that could not be made, the next try waits so long: a server that is away is not hammered."""


class Pace(Protocol):
    """Decides when requests are sent."""

    def begin(self) -> None:
        """The clock has started."""

    def free(self, connection: Connection) -> None:
        """This connection has no request under way."""

    def missing(self) -> None:
        """A connection is gone."""

    def refused(self, error: OSError) -> None:
        """A connection could not be made."""

    def sweep(self, now: float) -> None:
        """Requests that have waited too long are given up."""

    def stop(self) -> None:
        """Nothing more is sent."""

    @property
    def over(self) -> bool:
        """Nothing is to be sent any more, and nothing is under way."""


class Load:
    """Owner of the connections. `pace` is set before it runs."""

    pace: Pace

    def __init__(self, plan: Plan, pool: Pool, book: Book) -> None:
        self.plan = plan
        self.book = book
        self.connections: set[Connection] = set()
        self.opening = 0
        self.stopped = False
        self._pool = pool
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        where = urlsplit(plan.url)
        self._host = where.hostname or "127.0.0.1"
        self._tls = ssl.create_default_context() if where.scheme == "https" else None
        self._port = where.port or (443 if self._tls else 80)

    @property
    def under_way(self) -> int:
        return sum(one.busy for one in self.connections)

    async def connect(self) -> Connection:
        """One more connection. Raises OSError (TimeoutError) when there is none to be had."""
        loop = asyncio.get_running_loop()
        made = loop.create_connection(lambda: Connection(self), self._host, self._port, ssl=self._tls)
        _, connection = await asyncio.wait_for(made, self.plan.timeout)
        self.connections.add(connection)
        return connection

    def open_one(self, wait: float = 0.0) -> None:
        """A connection is being made, after so many seconds; the pace hears what became of it."""
        self.opening += 1
        task = asyncio.get_running_loop().create_task(self._open(wait))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, wait: float) -> None:
        try:
            if wait:
                await asyncio.sleep(wait)
            connection = await self.connect()
        except OSError as error:
            self.opening -= 1
            self.pace.refused(error)
            self.look()
            return
        self.opening -= 1
        self.pace.free(connection)
        self.look()

    def send(self, connection: Connection, began: float) -> None:
        """The next request is on its way; its latency counts from `began`."""
        wire, label = self._pool.take()
        self.book.sent += 1
        connection.send(wire, began, label)

    def not_sent(self, error: Exception) -> None:
        """A request that was due could not be sent: it counts, as an error."""
        self.book.sent += 1
        self.book.failed(*kind_of(error))

    def answered(self, connection: Connection, answer: Answer) -> None:
        self.book.answered(connection.began, answer, connection.label)
        if connection.open:
            self.pace.free(connection)
        else:
            self.connections.discard(connection)
            self.pace.missing()
        if self.stopped:
            self.look()

    def lost(self, connection: Connection, error: Exception) -> None:
        self.connections.discard(connection)
        if connection.busy:
            self.book.failed(*kind_of(error))
        self.pace.missing()
        self.look()

    def look(self) -> None:
        """The run ends here, if it is over."""
        if self.pace.over:
            self._over.set()

    async def run(self) -> None:
        """Everything was sent that was to be sent, and answered or given up."""
        self.pace.begin()
        self.look()
        watch = asyncio.get_running_loop().create_task(self._watch())
        try:
            await self._over.wait()
        finally:
            watch.cancel()
            for task in list(self._tasks):
                task.cancel()
            for connection in list(self.connections):
                connection.drop()

    def stop(self) -> None:
        """Nothing more is sent."""
        self.stopped = True
        self.pace.stop()
        self.look()

    def interrupt(self) -> None:
        """It is over now; what is under way stays unanswered."""
        self.book.unanswered += self.under_way
        self._over.set()

    async def _watch(self) -> None:
        """Gives up what takes too long, and measures how late this event loop is."""
        swept = time.monotonic()
        while True:
            due = time.monotonic() + 0.05
            await asyncio.sleep(0.05)
            now = time.monotonic()
            self.book.lag.record(max(0, int((now - due) * 1e6)))
            if now - swept >= SWEEP_SECONDS:
                swept = now
                self._sweep(now)

    def _sweep(self, now: float) -> None:
        oldest = now - self.plan.timeout
        for connection in [one for one in self.connections if one.busy and one.began < oldest]:
            connection.drop()
            self.connections.discard(connection)
            self.book.failed("timeout", f"no answer within {self.plan.timeout:g} s")
            self.pace.missing()
        self.pace.sweep(now)
        self.look()
