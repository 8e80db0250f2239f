"""Serverless variants: requests wait in a front while no instance is there, and the control process is told how many.

Telling is level-triggered: as long as a front has requests for a serverless endpoint it says how many, again and again,
and at last that there are none. What is not heard (the control process is away) is said again; what a front that died
had said goes with its connection. So nothing is lost but time.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson

from clary.engines.serving.choosing import Endpoint, Share, Variant
from clary.engines.serving.exchange import Exchange
from clary.engines.serving.faults import Throttled
from clary.engines.serving.routes import RouteKey
from clary.engines.serving.server import Server
from clary.kernel.clock import Clock

logger = logging.getLogger(__name__)

TELL_SECONDS = 0.2
"""How often a front says how many requests it has, while it has some."""
LINE_LIMIT = 2**22

VariantKey = tuple[str, str, str, str]
"""(account, region, endpoint, variant)."""


class WakingEndpoint(Endpoint):
    """A serverless endpoint: its one variant may have no instance, and takes so many requests at once."""

    wakes = True

    def __init__(self, name: str, variants: list[Variant], concurrency: int, woken: Callable[[], None]) -> None:
        """`variants`: one, or while it is updated the old and the new of one name."""
        super().__init__(name, variants)
        self._pools = variants
        self._most = concurrency
        self._woken = woken

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


@dataclass(frozen=True, slots=True)
class Asked:
    concurrent: int
    """Requests in all fronts now."""
    used: float
    """When there last was one (`Clock.ticks`); at the earliest when somebody first asked about the variant."""


class Demand(Protocol):
    """How much serverless variants are asked for."""

    def of(self, key: VariantKey) -> Asked: ...


class Demands:
    """The control process's end of all `Waker`s. Knows nothing at its start, and everything a moment later."""

    def __init__(self, path: Path, clock: Clock, more: Callable[[str, str, str], None]) -> None:
        """`more` hears of (account, region, endpoint) when it is asked for more than before, and of the last request's
        end."""
        self._path = path
        self._clock = clock
        self._more = more
        self._counts: dict[asyncio.StreamWriter, dict[VariantKey, int]] = {}
        self._used: dict[VariantKey, float] = {}
        self._server: asyncio.Server | None = None

    def of(self, key: VariantKey) -> Asked:
        used = self._used.setdefault(key, self._clock.ticks())
        concurrent = sum(counts.get(key, 0) for counts in self._counts.values())
        return Asked(concurrent, self._clock.ticks() if concurrent else used)

    def forget(self, key: RouteKey) -> None:
        """The endpoint is gone."""
        self._used = {one: used for one, used in self._used.items() if one[:3] != key}

    async def start(self) -> None:
        """Fronts are heard."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._hear, self._path, limit=LINE_LIMIT)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._counts):
            writer.close()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._counts[writer] = {}
        try:
            while line := await reader.readline():
                self._heard(writer, orjson.loads(line))
        except (ValueError, KeyError, TypeError, ConnectionError) as error:
            logger.warning("a front's count was not understood", extra={"error": repr(error)})
        finally:
            self._take(writer, {})
            del self._counts[writer]
            writer.close()

    def _heard(self, writer: asyncio.StreamWriter, said: object) -> None:
        assert isinstance(said, dict)
        counts: dict[VariantKey, int] = {}
        for account, region, endpoint, variant, count in said["asked"]:
            counts[account, region, endpoint, variant] = int(count)
        self._take(writer, counts)

    def _take(self, writer: asyncio.StreamWriter, counts: dict[VariantKey, int]) -> None:
        now, before = self._clock.ticks(), self._counts[writer]
        self._counts[writer] = counts
        for key in {*counts, *before}:
            new, old = counts.get(key, 0), before.get(key, 0)
            if new or old:
                self._used[key] = now
            if new > old or (old and not new):
                self._more(key[0], key[1], key[2])
