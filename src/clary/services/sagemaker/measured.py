"""What endpoints and jobs do and use, as SageMaker's own metrics, once a minute.

Fronts count while they serve; here their counts of the last minute are read off and told, so a request pays a few
additions and nothing else. What is told of a minute carries the minute's beginning."""

import asyncio
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from clary.engines.runners.base import Runner
from clary.engines.serving.base import Serving
from clary.engines.serving.counters import middle_of
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.metrics import MetricName, MetricSink, Sample, dimensions
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.sagemaker import endpoints, processing, training, transform
from clary.services.sagemaker.cluster import host_of

MINUTE: Final = 60.0
INVOCATIONS: Final = "AWS/SageMaker"
HOSTS: Final = {
    training.KIND: "/aws/sagemaker/TrainingJobs",
    processing.KIND: "/aws/sagemaker/ProcessingJobs",
    transform.KIND: "/aws/sagemaker/TransformJobs",
}
ENDPOINTS: Final = "/aws/sagemaker/Endpoints"

log = logging.getLogger(__name__)

_Variant = tuple[str, str, str, str]
"""(account, region, endpoint, variant)."""
_Named = tuple[str, str, str, tuple[tuple[str, str], ...]]
"""(account, region, namespace, dimensions)."""
_Process = tuple[str, int]
"""(front, pid)."""


@dataclass(frozen=True, slots=True)
class _Used:
    cpu_seconds: float
    at: float


