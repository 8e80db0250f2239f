"""One keep-alive connection to a model server, one request on it at a time."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from clary.engines.serving.base import Reply


class Carried(Protocol):
    """What a connection carries: a request, and who is told of its end: `answered` or `broken`, exactly one of them."""

    body: bytes

    @property
    def head(self) -> bytes: ...

    @property
    def taker(self) -> "Taker | None":
        """Who takes a good answer in parts, as they come, before its end is told; None: it is wanted whole."""
        ...

    def answered(self, connection: "Connection", reply: Reply) -> None: ...

    def broken(self, connection: "Connection", reached: bool, why: str) -> None:
        """`reached` False: the model server has certainly not read the whole request, so it may be sent again."""
        ...


class Taker(Protocol):
    def opened(self, connection: "Connection", reply: Reply) -> None:
        """The head of a good answer; `reply` has no body."""
        ...

    def part(self, data: bytes) -> None: ...


class Connection(asyncio.Protocol):
    """When the peer goes away before the first byte of an answer, did the request reach the model? Exactly this rule:

    - Not, when the connection could not be made, or when bytes of the request were still in our own buffer.
    - Not, on a Unix socket that ends with an error. The kernel reports ECONNRESET there only if the peer went away with
      bytes unread, and EPIPE only if it had gone before we wrote: either way no complete request was ever read.
    - Else it counts as reached: a clean end means that every byte was read; TCP cannot tell.
    """

    def __init__(self, local: bool, reply_limit: int, unused: Callable[["Connection"], None]) -> None:
        self._local = local
        self._reply_limit = reply_limit
        self._unused = unused
        self._carried: Carried | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._clear()
        self._unsent = False
        self._paused = False
        self.fresh = True
        """Nothing was sent on it before the request at hand."""
        self.lost = False
        """The peer went away."""
        self.idle_since = 0.0

    def _clear(self) -> None:
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._size = 0
        self._begun = False
        self._headed = False
        self._complete = False
        self._keep = False
        self._taker: Taker | None = None

    def send(self, carried: Carried) -> None:
        assert self._transport is not None and self._carried is None
        self._carried = carried
        if len(carried.body) < 65536:
            self._transport.write(carried.head + carried.body)
        else:
            self._transport.write(carried.head)
            self._transport.write(carried.body)

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def pause(self) -> None:
        """Nothing more of the answer is read until `resume`: who it is for is slower than the model."""
        if self._transport is not None and self._carried is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused and self._transport is not None:
            self._transport.resume_reading()
        self._paused = False

    def abandon(self) -> None:
        """Closed at once; whoever it carried for is not told."""
        self._carried = None
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._carried is None:
            self.abandon()  # it speaks without being asked: nothing later can be matched to a request
            return
        self._begun = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._carried is not None:
                self._break(True, f"the container's answer is not HTTP: {error}")
            return
        if self._carried is None:
            return  # it was given up while its answer was read
        if self._size > self._reply_limit:
            self._break(True, f"the container's answer is larger than {self._reply_limit} bytes")
        elif self._complete:
            self._finish(self._keep)

    def eof_received(self) -> None:
        assert self._transport is not None
        self._unsent = self._transport.get_write_buffer_size() > 0

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self.lost = True
        if self._carried is None:
            self._unused(self)
        elif self._headed and error is None and self._to_the_end():
            self._finish(False)
        elif self._begun:
            self._break(True, "the container closed the connection in the middle of its answer")
        else:
            reached = not (self._unsent or (self._local and error is not None))
            self._break(reached, "the container closed the connection before it answered")

    def _to_the_end(self) -> bool:
        return "content-length" not in self._headers and "chunked" not in self._headers.get("transfer-encoding", "")

    def _break(self, reached: bool, why: str) -> None:
        carried, self._carried = self._carried, None
        if self._transport is not None:
            self._transport.abort()
        assert carried is not None
        carried.broken(self, reached, why)

    def _finish(self, keep: bool) -> None:
        carried, self._carried = self._carried, None
        assert carried is not None
        self.resume()  # the end of an answer may come in the same bytes as the part that was too much
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        reply = Reply(self._parser.get_status_code(), self._headers, body)
        self._clear()
        self.fresh = False
        if self._transport is not None and (not keep or self._transport.get_write_buffer_size() > 0):
            # It answered without reading everything, or said that it will close: no second request on this one.
            self._transport.abort()
        carried.answered(self, reply)

    # httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._headed = True
        status = self._parser.get_status_code()
        taker = self._carried.taker if self._carried is not None else None
        if taker is not None and 200 <= status < 300:
            self._taker = taker
            taker.opened(self, Reply(status, self._headers, b""))

    def on_body(self, data: bytes) -> None:
        if self._taker is not None:
            if self._carried is not None:
                self._taker.part(data)
            return
        self._size += len(data)
        if self._size <= self._reply_limit:
            self._parts.append(data)

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("two answers to one request")

    def on_message_complete(self) -> None:
        if 100 <= self._parser.get_status_code() < 200:
            self._clear()  # 100 Continue and its like: the answer is still to come
            self._begun = True
        else:
            self._complete = True
            self._keep = self._parser.should_keep_alive()  # only told here: the parser forgets


def is_local(address: str) -> bool:
    return address.startswith("unix:")


async def connect(address: str, timeout: float, make: Callable[[], Connection]) -> Connection:
    """A connection to "unix:/path" or "host:port". Raises OSError (TimeoutError among them)."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(timeout):
        if is_local(address):
            _, protocol = await loop.create_unix_connection(make, address.removeprefix("unix:"))
        else:
            host, _, port = address.rpartition(":")
            _, protocol = await loop.create_connection(make, host.strip("[]"), int(port))
    return protocol
