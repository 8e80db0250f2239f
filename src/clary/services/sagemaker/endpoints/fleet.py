"""The instances of one endpoint during one look: what is recorded of them, what is seen, what is done about it.

Each instance is a record in the endpoint's status and a run under the record's uid. A record is written before anything
depends on it, and its uid follows from what is stored already, so a look that is cut short and repeated starts the same
runs and not others. A run that shall go is moved to `leaving` first and removed by a later look: what is not recorded
any more is found by its uid's beginning and removed as well.

    instance  {"uid", "generation", "variant", "how", "containers", "hosts", "direct", "since", "ready", "missing"}
    leaving   {"uid", "variant", "how", "containers", "hosts", "direct", "since"}      ("hosts" of several containers)
    crashes   {"<generation>/<variant>": {"count", "at", "until", "why"}}

Times are epoch seconds, or None. How an instance is run, and what is seen of it, is its way's affair: see instances.py.
"""

import asyncio
from collections.abc import Mapping

from clary.engines.runners.base import Run
from clary.kernel.clock import Clock
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import models
from clary.services.sagemaker.endpoints.instances import NATIVE, CannotStart, Instance, Instances, NotYet, Seen
from clary.services.sagemaker.endpoints.machine import containers, every_variant

DRAIN_SECONDS = 65.0
"""From SIGTERM to SIGKILL of an instance that shall go: longer than any request may last."""
STEADY_SECONDS = 60.0
"""An instance that was ready for so long is healthy: when it ends, its back-off begins anew."""
MISSING_SECONDS = 30.0
"""An instance that was ready and answers no /ping for so long is replaced."""
LONGEST_BACKOFF = 60.0
SOON_SECONDS = 0.2
"""How often an instance that is starting is asked whether it is ready."""
LEAVING_SECONDS = 1.0
FINAL = 1_000
"""The count of crashes that stands for one that will not get better."""
_KEPT = ("uid", "variant", "how", "containers", "hosts", "direct")
"""What is kept of an instance that leaves."""


