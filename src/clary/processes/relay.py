"""Two connections that carry the same bytes: back-pressure from end to end, each half closed on its own."""

import asyncio
import ssl
from typing import Any, cast

BUFFER_BYTES = 256 * 1024
"""What one side may hold for the other before its own source is asked to wait."""
HANDSHAKE_SECONDS = 30.0
FLUSH_SECONDS = 600.0
"""How long a slow reader may take for the last bytes of a closed TLS connection."""


class Distrust(Exception):
    """The client broke off the TLS handshake: usually a program with a list of authorities of its own."""


class Side(asyncio.Protocol):
    """One of the two connections. What it hears before the other is there is kept, and its source waits."""

    def __init__(self, other: "Side | None" = None, first: bytes = b"") -> None:
        self.other = other
        self.early = [first] if first else []
        self.transport: asyncio.Transport | None = None
        self.ended = False
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=BUFFER_BYTES)
        if self.other is not None:
            self.other.meet(self)

    def meet(self, other: "Side") -> None:
        """The other is there: it gets what was kept for it, and the source goes on."""
        self.other = other
        assert other.transport is not None
        for data in self.early:
            other.transport.write(data)
        self.early.clear()
        if self.transport is None or self.transport.is_closing():
            other.transport.close()
        elif self.ended:
            self.eof_received()
        else:
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self.early.append(data)
            if self.transport is not None:
                self.transport.pause_reading()
        elif self.other.transport is not None:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None and not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def eof_received(self) -> bool:
        """This side says no more. The other is told, and may go on speaking: True keeps this one open for it."""
        self.ended = True
        other = self.other
        if self.transport is None or not self.transport.can_write_eof():
            return False  # TLS has no half-close: it closes both ways by itself
        if other is None:
            return True
        if other.transport is None or other.ended or not other.transport.can_write_eof():
            # Both have ended, or the other speaks TLS and has no half-close: what is buffered is written, both close.
            self._close_other()
            return False
        other.transport.write_eof()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None and self.other is not None and self.other.transport is not None:
            self.other.transport.abort()  # a broken stream must not look like one that ended well
        self._close_other()
        if not self.closed.done():
            self.closed.set_result(None)

    def _close_other(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()  # after what was written to it


async def join(ours: Any, theirs: Any, context: ssl.SSLContext | None, first: bytes = b"") -> None:
    """The accepted socket `ours` (made TLS with `context`) and the connected socket `theirs` are one until both ends
    are closed. `first` is written to `theirs` before all else. Both sockets are owned, and closed, from here on.
    Raises Distrust when the handshake fails."""
    loop = asyncio.get_running_loop()
    near = Side(first=first)
    tls: dict[str, Any] = {}
    if context is not None:
        tls = {"ssl": context, "ssl_handshake_timeout": HANDSHAKE_SECONDS, "ssl_shutdown_timeout": FLUSH_SECONDS}
    try:
        await loop.connect_accepted_socket(lambda: near, ours, **tls)
    except BaseException as error:
        ours.close()
        theirs.close()
        if context is not None and isinstance(error, OSError):
            raise Distrust(str(error)) from None
        raise
    assert near.transport is not None
    far = Side(near)
    try:
        await loop.connect_accepted_socket(lambda: far, theirs)
    except BaseException:
        near.transport.abort()
        theirs.close()
        raise
    try:
        await asyncio.wait({near.closed, far.closed})
    finally:  # cancelled: neither may be left to the garbage collector
        near.transport.abort()
        if far.transport is not None:
            far.transport.abort()
        await asyncio.wait({near.closed, far.closed})
