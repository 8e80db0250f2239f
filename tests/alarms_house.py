"""CloudWatch in process with topics, queues and rules behind its alarms, on a clock of its own."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clary.aws import delivery
from clary.aws.authorize import IdentityPolicies, ResourcePolicies
from clary.aws.carried import PoliciesByService
from clary.aws.delivery import Deliverer, Deliveries
from clary.aws.heralds import Heralds
from clary.aws.inside import Wanted
from clary.aws.route import Router
from clary.aws.service import Context, Service
from clary.engines.metrics.store import SqliteMetrics
from clary.engines.web.posts import WebPosts
from clary.kernel.clock import ManualClock
from clary.kernel.events import Bus, Pattern
from clary.kernel.metrics import MetricName as Metric
from clary.kernel.metrics import MetricSink, MetricStore, Sample, dimensions
from clary.kernel.reconcile import Controller
from clary.kernel.resource import Doc
from clary.services import cloudwatch, events, iam, sns
from clary.services.cloudwatch import alarm_follow, alarm_rows, alarm_watch, composite_follow
from clary.services.cloudwatch import heralds as alarm_heralds
from tests.inprocess import ACCOUNT, REGION, InProcess

NOW = 1_795_284_000  # 2026-11-21 18:00 UTC
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"


class AlarmsHouse:
    """`.cw` is a client; `settle` makes happen what is due and heard. Time stands still until `advance`."""

    def __init__(self, root: Path, wire: InProcess, clock: ManualClock) -> None:
        self.wire, self.clock = wire, clock
        self.metrics = SqliteMetrics(root / "metrics", clock, background=False)
        store = wire.raw_store
        self.web = WebPosts()
        self.deliveries = Deliveries(
            store, clock, ACCOUNT, wire.ports[IdentityPolicies], inside=wire.gateway.calls, web=self.web
        )
        carried = PoliciesByService(
            {"events": events.policies.EventPolicies(store, ACCOUNT), "sns": sns.policy.TopicPolicies(store, ACCOUNT)}
        )
        wire.ports.update(
            {
                MetricStore: self.metrics,
                MetricSink: self.metrics,
                Router: wire.gateway.router,
                ResourcePolicies: carried,
                Deliverer: self.deliveries,
            }
        )
        self.cw: Any = wire.client("cloudwatch", parameter_validation=False)
        self.told: list[Doc] = []
        """Events as rules see them."""
        self.published: list[Wanted] = []
        """What was asked of services other than by clients."""
        self.watch: alarm_watch.Alarms
        self.controller: Controller
        self.bus: Bus
        wire.thread.call(self.start)

    def start(self) -> None:
        """A new bus and a new controller: what a restart leaves is what the store holds."""
        store = self.wire.raw_store
        self.bus = Bus(store, self.clock)
        self.bus.subscribe(
            alarm_follow.SUBSCRIBER,
            Pattern(kind=alarm_rows.KIND),
            alarm_follow.AlarmFollower(store, self.deliveries),
        )
        waker = composite_follow.CompositeWaker(store)
        self.bus.subscribe(composite_follow.SUBSCRIBER, Pattern(kind=alarm_rows.KIND), waker)
        self.bus.subscribe("events-told", Pattern(kind=alarm_rows.KIND), self._tell)
        self.bus.subscribe("published", Pattern(kind=sns.publish.KIND, type="told"), self._heard)
        reconcilers = {**cloudwatch.reconcilers(store, self.metrics, self.clock), delivery.KIND: self.deliveries}
        self.watch = reconcilers[alarm_rows.KIND]  # type: ignore[assignment]
        self.controller = Controller(
            store, self.clock, reconcilers, {**cloudwatch.MACHINES, delivery.KIND: delivery.MACHINE}
        )

    async def _tell(self, event: Any) -> None:
        self.told += Heralds(alarm_heralds.HERALDS).told(event)

    async def _heard(self, event: Any) -> None:
        self.published.append(Wanted("sns", event.uid, event.resource["spec"]))

    def settle(self) -> None:
        """Everything that is due is done and everything told is heard."""

        async def all_of_it() -> None:
            while await self.controller.tick() + await self.bus.tick():
                pass

        self.wire.run(all_of_it())

    def advance(self, seconds: float, step: float = 10.0) -> None:
        """Time goes on in steps, and what each makes due is done."""
        while seconds > 0:
            self.wire.thread.call(self.clock.advance, min(step, seconds))
            self.settle()
            seconds -= step

    def jump(self, seconds: float) -> None:
        """The clock is put forward or back, or the server slept."""
        self.wire.thread.call(self.clock.advance, seconds)

    def put(self, value: float, at: float | None = None, name: str = "m", resolution: int = 60, **named: str) -> None:
        metric = Metric(ACCOUNT, REGION, "N", name, dimensions(**named))
        self.metrics.put([Sample(metric, self.clock.now() if at is None else at, (value,), resolution=resolution)])

    def alarm(self, name: str = "a", *, settle: bool = True, **more: Any) -> None:
        """An alarm on the metric m above 5, on one point of a minute unless told otherwise."""
        given = {
            "AlarmName": name,
            "Namespace": "N",
            "MetricName": "m",
            "Statistic": "Average",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 5.0,
            "ComparisonOperator": "GreaterThanThreshold",
            **more,
        }
        self.cw.put_metric_alarm(**{key: value for key, value in given.items() if value is not None})
        if settle:
            self.settle()

    def composite(self, name: str, rule: str, **more: Any) -> None:
        self.cw.put_composite_alarm(AlarmName=name, AlarmRule=rule, **more)
        self.settle()

    def set(self, name: str, state: str, reason: str = "test") -> None:
        self.cw.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)
        self.settle()

    def shown(self, name: str = "a") -> Doc:
        types = ["MetricAlarm", "CompositeAlarm"]
        found = self.cw.describe_alarms(AlarmNames=[name], AlarmTypes=types)
        [one] = [*found["MetricAlarms"], *found["CompositeAlarms"]]
        return dict(one)

    def state(self, name: str = "a") -> str:
        return str(self.shown(name)["StateValue"])

    def history(self, name: str = "a", type_: str | None = None) -> list[str]:
        """Summaries, the oldest first."""
        asked = {"HistoryItemType": type_} if type_ else {}
        found = self.cw.describe_alarm_history(
            AlarmName=name, AlarmTypes=["MetricAlarm", "CompositeAlarm"], ScanBy="TimestampAscending", **asked
        )
        return [one["HistorySummary"] for one in found["AlarmHistoryItems"]]

    def topic(self) -> str:
        found: str = self.wire.client("sns").create_topic(Name="alerts")["TopicArn"]
        return found

    def messages(self) -> list[Doc]:
        """What was published, read as JSON."""
        return [json.loads(one.params["Message"]) for one in self.published]

    def close(self) -> None:
        self.web.close()
        self.metrics.close()


async def _never(ctx: Context, req: Doc) -> Doc:
    raise AssertionError("nobody calls this")


@contextmanager
def alarms_house(root: Path, monkeypatch: pytest.MonkeyPatch, more: Sequence[Service] = ()) -> Iterator[AlarmsHouse]:
    clock = ManualClock(float(NOW))
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: datetime.fromtimestamp(clock.now(), UTC))
    wire = InProcess(root, [iam.service, cloudwatch.service, events.service, sns.service, *more], clock=clock)
    try:
        made = AlarmsHouse(root, wire, clock)
        try:
            yield made
        finally:
            made.close()
    finally:
        wire.close()
