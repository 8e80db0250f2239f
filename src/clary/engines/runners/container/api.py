"""The part of the Docker API that runs need, over a Unix socket or TCP. Blocks: call in a thread.

The standard library alone: each run's keeper imports this, and a client library would cost it ten times its own size.
"""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final
from urllib.parse import quote, urlencode

SECONDS: Final = 120.0
"""How long one answer may take; creating a container copies nothing, but the engine may be busy."""
_STREAMS: Final = 8
"""A frame of an attached container: one byte of stream, three of nothing, four of length."""


class EngineError(Exception):
    """What the engine answered instead of doing it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class NotThere(EngineError):
    """The engine has no container, image, volume or network of that name."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, address: str, timeout: float | None) -> None:
        super().__init__("engine", timeout=timeout)
        self._address = address

    def connect(self) -> None:
        scheme, _, where = self._address.partition("://")
        if scheme == "unix":
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(where)
        else:
            host, _, port = where.rstrip("/").rpartition(":")
            self.sock = socket.create_connection((host, int(port)), self.timeout)


class Api:
    """One engine. Each call is a connection of its own; OSError: nobody answers."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = SECONDS,
    ) -> Any:
        """The engine's answer, decoded; None when it has no body. Raises EngineError, NotThere, OSError."""
        connection = _Connection(self.address, seconds)
        try:
            return _decoded(_sent(connection, method, path, body, query, headers).read())
        finally:
            connection.close()

    def lines(self, method: str, path: str, *, query: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[Any]:
        """The JSON documents of an answer that goes on for as long as the engine works. Raises as `ask`."""
        connection = _Connection(self.address, None)
        try:
            answer = _sent(connection, method, path, None, query, headers)
            for line in answer:
                if line.strip():
                    yield json.loads(line)
        finally:
            connection.close()

    def attach(self, container: str) -> IO[bytes]:
        """What the container prints from now on, in frames; see `frames`."""
        connection = _Connection(self.address, SECONDS)
        asked = urlencode({"stream": "1", "stdout": "1", "stderr": "1"})
        upgrade = {"Upgrade": "tcp", "Connection": "Upgrade"}
        connection.request("POST", f"/containers/{container}/attach?{asked}", headers=upgrade)
        assert connection.sock is not None
        connection.sock.settimeout(None)
        answer = http.client.HTTPResponse(connection.sock, method="POST")
        answer.begin()
        if answer.status not in (101, 200):
            raise _error(answer.status, answer.read())
        # What follows the head is no HTTP any more, and must not be closed with the answer that nobody holds.
        stream = answer.fp
        answer.fp = None  # type: ignore[assignment]
        return stream

    def inspect(self, container: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/containers/{quote(container)}/json")
        return found

    def kill(self, container: str, signal: str) -> None:
        """The signal was sent; no complaint when nothing runs."""
        try:
            self.ask("POST", f"/containers/{quote(container)}/kill", query={"signal": signal})
        except EngineError as error:
            if error.status not in (404, 409, 500):
                raise
            if error.status == 500 and self._runs(container):
                raise

    def remove(self, container: str) -> None:
        """The container is gone, with what runs in it; no complaint when it was not there."""
        try:
            self.ask("DELETE", f"/containers/{quote(container)}", query={"force": "1", "v": "1"})
        except NotThere:
            return
        except EngineError as error:
            if error.status != 409:  # somebody else removes it at this moment
                raise

    def image(self, reference: str) -> dict[str, Any] | None:
        """The engine's own image of that name, digest or id; None: it has none."""
        try:
            found: dict[str, Any] = self.ask("GET", f"/images/{quote(reference, safe='/:@')}/json")
        except NotThere:
            return None
        return found

    def _runs(self, container: str) -> bool:
        try:
            return bool(self.inspect(container)["State"]["Running"])
        except NotThere:
            return False


def frames(stream: IO[bytes]) -> Iterator[bytes]:
    """What a container printed, stdout and stderr in the order in which it came."""
    while len(head := stream.read(_STREAMS)) == _STREAMS:
        left = int.from_bytes(head[4:], "big")
        while left:
            piece = stream.read(min(left, 1 << 16))
            if not piece:
                return
            left -= len(piece)
            yield piece


def _sent(
    connection: _Connection,
    method: str,
    path: str,
    body: Any,
    query: Mapping[str, Any] | None,
    headers: Mapping[str, str] | None,
) -> http.client.HTTPResponse:
    target = f"{path}?{urlencode(query)}" if query else path
    given = dict(headers or {})
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        given["Content-Type"] = "application/json"
    connection.request(method, target, data, given)
    answer = connection.getresponse()
    if answer.status >= 400:
        raise _error(answer.status, answer.read())
    return answer


def _decoded(data: bytes) -> Any:
    if not data.strip():
        return None
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")


def _error(status: int, data: bytes) -> EngineError:
    said = _decoded(data)
    message = said.get("message") or said.get("cause") or str(said) if isinstance(said, dict) else str(said or status)
    return (NotThere if status == 404 else EngineError)(status, message.strip())
