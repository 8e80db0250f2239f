"""Killed at every await and before every line, a server loses no change of an alarm, does none of its actions under two
ids, and makes none up."""

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from clary.aws import delivery
from clary.aws.authorize import ResourcePolicies
from clary.aws.carried import PoliciesByService
from clary.aws.credentials import HomeKeyRing
from clary.aws.delivery import Deliveries
from clary.aws.gateway import Gateway
from clary.aws.route import Router
from clary.engines.metrics.store import SqliteMetrics
from clary.engines.web.posts import WebPosts
from clary.kernel.clock import ManualClock
from clary.kernel.events import Bus, Pattern
from clary.kernel.metrics import MetricName, MetricSink, MetricStore, Sample
from clary.kernel.reconcile import Controller
from clary.kernel.sqlite import SqliteStore
from clary.services import cloudwatch, sns
from clary.services.cloudwatch import (
    alarm_change,
    alarm_evaluate,
    alarm_follow,
    alarm_rows,
    composite_follow,
    history,
)
from clary.services.iam.effective import StoredIdentities
from tests.crash.harness import Crash, crashes, pausing
from tests.inprocess import ACCOUNT, REGION, ROOT, ROOT_KEYS

NOW = 1_795_284_000
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"
METRIC = MetricName(ACCOUNT, REGION, "N", "m")
TYPES = ["MetricAlarm", "CompositeAlarm"]


class Life:
    """One server's life on a home: metrics, alarms, topics, bus and controller."""

    def __init__(self, directory: Path, now: float = NOW) -> None:
        self.clock = ManualClock(float(now))
        self.store = SqliteStore(directory / "state.db", self.clock)
        self.store.release()
        self.metrics = SqliteMetrics(directory / "metrics", self.clock, background=False)
        identities = StoredIdentities(self.store, ACCOUNT)
        ports: dict[type, Any] = {
            MetricSink: self.metrics,
            MetricStore: self.metrics,
            ResourcePolicies: PoliciesByService({"sns": sns.policy.TopicPolicies(self.store, ACCOUNT)}),
        }
        ring = HomeKeyRing(ROOT_KEYS, ACCOUNT, b"\0" * 32)
        services = [cloudwatch.service, sns.service]
        self.gateway = Gateway(services, ring=ring, store=self.store, clock=self.clock, ports=ports, account=ACCOUNT)
        ports[Router] = self.gateway.router
        self.web = WebPosts()
        inside = self.gateway.calls()
        self.deliveries = Deliveries(
            self.store, self.clock, ACCOUNT, identities, inside=lambda: pausing(inside), web=self.web
        )
        self.published: list[tuple[str, str, str]] = []
        """(message id, alarm, state) of everything that the topic was given, in order."""
        self.bus = Bus(self.store, self.clock)
        changed = Pattern(kind=alarm_rows.KIND)
        follower = alarm_follow.AlarmFollower(self.store, pausing(self.deliveries))
        self.bus.subscribe(alarm_follow.SUBSCRIBER, changed, follower)
        self.bus.subscribe(composite_follow.SUBSCRIBER, changed, composite_follow.CompositeWaker(self.store))
        self.controller = Controller(
            self.store,
            self.clock,
            {
                **cloudwatch.reconcilers(self.store, self.metrics, self.clock),
                delivery.KIND: self.deliveries,
            },
            {**cloudwatch.MACHINES, delivery.KIND: delivery.MACHINE},
        )

    async def call(self, operation: str, service: str = "cloudwatch", **params: Any) -> dict[str, Any]:
        return await self.gateway.inside(ROOT, REGION).call(service, operation, params)

    async def work(self) -> None:
        while await self.controller.tick() + await self.bus.tick():
            pass

    def heard(self) -> list[tuple[str, str, str]]:
        """Everything that was ever published: (message id, alarm, new state)."""
        found = []
        for line in self.store.events(0, 100_000):
            if line.kind == sns.publish.KIND:
                said = json.loads(line.resource["spec"]["Message"])
                found.append((line.uid, said["AlarmName"], said["NewStateValue"]))
        return found

    def close(self) -> None:
        self.web.close()
        self.metrics.close()
        self.store.close()


async def made(life: Life) -> None:
    await life.call("CreateTopic", "sns", Name="alerts")
    given = {
        "AlarmName": "a",
        "Namespace": "N",
        "MetricName": "m",
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "AlarmActions": [TOPIC],
        "OKActions": [TOPIC],
    }
    await life.call("PutMetricAlarm", **given)
    await life.call("PutCompositeAlarm", AlarmName="c", AlarmRule="ALARM(a)", AlarmActions=[TOPIC])


async def minute(life: Life, value: float) -> None:
    """A minute with that value in it, and what follows from it."""
    life.metrics.put([Sample(METRIC, life.clock.now(), (value,))])
    life.clock.advance(70.0)
    await life.work()


async def scenario(directory: Path) -> None:
    life = Life(directory)
    await made(life)
    await life.work()
    for value in (9.0, 1.0):
        await minute(life, value)
    life.close()


async def recovered(crash: Crash) -> None:
    """The next life, later: the values that were to come come, and what was to follow has followed."""
    life = Life(crash.directory, NOW + 600)
    try:
        if not await there(life):
            await made(life)
        await life.work()
        before = len(life.heard())
        for value in (9.0, 1.0):
            await minute(life, value)
        assert len(life.heard()) >= before
        check(life, await everything(life), crash)
    finally:
        life.close()


async def there(life: Life) -> bool:
    found = await life.call("DescribeAlarms", AlarmTypes=TYPES)
    return bool(found["MetricAlarms"]) and bool(found["CompositeAlarms"])


async def everything(life: Life) -> list[dict[str, Any]]:
    found = await life.call("DescribeAlarmHistory", AlarmTypes=TYPES, ScanBy="TimestampAscending", MaxRecords=100)
    items: list[dict[str, Any]] = found["AlarmHistoryItems"]
    return items


def check(life: Life, items: list[dict[str, Any]], crash: Crash) -> None:
    published: dict[str, tuple[str, str]] = {}
    for id_, name, state in life.heard():
        assert published.setdefault(id_, (name, state)) == (name, state), crash
    for name, acting in (("a", ("ALARM", "OK")), ("c", ("ALARM",))):
        moves = [
            one["HistorySummary"].removeprefix("Alarm updated from ").split(" to ")
            for one in items
            if one["AlarmName"] == name and one["HistoryItemType"] == "StateUpdate"
        ]
        # The moves are one chain: none is missing, none was told twice or made up.
        assert moves[0][0] == "INSUFFICIENT_DATA" and moves[-1][1] == "OK", (crash, moves)
        assert all(one[1] == other[0] for one, other in pairwise(moves)), (crash, moves)
        wanted = [state for _, state in moves if state in acting]
        sent = [state for one, state in published.values() if one == name]
        assert sorted(sent) == sorted(wanted), (crash, moves, published)


def test_no_change_is_lost_or_told_under_two_ids(tmp_path: Path) -> None:
    for crash in crashes(scenario, tmp_path):
        asyncio.run(recovered(crash))


@pytest.mark.slow
@pytest.mark.parametrize(
    "modules",
    [(alarm_follow, history), (alarm_evaluate, composite_follow), (alarm_change, alarm_rows)],
    ids=["following", "evaluating", "changing"],
)
def test_killed_before_every_third_line(tmp_path: Path, modules: tuple[ModuleType, ...]) -> None:
    for crash in crashes(scenario, tmp_path, lines_of=modules, step=3):
        asyncio.run(recovered(crash))
