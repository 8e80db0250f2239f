"""Connections carried from one socket to another, byte for byte: what a container calls on this machine."""

import socket
import threading
from contextlib import suppress
from typing import Final

_CHUNK: Final = 1 << 16


def forward(listener: socket.socket, to: tuple[str, int]) -> None:
    """Every connection to the listener is carried to the address, for as long as the listener stands."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        try:
            server = socket.create_connection(to, 10.0)
        except OSError:
            client.close()
            continue
        server.settimeout(None)
        threading.Thread(target=_carry, args=(client, server), daemon=True).start()


def _carry(client: socket.socket, server: socket.socket) -> None:
    back = threading.Thread(target=_pour, args=(server, client), daemon=True)
    back.start()
    _pour(client, server)
    back.join()
    client.close()
    server.close()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
