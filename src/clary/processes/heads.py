"""What a client asks of a proxy: the head of its request, read to the byte, and taken apart."""

import asyncio
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

HEAD_BYTES: Final = 64 * 1024
_END: Final = b"\r\n\r\n"
_HOP: Final = (b"connection", b"proxy-connection", b"keep-alive", b"proxy-authorization")


class BadHead(Exception):
    """Nothing that a proxy may be asked. The message says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to the proxy. `tunnel`: by CONNECT, and `forward` is empty; else `forward` is the head as the server
    of that host expects it, for one request and no more."""

    host: str
    port: int
    tunnel: bool
    forward: bytes = b""
    absolute: bytes = b""
    """The same head as another proxy expects it."""


async def read_head(connection: socket.socket) -> bytes:
    """Everything up to the empty line; not a byte more has been taken from the socket, so TLS may begin right behind.
    Raises BadHead, and EOFError when the client left."""
    head = bytearray()
    while True:
        await _readable(connection)
        try:
            seen = connection.recv(HEAD_BYTES, socket.MSG_PEEK)
        except BlockingIOError:
            continue
        if not seen:
            raise EOFError
        # The end may lie across what is taken already and what is new.
        start = max(0, len(head) - 3)
        at = bytes(head[start:] + seen).find(_END)
        wanted = len(seen) if at < 0 else start + at + len(_END) - len(head)
        head += connection.recv(wanted)
        if at >= 0:
            return bytes(head)
        if len(head) > HEAD_BYTES:
            raise BadHead("The head of the request is too long.")


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(connection, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(connection)


def parse(head: bytes) -> Asked:
    """Raises BadHead."""
    line, *fields = head.removesuffix(_END).split(b"\r\n")
    parts = line.split(b" ")
    if len(parts) != 3 or not parts[2].startswith(b"HTTP/1."):
        raise BadHead("This is the proxy of `clary run`; it speaks HTTP/1.1.")
    method, target, version = parts
    if method == b"CONNECT":
        host, port = _authority(target, None)
        return Asked(host, port, tunnel=True)
    try:
        url = urlsplit(target.decode("ascii"))
    except ValueError as error:
        raise BadHead(f"The address of the request cannot be read: {error}.") from None
    if url.scheme.lower() != "http" or not url.netloc:
        raise BadHead("This is the proxy of `clary run`, no server: name the whole address, http://host/path.")
    host, port = _authority(url.netloc.rpartition("@")[2].encode(), 80)
    path = target.split(b"/", 3)[3:] or [b""]
    query = b"" if path[0] or not url.query else b"?" + url.query.encode()
    kept = [one for one in fields if one.partition(b":")[0].strip().lower() not in _HOP]
    # One request a connection: the next one on it could be meant for another host.
    rest = b"\r\n".join([*kept, b"Connection: close"]) + _END
    return Asked(
        host,
        port,
        tunnel=False,
        forward=method + b" /" + path[0] + query + b" " + version + b"\r\n" + rest,
        absolute=line + b"\r\n" + rest,
    )


def _authority(text: bytes, default: int | None) -> tuple[str, int]:
    """`host:port`, `[::1]:443`."""
    try:
        split = urlsplit(f"//{text.decode('ascii')}")
        host, port = split.hostname, split.port or default
    except ValueError:
        host = port = None
    if not host or not port:
        raise BadHead("The request names no host and port.")
    return host, port
