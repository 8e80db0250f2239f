"""Inferences that may take long: what asynchronous endpoints work on."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

from clary.engines.serving.base import Reply
from clary.engines.serving.faults import ModelTimeout
from clary.engines.serving.instance import Limits
from clary.engines.serving.router import TIMED_OUT, Router
from clary.engines.serving.routes import RouteFile, RouteKey

LONGEST_SECONDS: Final = 3600.0
LIMITS: Final = Limits(
    connections=1000,
    waiting=1000,
    # What a request may take is said with it, and is never more than this.
    answer_seconds=LONGEST_SECONDS + 60.0,
    stream_seconds=LONGEST_SECONDS + 60.0,
    # Who has a backlog need not wait here.
    patience_seconds=0.0,
    reply_bytes=1 << 30,
)


class Patient:
    """A router of its own, with other bounds. It counts nothing: asynchronous endpoints have metrics of their own."""

    def __init__(self, file: RouteFile, sockets: Path) -> None:
        self._file = file
        self._sockets = sockets
        self._router: Router | None = None
        self._stamp = (-1, -1, -1)

    async def invoke(
        self, key: RouteKey, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> tuple[Reply, AsyncIterator[bytes]]:
        """The head of the model's answer and its parts, all of which come within so many seconds. `headers` are in
        lower case. Raises NoRoute, NoInstance, or a faults.InferenceError; so does the iterator."""
        router = await self._fresh()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        try:
            async with asyncio.timeout_at(deadline):
                reply, parts = await router.stream(key, headers, body)
        except TimeoutError:
            raise ModelTimeout(TIMED_OUT) from None
        return reply, _until(deadline, parts)

    def close(self) -> None:
        if self._router is not None:
            self._router.close()

    async def _fresh(self) -> Router:
        if self._router is None:
            self._router = Router(LIMITS, sockets=self._sockets, asynchronous=True)
        stamp = self._file.stamp()
        if stamp != self._stamp:
            table = await asyncio.to_thread(self._file.read)
            if table.generation >= self._router.generation:
                self._router.take(table)
            self._stamp = stamp
        return self._router


async def _until(deadline: float, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise ModelTimeout(TIMED_OUT) from None
            yield part
    finally:
        close = getattr(parts, "aclose", None)
        if close is not None:
            await close()
