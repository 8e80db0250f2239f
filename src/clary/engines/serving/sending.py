"""The front's side of the hand-over: connections go into a channel, and come back when nobody reads it any more."""

import asyncio
import errno
import logging
import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path

from clary.engines.serving.channel import Ended, Inbox, Outgoing, pair

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.05
MAX_PENDING = 2048
BATCH = 1000
_FULL = (errno.EAGAIN, errno.ENOBUFS, errno.ETOOMANYREFS)


class _Link:
    """A control process that has been given a channel. End of file on `socket` tells of its death."""

    def __init__(self, link: socket.socket) -> None:
        self.socket = link
        self.outgoing, receiving = pair()
        self.kept = Inbox(receiving)
        try:
            socket.send_fds(link, [b"C"], [receiving.fileno()])
        except OSError:
            self.outgoing.close()
            self.kept.close()
            raise

    def close(self) -> None:
        self.socket.close()
        self.outgoing.close()
        self.kept.close()


class Sender:
    """Passes connections on, in order. Those it cannot pass within `patience` seconds are given to `refuse`."""

    def __init__(self, path: Path, patience: float, refuse: Callable[[socket.socket], None]) -> None:
        self._path = str(path)
        self._patience = patience
        self._refuse = refuse
        self._loop = asyncio.get_running_loop()
        self._link: _Link | None = None
        self._writing = False
        self._queue: deque[Outgoing] = deque()
        self._retry: asyncio.TimerHandle | None = None

    @property
    def pending(self) -> int:
        """Connections that are not in a channel yet."""
        return len(self._queue)

    def send(self, connection: socket.socket, data: bytes) -> None:
        """The connection is this object's from now on. `data` is everything that was read of it and not yet served."""
        if len(self._queue) >= MAX_PENDING:
            self._refuse(connection)
            return
        self._queue.append(Outgoing(connection, data, self._loop.time() + self._patience))
        self._pump()

    def sweep(self, now: float) -> None:
        """Whoever has waited too long for the control process is refused. Not the one that is halfway across: it keeps
        its place, and is first when there is room again."""
        halfway = self._queue.popleft() if self._queue and self._queue[0].sent >= 0 else None
        while self._queue and self._queue[0].deadline <= now:
            self._refuse(self._queue.popleft().connection)
        if halfway is not None:
            self._queue.appendleft(halfway)

    def close(self) -> None:
        """Nobody waits any more; those in line are refused. What is in the channel is the control process's."""
        if self._retry is not None:
            self._retry.cancel()
        for one in self._queue:
            self._refuse(one.connection)
        self._queue.clear()
        self._disconnect()

    def _pump(self) -> None:
        if self._writing:
            return
        if self._link is None:
            self._link = self._connect()
        if self._link is None:
            self._again_soon()
            return
        while self._queue:
            outgoing = self._queue[0]
            try:
                outgoing.send(self._link.outgoing)
            except OSError as error:
                if error.errno in _FULL:
                    self._wait_for_room(self._link, error.errno)
                else:
                    self._lost()
                return
            self._queue.popleft()
            outgoing.connection.close()  # ours only: the connection lives on in the channel

    def _connect(self) -> _Link | None:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        link.setblocking(False)
        try:
            link.connect(self._path)
            made = _Link(link)
        except OSError:  # nobody listens, or its line is full: the same to us, and tried again soon
            link.close()
            return None
        self._loop.add_reader(link.fileno(), self._lost)  # it never says anything: what can be read is its end
        return made

    def _wait_for_room(self, link: _Link, reason: int) -> None:
        if reason == errno.EAGAIN:
            self._writing = True
            self._loop.add_writer(link.outgoing.fileno(), self._writable)
        else:  # not this channel is full but the machine: nothing tells when that is over
            self._again_soon()

    def _writable(self) -> None:
        self._stop_writing()
        self._pump()

    def _stop_writing(self) -> None:
        if self._writing and self._link is not None:
            self._loop.remove_writer(self._link.outgoing.fileno())
        self._writing = False

    def _disconnect(self) -> None:
        self._stop_writing()
        if self._link is not None:
            self._loop.remove_reader(self._link.socket.fileno())
            self._link.close()
            self._link = None

    def _lost(self) -> None:
        """The control process went away. What it has not read is taken back, in order, for the next one."""
        assert self._link is not None
        returned: list[Outgoing] = []
        deadline = self._loop.time() + self._patience
        self._stop_writing()
        self._link.outgoing.close()  # so that reading comes to an end
        try:
            while True:
                for connection, data in self._link.kept.read(BATCH):
                    returned.append(Outgoing(connection, data, deadline))
        except Ended:
            self._disconnect()
        for one in self._queue:
            one.sent = -1  # a connection that was halfway across begins anew
        self._queue.extendleft(reversed(returned))
        logger.info("the control process went away", extra={"waiting": self.pending})
        if self._queue:
            self._again_soon()

    def _again_soon(self) -> None:
        if self._retry is None:
            self._retry = self._loop.call_later(RETRY_SECONDS, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        if self._queue:
            self._pump()
