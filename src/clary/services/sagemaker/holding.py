"""Describe, held: a client that polls gets its answer when there is something new to tell, not half a minute later.

Clients wait for a job by describing it and sleeping in between, and the sleep is theirs. A Describe that such a loop
sends while its resource is unfinished is held until the resource changes its phase, or for `seconds`, and is then
answered with what is true then. Nothing else changes: no status is kept back, and a held answer is an answer of its own
moment.

Only loops are held, and only those that say so in their User-Agent: a waiter of botocore (`m/B`), and the SageMaker
SDK once it knows the phase, because it made the resource or has been told. Anybody else is answered at once.
Held requests wait in the event loop: no thread and no transaction waits with them, and there are at most `MOST`.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from clary.aws.service import Context
from clary.kernel.clock import Clock
from clary.kernel.resource import Resource
from clary.kernel.store import Store

MOST: Final = 64
SOON_SECONDS: Final = 1.0
"""The SDK asks for the details of what it has just made, too, and not only in a loop."""
KNOWN_SECONDS: Final = 60.0
"""For so long it counts that the client has been told: the SDK's slowest loop asks every 30 s."""
_REMEMBERED: Final = 10_000
_SDK: Final = "AWS-SageMaker-Python-SDK"
_FEATURES: Final = re.compile(r"\bm/([A-Za-z0-9,+-]+)")

Client = tuple[str, str]
"""Who is told, by ARN, and of what, by uid. The rest of a User-Agent differs from request to request."""


class Holding:
    """The port. Belongs to one event loop; `seconds` 0: nothing is held."""

    def __init__(self, store: Store, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._told: OrderedDict[Client, tuple[str, float]] = OrderedDict()
        self._waiting: set[asyncio.Future[None]] = set()
        self._closed = False
        store.listen(self._wake, told=False, hints=False)  # a phase changes with an event

    @property
    def held(self) -> int:
        return len(self._waiting)

    def told(self, ctx: Context, one: Resource) -> None:
        """The client of this request knows the phase that the resource is in."""
        client = _client(ctx, one)
        self._told[client] = (one.phase, self._clock.now())
        self._told.move_to_end(client)
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)

    async def answer(self, ctx: Context, read: Callable[[], Resource], settled: Callable[[str], bool]) -> Resource:
        """What `read` gives: at once, or, for a loop that knows it already, when its phase has changed."""
        one = read()
        if self._seconds > 0 and not self._closed and not settled(one.phase) and self._is_loop(ctx, one):
            one = await self._changed(one, read)
        self.told(ctx, one)
        return one

    def close(self) -> None:
        """Whoever is held is answered now, and nobody is held any more."""
        self._closed = True
        self._wake()

    def _is_loop(self, ctx: Context, one: Resource) -> bool:
        agent = ctx.headers.get("user-agent", "")
        if any("B" in match.split(",") for match in _FEATURES.findall(agent)):
            return True
        if _SDK not in agent:
            return False
        phase, at = self._told.get(_client(ctx, one), ("", 0.0))
        return phase == one.phase and SOON_SECONDS <= self._clock.now() - at <= KNOWN_SECONDS

    async def _changed(self, one: Resource, read: Callable[[], Resource]) -> Resource:
        phase, timer = one.phase, asyncio.ensure_future(self._clock.sleep(self._seconds))
        try:
            while one.phase == phase and not timer.done() and not self._closed and len(self._waiting) < MOST:
                woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.add(woken)
                try:
                    await asyncio.wait((woken, timer), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    self._waiting.discard(woken)
                one = read()
        finally:
            timer.cancel()
            with suppress(asyncio.CancelledError):
                await timer
        return one

    def _wake(self) -> None:
        """Something was written; whether it was theirs, they see for themselves."""
        for woken in self._waiting:
            if not woken.done():
                woken.set_result(None)


def _client(ctx: Context, one: Resource) -> Client:
    return (ctx.principal.arn, one.uid)


async def answer(ctx: Context, read: Callable[[], Resource], settled: Callable[[str], bool]) -> Resource:
    """`Holding.answer` where there is one, else at once. Calls from inside are never held."""
    holding: Holding | None = ctx.ports.get(Holding)
    return await holding.answer(ctx, read, settled) if holding is not None and ctx.headers else read()


def made(ctx: Context, one: Resource) -> None:
    """The client of this request has made the resource, and knows its first phase."""
    holding: Holding | None = ctx.ports.get(Holding)
    if holding is not None and ctx.headers:
        holding.told(ctx, one)
