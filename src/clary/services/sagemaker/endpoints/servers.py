"""Native instances: the model's containers as runs of the runner, each a model server of its own."""

import asyncio
import shutil
from collections.abc import Mapping
from hashlib import sha256

from clary.engines.runners.base import Run, StartError
from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogStreamName
from clary.services.sagemaker import environments, jobs
from clary.services.sagemaker.endpoints.instances import NATIVE, CannotStart, Instance, Instances, NotYet, Seen
from clary.services.sagemaker.endpoints.machine import LOG_GROUP
from clary.services.sagemaker.endpoints.server import work_of
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.inputs import InputError
from clary.services.sagemaker.roles import NotAssumable


def ways(engines: Engines) -> Mapping[str, Instances]:
    """Every way to run instances, by its name in a variant's `how`."""
    return {NATIVE: Servers(engines)}


class Servers:
    """Implements `Instances`. The run of an instance has the instance's uid."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def start(self, instance: Instance, variant: Doc) -> None:
        """As `Instances.start`: the variant's server runs, with its model unpacked."""
        try:
            work = await work_of(self._engines, instance.endpoint, variant, instance.uid)
            await self._engines.runner.start(instance.uid, work)
        except environments.Making as making:
            why = await environments.follow(self._engines, making, stream(instance))
            if why is not None:
                raise CannotStart(why) from None
            raise NotYet(instance.uid) from None
        except (InputError, NotAssumable, StartError) as error:
            raise CannotStart(str(error)) from None

    async def observe(self, instance: Instance) -> Seen:
        """As `Instances.observe`: ready is who answers GET /ping."""
        run = await self._engines.runner.observe(instance.uid)
        if run.phase == "absent":
            return Seen(run)
        await self._ship(instance, run, final=run.phase != "running")
        if run.phase != "running":
            return Seen(run, why=self._end_of(instance, run))
        return Seen(run, run.address is not None and await self._engines.serving.ready(run.address))

    def last_lines(self, instance: Instance) -> str:
        """As `Instances.last_lines`."""
        events = self._engines.logs.last(stream(instance), jobs.LAST_LINES)
        lines = "\n".join(event.message for event in events)
        return f" Its last lines:\n{lines[-600:]}" if lines else " It printed nothing."

    async def stop(self, instance: Instance, grace: float) -> None:
        """As `Instances.stop`: SIGTERM, then SIGKILL."""
        await self._engines.runner.stop(instance.uid, grace)

    async def remove(self, instance: Instance) -> None:
        """As `Instances.remove`: the run is gone, and what was gathered for it."""
        await self._ship(instance, await self._engines.runner.observe(instance.uid), final=True)
        await self._engines.runner.remove(instance.uid)
        await asyncio.to_thread(shutil.rmtree, self._engines.scratch / instance.uid, True)

    async def uids(self) -> list[str]:
        """As `Instances.uids`; runs of jobs are among them, which no endpoint's uid begins."""
        return await self._engines.runner.uids()

    def _end_of(self, instance: Instance, run: Run) -> str:
        if run.phase == "lost":
            return "The instance was lost: the machine went down, or its process was killed."
        killed = " (it ran out of memory)" if run.out_of_memory else ""
        return f"The container ended with exit code {run.exit_code}{killed}.{self.last_lines(instance)}"

    async def _ship(self, instance: Instance, run: Run, *, final: bool) -> None:
        if instance.variant:
            await jobs.ship(self._engines, stream(instance), instance.uid, run, final=final)


def stream(instance: Instance) -> LogStreamName:
    """Where the lines of an instance go: "<variant>/<instance id>" of the endpoint's log group."""
    name = f"{instance.variant}/i-{sha256(instance.uid.encode()).hexdigest()[:17]}"
    group = f"{LOG_GROUP}/{instance.endpoint.name}"
    return LogStreamName(instance.endpoint.account, instance.endpoint.region, group, name)
