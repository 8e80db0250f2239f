"""The composition root: the only file that knows every part, and what each is given."""

import asyncio
import logging
import shutil
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from clary.aws import delivery
from clary.aws.authorize import IdentityPolicies, ResourcePolicies
from clary.aws.carried import PoliciesByService
from clary.aws.credentials import KeyRing, KeyUses
from clary.aws.delivery import Deliverer, Deliveries
from clary.aws.endpoint import Endpoint
from clary.aws.gateway import Gateway
from clary.aws.heralds import Heralds
from clary.aws.route import Router
from clary.aws.service import Service
from clary.aws.tagging import Taggables
from clary.aws.traffic import Traffic
from clary.aws.uses import EXACT_SECONDS, use_of
from clary.config import Config
from clary.engines.audit.files import AuditFiles
from clary.engines.metrics.store import SqliteMetrics
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.engines.queues.sqlite import SqliteQueues
from clary.engines.runners.base import Runner
from clary.engines.runners.process import ProcessRunner
from clary.engines.runners.sidecar import Sidecar
from clary.engines.serving import paths
from clary.engines.serving.base import Serving
from clary.engines.serving.plane import Plane
from clary.engines.telemetry.segments import SegmentLogs
from clary.engines.web.mail import MailDirectory
from clary.engines.web.posts import WebPosts
from clary.engines.web.signer import HomeSigner
from clary.home import Home
from clary.kernel.audit import AuditLog
from clary.kernel.clock import Clock, SystemClock
from clary.kernel.errors import Missing
from clary.kernel.events import Bus, Pattern
from clary.kernel.metrics import MetricSink, MetricStore
from clary.kernel.objects import ObjectStore
from clary.kernel.queues import QueueStore
from clary.kernel.reconcile import Controller
from clary.kernel.sqlite import SqliteStore
from clary.kernel.store import Where
from clary.kernel.telemetry import LogSink, LogStore
from clary.kernel.web import Web
from clary.services import (
    cloudtrail,
    cloudwatch,
    events,
    iam,
    logs,
    resourcegroupstaggingapi,
    s3,
    sagemaker,
    sagemaker_runtime,
    sns,
    sqs,
    sts,
)
from clary.services.cloudwatch import heralds as cloudwatch_heralds
from clary.services.cloudwatch import taggable as cloudwatch_tags
from clary.services.events import taggable as events_tags
from clary.services.iam import taggable as iam_tags
from clary.services.iam.effective import KeptUserKeys, StoredIdentities
from clary.services.logs import taggable as logs_tags
from clary.services.s3 import heralds as s3_heralds
from clary.services.s3 import taggable as s3_tags
from clary.services.sagemaker import heralds as sagemaker_heralds
from clary.services.sagemaker import taggable as sagemaker_tags
from clary.services.sagemaker.holding import Holding
from clary.services.sns import taggable as sns_tags
from clary.services.sqs import taggable as sqs_tags
from clary.vitals import LogTraffic, Vitals

HOUSEKEEPING_SECONDS = 3600.0
STALE_SECONDS = 86_400.0
"""What nobody uses and nobody touched for so long, in places that homes share, is swept."""

log = logging.getLogger(__name__)

SERVICES: tuple[Service, ...] = (
    cloudtrail.service,
    cloudwatch.service,
    events.service,
    iam.service,
    logs.service,
    resourcegroupstaggingapi.service,
    s3.service,
    sagemaker.service,
    sagemaker_runtime.service,
    sns.service,
    sqs.service,
    sts.service,
)
TAGGABLES = Taggables(
    [
        *cloudwatch_tags.TAGGABLES,
        *events_tags.TAGGABLES,
        *iam_tags.TAGGABLES,
        *logs_tags.TAGGABLES,
        *s3_tags.TAGGABLES,
        *sagemaker_tags.TAGGABLES,
        *sns_tags.TAGGABLES,
        *sqs_tags.TAGGABLES,
    ]
)
HERALDS = Heralds({**cloudwatch_heralds.HERALDS, **s3_heralds.HERALDS, **sagemaker_heralds.HERALDS})


