"""A router's side of the workers of compiled models: one socket to each, on which the requests of a loop tick go
together.

A graph is a pure function: a request whose worker went away is sent again, whatever became of it, until it looks as if
the request itself were what kills workers.
"""

import asyncio
import logging
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, cast

import orjson

from clary.engines.serving.base import Reply
from clary.engines.serving.faults import NoAnswer
from clary.engines.serving.graphs.frames import HEAD, WORD, Broken, Reader, word
from clary.engines.serving.graphs.local import Holder, LocalInstance
from clary.engines.serving.instance import MOST_RESENT, Limits
from clary.engines.serving.paths import graphs_socket

if TYPE_CHECKING:
    from clary.engines.serving.exchange import Exchange

logger = logging.getLogger(__name__)

GRAPH = "graph:"
MOST_SHAPES = 4096
"""That one connection keeps at a time, whatever content types clients think of."""
GATHERED, GATHERED_BYTES = 64, 2048
"""So many requests, and so many bytes of them, are given to one instance before the next one gets any: a run of many
small ones is cheap, and more than that had better be shared."""
_NOT_HERE = Reply(0, {}, b"")


class Links:
    """The sockets of one router, by worker."""

    def __init__(self, sockets: Path | None, limits: Limits, holder: Holder | None = None) -> None:
        """`holder` holds the graphs of one of the workers in this very process."""
        self._sockets = sockets
        self._holder = holder
        self._limits = limits
        self._links: dict[int, Link] = {}

    def instance(self, address: str) -> "GraphInstance | LocalInstance":
        """The instance behind "graph:WORKER/INSTANCE"."""
        number, _, uid = address.removeprefix(GRAPH).partition("/")
        worker = int(number)
        if self._holder is not None and worker == self._holder.worker:
            return LocalInstance(address, uid, self._holder, self._limits)
        if self._sockets is None:
            raise ValueError(f"{address}: this router does not know where workers of compiled models listen")
        link = self._links.get(worker)
        if link is None:
            link = self._links[worker] = Link(graphs_socket(self._sockets, worker), self._limits)
        return GraphInstance(address, uid, link, self._limits)

    def close(self) -> None:
        for link in self._links.values():
            link.close()


class GraphInstance:
    """A Server: one instance in a worker."""

    def __init__(self, address: str, uid: str, link: "Link", limits: Limits) -> None:
        self.address = address
        self.uid = uid
        self.outstanding = 0
        self.turn = 0
        self.down_until = 0.0
        self.held = 0
        """Bytes of the requests that it has not answered."""
        self.shapes: dict[tuple[str, str], int] = {}
        """(content type, accept) -> its number on the connection at hand."""
        self._most = limits.connections + limits.waiting
        self._link = link
        self._limits = limits
        link.instances.add(self)

    @property
    def gathering(self) -> bool:
        return self.held < GATHERED_BYTES and self.outstanding < GATHERED and self._link.connected

    @property
    def full(self) -> bool:
        return self.outstanding >= self._most

    has_idle = False

    def submit(self, exchange: "Exchange") -> None:
        self.outstanding += 1
        self.held += len(exchange.body)
        self._link.submit(self, exchange)

    def leave(self, exchange: "Exchange") -> None:
        # Its answer still comes, in its turn, and is thrown away.
        self.gone(exchange)

    def sweep(self, now: float) -> None: ...

    def retire(self) -> None:
        self._link.instances.discard(self)
        self._link.retire(self)

    def close(self) -> None: ...

    def gone(self, exchange: "Exchange") -> None:
        """It is here no more."""
        self.outstanding -= 1
        self.held -= len(exchange.body)

    def turned_away(self, exchange: "Exchange", now: float) -> None:
        """It could not be answered here; somebody else may."""
        self.gone(exchange)
        self.down_until = now + self._limits.retry_seconds
        exchange.unreachable(self)


