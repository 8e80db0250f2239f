"""Killed at every await and before every line, a server scales to the same capacity, once, and tells of it once."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from clary.aws import delivery
from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import HomeKeyRing
from clary.aws.delivery import Deliveries
from clary.aws.gateway import Gateway
from clary.aws.route import Router
from clary.engines.metrics.store import SqliteMetrics
from clary.engines.web.posts import WebPosts
from clary.kernel import ids
from clary.kernel.clock import ManualClock
from clary.kernel.errors import Exists
from clary.kernel.events import Bus, Pattern
from clary.kernel.metrics import MetricName, MetricSink, MetricStore, Sample
from clary.kernel.reconcile import Controller
from clary.kernel.resource import Resource
from clary.kernel.sqlite import SqliteStore
from clary.services import application_autoscaling, cloudwatch, iam
from clary.services.application_autoscaling import (
    Actors,
    EndpointFollower,
    Pace,
    activities,
    alarms,
    policies,
    reconcile,
    targets,
)
from clary.services.cloudwatch import alarm_follow, alarm_rows
from clary.services.iam.effective import StoredIdentities
from tests.autoscaling_house import ENDPOINT, NAMED, Endpoints, sagemaker
from tests.crash.harness import Crash, crashes
from tests.inprocess import ACCOUNT, REGION, ROOT, ROOT_KEYS

NOW = 1_795_284_000
METRIC = MetricName(ACCOUNT, REGION, "N", "m")
COOLDOWN = 3600


class Life:
    """One server's life on a home: metrics, alarms, scaling, an endpoint, bus and controller."""

    def __init__(self, directory: Path, now: float = NOW) -> None:
        self.clock = ManualClock(float(now))
        self.store = SqliteStore(directory / "state.db", self.clock)
        self.store.release()
        self.metrics = SqliteMetrics(directory / "metrics", self.clock, background=False)
        identities, pace = StoredIdentities(self.store, ACCOUNT), Pace()
        ports: dict[type, Any] = {
            IdentityPolicies: identities,
            MetricSink: self.metrics,
            MetricStore: self.metrics,
            Pace: pace,
        }
        ring = HomeKeyRing(ROOT_KEYS, ACCOUNT, b"\0" * 32)
        services = [application_autoscaling.service, cloudwatch.service, iam.service, sagemaker([])]
        self.gateway = Gateway(services, ring=ring, store=self.store, clock=self.clock, ports=ports, account=ACCOUNT)
        ports[Router] = self.gateway.router
        self.web = WebPosts()
        deliveries = Deliveries(
            self.store,
            self.clock,
            ACCOUNT,
            identities,
            inside=self.gateway.calls,
            web=self.web,
            carriers={cloudwatch.actions.SCALING: application_autoscaling.carrier(self.store, self.clock)},
        )
        inside = self.gateway.inside
        self.bus = Bus(self.store, self.clock)
        follower = alarm_follow.AlarmFollower(self.store, deliveries)
        self.bus.subscribe(alarm_follow.SUBSCRIBER, Pattern(kind=alarm_rows.KIND), follower)
        scaled = EndpointFollower(self.store, self.clock, Actors(inside, identities, self.clock))
        self.bus.subscribe(application_autoscaling.SUBSCRIBER, Pattern(kind="endpoint"), scaled)
        self.controller = Controller(
            self.store,
            self.clock,
            {
                **cloudwatch.reconcilers(self.store, self.metrics, self.clock),
                **application_autoscaling.reconcilers(self.store, self.clock, inside, identities, pace),
                delivery.KIND: deliveries,
                "endpoint": Endpoints(self.clock),
            },
            {**cloudwatch.MACHINES, delivery.KIND: delivery.MACHINE, "endpoint": ENDPOINT},
        )

    async def call(self, operation: str, service: str = "application-autoscaling", **params: Any) -> dict[str, Any]:
        return await self.gateway.inside(ROOT, REGION).call(service, operation, params)

    async def work(self) -> None:
        while await self.controller.tick() + await self.bus.tick():
            pass

    async def minutes(self, count: int) -> None:
        """Minutes of a metric that is too high, and what follows."""
        for _ in range(count):
            self.metrics.put([Sample(METRIC, self.clock.now(), (9.0,))])
            for _ in range(6):
                self.clock.advance(10.0)
                await self.work()

    def close(self) -> None:
        self.web.close()
        self.metrics.close()
        self.store.close()


