"""How much serverless variants are asked for, as every front tells it (waking.py)."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson

from clary.kernel.clock import Clock

logger = logging.getLogger(__name__)

LINE_LIMIT = 2**22

VariantKey = tuple[str, str, str, str]
"""(account, region, endpoint, variant)."""


@dataclass(frozen=True, slots=True)
class Asked:
    concurrent: int
    """Requests in all fronts now."""
    used: float
    """When there last was one (`Clock.ticks`); at the earliest when somebody first asked about the variant."""


class Demand(Protocol):
    """The port."""

    def of(self, key: VariantKey) -> Asked: ...

    def forget(self, account: str, region: str, endpoint: str) -> None:
        """The endpoint is gone."""
        ...


class Nobody:
    """Nobody asks for anything, and never has."""

    def of(self, key: VariantKey) -> Asked:
        return Asked(0, float("-inf"))

    def forget(self, account: str, region: str, endpoint: str) -> None:
        """Nothing was known of it."""


class Demands:
    """The control process's end of all wakers. Knows nothing at its start, and everything a moment later."""

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

    def forget(self, account: str, region: str, endpoint: str) -> None:
        """The endpoint is gone."""
        gone = (account, region, endpoint)
        self._used = {key: used for key, used in self._used.items() if key[:3] != gone}

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
            self._used[key] = now  # what a front names has been asked since it last said something
            if new > old or (old and not new):
                self._more(key[0], key[1], key[2])
