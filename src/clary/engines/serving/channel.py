"""How a client's connection crosses from a front to the control process: the messages, and the reader of both sides.

A channel is a SOCK_SEQPACKET socket pair that the front makes. A connection crosses it as a message "N", its address
family (1 byte), the number of bytes already read of it (4 bytes, big-endian), those bytes, and the descriptor; bytes
that do not fit follow in messages "D". The front connects to the control process (the link) and passes it the receiving
end, but keeps a copy of that end: so when the control process dies, everything that it had not read is still in the
channel, and the front takes it back for the successor. Nothing has to be acknowledged, and nothing can be begun twice:
a message is read once.
"""

import logging
import socket
import struct
from collections.abc import Iterator

logger = logging.getLogger(__name__)

PIECE = 60_000
"""Bytes of a connection in one message; a message must fit into an ordinary socket buffer."""
_HEAD = struct.Struct("!cBI")

Crossed = tuple[socket.socket, bytes]
"""A connection, and everything that was read of it and not yet served."""


def pair() -> tuple[socket.socket, socket.socket]:
    """(the sending end, the receiving end)."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setblocking(False)
    return ends


class Outgoing:
    """One connection on its way into a channel, in as many messages as it takes."""

    __slots__ = ("connection", "data", "deadline", "sent")

    def __init__(self, connection: socket.socket, data: bytes, deadline: float) -> None:
        self.connection = connection
        self.data = data
        self.deadline = deadline
        self.sent = -1
        """Bytes sent; -1: not even the descriptor."""

    def send(self, channel: socket.socket) -> None:
        """All of it is in the channel. Raises OSError when it is not; call again to go on."""
        if self.sent < 0:
            piece = self.data[:PIECE]
            head = _HEAD.pack(b"N", self.connection.family, len(self.data))
            socket.send_fds(channel, [head, piece], [self.connection.fileno()])
            self.sent = len(piece)
        while self.sent < len(self.data):
            piece = self.data[self.sent : self.sent + PIECE]
            channel.send(b"D" + piece)
            self.sent += len(piece)


class Ended(Exception):
    """Nothing more can come from the channel."""


class Inbox:
    """The receiving end, read."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self._partial: tuple[socket.socket, bytearray, int] | None = None

    def read(self, most: int) -> Iterator[Crossed]:
        """The connections in at most `most` messages; ends when the channel is empty. Raises Ended."""
        for _ in range(most):
            try:
                data, descriptors, _flags, _address = socket.recv_fds(
                    self.channel, PIECE + 16, 1, socket.MSG_CMSG_CLOEXEC
                )
            except BlockingIOError:
                return
            if not data:
                raise Ended
            crossed = self._message(data, descriptors)
            if crossed is not None:
                yield crossed

    def _message(self, data: bytes, descriptors: list[int]) -> Crossed | None:
        if data[:1] == b"N":
            if not descriptors:
                logger.error("a connection was lost on its way here: this process has no more descriptors")
                return None
            _, family, length = _HEAD.unpack_from(data)
            # Told what it is, Python does not ask the kernel.
            connection = socket.socket(family, socket.SOCK_STREAM, 0, fileno=descriptors[0])
            self._partial = connection, bytearray(data[_HEAD.size :]), length
        elif self._partial is not None:
            self._partial[1].extend(data[1:])
        if self._partial is None or len(self._partial[1]) < self._partial[2]:
            return None
        connection, read, _ = self._partial
        self._partial = None
        return connection, bytes(read)

    def close(self) -> None:
        self.channel.close()
        if self._partial is not None:
            self._partial[0].close()
            self._partial = None
