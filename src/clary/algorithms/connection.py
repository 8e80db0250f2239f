"""One HTTP/1.1 connection of a model server: bytes in, whole requests out, answers back in order."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

import httptools

HEADER_LIMIT = 64 * 1024
"""Bytes of all headers of one request."""
IDLE_SECONDS = 75.0
"""How long a connection may be silent, between requests or within one."""
LINGER_SECONDS = 5.0
"""How long a client that is refused may go on sending before it is cut off."""
PIPELINE_LIMIT = 16
"""Requests that may wait on one connection before it is no longer read."""

REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    """Without the query."""
    headers: Mapping[str, str]
    """Names in lower case; the last of equal names counts."""
    body: bytes
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encode(self, *, keep_alive: bool, head: bool = False) -> bytes:
        lines = [b"HTTP/1.1 %d %b" % (self.status, REASONS.get(self.status, b"Unknown"))]
        lines += [f"{name}: {value}".encode("latin-1") for name, value in self.headers.items()]
        lines.append(b"content-length: %d" % len(self.body))
        lines.append(b"connection: keep-alive" if keep_alive else b"connection: close")
        return b"\r\n".join(lines) + b"\r\n\r\n" + (b"" if head else self.body)


class Connection(asyncio.Protocol):
    """Parses with httptools. Requests on one connection are answered one after another, as HTTP/1.1 demands."""

    def __init__(
        self, answer: Callable[[Request], Awaitable[Response]], body_limit: int, registry: "set[Connection]"
    ) -> None:
        self._answer = answer
        self._body_limit = body_limit
        self._registry = registry
        self._parser = httptools.HttpRequestParser(self)
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        """Done once all answers are sent and the connection is gone."""
        self._transport: asyncio.Transport | None = None
        self._requests: deque[Request] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._refusal: Response | None = None
        self._ending = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._header_size = 0

    # From the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass of it
        self._registry.add(self)
        self._touch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._registry.discard(self)
        self._writable.set()
        if not self.closed.done():
            self.closed.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        if self._worker is not None:
            self._worker.cancel()

    def data_received(self, data: bytes) -> None:
        if self._ending:
            return
        self._touch()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The request is answered as if it had not asked; what follows would not be HTTP/1.1.
            self._ending = True
        except httptools.HttpParserError as error:
            self._refuse(self._refusal or Response(400, {}, f"This is not HTTP/1.1: {error}".encode()))

    def eof_received(self) -> bool:
        # The client may have closed its sending half only: what it asked for is still answered.
        self._ending = True
        return self._worker is not None

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # From the parser

    def on_message_begin(self) -> None:
        self._reset()

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._count_header(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_header(len(name) + len(value))
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        length = self._headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._body_limit:
            self._too_large()
        if self._headers.get("expect", "").lower() == "100-continue" and self._idle:
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._body_limit:
            self._too_large()
        self._body.append(data)

    def on_message_complete(self) -> None:
        path = self._url.partition(b"?")[0].decode("latin-1")
        request = Request(
            self._parser.get_method().decode("latin-1"),
            path,
            self._headers,
            b"".join(self._body),
            self._parser.should_keep_alive(),
        )
        self._body = []
        self._requests.append(request)
        if self._transport is not None and len(self._requests) >= PIPELINE_LIMIT:
            self._transport.pause_reading()
        if self._worker is None:
            self._worker = self._loop.create_task(self._work())

    # Answering

    async def _work(self) -> None:
        """Answers all requests that wait; ends when none does."""
        try:
            while self._requests:
                request = self._requests.popleft()
                response = await self._answer(request)
                last = self._ending and not self._requests and self._refusal is None
                keep = request.keep_alive and not last
                self._write(response.encode(keep_alive=keep, head=request.method == "HEAD"))
                await self._writable.wait()
                if not keep:
                    self._requests.clear()
                    self._close()
                    return
                if self._transport is not None and not self._ending and len(self._requests) < PIPELINE_LIMIT:
                    self._transport.resume_reading()
        finally:
            self._worker = None
        if self._refusal is not None:
            self._linger(self._refusal)
        elif self._ending:
            self._close()
        else:
            self._touch()

    def finish(self) -> None:
        """No further request is read; the connection closes once all received ones are answered."""
        self._ending = True
        if self._worker is None:
            self._close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # Small parts

    @property
    def _idle(self) -> bool:
        return self._worker is None and not self._requests

    def _reset(self) -> None:
        self._url = b""
        self._headers = {}
        self._body = []
        self._size = 0
        self._header_size = 0

    def _count_header(self, size: int) -> None:
        self._header_size += size
        if self._header_size > HEADER_LIMIT:
            self._refusal = Response(431, {}, b"The request's headers are too large")
            raise httptools.HttpParserError("headers too large")

    def _too_large(self) -> None:
        message = f"The request body is larger than {self._body_limit} bytes"
        self._refusal = Response(413, {"content-type": "text/plain; charset=utf-8"}, message.encode())
        raise httptools.HttpParserError("body too large")

    def _refuse(self, response: Response) -> None:
        """This answer comes after those that are due, and is the last one."""
        self._refusal = response
        self._ending = True
        if self._worker is None:
            self._linger(response)

    def _linger(self, response: Response) -> None:
        """Sends a last answer to a client that may still be sending. Closing with its bytes unread would reset the
        connection, and the client would see that instead of the answer; so they are read and dropped for a while."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(response.encode(keep_alive=False))
        self._transport.write_eof()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(LINGER_SECONDS, self._close)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _touch(self) -> None:
        """Silence is counted from now on."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(IDLE_SECONDS, self._silent)

    def _silent(self) -> None:
        if self._idle:
            self._close()
        else:
            self._touch()
