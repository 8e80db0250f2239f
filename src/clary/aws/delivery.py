"""Something is brought to where it was asked to go: a public operation or a web address, at least once.

`deliver` returns when the thing is where it should be, or durably queued: then it is a row of the kind "delivery", and
the control loop tries again, with growing pauses, until it is taken, refused for good, or out of time; then its dead
letter is sent. A caller that is killed before `deliver` returned must call it again with the same id: the receiver may
see it twice, under the same id. What a row stands for is never lost.

Operations of Clary take microseconds to a few milliseconds and are tried at once; web addresses may be slow, so they
are only ever tried from their row, each address for itself.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from hashlib import blake2b
from typing import Final

from clary.aws.acting import Acting, NotAssumable, principal_of
from clary.aws.attempts import Refused, Unreached, Worth, check_taken, post, worth
from clary.aws.authorize import IdentityPolicies
from clary.aws.delivery_terms import (
    CURRENT,
    HOPS,
    MOST_HOPS,
    WEB,
    Carrier,
    Counted,
    Deliverer,
    Delivery,
    Outcome,
    Retry,
    addressed,
    blob,
    current,
    hops,
    message_id,
    unpacked,
    with_bytes,
)
from clary.aws.errors import ServiceError
from clary.aws.inside import Inside, Wanted
from clary.kernel import ids
from clary.kernel.clock import Clock
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.metrics import MetricName, MetricSink, Sample, of_mapping
from clary.kernel.reconcile import Step, again, gone
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Store, Where
from clary.kernel.web import Web

KIND: Final = "delivery"
MACHINE: Final = StateMachine("Phase", "Pending", {"Pending": set()})
_NAMES_OWNER: Final = frozenset({"cloudwatch.amazonaws.com"})
"""Services that AWS lets use a topic whose policy is the default one: they say whose they are (aws:SourceOwner)."""
_CALL_SECONDS: Final = 30.0
_FIRST_SECONDS: Final = 2.0
"""How long the first try may take: whoever delivers waits for it. A longer one is tried again from its row."""
_FLYING_SECONDS: Final = 600.0
_MOST_FLYING: Final = 1000
"""Posts that are begun or wait for their address, at most; the others wait in their rows."""

log = logging.getLogger(__name__)


class Deliveries:
    """The deliverer of a world, and the reconciler of its queue."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        account: str,
        identities: IdentityPolicies,
        *,
        inside: Callable[[], Inside],
        web: Web,
        metrics: MetricSink | None = None,
        carriers: Mapping[str, Carrier] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._account = account
        self._identities = identities
        self._inside = inside
        self._web = web
        self._metrics = metrics
        self._carriers = dict(carriers or {})
        """By the service of the deliveries that each of them takes."""
        self._posts: dict[str, asyncio.Task[None]] = {}
        """What is on its way to a web address, by the uid of its row."""

    async def deliver(self, one: Delivery) -> Outcome:
        led = max(hops(), one.led)
        if led >= MOST_HOPS:
            log.error("a loop of deliveries is cut", extra={"delivery": one.id, "source": one.acting.source})
            self._count(one, "failed")
            return Outcome("failed", "it is part of a loop of deliveries")
        if one.service == WEB:
            self._queue(one, led, self._clock.now(), {})
            return Outcome("queued")
        try:
            await self._try(one, led, _FIRST_SECONDS)
        except Exception as error:
            found = worth(error)
            if found.again and one.retry.attempts > 0:
                due = self._clock.now() + one.retry.pause(1)
                self._queue(one, led, due, {"Tries": 1, "LastError": found.code, "LastMessage": found.message})
                return Outcome("queued", found.message)
            await self._give_up(one, found, 1, led)
            return Outcome("failed", found.message)
        self._came(one)
        return Outcome("delivered")

    async def deliver_together(self, ones: Mapping[str, Delivery], whole: Delivery) -> None:
        left = dict(ones)
        wanted = Wanted(whole.service, whole.operation, whole.params)
        try:
            async with asyncio.timeout(_FIRST_SECONDS):
                answer = await self._call(whole, wanted, hops(), role=whole.acting.role)
        except Exception as error:
            # What it means is found out for each of them alone.
            log.info("deliveries go one by one", extra={"delivery": whole.id, "error": worth(error).message})
        else:
            refused = {failed["Id"] for failed in answer.get("Failed", ())}
            for name in ones.keys() - refused:
                self._came(left.pop(name))
        for one in left.values():
            await self.deliver(one)

    def pending(self) -> int:
        return self._store.count(KIND, Where(account=self._account))

    def _queue(self, one: Delivery, led: int, due: float, status: Doc) -> None:
        name = blake2b(one.id.encode(), digest_size=20).hexdigest()
        spec = {**asdict(one), "hops": led}
        row = Resource(
            kind=KIND,
            name=name,
            account=self._account,
            region=one.region,
            uid=ids.new(),
            phase=MACHINE.initial,
            spec=spec,
            status=status,
            due=due,
        )
        with suppress(Exists):  # queued before, by one that was killed before it could remember that
            self._store.create(row)

    async def __call__(self, row: Resource) -> Step:
        one, led = unpacked(row.spec)
        tries = int(row.status.get("Tries", 0))
        if one.service == WEB:
            if len(self._posts) >= _MOST_FLYING and row.uid not in self._posts:
                return again(1.0)
            self._send(row, one)
            return again(_FLYING_SECONDS)  # hastened when the answer is there; after a restart it is sent again
        try:
            await self._try(one, led, _CALL_SECONDS)
        except Exception as error:
            return await self._failed(row, one, worth(error), tries + 1, led)
        self._came(one)
        return gone()

    def give_up(self, row: Resource, error: Exception) -> Step:
        """Never: what is queued is looked at again."""
        return again(60.0)

    async def _failed(self, row: Resource, one: Delivery, why: Worth, tries: int, led: int) -> Step:
        now = self._clock.now()
        pause = one.retry.pause(tries)
        if why.again and tries <= one.retry.attempts and now + pause <= row.created + one.retry.seconds:
            return again(pause, Tries=tries, LastError=why.code, LastMessage=why.message)
        await self._give_up(one, why, tries, led)
        return gone()

    async def _give_up(self, one: Delivery, why: Worth, tries: int, led: int) -> None:
        """The dead letter is sent, if there is one; when even that fails for a while, the row's next look sends it."""
        log.warning(
            "a delivery was given up",
            extra={"delivery": one.id, "source": one.acting.source, "operation": one.operation, "error": why.message},
        )
        if one.dead is not None:
            letter = addressed(one, one.dead, why, tries)
            wanted = Wanted(letter["service"], letter["operation"], letter["params"])
            try:
                await self._call(one, wanted, led, role=letter.get("role", ""), region=letter.get("region", ""))
            except (ServiceError, NotAssumable) as error:
                log.error("a dead letter was refused", extra={"delivery": one.id, "error": str(error)})
                self._count(one, "undead")
            else:
                self._count(one, "dead")
        self._count(one, "failed")
        self._count(one, "ended")

    def _came(self, one: Delivery) -> None:
        self._count(one, "delivered")
        self._count(one, "ended")

    async def _try(self, one: Delivery, led: int, seconds: float) -> None:
        wanted = Wanted(one.service, one.operation, one.params)
        async with asyncio.timeout(seconds):
            try:
                await self._call(one, wanted, led, role=one.acting.role)
            except ServiceError as error:
                if one.first is None or error.error_code != "ResourceNotFoundException":
                    raise
                await self._make_room(one, one.first, led)
                await self._call(one, wanted, led, role=one.acting.role)

    async def _make_room(self, one: Delivery, first: Doc, led: int) -> None:
        try:
            wanted = Wanted(first["service"], first["operation"], first["params"])
            await self._call(one, wanted, led, role=one.acting.role)
        except ServiceError as error:
            if error.error_code != "ResourceAlreadyExistsException":  # somebody else was quicker
                raise

    async def _call(self, one: Delivery, wanted: Wanted, led: int, *, role: str, region: str = "") -> Doc:
        """What the receiver answers."""
        carry = self._carriers.get(wanted.service)
        if carry is not None:
            await carry(wanted.params)
            return {}
        acting = Acting(one.acting.service, one.acting.source, role, one.acting.session)
        principal = principal_of(acting, self._identities, self._account, self._clock.now())
        origin = {"aws:sourceaccount": self._account, "aws:sourcearn": acting.source}
        if acting.service in _NAMES_OWNER:
            origin["aws:sourceowner"] = self._account
        wanted = wanted._replace(params=with_bytes(wanted.params))
        token, named = HOPS.set(led + 1), CURRENT.set(one.id)
        try:
            answer = await self._inside().ask(principal, region or one.region, ids.request_id(), origin, wanted)
            check_taken(answer)
            return answer
        finally:
            CURRENT.reset(named)
            HOPS.reset(token)

    def _send(self, row: Resource, one: Delivery) -> None:
        if row.uid not in self._posts:
            task = asyncio.create_task(self._post(row, one), name=f"delivery {row.name}")
            self._posts[row.uid] = task
            task.add_done_callback(lambda done: self._posts.pop(row.uid, None))

    async def _post(self, row: Resource, one: Delivery) -> None:
        why: Worth | None = None
        try:
            await post(self._web, one.params)
        except (Refused, Unreached) as error:
            why = worth(error)
        # The step that started this has written the row meanwhile: what came of it is written on top of that.
        while True:
            try:
                held = self._store.find(KIND, row.uid)
                if why is None:
                    self._store.delete(held)
                    self._came(one)
                    return
                step = await self._failed(held, one, why, int(held.status.get("Tries", 0)) + 1, int(row.spec["hops"]))
                if step.kind == "gone":
                    self._store.delete(held)
                else:
                    self._store.update(held, due=self._clock.now() + (step.after or 0.0), **step.status)
                return
            except Missing:
                return
            except Stale:
                continue

    def _count(self, one: Delivery, outcome: str) -> None:
        if self._metrics is None or one.counted is None or not (name := getattr(one.counted, outcome)):
            return
        region = one.counted.region or one.region
        named = MetricName(self._account, region, one.counted.namespace, name, of_mapping(one.counted.dimensions))
        self._metrics.add([Sample(named, self._clock.now(), (1.0,), unit="Count")])

    def close(self) -> None:
        """What is on its way is let go; its rows are there."""
        for task in self._posts.values():
            task.cancel()


__all__ = [
    "MOST_HOPS",
    "WEB",
    "Acting",
    "Carrier",
    "Counted",
    "Deliverer",
    "Deliveries",
    "Delivery",
    "NotAssumable",
    "Outcome",
    "Retry",
    "blob",
    "current",
    "hops",
    "message_id",
]
