"""Serverless variants: requests wait in a front while no instance is there, and the control process (demand.py) is told
how many.

Telling is level-triggered: as long as a front has requests for a serverless endpoint it says how many, again and again,
and at last that there are none. What is not heard (the control process is away) is said again; what a front that died
had said goes with its connection. So nothing is lost but time.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import orjson

from clary.engines.serving.choosing import Endpoint, Share, Variant
from clary.engines.serving.exchange import Exchange
from clary.engines.serving.faults import Throttled
from clary.engines.serving.routes import RouteKey
from clary.engines.serving.server import Server

TELL_SECONDS = 0.2
"""How often a front says how many requests it has, while it has some."""


class WakingEndpoint(Endpoint):
    """A serverless endpoint: its one variant may have no instance, and takes so many requests at once."""

    wakes = True

    def __init__(self, name: str, variants: list[Variant], concurrency: int, woken: Callable[[], None]) -> None:
        """`variants`: one, or while it is updated the old and the new of one name."""
        super().__init__(name, variants)
        self._pools = variants
        self._most = concurrency
        self._woken = woken
        self.touched = False
        """It was asked since somebody last set this."""

    @property
    def variant(self) -> str:
        return self._pools[0].name

    @property
    def concurrent(self) -> int:
        """Requests that wait for it or are being answered."""
        return self.waiting + sum(instance.outstanding for pool in self._pools for instance in pool.instances)

    def pick(self, exchange: Exchange, now: float, turn: int, share: Share) -> Server | None:
        """As `Endpoint.pick`. Raises Throttled for a request beyond the concurrency; one that was let in stays in."""
        if self._most and not exchange.parked and not exchange.tried and self.concurrent >= self._most:
            raise Throttled(
                f"Endpoint {self.name} has {self._most} requests in progress, which is its MaxConcurrency; try again."
            )
        self.touched = True
        self._woken()
        return super().pick(exchange, now, turn, share)


class Waker:
    """A router's end: says to the control process's socket at `path` what `asked` counts, from `wake` until there is
    nothing left to count."""

    def __init__(self, path: Path, asked: Callable[[], list[tuple[RouteKey, str, int]]]) -> None:
        self._path = path
        self._asked = asked
        self._telling: asyncio.Task[None] | None = None
        self._closed = False

    def wake(self) -> None:
        """There is a request. Costs a test while it is being told."""
        if self._telling is None and not self._closed:
            self._telling = asyncio.get_running_loop().create_task(self._tell())

    def close(self) -> None:
        self._closed = True
        if self._telling is not None:
            self._telling.cancel()

    async def _tell(self) -> None:
        writer: asyncio.StreamWriter | None = None
        try:
            while True:
                # After whatever woke us has found its place.
                await asyncio.sleep(0)
                asked = [[*key, variant, count] for key, variant, count in self._asked()]
                busy = any(one[-1] for one in asked)
                writer = await self._said(writer, orjson.dumps({"asked": asked}) + b"\n")
                if not busy and writer is not None:
                    return  # heard: whoever comes next wakes us again
                await asyncio.sleep(TELL_SECONDS)
        finally:
            self._telling = None
            if writer is not None:
                writer.close()

    async def _said(self, writer: asyncio.StreamWriter | None, line: bytes) -> asyncio.StreamWriter | None:
        """The line is on its way by the connection that is returned; None: nobody is there to hear it."""
        try:
            if writer is None:
                _, writer = await asyncio.open_unix_connection(self._path)
            writer.write(line)
            await writer.drain()
            return writer
        except OSError:
            if writer is not None:
                writer.close()
            return None
