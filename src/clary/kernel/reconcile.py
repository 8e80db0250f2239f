"""The level-triggered loop: claim what is due, take one idempotent step, write, repeat."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from clary.kernel.clock import Clock
from clary.kernel.errors import IllegalMove, Stale
from clary.kernel.log import bind
from clary.kernel.resource import Resource, StateMachine
from clary.kernel.store import Store

ATTEMPTS = 6
"""After so many looks in a row that raised, the reconciler is asked to give up."""
LONGEST_BACKOFF = 60.0
PUT_BACK = 1.0
"""Seconds: a clock that lost less than that between two looks was slewed, not put back."""
CHAIN = 4
"""So many looks at one resource, each of which asked for the next at once, may follow each other before others are
asked whether they are due."""
REST_SECONDS = 0.003
"""One look leads to another by way of the bus: so long after the last one there may be more to do at once."""
LONGEST_SLEEP = 60.0
"""What no hint told of (a write of another process, a machine that was suspended) is seen after so many seconds."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """What a reconciler decided. Made by `move`, `again`, `rest` and `gone`."""

    kind: Literal["move", "again", "rest", "gone"]
    phase: str | None = None
    after: float | None = None
    """Seconds until the next look; None: not until something changes."""
    status: Mapping[str, Any] = field(default_factory=dict)
    emit: bool = False
    """Tell of it by a "changed" event where the phase stays."""
    hastens: str | None = None
    """The uid of a resource that shall look at once when this is written: it is due in the same transaction."""


def move(phase: str, *, after: float | None = None, hastens: str | None = None, **status: Any) -> Step:
    """Go to `phase`; look again `after` seconds when given, else never by itself. `hastens`: see Step."""
    return Step("move", phase, after, status, hastens=hastens)


def again(after: float, *, emit: bool = False, **status: Any) -> Step:
    """Stay in the phase, look again in `after` seconds."""
    return Step("again", None, after, status, emit)


def rest(**status: Any) -> Step:
    """Stay in the phase until something changes."""
    return Step("rest", None, None, status)


def gone() -> Step:
    """What was asked is that it does not exist, and it does not: delete the row."""
    return Step("gone")


class Reconciler(Protocol):
    """Moves what is true towards what is asked. Every step may be repeated after a crash at any line."""

    async def __call__(self, resource: Resource, /) -> Step: ...

    def give_up(self, resource: Resource, error: Exception, /) -> Step:
        """The step to take when every attempt raised: normally a move to a failed phase with the reason."""
        ...


class Controller:
    """The control loop over the kinds that have a reconciler. It keeps nothing that matters: killed at any line, its
    leases lapse and another one goes on from the rows.

    One process never steps the same resource twice at once: where a handler's write frees a row whose step is still
    under way, the new version is claimed and held back until that step is over."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        reconcilers: Mapping[str, Reconciler],
        machines: Mapping[str, StateMachine],
        *,
        lease: float = 30.0,
        workers: int = 16,
    ) -> None:
        self._store = store
        self._clock = clock
        self._reconcilers = reconcilers
        self._machines = machines
        self._lease = lease
        self._workers = workers
        self._flying: dict[tuple[str, str], Resource] = {}
        self._parked: dict[tuple[str, str], Resource] = {}
        self._looks: set[asyncio.Task[None]] = set()
        self._heartbeat: asyncio.Task[None] | None = None
        self._closing = False
        self._seen = (clock.now(), clock.ticks())
        self._looked = -REST_SECONDS
        self._woken = asyncio.Event()
        store.listen(self._woken.set, told=False)

    @property
    def looking(self) -> int:
        """How many resources are being looked at."""
        return len(self._flying)

    @property
    def busy(self) -> bool:
        """Something is looked at, or was a moment ago."""
        return bool(self._flying) or self._clock.ticks() - self._looked < REST_SECONDS

    async def tick(self) -> int:
        """What is due now, up to `workers` resources, has been looked at once; returns how many looks that took."""
        taken = self._fill()
        while self._looks:
            before = len(self._parked)
            await asyncio.wait(self._looks, return_when=asyncio.FIRST_COMPLETED)
            taken += before - len(self._parked)
        return taken

    async def run(self, stop: asyncio.Event) -> None:
        """Goes on until `stop` is set, then gives back what is under way. Sleeps exactly until something is due, a hint
        comes or a step is over: idle costs nothing."""
        self._closing = False
        stopping = asyncio.create_task(self._wake_on(stop))
        try:
            while not stop.is_set():
                self._woken.clear()
                try:
                    self._fill()
                    delay = self._delay()
                except Exception:
                    # A full disk or a locked file must not end the loop: the rows are as they were.
                    log.exception("the store refused the controller")
                    delay = 1.0
                await self._sleep(delay)
        finally:
            stopping.cancel()
            await self._give_back()

    def _mind_clock(self) -> None:
        """What waits for a time of day would wait longer by as much as the clock was put back. It is looked at now, and
        counts anew."""
        now, ticks = self._clock.now(), self._clock.ticks()
        back = self._seen[0] + (ticks - self._seen[1]) - now
        self._seen = (now, ticks)
        if back >= PUT_BACK:
            concerned = self._store.put_back(back)
            log.warning("the clock was put back", extra={"seconds": round(back, 3), "resources": concerned})

    def _fill(self) -> int:
        self._mind_clock()
        started = 0
        while (free := self._workers - len(self._flying)) > 0:
            claimed = self._store.claim(free, self._lease)
            for held in claimed:
                uid = (held.kind, held.uid)
                if uid in self._flying:
                    self._parked[uid] = held
                else:
                    self._start(held)
                    started += 1
            if len(claimed) < free:
                break  # that was all
        return started

    def _start(self, held: Resource) -> None:
        self._flying[held.kind, held.uid] = held
        look = asyncio.create_task(self._look(held), name=f"{held.kind} {held.name}")
        self._looks.add(look)
        look.add_done_callback(lambda done: self._over((held.kind, held.uid), done))
        if self._heartbeat is None:
            self._heartbeat = asyncio.create_task(self._keep_leases())

    def _over(self, uid: tuple[str, str], look: asyncio.Task[None]) -> None:
        self._looks.discard(look)
        held = self._flying.pop(uid)
        self._looked = self._clock.ticks()
        if look.cancelled():
            self._release(held)
        elif (error := look.exception()) is not None:
            # Even its failure could not be written down. The lease lapses, then it is looked at again.
            log.error("a step was lost", exc_info=error, extra=_about(held))
        newer = self._parked.pop(uid, None)
        if newer is not None and not self._closing:
            self._start(newer)
        elif newer is not None:
            self._release(newer)
        if not self._flying and self._heartbeat is not None:
            self._heartbeat.cancel()
            self._heartbeat = None
        self._woken.set()

    async def _look(self, held: Resource) -> None:
        bind(resource=held.arn or held.name, uid=held.uid)
        reconciler = self._reconcilers.get(held.kind)
        if reconciler is None:
            log.error("a kind without reconciler is due", extra=_about(held))
            self._store.retry(held, self._clock.now() + LONGEST_BACKOFF)
            return
        left = CHAIN
        while True:
            try:
                step = await reconciler(held)
                # Who asks for the next look at once keeps the lease: nobody else need find out that it is due. After a
                # crash here the lease lapses, or is released by the next start, and the row is due.
                left -= 1
                goes_on = left > 0 and step.kind == "again" and step.after == 0.0 and not self._closing
                written = self._apply(held, step, self._lease if goes_on else None)
            except Exception as error:
                self._failed(held, reconciler, error)
                return
            if not goes_on or written is None:
                return
            held = self._flying[held.kind, held.uid] = written
            await asyncio.sleep(0)  # whoever else is ready goes first: a look may work long without waiting

    def _apply(self, held: Resource, step: Step, lease: float | None = None) -> Resource | None:
        """The step is written, if nobody wrote the resource meanwhile; None: it is gone. With `lease`, it is held on to
        for so long. Raises Stale, IllegalMove."""
        due = None if step.after is None else self._clock.now() + step.after
        if step.kind == "gone":
            self._store.delete(held)
            return None
        if step.kind == "move":
            machine = self._machines.get(held.kind)
            if machine is None or step.phase is None:
                raise IllegalMove(f"{held.kind} has no state machine to go to {step.phase!r} by")
            machine.check(held.phase, step.phase)
        return self._store.update(
            held, phase=step.phase, due=due, emit=step.emit, lease=lease, hastens=step.hastens, **step.status
        )

    def _failed(self, held: Resource, reconciler: Reconciler, error: Exception) -> None:
        attempts = held.attempts + 1
        if isinstance(error, Stale):
            log.debug("a step was dropped: the resource was written meanwhile", extra=_about(held))
        else:
            log.error("a step raised", exc_info=error, extra={**_about(held), "attempts": attempts})
            if attempts >= ATTEMPTS and self._gave_up(held, reconciler, error):
                return
        # Where the row has moved on (Stale) this does nothing, and the new version is due by itself.
        self._store.retry(held, self._clock.now() + backoff(attempts))

    def _gave_up(self, held: Resource, reconciler: Reconciler, error: Exception) -> bool:
        try:
            self._apply(held, reconciler.give_up(held, error))
        except Stale:
            return True
        except Exception:
            log.exception("giving up raised", extra=_about(held))
            return False
        return True

    def _release(self, held: Resource) -> None:
        # A write without change gives up the lease; who comes next need not wait for it to lapse.
        with suppress(Stale):
            self._store.update(held)

    async def _give_back(self) -> None:
        """No step is under way and no lease is held. A step cut short here is one more that a crash could cut."""
        self._closing = True
        for look in self._looks:
            look.cancel()
        while self._looks:
            await asyncio.wait(self._looks)

    async def _keep_leases(self) -> None:
        while True:
            await self._clock.sleep(self._lease / 3)
            try:
                for held in (*self._flying.values(), *self._parked.values()):
                    self._store.extend(held, self._lease)
            except Exception:
                log.exception("leases could not be extended")

    def _delay(self) -> float | None:
        """Seconds until something can be claimed; None: not before a step is over."""
        if len(self._flying) >= self._workers:
            return None
        due = self._store.next_due()
        return LONGEST_SLEEP if due is None else min(max(due - self._clock.now(), 0.0), LONGEST_SLEEP)

    async def _sleep(self, delay: float | None) -> None:
        hint = asyncio.create_task(self._woken.wait())
        waits: set[asyncio.Task[Any]] = {hint}
        if delay is not None:
            waits.add(asyncio.create_task(self._clock.sleep(delay)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._woken.set()


def backoff(attempts: int) -> float:
    """Seconds to wait after so many failures in a row: 1, 2, 4 ... 60."""
    return float(min(2 ** min(attempts - 1, 10), LONGEST_BACKOFF))


def _about(held: Resource) -> dict[str, str]:
    return {"resource": held.arn or held.name, "uid": held.uid, "kind": held.kind, "phase": held.phase}
