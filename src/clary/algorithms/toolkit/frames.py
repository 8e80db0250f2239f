"""What the model server and its workers say to each other over a socket: a head as JSON, and a body of bytes."""

import json
import socket
import struct
from typing import Any, Final

_LENGTHS: Final = struct.Struct("!II")


def send(to: socket.socket, head: Any, body: bytes = b"") -> None:
    """The whole frame has been sent. Raises OSError."""
    text = json.dumps(head).encode()
    to.sendall(_LENGTHS.pack(len(text), len(body)) + text + body)


def receive(source: socket.socket) -> tuple[Any, bytes] | None:
    """The next frame; None when the other side is gone. Raises TimeoutError where the socket has a timeout."""
    lengths = _exactly(source, _LENGTHS.size)
    if lengths is None:
        return None
    head, body = _LENGTHS.unpack(lengths)
    text, data = _exactly(source, head), _exactly(source, body)
    return None if text is None or data is None else (json.loads(text), bytes(data))


def _exactly(source: socket.socket, size: int) -> bytearray | None:
    data = bytearray(size)
    view, at = memoryview(data), 0
    while at < size:
        try:
            got = source.recv_into(view[at:])
        except ConnectionError:
            return None
        if got == 0:
            return None
        at += got
    return data
