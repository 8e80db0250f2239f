"""What endpoints and jobs use of this machine, as SageMaker's own metrics, once a minute.

What is told of a minute carries the minute's beginning."""

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from clary.engines.runners.base import Usage
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.metrics import MetricName, MetricSink, Sample, dimensions
from clary.kernel.store import Store
from clary.services.sagemaker import endpoints, processing, training, transform
from clary.services.sagemaker.cluster import host_of
from clary.services.sagemaker.metering import MINUTE, every

HOSTS: Final = {
    training.KIND: "/aws/sagemaker/TrainingJobs",
    processing.KIND: "/aws/sagemaker/ProcessingJobs",
    transform.KIND: "/aws/sagemaker/TransformJobs",
}
ENDPOINTS: Final = "/aws/sagemaker/Endpoints"


class Using(Protocol):
    """What runs instances or jobs: a runner, or the workers of compiled models."""

    async def uids(self) -> list[str]:
        """Of everything that it runs."""
        ...

    async def usage(self, uid: str) -> Usage | None:
        """None: it does not run."""
        ...


class _Named(NamedTuple):
    """Whose usage it is."""

    account: str
    region: str
    namespace: str
    dimensions: tuple[tuple[str, str], ...]
    host: str = ""
    """Of several hosts with the same dimensions: which."""


@dataclass(frozen=True, slots=True)
class _Used:
    cpu_seconds: float
    at: float


class Measured:
    """`minute` tells the sink what was used since it was called before; `run` calls it as minutes end."""

    def __init__(
        self, using: Sequence[Using], store: Store, sink: MetricSink, clock: Clock, disk: Path | None = None
    ) -> None:
        """`disk`: where the machine keeps what runs write."""
        self._using = using
        self._store = store
        self._sink = sink
        self._clock = clock
        self._disk = disk
        self._used: dict[str, _Used] = {}
        self._told: float | None = None
        """The minute that was told last."""
        self._memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        await every(self._clock, MINUTE, stop, self.minute)

    async def minute(self) -> None:
        """The sink has what was used since the last call, at the minute that has just ended. The first only looks. A
        minute is told once: its values count the instances."""
        now = self._clock.now()
        at = (now // MINUTE - 1) * MINUTE
        if at == self._told:
            return
        self._told = at
        samples = await self._usages(at, now)
        if samples:
            self._sink.add(samples)

    async def _usages(self, at: float, now: float) -> list[Sample]:
        shares: dict[_Named, tuple[float, float]] = {}
        """Percents of CPU and memory: a host may be several runs."""
        used: dict[str, _Used] = {}
        for using in self._using:
            for uid in await using.uids():
                usage = await using.usage(uid)
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
        return self._samples(shares, at)

    def _samples(self, shares: Mapping[_Named, tuple[float, float]], at: float) -> list[Sample]:
        told: dict[MetricName, list[float]] = {}
        for (account, region, namespace, where, _host), (cpu, memory) in shares.items():
            values = {"CPUUtilization": cpu, "MemoryUtilization": memory}
            if namespace == ENDPOINTS and self._disk is not None:
                disk = shutil.disk_usage(self._disk)
                values["DiskUtilization"] = 100 * disk.used / disk.total
            for name, value in values.items():
                told.setdefault(MetricName(account, region, namespace, name, where), []).append(value)
        return [Sample(name, at, values, (), "Percent") for name, values in told.items()]

    def _named(self, uid: str) -> _Named | None:
        """The host that the run is, or is a part of; None: nothing that is known."""
        owner = uid.partition("-")[0]
        for kind in (*HOSTS, endpoints.KIND):
            try:
                found = self._store.find(kind, owner)
            except Missing:
                continue
            if kind in HOSTS:
                host = transform.instance_of(uid) if kind == transform.KIND else host_of(uid)
                where = dimensions(Host=f"{found.name}/{host}")
                return _Named(found.account, found.region, HOSTS[kind], where)
            for one in found.status.get("_instances") or []:
                if uid == one["uid"] or uid.startswith(f"{one['uid']}-"):  # the first container's run, or another's
                    where = dimensions(EndpointName=found.name, VariantName=one["variant"])
                    return _Named(found.account, found.region, ENDPOINTS, where, one["uid"])
        return None
