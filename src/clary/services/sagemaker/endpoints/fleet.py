"""The instances of one endpoint during one look: what is recorded of them, what is seen, what is done about it.

Each instance is a record in the endpoint's status and a run under the record's uid. A record is written before anything
depends on it, and its uid follows from what is stored already, so a look that is cut short and repeated starts the same
runs and not others. A run that shall go is moved to `leaving` first and removed by a later look: what is not recorded
any more is found by its uid's beginning and removed as well.

    instance  {"uid", "generation", "variant", "since", "ready", "missing"}   times in epoch seconds, or None
    leaving   {"uid", "variant", "since"}
    crashes   {"<generation>/<variant>": {"count", "at", "until", "why"}}
"""

import asyncio
import shutil
from hashlib import sha256

from clary.engines.runners.base import Run, StartError
from clary.engines.serving.base import Route, RouteVariant
from clary.kernel.resource import Doc, Resource
from clary.kernel.telemetry import LogStreamName
from clary.services.sagemaker import environments, jobs
from clary.services.sagemaker.endpoints.machine import LOG_GROUP
from clary.services.sagemaker.endpoints.server import work_of
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.inputs import InputError
from clary.services.sagemaker.roles import NotAssumable

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


class Fleet:
    """A working copy of the instances of one endpoint. Nothing is kept but what `status` gives back."""

    def __init__(self, engines: Engines, endpoint: Resource) -> None:
        self._engines = engines
        self._endpoint = endpoint
        self._now = engines.clock.now()
        status = endpoint.status
        self._instances: list[Doc] = [dict(one) for one in status.get("_instances") or []]
        self._leaving: list[Doc] = [dict(one) for one in status.get("_leaving") or []]
        self._crashes: dict[str, Doc] = {key: dict(one) for key, one in (status.get("_crashes") or {}).items()}
        self._serials: dict[str, int] = dict(status.get("_serials") or {})
        self._runs: dict[str, Run] = {}

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
            run = self._runs[one["uid"]]
            if run.phase in ("ended", "lost"):
                await self._ship(one, run, final=True)
                self._crashed(one, self._end_of(one, run))
            elif one["missing"] is not None and self._now - one["missing"] > MISSING_SECONDS:
                self._crashed(one, f"the instance answered no GET /ping for {MISSING_SECONDS:.0f} s")

    async def fill(self, deployments: list[Doc]) -> None:
        """Every variant of the deployments has its count of instances, started; what is too much leaves."""
        wanted: dict[tuple[int, str], int] = {}
        variants: dict[tuple[int, str], tuple[int, Doc]] = {}
        for deployment in deployments:
            for index, variant in enumerate(deployment["variants"]):
                key = (deployment["generation"], variant["name"])
                wanted[key] = max(wanted.get(key, 0), variant["count"])
                variants[key] = (index, variant)
        self._forget({_slot(*key) for key in wanted})
        for one in list(self._instances):
            if (one["generation"], one["variant"]) not in wanted:
                self._leave(one)
        for key, count in wanted.items():
            self._fit(key, variants[key][0], count)
        for one in list(self._instances):
            if self._run(one).phase == "absent":
                await self._start(one, variants[one["generation"], one["variant"]][1])

    def failure(self, deployment: Doc, most_crashes: int) -> str | None:
        """Why the deployment cannot come true; None while it may."""
        for variant in deployment["variants"]:
            crash = self._crashes.get(_slot(deployment["generation"], variant["name"]))
            if crash is not None and crash["count"] >= most_crashes and crash["at"] >= deployment["started"]:
                return f"{_unhealthy(variant['name'])} {crash['why']}"
        return None

    def impatient(self, deployment: Doc) -> None:
        """Instances that did not become ready in their variant's time leave, and count as crashed."""
        patience = {variant["name"]: variant["patience"] for variant in deployment["variants"]}
        for one in list(self._instances):
            if one["generation"] != deployment["generation"] or one["ready"] is not None:
                continue
            allowed = patience.get(one["variant"])
            if allowed is not None and self._now - one["since"] > allowed:
                lines = self._last_lines(one)
                self._crashed(one, f"GET /ping was not answered with 200 within {allowed:.0f} s.{lines}", final=True)

    def complete(self, deployment: Doc) -> bool:
        """As many instances as each variant asks for are ready."""
        ready = self._ready(deployment)
        return all(len(ready[variant["name"]]) >= variant["count"] for variant in deployment["variants"])

    def route(self, deployment: Doc) -> Route:
        """Who answers requests to the deployment, as far as its instances are ready."""
        ready = self._ready(deployment)
        variants = tuple(
            RouteVariant(one["name"], one["weight"], tuple(ready[one["name"]][: one["count"]]))
            for one in deployment["variants"]
        )
        return Route(self._endpoint.account, self._endpoint.region, self._endpoint.name, variants)

    async def dismiss(self) -> None:
        """What is leaving is told to go; what has gone is removed, with its last lines in the log store."""
        for one in list(self._leaving):
            run = await self._engines.runner.observe(one["uid"])
            await self._ship(one, run, final=run.phase != "running")
            if run.phase == "running":
                await self._engines.runner.stop(one["uid"], DRAIN_SECONDS)
            else:
                await self._engines.runner.remove(one["uid"])
                await asyncio.to_thread(shutil.rmtree, self._engines.scratch / one["uid"], True)
                self._leaving.remove(one)

    async def dismiss_strays(self) -> None:
        """Runs of this endpoint that no record knows (a look was cut short) are on their way out too."""
        known = {one["uid"] for one in (*self._instances, *self._leaving)}
        for uid in await self._engines.runner.uids():
            if uid.startswith(f"{self._endpoint.uid}-") and uid not in known:
                self._leaving.append({"uid": uid, "variant": "", "since": self._now})

    async def remove_all(self) -> None:
        """No run of this endpoint is left on this machine."""
        await self.dismiss_strays()
        for one in (*self._instances, *self._leaving):
            run = await self._engines.runner.observe(one["uid"])
            await self._ship(one, run, final=True)
            await self._engines.runner.remove(one["uid"])
            await asyncio.to_thread(shutil.rmtree, self._engines.scratch / one["uid"], True)

    async def _observe(self, one: Doc) -> None:
        run = await self._engines.runner.observe(one["uid"])
        self._runs[one["uid"]] = run
        if run.phase != "running":
            return
        await self._ship(one, run, final=False)
        if run.address is not None and await self._engines.serving.ready(run.address):
            one["missing"] = None
            if one["ready"] is None:
                one["ready"] = self._now
        elif one["ready"] is not None and one["missing"] is None:
            one["missing"] = self._now

    def _fit(self, key: tuple[int, str], index: int, count: int) -> None:
        generation, variant = key
        slot = _slot(generation, variant)
        have = [one for one in self._instances if (one["generation"], one["variant"]) == key]
        if len(have) > count:
            # Those that never answered go first, then the youngest.
            for one in sorted(have, key=lambda one: (one["ready"] is None, one["since"]))[count:]:
                self._leave(one)
        if len(have) < count and self._now < self._crashes.get(slot, {}).get("until", 0.0):
            return
        for _ in range(count - len(have)):
            serial = self._serials.get(slot, 0)
            self._serials[slot] = serial + 1
            uid = f"{self._endpoint.uid}-{generation}-{index}-{serial}"
            new = {"uid": uid, "generation": generation, "variant": variant, "since": self._now}
            self._instances.append({**new, "ready": None, "missing": None})

    async def _start(self, one: Doc, variant: Doc) -> None:
        if one["ready"] is not None:
            self._crashed(one, "the instance's run is gone from this machine.")
            return
        try:
            work = await work_of(self._engines, self._endpoint, variant, one["uid"])
            await self._engines.runner.start(one["uid"], work)
        except environments.Making as making:
            why = await environments.follow(self._engines, making, self._stream(one))
            if why is not None:
                self._crashed(one, f"The instance could not be started: {why}", final=True)
            one["since"] = self._now  # its time to become ready begins once its packages are there
        except (InputError, NotAssumable, StartError) as error:
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
        self._leaving.append({"uid": one["uid"], "variant": one["variant"], "since": self._now})

    def _ready(self, deployment: Doc) -> dict[str, list[str]]:
        ready: dict[str, list[str]] = {variant["name"]: [] for variant in deployment["variants"]}
        for one in self._instances:
            address = self._run(one).address
            if one["generation"] == deployment["generation"] and one["ready"] is not None and address is not None:
                ready[one["variant"]].append(address)
        return ready

    def _run(self, one: Doc) -> Run:
        return self._runs.get(one["uid"], Run("absent"))

    def _end_of(self, one: Doc, run: Run) -> str:
        if run.phase == "lost":
            return "The instance was lost: the machine went down, or its process was killed."
        killed = " (it ran out of memory)" if run.out_of_memory else ""
        return f"The container ended with exit code {run.exit_code}{killed}.{self._last_lines(one)}"

    def _last_lines(self, one: Doc) -> str:
        events = self._engines.logs.last(self._stream(one), jobs.LAST_LINES)
        lines = "\n".join(event.message for event in events)
        return f" Its last lines:\n{lines[-600:]}" if lines else " It printed nothing."

    async def _ship(self, one: Doc, run: Run, *, final: bool) -> None:
        if one["variant"]:
            await jobs.ship(self._engines, self._stream(one), one["uid"], run, final=final)

    def _stream(self, one: Doc) -> LogStreamName:
        name = f"{one['variant']}/i-{sha256(one['uid'].encode()).hexdigest()[:17]}"
        group = f"{LOG_GROUP}/{self._endpoint.name}"
        return LogStreamName(self._endpoint.account, self._endpoint.region, group, name)


def _slot(generation: int, variant: str) -> str:
    return f"{generation}/{variant}"


def _unhealthy(variant: str) -> str:
    return f"The primary container for production variant {variant} did not pass the ping health check."
