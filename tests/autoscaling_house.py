"""Application Auto Scaling in process: real alarms, metrics, roles, bus and controller on a clock of its own; an
endpoint whose updates take as long as a test wants."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clary.aws import delivery
from clary.aws.authorize import IdentityPolicies
from clary.aws.delivery import Deliverer, Deliveries
from clary.aws.errors import ValidationException
from clary.aws.service import Context, Service
from clary.kernel import ids
from clary.kernel.clock import ManualClock
from clary.kernel.errors import Missing
from clary.kernel.events import Pattern
from clary.kernel.metrics import MetricName as Metric
from clary.kernel.metrics import Sample, dimensions
from clary.kernel.reconcile import Controller, Step, again, move, rest
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.services import application_autoscaling, cloudwatch, iam
from clary.services.application_autoscaling import Actors, EndpointFollower, Pace
from clary.services.application_autoscaling.api import INSTANCES
from clary.services.cloudwatch import alarm_rows
from tests.alarms_house import NOW, AlarmsHouse
from tests.inprocess import ACCOUNT, REGION, InProcess

RESOURCE = "endpoint/e/variant/v"
NAMED: Doc = {"ServiceNamespace": "sagemaker", "ResourceId": RESOURCE, "ScalableDimension": INSTANCES}
ENDPOINT = StateMachine(
    "EndpointStatus",
    "Creating",
    {"Creating": {"InService"}, "InService": {"Updating"}, "Updating": {"InService"}, "Deleting": set()},
)


def sagemaker(changes: list[int]) -> Service:
    """As much of SageMaker as scaling calls, over rows of the kind that the product has, so that the bus hears of them.
    `changes`: every instance count that was asked for."""
    service = Service("sagemaker")

    def find(ctx: Context, name: str) -> Resource:
        try:
            return ctx.store.get(ctx.account, ctx.region, "endpoint", name)
        except Missing:
            arn = ctx.arn("sagemaker", f"endpoint/{name}")
            raise ValidationException(f'Could not find endpoint "{arn}".') from None

    @service.operation("DescribeEndpoint")
    async def describe_endpoint(ctx: Context, req: Doc) -> Doc:
        row = find(ctx, req["EndpointName"])
        variant = {"VariantName": "v", **row.status["variant"]}
        return {
            "EndpointName": row.name,
            "EndpointArn": row.arn,
            "EndpointStatus": row.phase,
            "ProductionVariants": [variant],
            "CreationTime": row.created,
            "LastModifiedTime": row.modified,
            **row.status.get("more", {}),
        }

    @service.operation("UpdateEndpointWeightsAndCapacities")
    async def update(ctx: Context, req: Doc) -> Doc:
        row = find(ctx, req["EndpointName"])
        if row.phase != "InService":
            raise ValidationException(f'Cannot update in-progress endpoint "{row.arn}".')
        [wanted] = req["DesiredWeightsAndCapacities"]
        if "ServerlessUpdateConfig" in wanted:
            variant = {"CurrentServerlessConfig": {"MemorySizeInMB": 1024, **wanted["ServerlessUpdateConfig"]}}
            changes.append(wanted["ServerlessUpdateConfig"]["ProvisionedConcurrency"])
        else:
            count = wanted["DesiredInstanceCount"]
            if count > 50:
                raise ValidationException("The account-level service limit is 50 instances.")
            variant = {**row.status["variant"], "DesiredInstanceCount": count}
            changes.append(count)
        ctx.store.update(row, phase="Updating", due=ctx.clock.now(), variant=variant)
        return {"EndpointArn": row.arn}

    return service


class Endpoints:
    """An update takes `seconds`; None: for ever."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.seconds: float | None = 0.0

    async def __call__(self, row: Resource) -> Step:
        if row.phase != "Updating" or self.seconds is None:
            return rest()
        began = row.status.get("began")
        if began is None:
            began = self._clock.now()
        left = began + self.seconds - self._clock.now()
        if left > 0:
            return again(left, began=began)
        variant = row.status["variant"]
        if "DesiredInstanceCount" in variant:
            variant = {**variant, "CurrentInstanceCount": variant["DesiredInstanceCount"]}
        return move("InService", began=None, variant=variant)

    def give_up(self, row: Resource, error: Exception) -> Step:
        raise error


