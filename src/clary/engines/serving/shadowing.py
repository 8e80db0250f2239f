"""Shadow variants: they see copies of requests, and nobody hears their answers.

A copy is made when the original has ended, so whatever the shadow does cannot slow it. A copy waits for nobody: where
no shadow instance can take it now, or too many copies are under way, it is left out.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clary.engines.serving.base import NoInstance, Route, RouteVariant
from clary.engines.serving.exchange import Exchange
from clary.engines.serving.faults import ModelTimeout
from clary.engines.serving.routes import RouteKey
from clary.engines.serving.server import Server

logger = logging.getLogger(__name__)

MOST_COPIES = 512
"""Under way at the same time, of all endpoints together."""
MOST_BYTES = 64 * 1024 * 1024
"""Of their bodies."""


@dataclass(frozen=True, slots=True)
class Shadow:
    variant: str
    share: float
    """Of the requests that it sees: from 0 to 1."""
    instances: list[Server]


class Shadowing:
    """The `Owner` of the copies. Belongs to its router's event loop."""

    def __init__(self, answer_seconds: float, share: Callable[[], float]) -> None:
        self.counted: Callable[[Exchange], None] | None = None
        """Hears of every copy that has ended, however it did."""
        self._answer_seconds = answer_seconds
        self._share = share
        self._shadows: Mapping[RouteKey, list[Shadow]] = {}
        self._flying: dict[Exchange, None] = {}
        """In order of their deadlines."""
        self._bytes = 0
        self._turn = 0
        self._loop = asyncio.get_running_loop()

    @property
    def under_way(self) -> int:
        return len(self._flying)

    def take(self, routes: Mapping[RouteKey, Route], servers: Callable[[RouteVariant], list[Server]]) -> None:
        """From now on these routes' shadows see copies, and no others."""
        self._shadows = {
            key: [Shadow(one.name, one.weight, servers(one)) for one in route.shadows]
            for key, route in routes.items()
            if route.shadows
        }

    def copy(self, original: Exchange) -> None:
        """The shadows of its endpoint see the request, each its share of the requests."""
        for shadow in self._shadows.get(original.key, ()):
            if original.variant and shadow.share > 0 and self._share() < shadow.share:
                self._send(original, shadow)

    def sweep(self, now: float) -> None:
        """Copies that are past their time at `now` are given up."""
        for exchange in list(self._flying):
            if exchange.deadline > now:
                break
            instance, exchange.instance = exchange.instance, None
            if instance is not None:
                instance.leave(exchange)
            exchange.error = ModelTimeout("The shadow variant did not answer in time.")
            self.end(exchange)

    def close(self) -> None:
        self.counted = None
        for exchange in list(self._flying):
            instance, exchange.instance = exchange.instance, None
            if instance is not None:
                instance.leave(exchange)
            self.end(exchange)

    # What an exchange calls.

    def place(self, exchange: Exchange) -> None:
        """Give it to an instance of its shadow that was not tried yet, or end it."""
        shadows = self._shadows.get(exchange.key, ())
        now = self._loop.time()
        free = [
            server
            for shadow in shadows
            if shadow.variant == exchange.variant
            for server in shadow.instances
            if server not in exchange.tried and not server.full and server.down_until <= now
        ]
        if not free:
            exchange.error = NoInstance("No instance of the shadow variant can take the copy.")
            self.end(exchange)
            return
        self._turn += 1
        best = min(free, key=lambda one: (one.outstanding, one.turn))
        best.turn = self._turn
        exchange.instance = best
        best.submit(exchange)

    def opened(self, exchange: Exchange) -> None:
        """Never called: a copy has nobody who takes its answer in parts."""

    def end(self, exchange: Exchange) -> None:
        if exchange.done:
            return
        exchange.done = True
        del self._flying[exchange]
        self._bytes -= len(exchange.body)
        if self.counted is None or isinstance(exchange.error, NoInstance):
            return  # no invocation: the shadow was not asked
        self.counted(exchange)

    def _send(self, original: Exchange, shadow: Shadow) -> None:
        if len(self._flying) >= MOST_COPIES or self._bytes + len(original.body) > MOST_BYTES:
            return
        copy = Exchange(self, original.key, original.headers, original.body, None)
        copy.variant = shadow.variant
        copy.started = time.perf_counter()
        copy.deadline = self._loop.time() + self._answer_seconds
        self._flying[copy] = None
        self._bytes += len(copy.body)
        self.place(copy)
