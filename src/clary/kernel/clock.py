"""The only source of time."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def ticks(self) -> float:
        """Seconds from some beginning that only go forward, also while the time of day is put back."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    def ticks(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that tests own: time stands still until `advance`."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._ticks = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    def ticks(self) -> float:
        return self._ticks

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, woken))
        await woken

    def advance(self, seconds: float) -> None:
        """So much time passes; less than none: the time of day is put back."""
        self._now += seconds
        self._ticks += max(seconds, 0.0)
        waiting = []
        for at, woken in self._sleepers:
            if at <= self._now and not woken.done():
                woken.set_result(None)
            elif not woken.done():
                waiting.append((at, woken))
        self._sleepers = waiting
