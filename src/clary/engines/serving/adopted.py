"""HTTP of the connections that the control process has taken over: uvicorn's own protocol, with bounds for clients that
stop in the middle of a request."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from clary.engines.serving.framing import HEAD_LIMIT
from clary.engines.serving.joined import Joined

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 75
_NO_BODY = b"content-length: 0\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a client may be silent, or take."""

    head: float = 20.0
    """From the first byte of a request to the end of its head."""
    body: float = 60.0
    """Between two pieces of a body that is asked for."""
    sweep: float = 5.0
    """How often that is looked at."""


class _State(ServerState):
    """uvicorn's shared state; its default headers carry the date, made once a second."""

    def __init__(self) -> None:
        super().__init__()
        self._made = 0

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        now = int(time.time())
        if now != self._made:
            self._made = now
            self._headers = [(b"date", formatdate(now, usegmt=True).encode())]
        return self._headers

    @default_headers.setter
    def default_headers(self, headers: list[tuple[bytes, bytes]]) -> None:
        """uvicorn's constructor sets an empty list; ours is made when asked for."""


class Adopted(HttpToolsProtocol):
    """uvicorn's protocol, which knows when its client last said something."""

    heard = 0.0
    """Loop time of the last bytes."""
    in_head = 0.0
    """Loop time of the first byte of a request whose head is not whole; 0: there is none."""
    head_bytes = 0
    """How much of that head has come."""

    ended: Callable[[], None]
    """Called when the connection has ended; given by who makes it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Joined(transport, self.loop))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.ended()

    def data_received(self, data: bytes) -> None:
        self.heard = self.loop.time()
        if not self.in_head and (self.cycle is None or self.cycle.response_complete):
            data = _plain_line(data)
        super().data_received(data)
        if not self.in_head or self.transport.is_closing():
            return
        # What came before this head in the same read counts too: the bound is one of memory, no count of bytes.
        self.head_bytes += len(data)
        if self.head_bytes > HEAD_LIMIT:
            if self.cycle is None or self.cycle.response_complete:  # else an answer is on its way: no words in between
                self.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + _NO_BODY)
            self.transport.close()

    def on_message_begin(self) -> None:
        self.in_head, self.head_bytes = self.heard, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.in_head = 0.0
        super().on_headers_complete()

    def silent(self, now: float, patience: Patience) -> bool:
        """It waits for the rest of a head or a body, and has for too long. Not: it does not read because it is busy."""
        if self.in_head:
            return now - self.in_head > patience.head
        if self.cycle is None or not self.cycle.more_body or self.cycle.response_complete or self.flow.read_paused:
            return False
        return now - self.heard > patience.body


def _plain_line(data: bytes) -> bytes:
    """The request that begins here, with the path as it should be written: Java sends letters beyond ASCII as they are,
    and the parser refuses them."""
    end = data.find(b"\r\n")
    line = data if end < 0 else data[:end]
    if line.isascii():
        return data
    plain = b"".join(b"%%%02X" % one if one > 0x7F else bytes((one,)) for one in line)
    return plain + data[len(line) :]


class UvicornFactory:
    """Makes the protocols of connections over one ASGI app, breaks off silent ones, and ends all in order."""

    def __init__(self, app: Any, patience: Patience | None = None) -> None:
        self._config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self._config.load()
        self._state = _State()
        self._patience = patience or Patience()
        self._sweeper: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        """A connection has ended."""

    def __call__(self) -> asyncio.Protocol:
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self._patience.sweep, self._sweep)
        made = Adopted(config=self._config, server_state=self._state, app_state={})
        made.ended = self._changed.set
        return made

    @property
    def connections(self) -> int:
        return len(self._state.connections)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now, self._sweeper = loop.time(), None
        for connection in list(self._state.connections):
            if isinstance(connection, Adopted) and connection.silent(now, self._patience):
                connection.transport.abort()
        if self._state.connections:  # nobody there: the next connection starts it again
            self._sweeper = loop.call_later(self._patience.sweep, self._sweep)

    async def shutdown(self, grace: float) -> None:
        """Idle connections are closed; requests in progress are finished, or broken off after `grace` seconds."""
        for connection in list(self._state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(grace):
                if self._state.tasks:
                    await asyncio.wait(set(self._state.tasks))
                # What the last answers hold in their buffers is still to be sent: a connection ends when it is.
                while self._state.connections:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            logger.warning("not everything ended in time", extra={"connections": self.connections})
        for task in set(self._state.tasks):
            task.cancel()
        for connection in list(self._state.connections):
            if connection.transport is not None:
                connection.transport.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None


def uvicorn_factory(app: Any, patience: Patience | None = None) -> UvicornFactory:
    """What an `Adopter` needs to serve the ASGI app `app` by uvicorn's HTTP."""
    return UvicornFactory(app, patience)
