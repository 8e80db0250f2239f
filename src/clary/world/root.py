"""One control plane over one home."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from clary.aws.authorize import IdentityPolicies, ResourcePolicies
from clary.aws.carried import PoliciesByService
from clary.aws.credentials import KeyRing, KeyUses
from clary.aws.endpoint import Endpoint
from clary.aws.gateway import Gateway
from clary.aws.static import Console
from clary.aws.tagging import Taggables
from clary.aws.traffic import Traffic
from clary.config import Config
from clary.engines.objects.base import BucketStore
from clary.engines.queries.base import Queries
from clary.engines.queries.process import QueryProcesses
from clary.engines.runners.base import Runner
from clary.engines.runners.container.images import EngineImages
from clary.engines.runners.sidecar import Sidecar
from clary.engines.schemas.process import SurveyProcesses
from clary.engines.search.base import Search
from clary.engines.search.process import SearchProcess
from clary.engines.serving.base import Serving
from clary.engines.serving.demand import Demands
from clary.engines.serving.graphs.base import Graphs
from clary.engines.serving.paths import socket_dir, wake_socket
from clary.engines.serving.plane import Plane
from clary.home import Home
from clary.jobs.queue import Queue
from clary.jobs.turns import Turns
from clary.kernel.audit import AuditLog
from clary.kernel.clock import Clock, SystemClock
from clary.kernel.errors import Missing
from clary.kernel.metrics import MetricSink, MetricStore
from clary.kernel.objects import ObjectStore
from clary.kernel.queues import QueueStore
from clary.kernel.reconcile import Controller, Reconciler
from clary.kernel.telemetry import LogSink, LogStore
from clary.services import (
    application_autoscaling,
    athena,
    cloudwatch,
    ecr,
    events,
    glue,
    iam,
    s3,
    sagemaker,
    sagemaker_metrics,
    sagemaker_runtime,
    scheduler,
    signin,
    sns,
    sqs,
)
from clary.services.iam.effective import KeptUserKeys, StoredIdentities
from clary.services.sagemaker.experiments.series import Series
from clary.services.sagemaker.holding import Holding
from clary.world import runners, signals
from clary.world.catalogue import SERVICES, TAGGABLES, job_tags
from clary.world.machine import capacity
from clary.world.signals import Signals
from clary.world.stores import Stores
from clary.world.upkeep import Upkeep
from clary.world.vitals import Vitals


class World:
    """Store, engines, services, gateway and controller."""

    def __init__(
        self,
        config: Config,
        home: Home,
        clock: Clock | None = None,
        sidecar: Callable[[], Sidecar] | None = None,
        graphs: Graphs | None = None,
    ) -> None:
        """`sidecar`: what stands by each run that has a network; `graphs`: where compiled models are held, None:
        nothing is compiled."""
        self.graphs = graphs
        self.config = config
        self.clock = clock or SystemClock()
        self.stores = Stores(config, self.clock)
        self.store = self.stores.rows
        iam.referred.bring_up(self.store, home.account)
        self.processes = runners.chosen(config, sidecar, self.clock)
        self.runner = runners.with_spark(self.processes, config)
        self.serving = Plane(config.serving_dir, captures=signals.captures(config, self.clock))
        self.search = SearchProcess()
        self.surveys = SurveyProcesses()
        self.queries = QueryProcesses(
            config.queries_dir,
            most=config.query_workers,
            threads=config.query_threads,
            memory_bytes=config.query_memory_bytes,
        )
        self.happenings = s3.happenings.Happenings(self.store, self.stores.objects, self.clock)
        self.identities = StoredIdentities(self.store, home.account)
        users = KeptUserKeys(self.store, iam.StoredUserKeys(self.store, home.account, home.user_secret))
        self.ring = home.ring_with(users)
        self.key_uses = iam.StoredKeyUses(self.store, self.clock, home.account)
        self.holding = Holding(self.store, self.clock, config.hold_describe_seconds)
        clamps = config.oversize == "clamp"
        self.turns = Queue(
            self.store, self.clock, capacity(config), (*sagemaker.JOBS, *glue.JOBS), clamps=clamps, tags=job_tags
        )
        self.pace = application_autoscaling.Pace(config.autoscaling_speed)
        application_autoscaling.at_speed(self.store, self.clock, self.pace)
        self.ports = self._ports(home)
        self.gateway = Gateway(
            SERVICES, ring=self.ring, store=self.store, clock=self.clock, ports=self.ports, account=home.account
        )
        using = (self.runner,) if graphs is None else (self.runner, graphs)
        self.signals = Signals(config, home.account, self.clock, self.stores, self.gateway, self.ports, using)
        scratch = config.runs_dir / ".scratch"
        scratch.mkdir(mode=0o700, exist_ok=True)
        self.upkeep = Upkeep(
            self.stores, self.clock, self.runner, self.serving, self.key_uses, scratch, config.environments_dir
        )
        self.demands = Demands(wake_socket(socket_dir(config.home)), self.clock, self._wanted)
        self.engines = self._engines()
        self.backlog = sagemaker.Backlog(self.engines, self.stores.metrics)
        self.ports[sagemaker_runtime.asynchronous.Asynchronous] = self.backlog
        self.controller = self._controller()
        self.signals.bus.give_way(lambda: self.controller.busy)
        self.ports[cloudwatch.page.Page] = self._page()
        self.runner.watch(self._run_changed)

    def _ports(self, home: Home) -> dict[type, Any]:
        """What handlers may ask for, by protocol."""
        stores, config = self.stores, self.config
        compiles = config.compile == "auto" and self.graphs is not None
        carried: Mapping[str, ResourcePolicies] = {
            "ecr": ecr.policies.RepositoryPolicies(self.store, home.account),
            "events": events.policies.EventPolicies(self.store, home.account),
            "logs": events.policies.LogGroupPolicies(home.account),
            "s3": s3.policy.BucketPolicies(self.store, home.account, stores.objects),
            "sagemaker": sagemaker.registry.policies.GroupPolicies(self.store, home.account),
            "sns": sns.policy.TopicPolicies(self.store, home.account),
            "sqs": sqs.policy.QueuePolicies(self.store, home.account),
        }
        return {
            AuditLog: stores.audit,
            BucketStore: stores.objects,
            Console: signin.page.console_of(config.console_dir, config.region),
            Endpoint: Endpoint(config.endpoint_url),
            Holding: self.holding,
            IdentityPolicies: self.identities,
            KeyRing: self.ring,
            KeyUses: self.key_uses,
            LogSink: stores.logs,
            LogStore: stores.logs,
            MetricSink: stores.metrics,
            MetricStore: stores.metrics,
            ObjectStore: stores.objects,
            Queries: self.queries,
            QueueStore: stores.queues,
            ResourcePolicies: PoliciesByService(carried),
            Runner: self.runner,
            Search: self.search,
            Serving: self.serving,
            Taggables: TAGGABLES,
            Traffic: Traffic(),
            sagemaker.compiling.Switch: sagemaker.compiling.Switch(compiles),
            sagemaker.instances.Scale: sagemaker.instances.Scale(config.instance_scale),
            sagemaker.registry.HomeRules: sagemaker.registry.HomeRules.of(config.approval_rules),
            Turns: self.turns,
            sagemaker_metrics.Series: Series(),
            sagemaker_runtime.apps.Gates: sagemaker_runtime.apps.Gates(self.clock),
            application_autoscaling.Pace: self.pace,
            ecr.Registry: ecr.Registry(home.account, config.region),
            iam.Birth: iam.Birth(home.made),
            s3.happenings.Happenings: self.happenings,
        }

    def _controller(self) -> Controller:
        stores, clock = self.stores, self.clock
        reconcilers: Mapping[str, Reconciler] = {
            **application_autoscaling.reconcilers(self.store, clock, self.gateway.inside, self.identities, self.pace),
            **athena.reconcilers(self.queries, self.gateway.inside, self.store, clock),
            **cloudwatch.reconcilers(self.store, stores.metrics, clock),
            **events.reconcilers(self.store, stores.logs, clock),
            **glue.catalog.reconcilers(self.store),
            **glue.registry.reconcilers(self.store),
            **glue.crawlers.reconcilers(self._crawling()),
            **glue.reconcilers(self._glue()),
            **sagemaker.reconcilers(self.engines),
            sagemaker.asynchronous.machine.KIND: self.backlog.reconciler,
            **s3.reconcilers(stores.objects, self.happenings, clock),
            **scheduler.reconcilers(self.store, clock, self.signals.deliveries),
            **sns.reconcilers(clock),
            **sqs.reconcilers(self.store, stores.queues, clock),
            **self.signals.reconcilers(),
        }
        machines = {
            **athena.MACHINES,
            **cloudwatch.MACHINES,
            **events.MACHINES,
            **glue.MACHINES,
            **sagemaker.MACHINES,
            **s3.MACHINES,
            **scheduler.MACHINES,
            **sns.MACHINES,
            **sqs.MACHINES,
            **signals.MACHINES,
        }
        lease, workers = self.config.lease_seconds, self.config.reconcile_workers
        return Controller(self.store, clock, reconcilers, machines, lease=lease, workers=workers)

    def _crawling(self) -> glue.crawlers.Crawling:
        return glue.crawlers.Crawling(
            objects=self.stores.objects,
            logs=self.stores.logs,
            clock=self.clock,
            store=self.store,
            inside=self.gateway.inside,
            identities=self.identities,
            scratch=self.config.runs_dir / ".scratch",
            surveys=self.surveys,
        )

    def _glue(self) -> glue.Engines:
        return glue.Engines(
            runner=self.runner,
            spark=self.runner,
            objects=self.stores.objects,
            logs=self.stores.logs,
            keys=self.ring,
            clock=self.clock,
            store=self.store,
            inside=self.gateway.inside,
            identities=self.identities,
            endpoint_url=self.config.endpoint_url,
            scratch=self.config.runs_dir / ".scratch",
            environments_dir=self.config.environments_dir,
            turns=self.turns,
            instance_scale=self.config.instance_scale,
            spark_master=self.config.spark_master,
            max_cpus=self.config.max_run_cpus or None,
            max_memory_bytes=self.config.max_run_memory_bytes or None,
        )

    def _engines(self) -> sagemaker.Engines:
        return sagemaker.Engines(
            runner=self.runner,
            serving=self.serving,
            objects=self.stores.objects,
            logs=self.stores.logs,
            keys=self.ring,
            clock=self.clock,
            store=self.store,
            inside=self.gateway.inside,
            identities=self.identities,
            endpoint_url=self.config.endpoint_url,
            scratch=self.config.runs_dir / ".scratch",
            environments_dir=self.config.environments_dir,
            sdk_environments=self.config.sdk_environments,
            curves=self.signals.curves,
            turns=self.turns,
            instance_scale=self.config.instance_scale,
            metrics=self.stores.metrics,
            demand=self.demands,
            serverless_idle_seconds=self.config.serverless_idle_seconds,
            search=self.search,
            graphs=self.graphs,
            containers=EngineImages(self.processes.containers),
            multi_model_count=self.config.multi_model_count,
            multi_model_memory_bytes=self.config.multi_model_memory_bytes,
            max_cpus=self.config.max_run_cpus or None,
            max_memory_bytes=self.config.max_run_memory_bytes or None,
        )

    def _page(self) -> cloudwatch.page.Page:
        """GET /metrics."""
        stores, signals_ = self.stores, self.signals
        parts = (self.controller, signals_.bus, signals_.traffic, stores.metrics, signals_.shipper)
        vitals = Vitals(self.clock, self.store, *parts)
        return cloudwatch.page.Page(self.config.metrics_page, self.ports[Traffic], self.serving, vitals)

    def _run_changed(self, run: str) -> None:
        """A hint: the resource whose run this is should look now. A run's uid starts with its resource's."""
        self.store.hasten(run.partition("-")[0])

    def _wanted(self, account: str, region: str, endpoint: str) -> None:
        """A hint: a serverless endpoint is asked for more, or for nothing any more."""
        with suppress(Missing):
            self.store.hasten(self.store.get(account, region, sagemaker.endpoints.KIND, endpoint).uid)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: what is due is done."""
        await self.demands.start()
        await self.upkeep.begin()
        await asyncio.gather(
            self.controller.run(stop),
            *self.signals.runs(stop),
            self.backlog.run(stop),
            self.upkeep.keep_house(stop),
            self.upkeep.remember_uses(stop),
            self._let_go(stop),
        )

    async def _let_go(self, stop: asyncio.Event) -> None:
        """Whoever is held hears of it before the server ends."""
        await stop.wait()
        self.holding.close()
        self.signals.let_go()

    async def rest(self) -> None:
        """The model servers are told to end (jobs run on); what is asked stands, so the next start serves it again."""
        await self.upkeep.rest()

    def close(self) -> None:
        """Files are closed and nobody is called back any more. Runs go on."""
        self.demands.close()
        self.signals.close()
        self.runner.close()
        self.search.close()
        self.surveys.close()
        self.queries.close()
        self.serving.close()
        self.stores.close()