class World:
    """One control plane over one home: store, engines, services, gateway and controller."""

    def __init__(
        self, config: Config, home: Home, clock: Clock | None = None, sidecar: Callable[[], Sidecar] | None = None
    ) -> None:
        """`sidecar`: what stands by each run that has a network."""
        self.config = config
        self.clock = clock or SystemClock()
        self.store = SqliteStore(config.state_file, self.clock, sync=config.store_sync, only_writer=True)
        iam.referred.bring_up(self.store, home.account)
        self.objects = DiskObjects(config.objects_dir, self.clock)
        self.logs = SegmentLogs(config.logs_dir, self.clock, sync=config.store_sync)
        self.metrics = SqliteMetrics(config.metrics_dir, self.clock, sync=config.store_sync)
        self.audit = AuditFiles(config.audit_dir, self.clock, days=config.audit_days)
        self.queues = SqliteQueues(config.queues_file, self.clock, sync=config.store_sync)
        self.depths = sqs.depths.Depths(self.store, self.queues, self.metrics, self.clock)
        self.runner = ProcessRunner(
            config.runs_dir, sandbox=config.sandbox, hide=[config.home], sidecar=sidecar, clock=self.clock
        )
        self.serving = Plane(config.serving_dir)
        self.happenings = s3.happenings.Happenings(self.store, self.objects, self.clock)
        self.identities = StoredIdentities(self.store, home.account)
        users = KeptUserKeys(self.store, iam.StoredUserKeys(self.store, home.account, home.user_secret))
        self.ring = home.ring_with(users)
        self.key_uses = iam.StoredKeyUses(self.store, self.clock, home.account)
        self.holding = Holding(self.store, self.clock, config.hold_describe_seconds)
        ports: dict[type, Any] = {
            AuditLog: self.audit,
            BucketStore: self.objects,
            Endpoint: Endpoint(config.endpoint_url),
            Holding: self.holding,
            IdentityPolicies: self.identities,
            KeyRing: self.ring,
            KeyUses: self.key_uses,
            iam.Birth: iam.Birth(home.made),
            LogSink: self.logs,
            LogStore: self.logs,
            MetricSink: self.metrics,
            MetricStore: self.metrics,
            ObjectStore: self.objects,
            QueueStore: self.queues,
            ResourcePolicies: PoliciesByService(
                {
                    "events": events.policies.EventPolicies(self.store, home.account),
                    "logs": events.policies.LogGroupPolicies(home.account),
                    "s3": s3.policy.BucketPolicies(self.store, home.account, self.objects),
                    "sns": sns.policy.TopicPolicies(self.store, home.account),
                    "sqs": sqs.policy.QueuePolicies(self.store, home.account),
                }
            ),
            Runner: self.runner,
            Serving: self.serving,
            Taggables: TAGGABLES,
            s3.happenings.Happenings: self.happenings,
            sqs.counting.Used: self.depths,
        }
        self.ports = ports
        traffic = ports[Traffic] = Traffic()
        self.gateway = Gateway(
            SERVICES, ring=self.ring, store=self.store, clock=self.clock, ports=ports, account=home.account
        )
        self.web = ports[Web] = WebPosts(config.deliver_to)
        mailbox = MailDirectory(config.outbox_dir)
        notices = sns.notices.Notices(HomeSigner(config.signing_dir), config.endpoint_url)
        ports[sns.notices.Notices] = notices
        self.deliveries = Deliveries(
            self.store,
            self.clock,
            home.account,
            self.identities,
            inside=self.gateway.calls,
            web=self.web,
            metrics=ports.get(MetricSink),
            carriers={sns.mail.MAIL: sns.mail.carrier(mailbox)},
        )
        ports[Deliverer] = self.deliveries
        ports[Router] = self.gateway.router
        self.counting = ports[logs.Counting] = logs.Counting(self.metrics, self.clock)
        self.counting.load(self.store)
        self.logs.listen(self.counting.heard)
        self.subscriptions = logs.Subscriptions(self.store, self.logs, self.deliveries, self.clock)
        ports[logs.Subscriptions] = self.subscriptions
        self.exports = ports[logs.Exports] = logs.Exports(self.gateway.calls, self.logs, self.clock, home.account)
        self.tails = ports[logs.LiveTails] = logs.LiveTails(self.logs, self.clock)
        self.logs.listen(self.subscriptions.heard)
        self.curves = sagemaker.Curves(self.metrics, sagemaker.training.LOG_GROUP)
        self.logs.listen(self.curves.heard)
        self.measured = sagemaker.Measured(self.serving, self.runner, self.store, self.metrics, self.clock)
        self.bus = Bus(self.store, self.clock)
        notify = s3.notify.Notify(self.deliveries, ports[Endpoint])
        told = Pattern(kind=s3.happenings.KIND, phase="Happened", type="moved")
        self.bus.subscribe(s3.notify.SUBSCRIBER, told, notify)
        fanout = sns.fanout.Fanout(self.store, self.clock, self.deliveries, notices, self.metrics)
        self.bus.subscribe(sns.fanout.SUBSCRIBER, Pattern(kind=sns.publish.KIND, type="told"), fanout)
        flow = events.flow.Flow(self.store, self.clock, home.account, HERALDS, self.deliveries, self.metrics, self.logs)
        self.bus.subscribe_batch(events.flow.SUBSCRIBER, Pattern(), flow)
        changed = Pattern(kind=cloudwatch.alarm_rows.KIND)
        follower = cloudwatch.alarm_follow.AlarmFollower(self.store, self.deliveries)
        self.bus.subscribe(cloudwatch.alarm_follow.SUBSCRIBER, changed, follower)
        waker = cloudwatch.composite_follow.CompositeWaker(self.store)
        self.bus.subscribe(cloudwatch.composite_follow.SUBSCRIBER, changed, waker)
        self.controller = Controller(
            self.store,
            self.clock,
            {
                **cloudwatch.reconcilers(self.store, self.metrics, self.clock),
                **events.reconcilers(self.store, self.logs, self.clock),
                **sagemaker.reconcilers(self._engines()),
                **s3.reconcilers(self.objects, self.happenings, self.clock),
                **sns.reconcilers(self.clock),
                **sqs.reconcilers(self.store, self.queues, self.clock),
                delivery.KIND: self.deliveries,
                logs.subscriptions.KIND: self.subscriptions,
                logs.exports.KIND: self.exports,
            },
            {
                **cloudwatch.MACHINES,
                **events.MACHINES,
                **sagemaker.MACHINES,
                **s3.MACHINES,
                **sns.MACHINES,
                **sqs.MACHINES,
                delivery.KIND: delivery.MACHINE,
                logs.exports.KIND: logs.exports.MACHINE,
            },
            lease=config.lease_seconds,
            workers=config.reconcile_workers,
        )
        heard = LogTraffic()
        self.logs.listen(heard.heard)
        vitals = Vitals(self.clock, self.store, self.controller, self.bus, heard, self.metrics)
        ports[cloudwatch.page.Page] = cloudwatch.page.Page(config.metrics_page, traffic, self.serving, vitals)
        self.runner.watch(self._run_changed)

    def _engines(self) -> sagemaker.Engines:
        scratch = self.config.runs_dir / ".scratch"
        scratch.mkdir(mode=0o700, exist_ok=True)
        return sagemaker.Engines(
            runner=self.runner,
            serving=self.serving,
            objects=self.objects,
            logs=self.logs,
            keys=self.ring,
            clock=self.clock,
            store=self.store,
            inside=self.gateway.inside,
            identities=self.identities,
            endpoint_url=self.config.endpoint_url,
            scratch=scratch,
            curves=self.curves,
            max_cpus=self.config.max_run_cpus or None,
            max_memory_bytes=self.config.max_run_memory_bytes or None,
        )

    def _run_changed(self, run: str) -> None:
        """A hint: the resource whose run this is should look now. A run's uid starts with its resource's."""
        self.store.hasten(run.partition("-")[0])

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: what is due is done. What has a run on this machine is looked at first, and so is every
        endpoint: its end may have come while nobody watched."""
        self.store.release()  # the home is locked by our supervisor: whoever held a lease is dead
        await asyncio.to_thread(self._sweep, self.clock.now() - STALE_SECONDS)
        await self._remove_orphans()
        for one in {run.partition("-")[0] for run in await self.runner.uids()} | self._endpoints():
            self.store.hasten(one)
        self.subscriptions.load()
        await asyncio.gather(
            self.controller.run(stop),
            self.bus.run(stop),
            self.depths.run(stop),
            self.counting.run(stop),
            self.measured.run(stop),
            self._housekeeping(stop),
            self._let_go(stop),
            self._remember_uses(stop),
        )

    async def _let_go(self, stop: asyncio.Event) -> None:
        """Whoever is held hears of it before the server ends."""
        await stop.wait()
        self.holding.close()
        self.tails.let_go()
        self.queues.let_go()

    async def _housekeeping(self, stop: asyncio.Event) -> None:
        """What is past its retention is dropped and metrics become coarser, at the start and once an hour."""
        while not stop.is_set():
            await asyncio.to_thread(self.logs.trim)
            await asyncio.to_thread(self.audit.trim)
            await self._age_metrics(stop)
            await sqs.tidying.tidy(self.store, self.queues, self.clock)
            sns.tidying.tidy(self.store)
            await cloudwatch.history.tidy(self.store, self.clock)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), HOUSEKEEPING_SECONDS)

    async def _age_metrics(self, stop: asyncio.Event) -> None:
        try:
            while not stop.is_set() and await asyncio.to_thread(self.metrics.roll):
                pass
        except OSError:
            log.exception("old metrics could not be made coarser")

    async def _remember_uses(self, stop: asyncio.Event) -> None:
        """Whom the fronts let in is written down once a minute. What a front saw and did not tell before it was killed
        is lost: it is a minute at most."""
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EXACT_SECONDS)
            for one in await self.serving.uses():
                self.key_uses.remember(use_of(one))

    def _sweep(self, older_than: float) -> None:
        """What crashes and homes that are no more left on this machine is gone. It must not keep us from starting."""
        for sweep in (self.runner.sweep, paths.sweep):
            try:
                sweep(older_than)
            except OSError:
                log.exception("what an earlier server left behind could not be removed")

    async def _remove_orphans(self) -> None:
        """No run is left of a resource that is gone: a crash may come between the end of its row and that of its run.
        Nothing is started yet, and a run is only ever started for a row that is there."""
        for run in await self.runner.uids():
            if not self._known(run.partition("-")[0]):
                log.warning("a run without a resource is removed", extra={"run": run})
                try:
                    await self.runner.remove(run)
                except OSError:
                    log.exception("a run without a resource could not be removed", extra={"run": run})
        for path in (self.config.runs_dir / ".scratch").iterdir():
            if not self._known(path.name.partition("-")[0]):
                await asyncio.to_thread(shutil.rmtree, path, True)

    def _known(self, uid: str) -> bool:
        """There is a resource of a kind that has runs, with that uid."""
        for kind in sagemaker.MACHINES:
            with suppress(Missing):
                self.store.find(kind, uid)
                return True
        return False

    def _endpoints(self) -> set[str]:
        return {one.uid for one in self.store.page("endpoint", Where(), limit=1_000_000)}

    async def rest(self) -> None:
        """The model servers are told to end (jobs run on); what is asked stands, so the next start serves it again."""
        endpoints = self._endpoints()
        for run in await self.runner.uids():
            if run.partition("-")[0] in endpoints:
                await self.runner.stop(run, grace=5.0)

    def close(self) -> None:
        """Files are closed and nobody is called back any more. Runs go on."""
        self.deliveries.close()
        self.web.close()
        self.runner.close()
        self.serving.close()
        self.objects.close()
        self.logs.close()
        self.audit.close()
        self.metrics.close()
        self.queues.close()
        self.store.close()
