"""The front's side of the hand-over: a client's connection, and what was read of it, go to the control process.

A channel is a SOCK_SEQPACKET Unix connection. A client's connection crosses it as a message "N", the number of bytes
already read (4 bytes, big-endian), those bytes, and the descriptor; bytes that do not fit follow in messages "D". The
control process answers with the number of connections taken over (4 bytes) *before* it acts on any of them. So when it
dies, whatever it has not acknowledged was certainly not begun, and is handed to its successor: a kill is a delay.
"""

import asyncio
import errno
import logging
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

PIECE = 60_000
"""Bytes of a connection in one message; a message must fit into an ordinary socket buffer."""
NUMBER = struct.Struct("!I")
RETRY_SECONDS = 0.05
MAX_PENDING = 2048
_FULL = (errno.EAGAIN, errno.ENOBUFS, errno.ETOOMANYREFS)


@dataclass(slots=True)
class _Pending:
    connection: socket.socket
    data: bytes
    deadline: float
    sent: int = -1
    """Bytes sent in the channel at hand; -1: not even the descriptor."""


class Sender:
    """Passes connections on, in order. Those it cannot pass within `patience` seconds are given to `refuse`."""

    def __init__(self, path: Path, patience: float, refuse: Callable[[socket.socket], None]) -> None:
        self._path = str(path)
        self._patience = patience
        self._refuse = refuse
        self._loop = asyncio.get_running_loop()
        self._channel: socket.socket | None = None
        self._writing = False
        self._queue: deque[_Pending] = deque()
        self._unacknowledged: deque[_Pending] = deque()
        self._retry: asyncio.TimerHandle | None = None

    @property
    def pending(self) -> int:
        return len(self._queue) + len(self._unacknowledged)

    def send(self, connection: socket.socket, data: bytes) -> None:
        """The connection is this object's from now on. `data` is everything that was read of it and not yet served."""
        if len(self._queue) >= MAX_PENDING:
            self._refuse(connection)
            return
        self._queue.append(_Pending(connection, data, self._loop.time() + self._patience))
        self._pump()

    def sweep(self, now: float) -> None:
        """Whoever has waited too long for the control process is refused."""
        while self._queue and self._queue[0].sent < 0 and self._queue[0].deadline <= now:
            self._refuse(self._queue.popleft().connection)

    def close(self) -> None:
        """Nobody waits any more; those in line are refused."""
        if self._retry is not None:
            self._retry.cancel()
        for pending in (*self._unacknowledged, *self._queue):
            self._refuse(pending.connection)
        self._unacknowledged.clear()
        self._queue.clear()
        self._disconnect()

    def _pump(self) -> None:
        if self._writing:
            return
        if self._channel is None and not self._connect():
            self._again_soon()
            return
        while self._queue:
            pending = self._queue[0]
            try:
                self._send(pending)
            except OSError as error:
                if error.errno in _FULL:
                    self._wait_for_room()
                else:
                    self._lost()
                return
            if pending.sent >= len(pending.data):
                self._queue.popleft()
                self._unacknowledged.append(pending)

    def _send(self, pending: _Pending) -> None:
        assert self._channel is not None
        while pending.sent < len(pending.data):
            if pending.sent < 0:
                piece = pending.data[:PIECE]
                head = b"N" + NUMBER.pack(len(pending.data))
                socket.send_fds(self._channel, [head, piece], [pending.connection.fileno()])
                pending.sent = 0
            else:
                piece = pending.data[pending.sent : pending.sent + PIECE]
                self._channel.send(b"D" + piece)
            pending.sent += len(piece)
            if not piece:
                return

    def _connect(self) -> bool:
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        channel.setblocking(False)
        try:
            channel.connect(self._path)
        except OSError:  # nobody listens, or its line is full: the same to us, and tried again soon
            channel.close()
            return False
        self._channel = channel
        self._loop.add_reader(channel.fileno(), self._readable)
        return True

    def _readable(self) -> None:
        while self._channel is not None:
            try:
                said = self._channel.recv(64)
            except BlockingIOError:
                return
            except OSError:
                said = b""
            if not said:
                self._lost()
                return
            for _ in range(NUMBER.unpack(said)[0]):
                self._unacknowledged.popleft().connection.close()

    def _wait_for_room(self) -> None:
        assert self._channel is not None
        self._writing = True
        self._loop.add_writer(self._channel.fileno(), self._writable)

    def _writable(self) -> None:
        self._stop_writing()
        self._pump()

    def _stop_writing(self) -> None:
        if self._writing and self._channel is not None:
            self._loop.remove_writer(self._channel.fileno())
        self._writing = False

    def _disconnect(self) -> None:
        self._stop_writing()
        if self._channel is not None:
            self._loop.remove_reader(self._channel.fileno())
            self._channel.close()
            self._channel = None

    def _lost(self) -> None:
        """The control process went away. What it has not acknowledged it has not begun: it goes to the next one."""
        self._disconnect()
        logger.info("the control process went away", extra={"waiting": self.pending})
        self._queue.extendleft(reversed(self._unacknowledged))
        self._unacknowledged.clear()
        for pending in self._queue:
            pending.sent = -1
        if self._queue:
            self._again_soon()

    def _again_soon(self) -> None:
        if self._retry is None:
            self._retry = self._loop.call_later(RETRY_SECONDS, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        if self._queue:
            self._pump()
