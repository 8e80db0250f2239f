"""The control process's side of the hand-over: connections arrive with what was already read of them, and are served
by uvicorn's own HTTP protocol as if it had accepted them."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any, Protocol

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from clary.engines.serving.primed import Primed
from clary.engines.serving.sending import NUMBER, PIECE

logger = logging.getLogger(__name__)

BATCH = 32
"""Messages read from one channel before the loop may turn to something else."""
KEEP_ALIVE_SECONDS = 75


class _Channel:
    """One front. Connections are acknowledged first and begun after, so that none is begun twice."""

    def __init__(self, channel: socket.socket, begin: Callable[[socket.socket, bytes], None]) -> None:
        self._channel = channel
        self._begin = begin
        self._loop = asyncio.get_running_loop()
        self._partial: tuple[socket.socket, bytearray, int] | None = None
        self._taken: list[tuple[socket.socket, bytes]] = []
        self.closed: Callable[[_Channel], None] = lambda _: None
        self._loop.add_reader(channel.fileno(), self._readable)

    def _readable(self) -> None:
        for _ in range(BATCH):
            try:
                data, descriptors, _flags, _address = socket.recv_fds(
                    self._channel, PIECE + 16, 1, socket.MSG_CMSG_CLOEXEC
                )
            except BlockingIOError:
                break
            except OSError:
                data, descriptors = b"", []
            if data[:1] == b"N" and not descriptors:
                logger.error("a handed-over connection was lost: this process has no more descriptors")
                data = b""  # the front keeps it, and hands it on again
            if not data:
                self.close()
                return
            self._message(data, descriptors)
        self._acknowledge()

    def _message(self, data: bytes, descriptors: list[int]) -> None:
        if data[:1] == b"N":
            connection = socket.socket(fileno=descriptors[0])
            self._partial = (connection, bytearray(data[5:]), NUMBER.unpack(data[1:5])[0])
        elif self._partial is not None:
            self._partial[1].extend(data[1:])
        if self._partial is not None and len(self._partial[1]) >= self._partial[2]:
            connection, read, _ = self._partial
            self._partial = None
            self._taken.append((connection, bytes(read)))

    def _acknowledge(self) -> None:
        if not self._taken:
            return
        try:
            self._channel.send(NUMBER.pack(len(self._taken)))
        except (
            BlockingIOError
        ):  # the front does not read: nothing more is taken from it, and nothing begun, until it does
            self._loop.remove_reader(self._channel.fileno())
            self._loop.add_writer(self._channel.fileno(), self._writable)
            return
        except OSError:
            self.close()
            return
        taken, self._taken = self._taken, []
        for connection, data in taken:
            self._begin(connection, data)

    def _writable(self) -> None:
        self._loop.remove_writer(self._channel.fileno())
        self._loop.add_reader(self._channel.fileno(), self._readable)
        self._acknowledge()

    def close(self) -> None:
        """What was not acknowledged stays with the front, which hands it on again."""
        if self._channel.fileno() < 0:
            return
        self._loop.remove_reader(self._channel.fileno())
        self._loop.remove_writer(self._channel.fileno())
        self._channel.close()
        if self._partial is not None:
            self._partial[0].close()
        for connection, _ in self._taken:
            connection.close()
        self._taken = []
        self.closed(self)


class Connections(Protocol):
    """Makes the protocol of each connection, and ends them all in order."""

    def __call__(self) -> asyncio.Protocol: ...

    async def shutdown(self, grace: float) -> None:
        """Idle connections are closed; requests in progress are finished, or broken off after `grace` seconds."""
        ...


class Adopter:
    """Takes over what fronts hand to the socket at `path`, between `start` and `close`."""

    def __init__(self, path: Path, connections: Connections) -> None:
        self._path = path
        self._connections = connections
        self._listener: socket.socket | None = None
        self._channels: set[_Channel] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        # The file of a killed predecessor is in the way; a living one has lost the home's lock and is on its way out.
        self._path.unlink(missing_ok=True)
        self._loop = asyncio.get_running_loop()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.setblocking(False)
        self._listener.bind(str(self._path))
        self._listener.listen(64)
        self._loop.add_reader(self._listener.fileno(), self._accept)

    async def close(self, grace: float = 25.0) -> None:
        """No more connections are taken over: the fronts keep theirs for the successor. Those taken over are ended in
        order, within `grace` seconds."""
        if self._listener is None:
            return
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        self._listener = None
        for channel in list(self._channels):
            channel.close()
        if self._tasks:
            await asyncio.wait(set(self._tasks))
        await self._connections.shutdown(grace)

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            accepted, _ = self._listener.accept()
        except BlockingIOError:
            return
        accepted.setblocking(False)
        channel = _Channel(accepted, self._begin)
        channel.closed = self._channels.discard
        self._channels.add(channel)

    def _begin(self, connection: socket.socket, data: bytes) -> None:
        task = self._loop.create_task(self._serve(connection, data))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket, data: bytes) -> None:
        connection.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(lambda: Primed(self._connections(), data), connection)
        except OSError as error:  # the client went away on the way here
            logger.info("a handed-over connection was gone", extra={"error": str(error)})
            connection.close()


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


class UvicornFactory:
    """Makes uvicorn's httptools protocols over one ASGI app, and ends them in order."""

    def __init__(self, app: Any) -> None:
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

    def __call__(self) -> asyncio.Protocol:
        return HttpToolsProtocol(config=self._config, server_state=self._state, app_state={})

    @property
    def connections(self) -> int:
        return len(self._state.connections)

    async def shutdown(self, grace: float) -> None:
        """Idle connections are closed; requests in progress are finished, or broken off after `grace` seconds."""
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(set(self._state.tasks), timeout=grace)
        for task in set(self._state.tasks):
            task.cancel()
        for connection in list(self._state.connections):
            if connection.transport is not None:
                connection.transport.close()


def uvicorn_factory(app: Any) -> UvicornFactory:
    """What an `Adopter` needs to serve the ASGI app `app` by uvicorn's HTTP."""
    return UvicornFactory(app)
