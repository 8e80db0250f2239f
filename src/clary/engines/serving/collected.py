"""An answer in parts, for a coroutine that takes them: what it is slow to take, the model waits for."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Final

from clary.engines.serving.answers import pieces
from clary.engines.serving.base import Reply
from clary.engines.serving.exchange import Exchange

HELD_BYTES: Final = 256 * 1024
"""What may wait to be taken before the model is held back."""


class Collected:
    """A `Sink`. `exchange` is set by who dispatches it; `abandon` is called when the rest is not wanted."""

    def __init__(self, abandon: Callable[[Exchange], None]) -> None:
        self.exchange: Exchange | None = None
        self._abandon = abandon
        self._head: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting: deque[bytes] = deque()
        self._held = 0
        self._ended = False
        self._news = asyncio.Event()

    def opened(self, exchange: Exchange, reply: Reply) -> None:
        self.exchange = exchange
        if not self._head.done():
            self._head.set_result(reply)

    def part(self, data: bytes) -> None:
        self._waiting.append(data)
        self._held += len(data)
        self._news.set()
        if self._held > HELD_BYTES and self.exchange is not None:
            self.exchange.pause()

    def told(self, exchange: Exchange) -> None:
        """The exchange has ended."""
        self.exchange = exchange
        self._ended = True
        self._news.set()
        if self._head.done():
            return
        if exchange.error is not None:
            self._head.set_exception(exchange.error)
        elif exchange.reply is not None:
            self._head.set_result(self._whole(exchange.reply))

    def _whole(self, reply: Reply) -> Reply:
        """A good answer that came in one piece, as compiled models answer, is one part, or a few if it is long."""
        if not 200 <= reply.status < 300 or not reply.body:
            return reply
        self._waiting.extend(pieces(reply.body))
        self._held += len(reply.body)
        return replace(reply, body=b"")

    async def head(self) -> Reply:
        """The head of the answer; a model's error with its body. Raises what the exchange ended with."""
        return await self._head

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises the exchange's error when it breaks off."""
        try:
            while True:
                while self._waiting:
                    data = self._waiting.popleft()
                    self._held -= len(data)
                    if self._held <= HELD_BYTES and self.exchange is not None:
                        self.exchange.resume()
                    yield data
                if self._ended:
                    break
                self._news.clear()
                await self._news.wait()
            if self.exchange is not None and self.exchange.error is not None:
                raise self.exchange.error
        finally:
            if self.exchange is not None:
                self._abandon(self.exchange)