class Link(asyncio.Protocol):
    """The connection to one worker. What is submitted while there is none waits for it."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.instances: set[GraphInstance] = set()
        self._path = str(path)
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._out: list[bytes] = []
        self._flushing = False
        self._line: list[tuple[GraphInstance, Exchange]] = []
        """Those that wait for the connection."""
        self._sent: deque[tuple[GraphInstance, Exchange]] = deque()
        """In the order of their answers."""
        self._shapes = 0
        self._kinds: list[Reply] = []
        self._reader = Reader()

    @property
    def connected(self) -> bool:
        return self._transport is not None

    def submit(self, instance: GraphInstance, exchange: "Exchange") -> None:
        if self._transport is None:
            self._line.append((instance, exchange))
            if self._connecting is None:
                self._connecting = self._loop.create_task(self._connect())
            return
        headers = exchange.headers
        asked = headers.get("content-type", ""), headers.get("accept", "")
        shape = instance.shapes.get(asked)
        if shape is None:
            shape = self._tell(instance, asked)
        body = exchange.body
        self._out.append(HEAD.pack(shape, len(body)))
        self._out.append(body)
        self._sent.append((instance, exchange))
        exchange.sent = time.perf_counter()
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def retire(self, instance: GraphInstance) -> None:
        """What waits for it in the line goes elsewhere."""
        waiting = [exchange for one, exchange in self._line if one is instance]
        self._line = [(one, exchange) for one, exchange in self._line if one is not instance]
        for exchange in waiting:
            instance.gone(exchange)
            if not exchange.done:
                exchange.unreachable(instance)

    def close(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _tell(self, instance: GraphInstance, asked: tuple[str, str]) -> int:
        self._shapes += 1
        shape = self._shapes
        if shape % MOST_SHAPES == 0:
            for one in self.instances:
                one.shapes.clear()
            self._out.append(word({"forget": True}))
        instance.shapes[asked] = shape
        said = {"shape": shape, "instance": instance.uid, "content_type": asked[0], "accept": asked[1]}
        self._out.append(word(said))
        return shape

    def _flush(self) -> None:
        self._flushing = False
        out, self._out = self._out, []
        if self._transport is not None:
            self._transport.write(b"".join(out))

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(self._limits.connect_seconds):
                await self._loop.create_unix_connection(lambda: self, self._path)
        except OSError as error:
            logger.info("worker cannot be reached", extra={"path": self._path, "error": str(error)})
            self._turn_away()
        finally:
            self._connecting = None

    def _turn_away(self) -> None:
        line, self._line = self._line, []
        now = self._loop.time()
        for instance, exchange in line:
            if exchange.done:
                continue
            instance.turned_away(exchange, now)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._reader = Reader()
        self._kinds = [_NOT_HERE]
        self._shapes = 0
        for instance in self.instances:
            instance.shapes.clear()
            instance.down_until = 0.0
        line, self._line = self._line, []
        for instance, exchange in line:
            if not exchange.done:
                self.submit(instance, exchange)

    def data_received(self, data: bytes) -> None:
        try:
            for kind, body in self._reader.feed(data):
                if kind == WORD:
                    self._hear(body)
                else:
                    self._answered(self._kinds[kind], body)
        except (Broken, ValueError, IndexError, KeyError) as error:
            logger.exception("a worker of compiled models does not speak as agreed", exc_info=error)
            if self._transport is not None:
                self._transport.abort()

    def _hear(self, body: bytes) -> None:
        said = orjson.loads(body)
        if said["kind"] != len(self._kinds):
            raise Broken(f"kind {said['kind']} after {len(self._kinds) - 1}")
        self._kinds.append(Reply(said["status"], {"content-type": said["content_type"]}, b""))

    def _answered(self, kind: Reply, body: bytes) -> None:
        instance, exchange = self._sent.popleft()
        if exchange.done:
            return
        if kind.status == 0:
            exchange.sent = 0.0
            instance.turned_away(exchange, self._loop.time())
            return
        instance.outstanding -= 1
        instance.held -= len(exchange.body)
        exchange.instance = None
        exchange.reply = Reply(kind.status, kind.headers, body, exchange.variant)
        exchange.owner.end(exchange)

    def connection_lost(self, error: Exception | None) -> None:
        """The worker went away. What it had not answered goes to others, or waits for its successor."""
        self._transport = None
        self._out = []
        sent, self._sent = self._sent, deque()
        now = self._loop.time()
        for instance, exchange in sent:
            if exchange.done:
                continue
            exchange.sent = 0.0
            exchange.resent += 1
            if exchange.resent <= MOST_RESENT:
                instance.turned_away(exchange, now)
            else:
                instance.gone(exchange)
                exchange.instance = None
                exchange.error = NoAnswer(
                    "the worker that holds the compiled model ended while it worked on this request"
                )
                exchange.owner.end(exchange)
