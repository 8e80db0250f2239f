"""What is done around the control loop: what a crash left behind at the start, and what falls due by the hour."""

import asyncio
import logging
import shutil
from contextlib import suppress
from pathlib import Path

from clary.aws.uses import EXACT_SECONDS, use_of
from clary.engines.serving import paths
from clary.engines.serving.plane import Plane
from clary.engines.spark.warm import WarmSpark
from clary.jobs.environments import tidy
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.store import Where
from clary.services import application_autoscaling, cloudwatch, ecr, glue, iam, s3, sagemaker, signin, sns, sqs
from clary.world.stores import Stores

HOUSEKEEPING_SECONDS = 3600.0
STALE_SECONDS = 86_400.0
"""What nobody uses and nobody touched for so long, in places that homes share, is swept."""

log = logging.getLogger(__name__)


class Upkeep:
    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        runner: WarmSpark,
        serving: Plane,
        key_uses: iam.StoredKeyUses,
        scratch: Path,
        environments: Path,
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._runner = runner
        self._serving = serving
        self._key_uses = key_uses
        self._scratch = scratch
        self._environments = environments

    async def begin(self) -> None:
        """Nothing is left of what is gone. What has a run on this machine is looked at first, and so is every endpoint:
        its end may have come while nobody watched."""
        rows = self._stores.rows
        rows.release()  # the home is locked by our supervisor: whoever held a lease is dead
        await asyncio.to_thread(self._sweep, self._clock.now() - STALE_SECONDS)
        await self._runner.begin()
        await self._remove_orphans()
        for one in {run.partition("-")[0] for run in await self._runner.uids()} | self._endpoints():
            rows.hasten(one)

    async def keep_house(self, stop: asyncio.Event) -> None:
        """At the start and once an hour, every store is brought within its bounds."""
        rows, queues = self._stores.rows, self._stores.queues
        while not stop.is_set():
            await self._stores.age(stop)
            await tidy(self._runner, self._environments, self._clock.now() - HOUSEKEEPING_SECONDS)
            await sqs.tidying.tidy(rows, queues, self._clock)
            sns.tidying.tidy(rows)
            signin.tidying.tidy(rows, self._clock)
            await cloudwatch.history.tidy(rows, self._clock)
            await application_autoscaling.tidy(rows, self._clock)
            await ecr.tidying.tidy(rows, self._stores.objects, self._clock)
            await s3.hadoop.staging.tidy(rows, self._stores.objects, self._clock)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), HOUSEKEEPING_SECONDS)

    async def remember_uses(self, stop: asyncio.Event) -> None:
        """Whom the fronts let in is written down once a minute. What a front saw and did not tell before it was killed
        is lost: it is a minute at most."""
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EXACT_SECONDS)
            for one in await self._serving.uses():
                self._key_uses.remember(use_of(one))

    async def rest(self) -> None:
        """The model servers are told to end (jobs run on); what is asked stands, so the next start serves it again.
        What waits for jobs ends, too."""
        await self._runner.rest()
        endpoints = self._endpoints()
        for run in await self._runner.uids():
            if run.partition("-")[0] in endpoints:
                await self._runner.stop(run, grace=5.0)

    def _sweep(self, older_than: float) -> None:
        """What crashes and homes that are no more left on this machine is gone. It must not keep us from starting."""
        for sweep in (self._runner.sweep, paths.sweep):
            try:
                sweep(older_than)
            except OSError:
                log.exception("what an earlier server left behind could not be removed")

    async def _remove_orphans(self) -> None:
        """No run is left of a resource that is gone: a crash may come between the end of its row and that of its run.
        Nothing is started yet, and a run is only ever started for a row that is there."""
        for run in await self._runner.uids():
            if not self._known(run.partition("-")[0]):
                log.warning("a run without a resource is removed", extra={"run": run})
                try:
                    await self._runner.remove(run)
                except OSError:
                    log.exception("a run without a resource could not be removed", extra={"run": run})
        for path in self._scratch.iterdir():
            if not self._known(path.name.partition("-")[0]):
                await asyncio.to_thread(shutil.rmtree, path, True)

    def _known(self, uid: str) -> bool:
        """There is a resource of a kind that has runs, with that uid."""
        for kind in (*sagemaker.MACHINES, *glue.MACHINES):
            with suppress(Missing):
                self._stores.rows.find(kind, uid)
                return True
        return False

    def _endpoints(self) -> set[str]:
        return {one.uid for one in self._stores.rows.page("endpoint", Where(), limit=1_000_000)}