class Fleet:
    """A working copy of the instances of one endpoint. Nothing is kept but what `status` gives back."""

    def __init__(self, ways: Mapping[str, Instances], clock: Clock, endpoint: Resource) -> None:
        self._ways = ways
        self._endpoint = endpoint
        self._now = clock.now()
        status = endpoint.status
        self._instances: list[Doc] = [dict(one) for one in status.get("_instances") or []]
        self._leaving: list[Doc] = [dict(one) for one in status.get("_leaving") or []]
        self._crashes: dict[str, Doc] = {key: dict(one) for key, one in (status.get("_crashes") or {}).items()}
        self._serials: dict[str, int] = dict(status.get("_serials") or {})
        self._seen: dict[str, Seen] = {}

    def status(self) -> Doc:
        """The members to store."""
        return {
            "_instances": self._instances,
            "_leaving": self._leaving,
            "_crashes": self._crashes,
            "_serials": self._serials,
        }

    @property
    def leaving(self) -> bool:
        return bool(self._leaving)

    def pause(self, idle: float) -> float:
        """Seconds until the next look is worth while; `idle` when nothing is on its way."""
        if any(one["ready"] is None or one["missing"] is not None for one in self._instances):
            return SOON_SECONDS
        ends: list[float] = [one["until"] - self._now for one in self._crashes.values() if one["until"] > self._now]
        # An instance that leaves wakes the look by its end; the pause is only in case that word gets lost.
        return min([idle, *ends, *([LEAVING_SECONDS] if self._leaving else [])])

    async def observe(self) -> None:
        """What the outside world says of every instance is known; those that ended or fell silent leave."""
        await asyncio.gather(*(self._observe(one) for one in self._instances))
        for one in list(self._instances):
            seen = self._seen[one["uid"]]
            if seen.run.phase in ("ended", "lost"):
                self._crashed(one, seen.why)
            elif one["missing"] is not None and self._now - one["missing"] > MISSING_SECONDS:
                self._crashed(one, f"the instance answered no GET /ping for {MISSING_SECONDS:.0f} s")

    async def fill(self, deployments: list[Doc]) -> None:
        """Every variant of the deployments has its count of instances, started; what is too much leaves."""
        wanted: dict[tuple[int, str], int] = {}
        variants: dict[tuple[int, str], tuple[int, Doc]] = {}
        for deployment in deployments:
            for index, variant in enumerate(every_variant(deployment)):
                key = (deployment["generation"], variant["name"])
                wanted[key] = max(wanted.get(key, 0), variant["count"])
                variants[key] = (index, variant)
        self._forget({_slot(*key) for key in wanted})
        for one in list(self._instances):
            if (one["generation"], one["variant"]) not in wanted:
                self._leave(one)
        for key, count in wanted.items():
            self._fit(key, *variants[key], count)
        for one in list(self._instances):
            if self._run(one).phase == "absent":
                await self._start(one, variants[one["generation"], one["variant"]][1])

    def failure(self, deployment: Doc, most_crashes: int, since: float) -> str | None:
        """Why the deployment cannot come true, by what happened after `since`; None while it may."""
        for variant in every_variant(deployment):
            crash = self._crashes.get(_slot(deployment["generation"], variant["name"]))
            if crash is not None and crash["count"] >= most_crashes and crash["at"] >= since:
                return f"{_unhealthy(variant['name'])} {crash['why']}"
        return None

    def impatient(self, deployment: Doc) -> None:
        """Instances that did not become ready in their variant's time leave, and count as crashed."""
        patience = {variant["name"]: variant["patience"] for variant in every_variant(deployment)}
        for one in list(self._instances):
            if one["generation"] != deployment["generation"] or one["ready"] is not None:
                continue
            allowed = patience.get(one["variant"])
            if allowed is not None and self._now - one["since"] > allowed:
                lines = self._way(one).last_lines(self._instance(one))
                self._crashed(one, f"GET /ping was not answered with 200 within {allowed:.0f} s.{lines}", final=True)

    def complete(self, deployment: Doc) -> bool:
        """As many instances as each variant asks for are ready."""
        ready = self.ready(deployment)
        return all(len(ready[variant["name"]]) >= variant["count"] for variant in every_variant(deployment))

    def ready(self, deployment: Doc) -> dict[str, list[str]]:
        """Where the instances answer that serve each variant, as far as they are ready: at most its count of them."""
        ready: dict[str, list[str]] = {}
        for variant in every_variant(deployment):
            found = self._of(deployment["generation"], variant)
            addresses = [self._run(one).address for one in found if one["ready"] is not None]
            ready[variant["name"]] = [one for one in addresses if one is not None][: variant["count"]]
        return ready

    async def dismiss(self, *, unrouted: bool) -> None:
        """What has gone is removed, with its last lines in the log store. `unrouted`: every front has given up what is
        leaving, so it is told to go; before that it may still be sent requests."""
        for one in list(self._leaving):
            way, instance = self._way(one), self._instance(one)
            if (await way.observe(instance)).run.phase != "running":
                await way.remove(instance)
                self._leaving.remove(one)
            elif unrouted:
                await way.stop(instance, DRAIN_SECONDS)

    async def dismiss_strays(self) -> None:
        """Instances of this endpoint that no record knows (a look was cut short) are on their way out too."""
        known = {one["uid"] for one in (*self._instances, *self._leaving)}
        for how, way in self._ways.items():
            for uid in await way.uids():
                if uid.startswith(f"{self._endpoint.uid}-") and uid not in known:
                    stray = {"uid": uid, "variant": "", "how": how, "containers": 0, "since": self._now}
                    self._leaving.append(stray)

    async def remove_all(self) -> None:
        """No instance of this endpoint is left on this machine."""
        await self.dismiss_strays()
        for one in (*self._instances, *self._leaving):
            await self._way(one).remove(self._instance(one))

    async def _observe(self, one: Doc) -> None:
        seen = self._seen[one["uid"]] = await self._way(one).observe(self._instance(one))
        if seen.run.phase != "running":
            return
        if seen.ready:
            one["missing"] = None
            if one["ready"] is None:
                one["ready"] = self._now
        elif one["ready"] is not None and one["missing"] is None:
            one["missing"] = self._now

    def _fit(self, key: tuple[int, str], index: int, variant: Doc, count: int) -> None:
        generation, name = key
        slot = _slot(generation, name)
        how = variant.get("how", NATIVE)
        have = self._of(generation, variant)
        right = [one for one in have if one.get("how", NATIVE) == how]
        # Where a variant is to be run in another way, those of the old way serve until there are enough of the new.
        enough = sum(one["ready"] is not None for one in right) >= count
        for one in right[count:] if not enough else [*right[count:], *(one for one in have if one not in right)]:
            self._leave(one)
        if len(right) < count and self._now < self._crashes.get(slot, {}).get("until", 0.0):
            return
        for _ in range(count - len(right)):
            serial = self._serials.get(slot, 0)
            self._serials[slot] = serial + 1
            uid = f"{self._endpoint.uid}-{generation}-{index}-{serial}"
            new = {"uid": uid, "generation": generation, "variant": name, "how": how}
            times = {"since": self._now, "ready": None, "missing": None}
            self._instances.append({**new, **_made_of(variant), **times})

    def _of(self, generation: int, variant: Doc) -> list[Doc]:
        """Its instances, the ones to keep first: those that answer before those that never did, those of the variant's
        way before others, the oldest before the younger."""
        how = variant.get("how", NATIVE)
        found = [one for one in self._instances if (one["generation"], one["variant"]) == (generation, variant["name"])]
        return sorted(found, key=lambda one: (one["ready"] is None, one.get("how", NATIVE) != how))

    async def _start(self, one: Doc, variant: Doc) -> None:
        if one["ready"] is not None:
            self._crashed(one, "the instance's run is gone from this machine.")
            return
        try:
            await self._way(one).start(self._instance(one), variant)
        except NotYet:
            one["since"] = self._now  # its time to become ready begins once what it needs is there
        except CannotStart as error:
            self._crashed(one, f"The instance could not be started: {error}", final=True)

    def _crashed(self, one: Doc, why: str, *, final: bool = False) -> None:
        """The instance leaves, and its place is filled again after a while. `final`: trying it again would
        end the same way, so a deployment fails at once."""
        slot = _slot(one["generation"], one["variant"])
        steady = one["ready"] is not None and self._now - one["ready"] > STEADY_SECONDS
        count = 1 if steady else self._crashes.get(slot, {}).get("count", 0) + 1
        wait = 0.0 if steady else min(2.0 ** min(count - 1, 10), LONGEST_BACKOFF)
        count = max(count, FINAL) if final else count
        self._crashes[slot] = {"count": count, "at": self._now, "until": self._now + wait, "why": why}
        self._leave(one)

    def _forget(self, slots: set[str]) -> None:
        """Nothing is kept of variants that are asked for no more: no later generation has their number."""
        self._crashes = {slot: crash for slot, crash in self._crashes.items() if slot in slots}
        self._serials = {slot: serial for slot, serial in self._serials.items() if slot in slots}

    def _leave(self, one: Doc) -> None:
        self._instances.remove(one)
        kept: Doc = {name: one[name] for name in _KEPT if name in one}
        self._leaving.append({**kept, "since": self._now})

    def _run(self, one: Doc) -> Run:
        seen = self._seen.get(one["uid"])
        return seen.run if seen is not None else Run("absent")

    def _way(self, one: Doc) -> Instances:
        return self._ways[one.get("how", NATIVE)]

    def _instance(self, one: Doc) -> Instance:
        count, hosts = one.get("containers", 1), tuple(one.get("hosts") or ())
        return Instance(self._endpoint, one["uid"], one["variant"], count, hosts, bool(one.get("direct")))


def _made_of(variant: Doc) -> Doc:
    """What a record says of an instance's containers."""
    several = containers(variant)
    if len(several) == 1:
        return {"containers": 1}
    hosts = models.hostnames(several)
    return {"containers": len(several), "hosts": hosts, "direct": bool(variant.get("direct"))}


def _slot(generation: int, variant: str) -> str:
    return f"{generation}/{variant}"


def _unhealthy(variant: str) -> str:
    return f"The primary container for production variant {variant} did not pass the ping health check."
