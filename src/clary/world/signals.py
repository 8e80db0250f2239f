"""How one thing leads to another: who hears the log store and the outbox, and by what their deliveries go out."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from clary.aws import delivery
from clary.aws.authorize import IdentityPolicies
from clary.aws.delivery import Deliverer, Deliveries
from clary.aws.endpoint import Endpoint
from clary.aws.gateway import Gateway
from clary.aws.route import Router
from clary.config import Config
from clary.engines.serving.base import Serving
from clary.engines.serving.capture import Captures, captures_of
from clary.engines.serving.paths import captured_dir
from clary.engines.web.mail import MailDirectory
from clary.engines.web.posts import WebPosts
from clary.engines.web.signer import HomeSigner
from clary.kernel.clock import Clock
from clary.kernel.events import Bus, Followers, Pattern
from clary.kernel.reconcile import Reconciler
from clary.kernel.resource import StateMachine
from clary.kernel.web import Web
from clary.services import application_autoscaling, cloudwatch, events, logs, s3, sagemaker, sns, sqs
from clary.services.sagemaker.capturing import Shipper
from clary.services.sagemaker.experiments import tracking
from clary.services.sagemaker.loading import Loading
from clary.services.sagemaker.measured import Using
from clary.services.sagemaker.metering import Metering
from clary.world.catalogue import HERALDS
from clary.world.stores import Stores
from clary.world.vitals import LogTraffic

MACHINES: Mapping[str, StateMachine] = {
    delivery.KIND: delivery.MACHINE,
    logs.exports.KIND: logs.exports.MACHINE,
}


def captures(config: Config, clock: Clock) -> Captures:
    """Of the inferences that the control process sends by itself."""
    return captures_of(config.serving_dir, "control", config.capture_seconds, config.capture_spool_bytes, clock)


class Signals:
    """Adds its ports to `ports`, which handlers read when they are called."""

    def __init__(
        self,
        config: Config,
        account: str,
        clock: Clock,
        stores: Stores,
        gateway: Gateway,
        ports: dict[type, Any],
        using: Sequence[Using],
    ) -> None:
        """`using`: whatever runs instances and jobs."""
        self._stores, self._clock = stores, clock
        rows, metrics, logs_store = stores.rows, stores.metrics, stores.logs
        self.web = ports[Web] = WebPosts(config.deliver_to)
        self.notices = sns.notices.Notices(HomeSigner(config.signing_dir), config.endpoint_url)
        ports[sns.notices.Notices] = self.notices
        self.deliveries = Deliveries(
            rows,
            clock,
            account,
            ports[IdentityPolicies],
            inside=gateway.calls,
            web=self.web,
            metrics=metrics,
            carriers={
                sns.mail.MAIL: sns.mail.carrier(MailDirectory(config.outbox_dir)),
                cloudwatch.actions.SCALING: application_autoscaling.carrier(rows, clock),
            },
        )
        ports[Deliverer], ports[Router] = self.deliveries, gateway.router
        self.depths = ports[sqs.counting.Used] = sqs.depths.Depths(rows, stores.queues, metrics, clock)
        self.counting = ports[logs.Counting] = logs.Counting(metrics, clock)
        self.counting.load(rows)
        self.subscriptions = logs.Subscriptions(rows, logs_store, self.deliveries, clock)
        ports[logs.Subscriptions] = self.subscriptions
        self.exports = ports[logs.Exports] = logs.Exports(gateway.calls, logs_store, clock, account)
        self.tails = ports[logs.LiveTails] = logs.LiveTails(logs_store, clock)
        self.curves = sagemaker.Curves(metrics, sagemaker.training.LOG_GROUP)
        self.measured = sagemaker.Measured(using, rows, metrics, clock, config.home)
        self.host = cloudwatch.host.Host(metrics, clock, account, config.region, config.home)
        self.metering = Metering(ports[Serving], rows, metrics, clock, config.serving_metrics_seconds)
        scratch = config.runs_dir / ".scratch"
        self.loading = Loading(scratch, metrics, clock, config.serving_metrics_seconds)
        identities = ports[IdentityPolicies]
        spool = captured_dir(config.serving_dir)
        self.shipper = Shipper(spool, config.capture_seconds, gateway.inside, identities, logs_store, clock)
        self.traffic = LogTraffic()
        for heard in (self.counting.heard, self.subscriptions.heard, self.curves.heard, self.traffic.heard):
            logs_store.listen(heard)
        self.bus = ports[Followers] = Bus(rows, clock)
        acting = application_autoscaling.Actors(gateway.inside, ports[IdentityPolicies], clock)
        scaled = application_autoscaling.EndpointFollower(rows, clock, acting)
        self.bus.subscribe(application_autoscaling.SUBSCRIBER, Pattern(kind=sagemaker.endpoints.KIND), scaled)
        self._subscribe(account, ports[Endpoint])

    def _subscribe(self, account: str, endpoint: Endpoint) -> None:
        rows, metrics = self._stores.rows, self._stores.metrics
        told = Pattern(kind=s3.happenings.KIND, phase="Happened", type="moved")
        self.bus.subscribe(s3.notify.SUBSCRIBER, told, s3.notify.Notify(self.deliveries, endpoint))
        fanout = sns.fanout.Fanout(rows, self._clock, self.deliveries, self.notices, metrics)
        self.bus.subscribe(sns.fanout.SUBSCRIBER, Pattern(kind=sns.publish.KIND, type="told"), fanout)
        flow = events.flow.Flow(rows, self._clock, account, HERALDS, self.deliveries, metrics, self._stores.logs)
        self.bus.subscribe_batch(events.flow.SUBSCRIBER, Pattern(), flow)
        changed = Pattern(kind=cloudwatch.alarm_rows.KIND)
        follower = cloudwatch.alarm_follow.AlarmFollower(rows, self.deliveries)
        self.bus.subscribe(cloudwatch.alarm_follow.SUBSCRIBER, changed, follower)
        trained = Pattern(kind=sagemaker.training.KIND, type="moved")
        self.bus.subscribe(sagemaker.tuning.waking.SUBSCRIBER, trained, sagemaker.tuning.waking.TuningWaker(rows))
        components = tracking.Tracking(rows, self._stores.logs)
        for kind in tracking.KINDS:
            self.bus.subscribe(f"{tracking.SUBSCRIBER} {kind}", Pattern(kind=kind), components, gives_way=True)
        recording = sagemaker.lineage.recording.Recording(rows, self._stores.objects)
        self.bus.subscribe_batch(sagemaker.lineage.recording.SUBSCRIBER, Pattern(), recording, gives_way=True)
        moved = Pattern(type="moved")
        waking = sagemaker.pipelines.waking
        self.bus.subscribe_batch(waking.SUBSCRIBER, moved, waking.StepWaker(rows))
        waker = cloudwatch.composite_follow.CompositeWaker(rows)
        self.bus.subscribe(cloudwatch.composite_follow.SUBSCRIBER, changed, waker)

    def reconcilers(self) -> Mapping[str, Reconciler]:
        return {
            delivery.KIND: self.deliveries,
            logs.subscriptions.KIND: self.subscriptions,
            logs.exports.KIND: self.exports,
        }

    def runs(self, stop: asyncio.Event) -> list[Coroutine[Any, Any, None]]:
        """What goes on until `stop`."""
        self.subscriptions.load()
        parts = (self.bus, self.depths, self.counting, self.measured, self.host, self.metering, self.loading)
        return [one.run(stop) for one in (*parts, self.shipper)]

    def let_go(self) -> None:
        """Who waits for messages or follows logs hears that the server ends."""
        self.tails.let_go()
        self._stores.queues.let_go()

    def close(self) -> None:
        self.deliveries.close()
        self.web.close()
