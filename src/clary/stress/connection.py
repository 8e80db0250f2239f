"""One kept-alive connection with at most one request under way, and the answers read off it."""

import asyncio
import re
from typing import Protocol, cast

import httptools

from clary.stress.signing import Wire

_HEADERS = re.compile(
    rb"\r\n(?:content-length: *(\d+)|x-amzn-invoked-production-variant: *([^\r]+)|x-amzn-errortype: *([^\r]+)"
    rb"|(connection: *close)|(transfer-encoding: *chunked))",
    re.IGNORECASE,
)
_LONGEST_HEAD = 65536
_KEPT = 65536
"""How much of an answer is kept to be compared or told, in bytes."""


class Answer:
    """What came back. The body is whole only if it is short."""

    __slots__ = ("body", "close", "error", "left", "status", "variant")

    def __init__(self, status: int) -> None:
        self.status = status
        self.variant = ""
        self.error = ""
        self.body = b""
        self.close = False
        self.left = 0


class Owner(Protocol):
    """Who sends on connections, and hears how it went."""

    def answered(self, connection: "Connection", answer: Answer) -> None: ...

    def lost(self, connection: "Connection", error: Exception) -> None:
        """The connection is gone. It had a request under way when `connection.busy`."""


class Connection(asyncio.Protocol):
    """Reads one answer at a time. `began` and `label` are its owner's notes on the request under way."""

    __slots__ = ("_answer", "_owner", "_parser", "_rest", "_transport", "began", "busy", "label", "open")

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._rest = b""
        self._answer: Answer | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self.busy = False
        self.open = False
        self.began = 0.0
        self.label: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class is none of asyncio's
        self.open = True

    def send(self, wire: Wire, began: float, label: bytes | None) -> None:
        """The request is on its way; its time counts from `began` (seconds of the loop's clock)."""
        self.busy = True
        self.began = began
        self.label = label
        if len(wire) == 1:
            self._transport.write(wire[0])
        else:
            self._transport.writelines(wire)

    def drop(self) -> None:
        """Closed without waiting; nobody hears of it again."""
        self.open = self.busy = False
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._parser is not None:
            self._parser.feed_data(data)
            return
        answer = self._answer
        if answer is None:
            answer, data = self._begin(self._rest + data if self._rest else data)
            if answer is None:
                return
        if len(answer.body) < _KEPT:
            answer.body += data
        answer.left -= len(data)
        if answer.left <= 0:
            self._finish(answer)

    def _begin(self, data: bytes) -> tuple[Answer | None, bytes]:
        """The answer whose head is whole, and what came of its body; None while it is not."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._rest = data
            if len(data) > _LONGEST_HEAD:
                self._broken(f"a head of more than {_LONGEST_HEAD} bytes")
            return None, b""
        self._rest = b""
        if not self.busy or data[:7] != b"HTTP/1." or not data[9:12].isdigit():
            self._broken(f"no HTTP answer: {data[:80]!r}")
            return None, b""
        answer = Answer(int(data[9:12]))
        if answer.status < 200:
            return self._begin(data[end + 4 :]) if len(data) > end + 4 else (None, b"")
        chunked = False
        # From the status line's end to the last header's: every header begins with a line end.
        for length, variant, error, close, chunks in _HEADERS.findall(data, 12, end):
            if length:
                answer.left = int(length)
            elif variant:
                answer.variant = variant.decode("latin-1")
            elif error:
                answer.error = error.decode("latin-1")
            elif close:
                answer.close = True
            elif chunks:
                chunked = True
        self._answer = answer
        if chunked:
            self._parser = httptools.HttpResponseParser(self)
            self._parser.feed_data(data)
            return None, b""
        return answer, data[end + 4 :]

    def on_body(self, data: bytes) -> None:
        if self._answer is not None and len(self._answer.body) < _KEPT:
            self._answer.body += data

    def on_message_complete(self) -> None:
        if self._answer is not None:
            self._finish(self._answer)

    def _finish(self, answer: Answer) -> None:
        self._answer = self._parser = None
        self.busy = False
        if answer.close:
            self.open = False
            self._transport.close()
        self._owner.answered(self, answer)

    def _broken(self, why: str) -> None:
        self._transport.abort()
        self._end(ConnectionError(why))

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or ConnectionResetError("closed by the server before it answered"))

    def _end(self, error: Exception) -> None:
        """Told once: an owner that closed the connection itself has no interest in its end."""
        if self.open:
            self.open = False
            self._owner.lost(self, error)
            self.busy = False
