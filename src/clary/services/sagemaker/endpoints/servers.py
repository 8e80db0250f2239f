"""Native instances: the model's containers as runs of the runner, each a model server of its own."""

import asyncio
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from clary.engines.runners.base import Run, StartError
from clary.engines.serving.base import STAGES
from clary.jobs import environments, lines
from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogStreamName
from clary.services.sagemaker.endpoints import many
from clary.services.sagemaker.endpoints.compiled import Compiled
from clary.services.sagemaker.endpoints.instances import (
    COMPILED,
    NATIVE,
    CannotStart,
    Instance,
    Instances,
    NotYet,
    Seen,
)
from clary.services.sagemaker.endpoints.machine import LOG_GROUP
from clary.services.sagemaker.endpoints.server import work_of
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.inputs import InputError
from clary.services.sagemaker.roles import NotAssumable

_FURTHER: Final = re.compile(r"-c[1-9][0-9]*$")
"""How the uid of a run ends that is not its instance's first container."""


def ways(engines: Engines) -> Mapping[str, Instances]:
    """Every way to run instances, by its name in a variant's `how`."""
    return {NATIVE: Servers(engines), COMPILED: Compiled(engines)}


class Servers:
    """Implements `Instances`. The run of an instance's first container has the instance's uid; those of others have
    "-c1", "-c2", ... behind it. An address names them all, in order."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def start(self, instance: Instance, variant: Doc) -> None:
        """As `Instances.start`: a server a container runs, each with its model unpacked. A crash between two of them
        leaves an instance that is absent still, and whose start starts the rest."""
        try:
            for place, uid in enumerate(_uids(instance)):
                work = await work_of(self._engines, instance.endpoint, variant, uid, place)
                await self._engines.runner.start(uid, work)
        except environments.Making as making:
            why = await environments.follow(self._engines, making, stream(instance))
            if why is not None:
                raise CannotStart(why) from None
            raise NotYet(instance.uid) from None
        except (InputError, NotAssumable, StartError) as error:
            raise CannotStart(str(error)) from None

    async def observe(self, instance: Instance) -> Seen:
        """As `Instances.observe`: ready is when every one of them answers GET /ping."""
        runs = [await self._engines.runner.observe(uid) for uid in _uids(instance)]
        for place, run in enumerate(runs):
            await self._ship(instance, place, run, final=run.phase != "running")
        if len(runs) == 1:
            return await self._seen_alone(instance, runs[0])
        ended = [place for place, run in enumerate(runs) if run.phase in ("ended", "lost")]
        alive = next((run for run in runs if run.phase == "running"), None)
        if ended and alive is not None and self._mark(instance).exists():
            return Seen(replace(alive, address=None))  # they end one after another
        if ended:
            return Seen(runs[ended[0]], why=self._end_of(instance, ended[0], runs[ended[0]]))
        if any(run.phase == "absent" for run in runs):
            return Seen(Run("absent"))
        addresses = [run.address for run in runs]
        if None in addresses:
            return Seen(replace(runs[0], address=None))
        ready = await asyncio.gather(*(self._engines.serving.ready(one) for one in addresses if one is not None))
        return Seen(replace(runs[0], address=STAGES.join(one for one in addresses if one is not None)), all(ready))

    def last_lines(self, instance: Instance) -> str:
        """As `Instances.last_lines`; with several containers, what each printed."""
        return "".join(self._last_lines(instance, place) for place in range(len(_uids(instance))))

    async def stop(self, instance: Instance, grace: float) -> None:
        """As `Instances.stop`: SIGTERM, then SIGKILL. A container whose answers are another's requests ends before that
        other does, so what is within the pipeline comes to its end."""
        uids = await self._runs_of(instance)
        if len(uids) > 1:
            self._mark(instance).parent.mkdir(parents=True, exist_ok=True)
            self._mark(instance).touch()
        for uid in uids:
            run = await self._engines.runner.observe(uid)
            if run.phase == "running":
                await self._engines.runner.stop(uid, grace)
                if not instance.direct:
                    return

    async def remove(self, instance: Instance) -> None:
        """As `Instances.remove`: the runs are gone, and what was gathered for them."""
        for place, uid in enumerate(await self._runs_of(instance)):
            await self._ship(instance, place, await self._engines.runner.observe(uid), final=True)
            await self._engines.runner.remove(uid)
            await asyncio.to_thread(shutil.rmtree, self._engines.scratch / uid, True)

    async def uids(self) -> list[str]:
        """As `Instances.uids`; runs of jobs are among them, which no endpoint's uid begins."""
        return list(dict.fromkeys(_FURTHER.sub("", uid) for uid in await self._engines.runner.uids()))

    async def _runs_of(self, instance: Instance) -> list[str]:
        """The uids of its runs; of an instance of which little is known, those that are there."""
        if instance.containers:
            return _uids(instance)
        there = await self._engines.runner.uids()
        return sorted((one for one in there if _FURTHER.sub("", one) == instance.uid), key=_place)

    def _mark(self, instance: Instance) -> Path:
        """It is there once the instance was asked to end: then it is no crash that its first container has ended."""
        return self._engines.scratch / instance.uid / "stopping"

    async def _seen_alone(self, instance: Instance, run: Run) -> Seen:
        if run.phase == "absent":
            return Seen(run)
        if run.phase != "running":
            return Seen(run, why=self._end_of(instance, 0, run))
        run = many.seen(self._engines, instance.endpoint, instance.uid, run)
        return Seen(run, run.address is not None and await self._engines.serving.ready(run.address))

    def _end_of(self, instance: Instance, place: int, run: Run) -> str:
        if run.phase == "lost":
            return "The instance was lost: the machine went down, or its process was killed."
        killed = " (it ran out of memory)" if run.out_of_memory else ""
        which = f" {_host(instance, place)}" if instance.containers > 1 else ""
        said = self._last_lines(instance, place)
        return f"The container{which} ended with exit code {run.exit_code}{killed}.{said}"

    def _last_lines(self, instance: Instance, place: int) -> str:
        events = self._engines.logs.last(stream(instance, place), lines.LAST_LINES)
        said = "\n".join(event.message for event in events)
        which = f" ({_host(instance, place)})" if instance.containers > 1 else ""
        return f" Its last lines{which}:\n{said[-600:]}" if said else f" It printed nothing{which}."

    async def _ship(self, instance: Instance, place: int, run: Run, *, final: bool) -> None:
        if instance.variant and run.phase != "absent":
            await lines.ship(self._engines, stream(instance, place), _uid(instance, place), run, final=final)


def stream(instance: Instance, place: int = 0) -> LogStreamName:
    """Where the lines of a container go: "<variant>/<instance id>" of the endpoint's log group, and with several
    containers "/<its name>" behind that."""
    name = f"{instance.variant}/i-{sha256(instance.uid.encode()).hexdigest()[:17]}"
    if instance.containers > 1:
        name = f"{name}/{_host(instance, place)}"
    group = f"{LOG_GROUP}/{instance.endpoint.name}"
    return LogStreamName(instance.endpoint.account, instance.endpoint.region, group, name)


def _uid(instance: Instance, place: int) -> str:
    return instance.uid if place == 0 else f"{instance.uid}-c{place}"


def _uids(instance: Instance) -> list[str]:
    return [_uid(instance, place) for place in range(max(1, instance.containers))]


def _host(instance: Instance, place: int) -> str:
    return instance.hosts[place] if place < len(instance.hosts) else f"container-{place + 1}"


def _place(uid: str) -> int:
    found = _FURTHER.search(uid)
    return 0 if found is None else int(found[0][2:])
