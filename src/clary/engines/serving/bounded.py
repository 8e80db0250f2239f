"""uvicorn's HTTP, with bounds on what a client may hold: slow and endless requests cost the one who sends them."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from clary.engines.serving.framing import HEAD_LIMIT

SILENT_SECONDS = 30.0
"""A client in the middle of a request that sends nothing for so long (twice as long at most) is disconnected."""


class BoundedHttp(HttpToolsProtocol):
    """A connection whose requests come at a human pace, with heads of a human size.

    `silent_seconds`: see SILENT_SECONDS. Between requests uvicorn's own keep-alive time holds."""

    def __init__(self, *, silent_seconds: float = SILENT_SECONDS, **given: Any) -> None:
        super().__init__(**given)
        self._silent_seconds = silent_seconds
        self._look: asyncio.TimerHandle | None = None
        self._heard = True
        """Something has come since the last look."""
        self._arriving = False
        """A request has begun to come and is not whole."""
        self._head: int | None = 0
        """Bytes of a head that is not whole yet; None: the head is whole, a body comes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look = self.loop.call_later(self._silent_seconds, self._looked)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        super().data_received(data)
        if self._head is None or not self._arriving:
            return
        # Too much by what came before this head began in the same read: at most one read more or less.
        self._head += len(data)
        if self._head > HEAD_LIMIT and not self.transport.is_closing():
            self._refuse(431, "Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        self._arriving, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._arriving, self._head = False, 0
        super().on_message_complete()

    def _looked(self) -> None:
        # One timer a connection, and no work on its requests. That we read nothing is not the client's silence.
        if self._arriving and not self._heard and not self.flow.read_paused:
            if self._head is None:
                self.transport.close()  # its handler hears that the client is gone
            else:
                self._refuse(408, "Request Timeout")
            return
        self._heard = False
        self._look = self.loop.call_later(self._silent_seconds, self._looked)

    def _refuse(self, status: int, phrase: str) -> None:
        # An earlier request of this connection may still be answered: no words in between then.
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(
                f"HTTP/1.1 {status} {phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()
            )
        self.transport.close()
