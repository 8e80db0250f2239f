"""The control process's side of the hand-over: connections arrive with what was already read of them, and are served
as if this process had accepted them."""

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from clary.engines.serving.channel import Ended, Inbox
from clary.engines.serving.primed import Primed

logger = logging.getLogger(__name__)

BATCH = 32
"""Messages read from one channel before the loop may turn to something else."""


class _Fed:
    """The receiving end of a front's channel, and the link whose end tells of the front's death."""

    def __init__(self, link: socket.socket, begin: Callable[[socket.socket, bytes], None]) -> None:
        self._link = link
        self._begin = begin
        self._inbox: Inbox | None = None
        self._loop = asyncio.get_running_loop()
        self.closed: Callable[[_Fed], None] = lambda _: None
        self._loop.add_reader(link.fileno(), self._told)

    def _told(self) -> None:
        """The front passes its channel, once; or it has ended."""
        try:
            data, descriptors, _flags, _address = socket.recv_fds(self._link, 16, 1, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        if not data or not descriptors:
            self._drain()
            return
        channel = socket.socket(fileno=descriptors[0])
        channel.setblocking(False)
        self._inbox = Inbox(channel)
        self._loop.add_reader(channel.fileno(), self._readable)

    def _readable(self) -> None:
        assert self._inbox is not None
        try:
            for connection, data in self._inbox.read(BATCH):
                self._begin(connection, data)
        except (Ended, OSError):
            self.close()

    def _drain(self) -> None:
        """The front has ended: what it had sent is served still, and then the channel ends too."""
        self._loop.remove_reader(self._link.fileno())
        if self._inbox is None:
            self.close()

    def close(self) -> None:
        """Nothing more is read: what is in the channel is taken back by the front."""
        if self._link.fileno() < 0:
            return
        if self._inbox is not None:
            self._loop.remove_reader(self._inbox.channel.fileno())
            self._inbox.close()
            self._inbox = None
        # Last: when the front hears of it, this process reads no more.
        self._loop.remove_reader(self._link.fileno())
        self._link.close()
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
        self._fronts: set[_Fed] = set()
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
        for front in list(self._fronts):
            front.close()
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
        front = _Fed(accepted, self._begin)
        front.closed = self._fronts.discard
        self._fronts.add(front)

    def _begin(self, connection: socket.socket, data: bytes) -> None:
        task = self._loop.create_task(self._serve(connection, data))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket, data: bytes) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: Primed(self._connections(), data), connection)
        except OSError as error:  # the client went away on the way here
            logger.info("a handed-over connection was gone", extra={"error": str(error)})
            connection.close()
