"""A connection whose first bytes were already read by somebody else."""

import asyncio
from typing import cast


class Primed(asyncio.Protocol):
    """Gives `first` to the real protocol before anything that the transport reads, then steps aside."""

    def __init__(self, real: asyncio.Protocol, first: bytes) -> None:
        self._real = real
        self._first = first

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The transport reads nothing until this returns, so the order of the bytes is kept.
        transport.set_protocol(self._real)
        self._real.connection_made(transport)
        if not cast(asyncio.Transport, transport).is_closing():
            self._real.data_received(self._first)
