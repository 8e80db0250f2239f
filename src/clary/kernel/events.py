"""The bus: subscribers hear the outbox, at least once, in order, from where each of them stopped."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from clary.kernel.clock import Clock
from clary.kernel.log import bind
from clary.kernel.reconcile import LONGEST_BACKOFF, LONGEST_SLEEP, backoff
from clary.kernel.store import Event, Store

__all__ = ["BatchHandler", "Bus", "Event", "Followers", "Handler", "Pattern"]

Handler = Callable[[Event], Awaitable[None]]
BatchHandler = Callable[[Sequence[Event]], Awaitable[bool | None]]
"""False: nothing came of these events, so hearing them again is free, and the cursor may be written later."""

BATCH = 100
LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.004, 0.032
"""How often it is looked whether those who give way may go on: at first, and after a while."""
GIVES_WAY_SECONDS = 0.25
"""The longest that one of them waits, however much there is to do."""
LAZY = 100
"""So many lines that a subscriber does not want may pass before its cursor is written: hearing them again is free."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which events a subscriber wants; what is None is open."""

    kind: str | None = None
    type: str | None = None
    phase: str | None = None

    def matches(self, event: Event) -> bool:
        return (
            (self.kind is None or self.kind == event.kind)
            and (self.type is None or self.type == event.type)
            and (self.phase is None or self.phase == event.phase)
        )


class Followers(Protocol):
    """The port of who reads what subscribers write that give way to others."""

    async def caught_up(self) -> None:
        """They have heard everything that was written before this was asked, but for one whose handler raises."""
        ...


@dataclass(slots=True)
class _Subscriber:
    name: str
    pattern: Pattern
    handler: BatchHandler
    at_once: int
    """So many lines of the outbox are looked at for one call."""
    position: int
    """The seq that it has passed; its stored cursor may be up to LAZY unwanted lines behind."""
    stored: int
    failures: int = 0
    not_before: float = 0.0
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    idle: bool = False
    """It waits for something that it wants."""
    gives_way: bool = False
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody waits until it has caught up."""
    drained: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever it has heard what was there, or has failed."""