async def made(life: Life) -> None:
    """An endpoint of one instance; a policy that adds one, within an hour once; an alarm that calls it. May be
    repeated."""
    variant = {"DesiredInstanceCount": 1, "CurrentInstanceCount": 1}
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/e"
    with suppress(Exists):
        life.store.create(
            Resource("endpoint", "e", ACCOUNT, REGION, ids.new(), arn, "InService", status={"variant": variant})
        )
    await life.call("RegisterScalableTarget", **NAMED, MinCapacity=1, MaxCapacity=9)
    steps = [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}]
    config = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps, "Cooldown": COOLDOWN}
    policy = await life.call(
        "PutScalingPolicy", **NAMED, PolicyName="s", PolicyType="StepScaling", StepScalingPolicyConfiguration=config
    )
    alarm = {
        "AlarmName": "a",
        "Namespace": "N",
        "MetricName": "m",
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "AlarmActions": [policy["PolicyARN"]],
    }
    await life.call("PutMetricAlarm", "cloudwatch", **alarm)


async def scenario(directory: Path) -> None:
    life = Life(directory)
    await made(life)
    await life.work()
    await life.minutes(3)
    life.close()


async def recovered(crash: Crash) -> None:
    """The next life, a little later, under the same load."""
    life = Life(crash.directory, NOW + 240)
    try:
        await made(life)
        await life.work()
        await life.minutes(4)
        row = life.store.get(ACCOUNT, REGION, "endpoint", "e")
        assert row.status["variant"]["DesiredInstanceCount"] == 2, crash
        found = await life.call("DescribeScalingActivities", ServiceNamespace="sagemaker")
        told = [(one["StatusCode"], one["Description"]) for one in found["ScalingActivities"]]
        assert told == [("Successful", "Setting desired instance count to 2.")], (crash, told)
    finally:
        life.close()


@pytest.mark.slow
def test_the_capacity_is_the_same_after_any_kill(tmp_path: Path) -> None:
    for crash in crashes(scenario, tmp_path, step=2):
        asyncio.run(recovered(crash))


async def tracked(life: Life) -> None:
    """A policy with alarms of its own."""
    await made(life)
    known = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    await life.call(
        "PutScalingPolicy",
        **NAMED,
        PolicyName="t",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 5.0, "PredefinedMetricSpecification": known},
    )


async def making(directory: Path) -> None:
    life = Life(directory)
    await tracked(life)
    await life.call("DeregisterScalableTarget", **NAMED)
    life.close()


async def whole(crash: Crash) -> None:
    """Whatever was begun, a policy has both alarms, and none is left of one that is gone."""
    life = Life(crash.directory, NOW + 30)
    try:
        await life.work()
        shown = await life.call("DescribeScalingPolicies", ServiceNamespace="sagemaker", PolicyNames=["t"])
        said = await life.call("DescribeAlarms", "cloudwatch", AlarmNamePrefix="TargetTracking-")
        there = {one["AlarmName"] for one in said["MetricAlarms"]}
        wanted = {one["AlarmName"] for policy in shown["ScalingPolicies"] for one in policy["Alarms"]}
        gone = not shown["ScalingPolicies"]
        assert there == wanted and len(wanted) == (0 if gone else 2), (crash, there, wanted)
    finally:
        life.close()


@pytest.mark.slow
def test_killed_before_every_tenth_line_of_deciding_and_telling(tmp_path: Path) -> None:
    for crash in crashes(scenario, tmp_path, lines_of=[reconcile, activities], step=10):
        asyncio.run(recovered(crash))


@pytest.mark.slow
def test_a_policy_and_its_alarms_come_and_go_together(tmp_path: Path) -> None:
    for crash in crashes(making, tmp_path, lines_of=[alarms, policies, targets], step=8):
        asyncio.run(whole(crash))