class Measured:
    """`minute` tells the sink what has happened since it was called before; `run` calls it as minutes end."""

    def __init__(self, serving: Serving, runner: Runner, store: Store, sink: MetricSink, clock: Clock) -> None:
        self._serving = serving
        self._runner = runner
        self._store = store
        self._sink = sink
        self._clock = clock
        self._counted: dict[_Process, dict[_Variant, Doc]] | None = None
        """At the last look; None: there was none."""
        self._used: dict[str, _Used] = {}
        self._memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. What was counted before is not told: somebody else has told it, or the last second of a killed
        process is lost."""
        await self._told()
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                nap = asyncio.ensure_future(self._clock.sleep(MINUTE - self._clock.now() % MINUTE))
                await asyncio.wait({stopping, nap}, return_when=asyncio.FIRST_COMPLETED)
                nap.cancel()
                await self._told()
        finally:
            stopping.cancel()

    async def _told(self) -> None:
        try:
            await self.minute()
        except Exception:
            log.exception("what endpoints and jobs use could not be measured")

    async def minute(self) -> None:
        """The sink has what was counted and used since the last call, at the minute that has just ended. The first call
        only looks."""
        now = self._clock.now()
        at = (now // MINUTE - 1) * MINUTE
        samples = [*await self._invocations(at), *await self._usages(at, now)]
        if samples:
            self._sink.add(samples)

    async def _invocations(self, at: float) -> list[Sample]:
        counted: dict[_Process, dict[_Variant, Doc]] = {}
        grown: dict[_Variant, list[Doc]] = {}
        for process in await self._serving.counters():
            key = (process["front"], process["pid"])
            counted[key] = {_variant(one): one for one in process["variants"]}
            if self._counted is None:
                continue  # our forerunner may have told it
            before = self._counted.get(key, {})  # one that was not there at the last look began after it
            for variant, doc in counted[key].items():
                grown.setdefault(variant, []).append(_grown(doc, before.get(variant, {})))
        self._counted = counted
        return [sample for variant, docs in grown.items() for sample in self._samples(variant, docs, at)]

    def _samples(self, variant: _Variant, docs: list[Doc], at: float) -> Iterator[Sample]:
        count = sum(doc["invocations"] for doc in docs)
        if not count:
            return
        account, region, endpoint, name = variant
        where = dimensions(EndpointName=endpoint, VariantName=name)

        def sample(metric: str, values: list[float], counts: list[float], unit: str = "None") -> Sample:
            return Sample(MetricName(account, region, INVOCATIONS, metric, where), at, values, counts, unit)

        client, server = (sum(doc[one] for doc in docs) for one in ("errors_4xx", "errors_5xx"))
        yield sample("Invocations", [1.0], [count])
        yield sample("InvocationsPerInstance", [1 / self._instances(variant)], [count])
        for metric, failed in (
            ("Invocation4XXErrors", client),
            ("Invocation5XXErrors", server),
            ("InvocationModelErrors", client + server),
        ):
            yield sample(metric, [1.0, 0.0], [failed, count - failed])
        for metric, kind in (("ModelLatency", "model"), ("OverheadLatency", "overhead")):
            values, counts = _latencies(docs, kind)
            if values:
                yield sample(metric, values, counts, "Microseconds")

    def _instances(self, variant: _Variant) -> int:
        """That are ready now; at least one answered."""
        account, region, endpoint, name = variant
        try:
            found = self._store.get(account, region, endpoints.KIND, endpoint)
        except Missing:
            return 1
        ready = [one for one in _instances(found) if one["variant"] == name and one["ready"] is not None]
        return max(1, len(ready))

    async def _usages(self, at: float, now: float) -> list[Sample]:
        shares: dict[_Named, tuple[float, float]] = {}
        """Percents of CPU and memory: a host may be several runs."""
        used: dict[str, _Used] = {}
        for uid in await self._runner.uids():
            usage = await self._runner.usage(uid)
            if usage is None:
                continue
            used[uid] = _Used(usage.cpu_seconds, now)
            before = self._used.get(uid)
            named = self._named(uid)
            if before is None or named is None or now <= before.at:
                continue
            percent = 100 * max(0.0, usage.cpu_seconds - before.cpu_seconds) / (now - before.at)
            cpu, memory = shares.get(named, (0.0, 0.0))
            shares[named] = cpu + percent, memory + 100 * usage.memory_bytes / self._memory
        self._used = used
        return [
            Sample(MetricName(account, region, namespace, name, where), at, (value,), (), "Percent")
            for (account, region, namespace, where), share in shares.items()
            for name, value in zip(("CPUUtilization", "MemoryUtilization"), share, strict=True)
        ]

    def _named(self, uid: str) -> _Named | None:
        """(account, region, namespace, dimensions) of the host that the run is; None: of nothing that is known."""
        owner = uid.partition("-")[0]
        for kind in (*HOSTS, endpoints.KIND):
            try:
                found = self._store.find(kind, owner)
            except Missing:
                continue
            if kind in HOSTS:
                host = transform.instance_of(uid) if kind == transform.KIND else host_of(uid)
                where = dimensions(Host=f"{found.name}/{host}")
                return found.account, found.region, HOSTS[kind], where
            for one in _instances(found):
                if one["uid"] == uid:
                    where = dimensions(EndpointName=found.name, VariantName=one["variant"])
                    return found.account, found.region, ENDPOINTS, where
        return None


def _instances(endpoint: Resource) -> list[Doc]:
    found: list[Doc] = endpoint.status.get("_instances") or []
    return found


def _variant(doc: Doc) -> _Variant:
    return doc["account"], doc["region"], doc["endpoint"], doc["variant"]


def _grown(doc: Doc, before: Doc) -> Doc:
    """By how much each count has grown."""
    grown: Doc = {}
    for name, value in doc.items():
        if isinstance(value, dict):
            old = before.get(name, {})
            grown[name] = {key: count - old.get(key, 0) for key, count in value.items() if count > old.get(key, 0)}
        elif isinstance(value, int):
            grown[name] = value - before.get(name, 0)
    return grown


def _latencies(docs: list[Doc], kind: str) -> tuple[list[float], list[float]]:
    """(values, counts): the middles of the histogram's buckets, moved together so that their sum is the true one."""
    counts: dict[int, int] = {}
    for doc in docs:
        for key, count in doc[f"{kind}_buckets"].items():
            counts[int(key)] = counts.get(int(key), 0) + count
    total = sum(doc[f"{kind}_sum"] for doc in docs)
    about = sum(middle_of(number) * count for number, count in counts.items())
    scale = total / about if about else 1.0
    return [middle_of(number) * scale for number in counts], [float(count) for count in counts.values()]