class Bus:
    """Tails the outbox for its subscribers. A handler may be called again with an event that it has handled (after a
    crash between its work and the cursor), so it is idempotent on `event.seq`.

    One that raises is called again with the same event after 1, 2, 4 ... 60 seconds; the others do not wait for it."""

    def __init__(self, store: Store, clock: Clock, *, keep_seconds: float = 3600.0) -> None:
        self._store = store
        self._clock = clock
        self._keep_seconds = keep_seconds
        self._subscribers: dict[str, _Subscriber] = {}
        self._fetched: tuple[int, list[Event]] | None = None
        self._written = asyncio.Event()
        self._hint = asyncio.Event()
        self._writes = 0
        """How many hints there were."""
        self._running = False
        self._busy: Callable[[], bool] = _never
        store.listen(self._wake, hints=False)

    def subscribe(self, name: str, pattern: Pattern, handler: Handler, *, gives_way: bool = False) -> None:
        """`handler` hears every event of the pattern from the cursor of `name` on; a new name begins with the oldest
        line that is kept. Before `run`. Raises ValueError when the name is taken.

        `gives_way`: nothing waits for what it does, so it is called when there is nothing else to do, a quarter of a
        second later at most, or when somebody asks that it has `caught_up`."""
        self._subscribe(name, pattern, lambda events: handler(events[0]), 1, gives_way)

    def subscribe_batch(self, name: str, pattern: Pattern, handler: BatchHandler, *, gives_way: bool = False) -> None:
        """As `subscribe`, but `handler` hears up to BATCH events in one call, and all of them again when it raised or
        was killed: for who hears many."""
        self._subscribe(name, pattern, handler, BATCH, gives_way)

    def _subscribe(self, name: str, pattern: Pattern, handler: BatchHandler, at_once: int, gives_way: bool) -> None:
        if name in self._subscribers:
            raise ValueError(f"two subscribers are named {name!r}")
        cursor = self._store.cursor(name)
        one = _Subscriber(name, pattern, handler, at_once, cursor, cursor, gives_way=gives_way)
        self._subscribers[name] = one

    def give_way(self, busy: Callable[[], bool]) -> None:
        """Those who give way do so while `busy()`. Without this, they give way to nobody."""
        self._busy = busy

    async def caught_up(self) -> None:
        """See Followers. At once where the bus does not run: then somebody else decides when it hears."""
        for one in self._subscribers.values():
            # The first drain may have begun before this was asked, and may have passed the last line already.
            for _ in range(2):
                if not one.gives_way or not self._running or one.failures or (one.idle and self._pass(one)):
                    break
                one.asked.set()
                one.drained.clear()
                one.woken.set()
                await one.drained.wait()

    def lags(self) -> dict[str, float]:
        """By subscriber: the age in seconds of the next line that it has to pass; 0: it has passed all."""
        now = self._clock.now()
        found = {}
        for one in self._subscribers.values():
            ahead = self._store.events(one.position, 1)
            found[one.name] = max(0.0, now - ahead[0].at) if ahead else 0.0
        return found

    async def tick(self) -> int:
        """Every subscriber that is not backing off has heard what is there; returns how many events were handled."""
        handled = 0
        for one in self._subscribers.values():
            handled += await self._drain(one)
        return handled

    async def run(self, stop: asyncio.Event) -> None:
        """Goes on until `stop` is set. Idle costs nothing: it is woken by the store's commits."""
        works = [asyncio.create_task(self._follow(one)) for one in self._subscribers.values()]
        works.append(asyncio.create_task(self._trim_again()))
        works.append(asyncio.create_task(self._pass_on()))
        works.append(asyncio.create_task(self._wake_again()))
        self._running = True
        try:
            await stop.wait()
        finally:
            self._running = False
            for one in self._subscribers.values():
                one.drained.set()  # nobody waits for one that ends
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)

    async def trim(self) -> int:
        """Lines that everybody has passed and that are older than `keep_seconds` are gone; returns how many."""
        before = self._clock.now() - self._keep_seconds
        passed = min((one.position for one in self._subscribers.values()), default=2**62)
        total = 0
        while gone := self._store.trim(before, passed):
            total += gone
            await asyncio.sleep(0)  # A long outbox goes in bites: others may run between them.
        return total

    async def _follow(self, one: _Subscriber) -> None:
        bind(subscriber=one.name)
        while True:
            one.woken.clear()
            if one.gives_way:
                await self._others_first(one)
            one.asked.clear()
            try:
                await self._drain(one)
            except Exception:
                log.exception("the store refused the bus")
                one.not_before = self._clock.now() + 1.0
            one.drained.set()
            await self._pause(one)

    async def _others_first(self, one: _Subscriber) -> None:
        """Until there is nothing else to do, somebody asks for it, or it has waited for long enough."""
        left, nap = GIVES_WAY_SECONDS, LOOK_SECONDS
        asked = asyncio.ensure_future(one.asked.wait())
        try:
            while left > 0 and not one.asked.is_set() and self._busy():
                napping = asyncio.ensure_future(self._clock.sleep(nap))
                try:
                    await asyncio.wait((napping, asked), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    napping.cancel()
                left -= nap
                nap = min(nap * 2, LONGEST_LOOK_SECONDS)  # who has been busy for long is likely to be for longer
        finally:
            asked.cancel()

    async def _pause(self, one: _Subscriber) -> None:
        """Until something was written, but never before the back-off is over."""
        wait = one.not_before - self._clock.now()
        if wait > LONGEST_BACKOFF:  # the clock was put back
            one.not_before -= wait - LONGEST_BACKOFF
            wait = LONGEST_BACKOFF
        if wait > 0:
            await self._clock.sleep(wait)
            return
        one.idle = True
        try:
            await one.woken.wait()
        finally:
            one.idle = False

    async def _pass_on(self) -> None:
        """New lines wake those who want them; the others pass them without being woken."""
        while True:
            self._hint.clear()
            passed = -1
            for one in self._subscribers.values():
                try:
                    # What one has found to be the end is the end for all that stand there: nobody comes between.
                    if one.idle and (one.position == passed or self._pass(one)):
                        passed = one.position
                    else:
                        one.woken.set()
                except Exception:
                    log.exception("the store refused the bus")
                    one.woken.set()  # it meets the refusal itself, and tries again
            await self._hint.wait()

    def _pass(self, one: _Subscriber) -> bool:
        """It wants none of the lines that are there, and has passed them."""
        while events := self._fetch(one.position):
            if any(one.pattern.matches(event) for event in events):
                return False
            one.position = events[-1].seq
            if one.position - one.stored >= LAZY:
                self._store_position(one, one.position)
            if len(events) < BATCH:
                break
        return True

    async def _wake_again(self) -> None:
        """What no hint told of is seen after a while: one task for all subscribers, so that a wait costs nothing."""
        while True:
            await self._clock.sleep(LONGEST_SLEEP)
            self._hint.set()

    async def _drain(self, one: _Subscriber) -> int:
        handled = 0
        while one.not_before <= self._clock.now():
            writes = self._writes
            if not (events := self._fetch(one.position)):
                break
            for at in range(0, len(events), one.at_once):
                lines = events[at : at + one.at_once]
                wanted = [event for event in lines if one.pattern.matches(event)]
                came_of_it = bool(wanted)
                if wanted:
                    try:
                        came_of_it = await one.handler(wanted) is not False
                    except Exception as error:
                        self._hold_off(one, wanted, error)
                        return handled
                    one.failures = 0
                    if one.gives_way:
                        await asyncio.sleep(0)  # others go first between two calls, too
                one.position = lines[-1].seq
                handled += len(wanted)
                if came_of_it:
                    # Only now: a crash before this line calls the handler again, never the other way round.
                    self._store_position(one, one.position)
            if one.position - one.stored >= LAZY:
                self._store_position(one, one.position)
            if len(events) < BATCH and writes == self._writes:
                break  # that was all, and nothing was written since: no need to ask the store again
        return handled

    def _hold_off(self, one: _Subscriber, events: Sequence[Event], error: Exception) -> None:
        """It hears the same again, later."""
        one.failures += 1
        one.not_before = self._clock.now() + backoff(one.failures)
        about = {"subscriber": one.name, "seq": events[0].seq, "failures": one.failures}
        log.error("a subscriber raised", exc_info=error, extra=about)

    def _store_position(self, one: _Subscriber, seq: int) -> None:
        self._store.advance(one.name, seq)
        one.stored = seq

    def _fetch(self, after: int) -> list[Event]:
        """The next lines. Subscribers mostly stand at the same place: they share one read until the next commit."""
        if self._fetched is not None and self._fetched[0] == after:
            return self._fetched[1]
        found = self._store.events(after, BATCH)
        # An empty answer is not kept: another process may write, and no hint would tell of it.
        self._fetched = (after, found) if found else None
        return found

    def _wake(self) -> None:
        self._fetched = None
        self._writes += 1
        self._written.set()
        self._hint.set()

    async def _trim_again(self) -> None:
        while True:
            await self._written.wait()
            self._written.clear()
            try:
                await self.trim()
            except Exception:
                log.exception("the outbox could not be trimmed")
            await self._clock.sleep(LONGEST_SLEEP)


def _never() -> bool:
    return False
