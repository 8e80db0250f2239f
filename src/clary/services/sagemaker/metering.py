"""What endpoints have served, as SageMaker's own metrics, every few seconds.

Fronts count while they serve; here what came since the last look is taken and told, so a request pays a few additions
and nothing else. It is taken before it is told: a kill of this process in between loses that one look, and nothing is
ever told twice. A killed front loses what it counted since the last look."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final

from clary.engines.serving.base import Serving
from clary.engines.serving.counters import middle_of
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.metrics import MetricName, MetricStore, Sample, dimensions
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.sagemaker import endpoints

NAMESPACE: Final = "AWS/SageMaker"
QUIET_SECONDS: Final = 3600.0
"""For so long after its last request a variant's zeros are told with every look, and later once a minute."""
MINUTE: Final = 60.0
MOST_ENDPOINTS: Final = 100_000

log = logging.getLogger(__name__)

Variant = tuple[str, str, str, str]
"""(account, region, endpoint, variant)."""


class Metering:
    """`flush` tells the metric store what was served since it was called before; `run` calls it every `seconds`."""

    def __init__(self, serving: Serving, store: Store, metrics: MetricStore, clock: Clock, seconds: float) -> None:
        self._serving = serving
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._seconds = seconds
        self._served: dict[Variant, float] = {}
        """When each variant last had a request."""
        self._minute = -1.0

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, and then once more."""
        await every(self._clock, self._seconds, stop, self.flush)

    async def flush(self) -> None:
        """The metric store has what was served since the last call, at the beginning of the interval that is over."""
        now = self._clock.now()
        at = (now // self._seconds - 1) * self._seconds
        served: dict[Variant, list[Doc]] = {}
        for process in await self._serving.grown():
            for one in process["variants"]:
                served.setdefault(_variant(one), []).append(one)
        self._served |= dict.fromkeys(served, now)
        self._served = {name: last for name, last in self._served.items() if now - last < QUIET_SECONDS}
        counts = self._quiet(now)
        samples: list[Sample] = []
        for name in {*served, *counts}:
            instances = counts.get(name) or self._instances(name) or 1
            samples += self._samples(name, served.get(name, []), instances, at)
        if samples:
            # Kept before the next look: what was taken from the fronts is nowhere else.
            await asyncio.to_thread(self._metrics.put, samples)

    def _quiet(self, now: float) -> dict[Variant, int]:
        """Instances of the variants whose zeros are told now, if it turns out that they have served nothing."""
        found = {name: count for name in self._served if (count := self._instances(name)) is not None}
        minute = now // MINUTE
        if minute == self._minute:
            return found
        self._minute = minute
        for one in self._store.page(endpoints.KIND, Where(), limit=MOST_ENDPOINTS):
            for variant in (one.status.get("_live") or {}).get("variants", ()):
                found[one.account, one.region, one.name, variant["name"]] = _ready(one, variant["name"])
        return found

    def _instances(self, name: Variant) -> int | None:
        """That are ready now, at least one; None: the endpoint is gone."""
        account, region, endpoint, variant = name
        try:
            return _ready(self._store.get(account, region, endpoints.KIND, endpoint), variant)
        except Missing:
            return None

    def _samples(self, variant: Variant, docs: list[Doc], instances: int, at: float) -> Iterator[Sample]:
        account, region, endpoint, name = variant
        where = dimensions(EndpointName=endpoint, VariantName=name)

        def sample(metric: str, values: list[float], counts: list[float], unit: str = "None") -> Sample:
            # By the second, so that alarms of any period may look at them.
            named = MetricName(account, region, NAMESPACE, metric, where)
            return Sample(named, at, values, counts, unit, resolution=1)

        count = sum(doc["invocations"] for doc in docs)
        yield sample("ConcurrentRequestsPerModel", *self._concurrency(docs, instances))
        if not count:
            yield sample("Invocations", [0.0], [1])
            yield sample("InvocationsPerInstance", [0.0], [1])
            return
        client, server = (sum(doc[one] for doc in docs) for one in ("errors_4xx", "errors_5xx"))
        yield sample("Invocations", [1.0], [count])
        yield sample("InvocationsPerInstance", [1 / instances], [count])
        for metric, failed in (
            ("Invocation4XXErrors", client),
            ("Invocation5XXErrors", server),
            ("InvocationModelErrors", client + server),
        ):
            yield sample(metric, [1.0, 0.0], [failed, count - failed])
        for metric, kind in (("ModelLatency", "model"), ("OverheadLatency", "overhead")):
            values, counts = latencies(docs, kind)
            if values:
                yield sample(metric, values, counts, "Microseconds")

    def _concurrency(self, docs: list[Doc], instances: int) -> tuple[list[float], list[float]]:
        """(values, counts): how many inferences were under way for each instance, looked at once a second."""
        seconds: dict[str, int] = {}
        for doc in docs:
            for second, count in doc["concurrency"].items():
                seconds[second] = seconds.get(second, 0) + count
        found: dict[float, float] = {}
        for total in seconds.values():
            found[total / instances] = found.get(total / instances, 0) + 1
        idle = max(round(self._seconds) - len(seconds), 0)
        if idle or not found:
            found[0.0] = max(idle, 1)
        return list(found), list(found.values())


async def every(clock: Clock, seconds: float, stop: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
    """`work` is done now, whenever a whole number of `seconds` has passed on the clock, and once more after `stop`. One
    that raises is told in the log, and done again at its next time."""
    stopping = asyncio.create_task(stop.wait())
    try:
        while True:
            last = stop.is_set()
            try:
                await work()
            except Exception:
                log.exception("what endpoints and jobs do could not be measured")
            if last:
                return
            nap = asyncio.ensure_future(_next(clock, seconds))
            await asyncio.wait({stopping, nap}, return_when=asyncio.FIRST_COMPLETED)
            nap.cancel()
    finally:
        stopping.cancel()


async def _next(clock: Clock, seconds: float) -> None:
    """Until the next whole number of `seconds`. A timer may wake a moment too early: then it is not that time yet, and
    what is told of the minute that ends would be told of the one before it. A clock that was put back is not waited
    for."""
    due = (clock.now() // seconds + 1) * seconds
    while 0 < (left := due - clock.now()) <= seconds:
        await clock.sleep(left)


def latencies(docs: Iterable[Doc], kind: str) -> tuple[list[float], list[float]]:
    """(values, counts): the middles of the histogram's buckets, moved together so that their sum is the true one."""
    counts: dict[int, int] = {}
    total = 0
    for doc in docs:
        total += doc[f"{kind}_sum"]
        for key, count in doc[f"{kind}_buckets"].items():
            counts[int(key)] = counts.get(int(key), 0) + count
    about = sum(middle_of(number) * count for number, count in counts.items())
    scale = total / about if about else 1.0
    return [middle_of(number) * scale for number in counts], [float(count) for count in counts.values()]


def _ready(endpoint: Resource, variant: str) -> int:
    instances: list[Doc] = endpoint.status.get("_instances") or []
    return max(1, len([one for one in instances if one["variant"] == variant and one["ready"] is not None]))


def _variant(doc: Doc) -> Variant:
    return doc["account"], doc["region"], doc["endpoint"], doc["variant"]
