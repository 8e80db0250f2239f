"""Compiled instances: one graph for all containers of a variant's model, held by a worker process of the data plane.

Which way a variant is run is decided anew at each look, from what is true of its model's compilation, and written into
its document: {"how", "compilation", "why", "noted"}. So a variant waits a while for a graph that is being made, is
served by its containers where there will be none, and changes over when one comes late or goes."""

from collections.abc import Mapping
from typing import Final

from clary.engines.runners.base import Run, StartError
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.telemetry import LogEvent, LogStreamName
from clary.services.sagemaker import compiling
from clary.services.sagemaker.endpoints.instances import COMPILED, NATIVE, Instance, NotYet, Seen
from clary.services.sagemaker.endpoints.machine import LOG_GROUP
from clary.services.sagemaker.engines import Engines

PATIENCE_SECONDS: Final = 60.0
"""How long a deployment waits for a graph that is being made; then its containers serve until there is one."""
_DEPLOYMENTS: Final = ("_live", "_target")
_VARIANTS: Final = ("variants", "shadows")


class Compiled:
    """Implements `Instances` over the port `Graphs`."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._graphs = engines.graphs

    async def start(self, instance: Instance, variant: Doc) -> None:
        """As `Instances.start`. While there is no graph it is not yet time; `decided` sees to it that it is not for
        ever."""
        name = variant.get("compilation")
        if self._graphs is None or name is None or self._graphs.directory(name) is None:
            raise NotYet(instance.uid)
        try:
            await self._graphs.start(instance.uid, name)
        except StartError:
            raise NotYet(instance.uid) from None  # forgotten between the look and the start

    async def observe(self, instance: Instance) -> Seen:
        """As `Instances.observe`: ready is when a worker has loaded the graph."""
        run = await self._graphs.observe(instance.uid) if self._graphs is not None else Run("absent")
        if run.phase in ("ended", "lost"):
            why = run.broken or "its worker ended"
            self._refuse(instance, why)
            return Seen(run, why=f"The compiled model could not be loaded: {why}.")
        return Seen(run, ready=run.phase == "running" and run.address is not None)

    def last_lines(self, instance: Instance) -> str:
        """As `Instances.last_lines`: a graph prints nothing."""
        return ""

    async def stop(self, instance: Instance, grace: float) -> None:
        """As `Instances.stop`: what its worker was sent it answers."""
        if self._graphs is not None:
            await self._graphs.stop(instance.uid)

    async def remove(self, instance: Instance) -> None:
        """As `Instances.remove`: nobody asks for it; the graph itself stays for others."""
        if self._graphs is not None:
            await self._graphs.stop(instance.uid)

    async def uids(self) -> list[str]:
        """As `Instances.uids`."""
        return await self._graphs.uids() if self._graphs is not None else []

    def _refuse(self, instance: Instance, why: str) -> None:
        """No worker can load the graph: the containers shall serve from now on."""
        for member in _DEPLOYMENTS:
            deployment: Doc = instance.endpoint.status.get(member) or {}
            for one in _every(deployment):
                row = _row(self._engines, instance.endpoint, one.get("compilation"))
                if one["name"] != instance.variant or row is None or row.phase != compiling.COMPILED:
                    continue
                try:
                    self._engines.store.update(
                        row,
                        phase=compiling.REFUSED,
                        due=self._engines.clock.now(),
                        _why=f"no worker can load it: {why}",
                    )
                except Stale:
                    continue  # the next look sees the same


def decided(engines: Engines, endpoint: Resource) -> Doc:
    """The deployments of the endpoint whose variants shall be run otherwise than their documents say, rewritten; {}
    when all is as it should be. To be written before anything is done by them."""
    changed: Doc = {}
    for member in _DEPLOYMENTS:
        deployment: Doc | None = endpoint.status.get(member)
        if deployment is None:
            continue
        new = dict(deployment)
        for kind in _VARIANTS:
            if deployment.get(kind):
                new[kind] = [_decided(engines, endpoint, deployment, one) for one in deployment[kind]]
        if new != deployment:
            changed[member] = new
    # What it refers to is not forgotten; a compilation that was asked for just now is not forgotten anyhow.
    used = _used(endpoint.status)
    if used != (endpoint.status.get("_refers") or []):
        changed["_refers"] = used
    return changed


def _decided(engines: Engines, endpoint: Resource, deployment: Doc, variant: Doc) -> Doc:
    how, why = _way(engines, endpoint, deployment, variant)
    if not why or (how, why) == (variant.get("how", NATIVE), variant.get("noted")):
        return variant
    # Twice when a crash comes between the line and the row that remembers it, unless it is still the last one.
    _note(engines, endpoint, deployment, variant, f"{how}: {why}")
    return {**variant, "how": how, "noted": why}


def _way(engines: Engines, endpoint: Resource, deployment: Doc, variant: Doc) -> tuple[str, str]:
    """(how it shall be run, why: "" while that is not known)"""
    name, how = variant.get("compilation"), variant.get("how", NATIVE)
    if name is None:
        return how, variant.get("why") or ""
    row = _row(engines, endpoint, name)
    there = engines.graphs is not None and engines.graphs.directory(name) is not None
    if row is not None and row.phase == compiling.REFUSED:
        return NATIVE, row.status.get("_why") or "its compilation was refused"
    if there and (row is None or row.phase == compiling.COMPILED):
        return COMPILED, _agreement(row.status) if row is not None else variant.get("noted") or "its graph is here"
    if row is not None and row.phase in compiling.UNDER_WAY:
        waited = engines.clock.now() - deployment["started"]
        if how == COMPILED and waited < PATIENCE_SECONDS:
            return COMPILED, ""
        return NATIVE, "its compilation is still under way"
    return NATIVE, "its graph is gone from this machine"


def _agreement(status: Mapping[str, object]) -> str:
    stages = status.get("_stages")
    named = ", ".join(map(str, stages)) if isinstance(stages, list) else "the model"
    agreed = status.get("_agreed")
    rows = f"{agreed:,}" if isinstance(agreed, int) else "no"
    return f"{named} in one graph; {rows} rows agree with the native servers"


def deployed_image(variant: Doc) -> Doc:
    """What DescribeEndpoint says beyond the image that was asked for: of a compiled variant, the graph that serves in
    its stead."""
    if variant.get("how") != COMPILED or not variant.get("noted"):
        return {}
    return {"ResolvedImage": f"clary/compiled@sha256:{variant['compilation']}"}


def _used(status: Doc) -> list[str]:
    names = {one.get("compilation") for member in _DEPLOYMENTS for one in _every(status.get(member) or {})}
    return sorted(compiling.reference(name) for name in names if name)


def _every(deployment: Doc) -> list[Doc]:
    return [one for kind in _VARIANTS for one in deployment.get(kind) or ()]


def _row(engines: Engines, endpoint: Resource, name: str | None) -> Resource | None:
    if name is None:
        return None
    try:
        return engines.store.get(endpoint.account, endpoint.region, compiling.KIND, name)
    except Missing:
        return None


def _note(engines: Engines, endpoint: Resource, deployment: Doc, variant: Doc, line: str) -> None:
    stream = f"{variant['name']}/{COMPILED}-{deployment['generation']}"
    to = LogStreamName(endpoint.account, endpoint.region, f"{LOG_GROUP}/{endpoint.name}", stream)
    if [one.message for one in engines.logs.last(to, 1)] != [line]:
        engines.logs.append(to, [LogEvent(int(engines.clock.now() * 1000), line)])
