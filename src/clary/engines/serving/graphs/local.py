"""Compiled models that the front itself holds: no second process on the way of a request."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from clary.engines.serving.base import Reply
from clary.engines.serving.instance import Limits

if TYPE_CHECKING:
    from clary.engines.serving.exchange import Exchange
    from clary.engines.serving.server import Server

LOCAL_BYTES = 64 * 1024
"""Of the requests that wait here, before another instance is asked."""

Told = Callable[["Exchange", int, str, bytes], None]
"""(what was handed in, status, content type, body); status 0: no such instance is held."""


class Holder(Protocol):
    """Who holds graphs in this process. Answers in a later turn of the loop, many requests in one run."""

    worker: int
    """Its number among the workers of compiled models."""

    def take(self, uid: str, content_type: str, accept: str, body: bytes, told: Told, token: "Exchange") -> None: ...


def nearest(instances: "list[Server]") -> "list[Server]":
    """Those of this process first: little requests go to the first that has time."""
    return sorted(instances, key=lambda one: not isinstance(one, LocalInstance))


class LocalInstance:
    """A Server: one instance in this process."""

    has_idle = False

    def __init__(self, address: str, uid: str, holder: Holder, limits: Limits) -> None:
        self.address = address
        self.outstanding = 0
        self.turn = 0
        self.down_until = 0.0
        self._uid = uid
        self._held = 0
        self._holder = holder
        self._limits = limits
        self._most = limits.connections + limits.waiting
        self._heads: dict[str, dict[str, str]] = {}
        """Of answers, by content type."""

    @property
    def gathering(self) -> bool:
        return self._held < LOCAL_BYTES

    @property
    def full(self) -> bool:
        return self.outstanding >= self._most

    def submit(self, exchange: "Exchange") -> None:
        self.outstanding += 1
        body = exchange.body
        self._held += len(body)
        get = exchange.headers.get
        exchange.sent = time.perf_counter()
        self._holder.take(self._uid, get("content-type", ""), get("accept", ""), body, self._told, exchange)

    def leave(self, exchange: "Exchange") -> None:
        self.outstanding -= 1
        self._held -= len(exchange.body)

    def sweep(self, now: float) -> None: ...

    def retire(self) -> None: ...

    def close(self) -> None: ...

    def _told(self, exchange: "Exchange", status: int, content_type: str, body: bytes) -> None:
        if exchange.done:
            return
        self.outstanding -= 1
        self._held -= len(exchange.body)
        if not status:
            exchange.sent = 0.0
            # For a moment: its graph is being loaded, or the route that names it is about to go.
            self.down_until = asyncio.get_running_loop().time() + self._limits.retry_seconds
            exchange.unreachable(self)
            return
        head = self._heads.get(content_type)
        if head is None:
            head = self._heads[content_type] = {"content-type": content_type}
        exchange.instance = None
        exchange.reply = Reply(status, head, body, exchange.variant)
        exchange.owner.end(exchange)
