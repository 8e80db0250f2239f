"""From the backlog to the models: as many requests of each endpoint are under way as its instances shall have at once,
the oldest first.

What is under way is known here only: after a crash everything that has not ended is in the backlog still, and begins
anew. A row is never written while its request is under way but by its end (or a count of models that died over it), so
the outcome is decided by one guarded write.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from clary.kernel.errors import Missing, Stale
from clary.kernel.page import position
from clary.kernel.resource import Resource
from clary.kernel.store import Where
from clary.services.sagemaker import endpoints
from clary.services.sagemaker.asynchronous.carrying import Carrier, Ended, NotNow, NoWord
from clary.services.sagemaker.asynchronous.machine import KIND, key_of
from clary.services.sagemaker.asynchronous.measures import Measures
from clary.services.sagemaker.engines import Engines

PER_INSTANCE = 4
"""How many requests an instance is given at once, where MaxConcurrentInvocationsPerInstance does not say."""
LOOK_SECONDS = 0.5
"""How often the instances are looked at while something waits for them."""
IDLE_SECONDS = 10.0
"""How often the backlog is looked for when nobody has told of one; and how often it is measured."""
REST_SECONDS = 1.0
"""How long an endpoint rests that has no instance that takes a request, though it seemed to."""
MOST_DEATHS = 3
"""A request over which so many models went away without a word has failed."""
BATCH = 200

log = logging.getLogger(__name__)

Key = tuple[str, str, str]


@dataclass(slots=True)
class _Flight:
    key: Key
    task: asyncio.Task[None]


class Pump:
    """`run` it; `accepted` is the hint that there is something to do."""

    def __init__(self, engines: Engines, measures: Measures) -> None:
        self._engines = engines
        self._store = engines.store
        self._measures = measures
        self._carrier = Carrier(engines, measures)
        self._flights: dict[str, _Flight] = {}
        self._resting: dict[Key, float] = {}
        self._keys: set[Key] = set()
        """Endpoints that may have a backlog."""
        self._measured = 0.0
        self._woken = asyncio.Event()

    def accepted(self, invocation: Resource) -> None:
        self._keys.add(key_of(invocation))
        self._woken.set()

    def flies(self, uid: str) -> bool:
        """A model has it now, or it is on its way to one."""
        return uid in self._flights

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then what is under way is given up, and begins anew with the next start."""
        stopping = asyncio.create_task(self._wake_on(stop))
        try:
            self.find()
            while not stop.is_set():
                self._woken.clear()
                try:
                    self.look()
                    self._measure()
                except Exception:
                    log.exception("the asynchronous backlog could not be looked at")
                await self._sleep(LOOK_SECONDS if self._keys else IDLE_SECONDS)
        finally:
            stopping.cancel()
            await self._land()

    def find(self) -> None:
        """What an earlier process has accepted is known."""
        self._keys.update(self._waiting())

    def look(self) -> None:
        """Whatever has an instance to go to is on its way."""
        for key in list(self._keys):
            self._look(key)

    @property
    def flying(self) -> int:
        """How many requests are under way."""
        return len(self._flights)

    async def settle(self) -> None:
        """Nothing is under way any more."""
        while self._flights:
            await asyncio.wait([one.task for one in self._flights.values()])

    def _look(self, key: Key) -> None:
        account, region, name = key
        endpoint = self._endpoint(key)
        busy = sum(1 for one in self._flights.values() if one.key == key)
        slots = 0 if endpoint is None else capacity(endpoint)
        where = Where(account=account, region=region, phase="Queued", parent=name)
        limit = max(slots, busy) + 1 if endpoint is not None else BATCH
        rows = self._store.page(KIND, where, order="created", limit=limit)
        if not rows:
            self._keys.discard(key)
        for row in rows:
            if row.uid in self._flights:
                continue
            if endpoint is None or row.spec["_endpoint"] != endpoint.uid:
                self._end(row, Ended("ClientError: The endpoint was deleted before the request was processed."))
                self._woken.set()
            elif busy < slots and self._engines.clock.ticks() >= self._resting.get(key, 0.0):
                busy += 1
                self._flights[row.uid] = _Flight(key, asyncio.create_task(self._fly(row), name=f"{KIND} {row.uid}"))

    def _endpoint(self, key: Key) -> Resource | None:
        account, region, name = key
        try:
            found = self._store.get(account, region, endpoints.KIND, name)
        except Missing:
            return None
        return None if found.phase == "Deleting" else found

    async def _fly(self, row: Resource) -> None:
        began = self._engines.clock.now()
        key = key_of(row)
        try:
            ended = await self._carrier.carry(row)
        except NotNow as error:
            log.info("no instance took an asynchronous request", extra={"uid": row.uid, "error": str(error)})
            self._resting[key] = self._engines.clock.ticks() + REST_SECONDS
        except NoWord as error:
            self._died(row, str(error))
        except Exception:
            # Nothing is decided: it is tried again. (A full disk, a file system that went away.)
            log.exception("an asynchronous request could not be carried", extra={"uid": row.uid})
            self._resting[key] = self._engines.clock.ticks() + REST_SECONDS
        else:
            self._measures.waited(row, "TimeInBacklog", began - row.created)
            self._end(row, ended)
        finally:
            self._flights.pop(row.uid, None)
            self._keys.add(key)
            self._woken.set()

    def _died(self, row: Resource, why: str) -> None:
        deaths = row.status.get("_deaths", 0) + 1
        if deaths >= MOST_DEATHS:
            self._end(row, Ended(f"ModelError: {deaths} times a model went away over it without an answer. {why}"))
            return
        self._write(row, _deaths=deaths)

    def _end(self, row: Resource, ended: Ended) -> None:
        """The outcome is decided; what is left to do about it is the reconciler's."""
        now = self._engines.clock.now()
        if ended.failure:
            self._write(row, "Failed", now, Ended=now, FailureReason=ended.failure)
        else:
            self._write(row, "Completed", now, Ended=now, ContentType=ended.content_type)

    def _write(self, row: Resource, phase: str | None = None, due: float | None = None, **status: Any) -> None:
        """Written, unless somebody else has decided (its time in the queue was over)."""
        more: dict[str, Any] = {} if due is None else {"due": due}
        while row.phase == "Queued":
            try:
                self._store.update(row, phase=phase, **more, **status)
                return
            except Stale:
                try:
                    row = self._store.find(KIND, row.uid)
                except Missing:
                    return

    def _waiting(self) -> Iterator[Key]:
        """The endpoints of all rows."""
        after: Any = None
        while True:
            rows = self._store.page(KIND, Where(phase="Queued"), limit=BATCH, after=after)
            for row in rows:
                yield key_of(row)
            if len(rows) < BATCH:
                return
            after = position(rows[-1], "name")

    def _measure(self) -> None:
        """Every asynchronous endpoint's backlog is told, also that there is none: alarms on it need both."""
        ticks = self._engines.clock.ticks()
        if ticks < self._measured + IDLE_SECONDS:
            return
        self._measured = ticks
        for endpoint in self._store.page(endpoints.KIND, Where(), limit=1_000_000):
            live = endpoint.status.get("_live")
            if live is not None and live.get("asynchronous"):
                self._tell(endpoint)

    def _tell(self, endpoint: Resource) -> None:
        where = Where(account=endpoint.account, region=endpoint.region, phase="Queued", parent=endpoint.name)
        waiting = self._store.count(KIND, where)
        first = self._store.page(KIND, where, order="created", limit=1) if waiting else []
        oldest = self._engines.clock.now() - first[0].created if first else 0.0
        key = endpoint.account, endpoint.region, endpoint.name
        self._measures.backlog(key, waiting, max(0.0, oldest), ready(endpoint))

    async def _sleep(self, seconds: float) -> None:
        waits = {asyncio.create_task(self._woken.wait()), asyncio.create_task(self._engines.clock.sleep(seconds))}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._woken.set()

    async def _land(self) -> None:
        flights = [one.task for one in self._flights.values()]
        for task in flights:
            task.cancel()
        await asyncio.gather(*flights, return_exceptions=True)


def ready(endpoint: Resource) -> int:
    """How many instances of what serves now answer."""
    live = endpoint.status.get("_live")
    if live is None:
        return 0
    instances = endpoint.status.get("_instances") or []
    return sum(
        1
        for one in instances
        if one["generation"] == live["generation"] and one["ready"] is not None and one["missing"] is None
    )


def capacity(endpoint: Resource) -> int:
    """How many requests its instances shall have at once."""
    live = endpoint.status.get("_live") or {}
    client = (live.get("asynchronous") or {}).get("ClientConfig") or {}
    return ready(endpoint) * int(client.get("MaxConcurrentInvocationsPerInstance", PER_INSTANCE))