class ScalingHouse(AlarmsHouse):
    """`.aas` is a client. There is an endpoint "e" in service, with one instance."""

    def __init__(self, root: Path, wire: InProcess, clock: ManualClock, speed: float, changes: list[int]) -> None:
        self.pace = Pace(speed)
        self.endpoints = Endpoints(clock)
        self.changes = changes
        super().__init__(root, wire, clock)
        self.aas: Any = wire.client("application-autoscaling", parameter_validation=False)

    def start(self) -> None:
        store, ports = self.wire.raw_store, self.wire.ports
        identities = ports[IdentityPolicies]
        self.deliveries = Deliveries(
            store,
            self.clock,
            ACCOUNT,
            identities,
            inside=self.wire.gateway.calls,
            web=self.web,
            carriers={cloudwatch.actions.SCALING: application_autoscaling.carrier(store, self.clock)},
        )
        ports.update({Deliverer: self.deliveries, Pace: self.pace})
        super().start()
        inside = self.wire.gateway.inside
        follower = EndpointFollower(store, self.clock, Actors(inside, identities, self.clock))
        self.bus.subscribe(application_autoscaling.SUBSCRIBER, Pattern(kind="endpoint"), follower)
        reconcilers = {
            **cloudwatch.reconcilers(store, self.metrics, self.clock),
            **application_autoscaling.reconcilers(store, self.clock, inside, identities, self.pace),
            delivery.KIND: self.deliveries,
            "endpoint": self.endpoints,
        }
        self.watch = reconcilers[alarm_rows.KIND]  # type: ignore[assignment]
        machines = {**cloudwatch.MACHINES, delivery.KIND: delivery.MACHINE, "endpoint": ENDPOINT}
        self.controller = Controller(store, self.clock, reconcilers, machines)

    def endpoint(self, count: int = 1, phase: str = "InService", **more: Any) -> None:
        """There is an endpoint "e"."""
        variant = {"DesiredInstanceCount": count, "CurrentInstanceCount": count}
        row = Resource(
            "endpoint",
            "e",
            ACCOUNT,
            REGION,
            uid=ids.new(),
            arn=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/e",
            phase=phase,
            status={"variant": more.pop("variant", variant), "more": more},
        )
        self.wire.store.create(row)

    def change(self, phase: str | None = None, **variant: Any) -> None:
        """Somebody else, or the endpoint itself, changes it."""
        row = self.wire.store.get(ACCOUNT, REGION, "endpoint", "e")
        self.wire.store.update(row, phase=phase, variant={**row.status["variant"], **variant})

    def register(self, low: int = 1, high: int = 10, **more: Any) -> str:
        given = {**NAMED, "MinCapacity": low, "MaxCapacity": high, **more}
        arn: str = self.aas.register_scalable_target(**given)["ScalableTargetARN"]
        self.settle()
        return arn

    def track(self, target: float = 200.0, name: str = "p", **config: Any) -> Doc:
        """A policy that tracks the requests of a minute and instance, without cooldowns unless told otherwise."""
        known = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
        given = {"TargetValue": target, "ScaleOutCooldown": 0, "ScaleInCooldown": 0, **config}
        if "CustomizedMetricSpecification" not in given:
            given.setdefault("PredefinedMetricSpecification", known)
        made: Doc = self.aas.put_scaling_policy(
            **NAMED,
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=given,
        )
        self.settle()
        return made

    def step(self, *steps: tuple[float | None, float | None, int], name: str = "s", **config: Any) -> str:
        """A policy of steps (lower bound, upper bound, adjustment), and an alarm "a" above 5 that calls it; its ARN."""
        members = ("MetricIntervalLowerBound", "MetricIntervalUpperBound", "ScalingAdjustment")
        found = [
            {member: value for member, value in zip(members, one, strict=True) if value is not None} for one in steps
        ]
        given = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": found, "Cooldown": 0, **config}
        made = self.aas.put_scaling_policy(
            **NAMED, PolicyName=name, PolicyType="StepScaling", StepScalingPolicyConfiguration=given
        )
        self.settle()
        return str(made["PolicyARN"])

    def load(self, requests: float, seconds: float) -> None:
        """So many requests a minute come for that long, evenly, to however many instances there are."""
        while seconds > 0:
            row = self.wire.store.get(ACCOUNT, REGION, "endpoint", "e")
            count = max(1, row.status["variant"]["CurrentInstanceCount"])
            metric = Metric(
                ACCOUNT,
                REGION,
                "AWS/SageMaker",
                "InvocationsPerInstance",
                dimensions(EndpointName="e", VariantName="v"),
            )
            sample = Sample(metric, self.clock.now(), (1 / count,), (requests / 6,), resolution=1)
            if requests:
                self.metrics.put([sample])
            else:
                self.metrics.put([sample._replace(values=(0.0,), counts=(1.0,))])
            self.advance(10)
            seconds -= 10

    def count(self) -> int:
        """The instances that are asked for."""
        row = self.wire.store.get(ACCOUNT, REGION, "endpoint", "e")
        return int(row.status["variant"]["DesiredInstanceCount"])

    def activities(self, *, all_: bool = False) -> list[Doc]:
        """The oldest first."""
        found = self.aas.describe_scaling_activities(ServiceNamespace="sagemaker", IncludeNotScaledActivities=all_)
        return list(reversed(found["ScalingActivities"]))

    def alarms(self) -> list[Doc]:
        return list(self.cw.describe_alarms()["MetricAlarms"])


@contextmanager
def scaling_house(root: Path, monkeypatch: pytest.MonkeyPatch, speed: float = 1.0) -> Iterator[ScalingHouse]:
    clock, changes = ManualClock(float(NOW)), list[int]()
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: datetime.fromtimestamp(clock.now(), UTC))
    services = [application_autoscaling.service, cloudwatch.service, iam.service, sagemaker(changes)]
    wire = InProcess(root, services, clock=clock)
    try:
        made = ScalingHouse(root, wire, clock, speed, changes)
        made.endpoint()
        try:
            yield made
        finally:
            made.close()
    finally:
        wire.close()
