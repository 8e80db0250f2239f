"""What alarms cost while nothing happens: CPU of a minute of 1,000 alarms that are evaluated every minute, and of the
same number on five minutes of data; and what 1,000 changes of state cost with their history.

In process, on a clock of its own, so that an hour takes seconds: store, metric store, controller and bus as in the
server. The figures are CPU time. With ten times the alarms one evaluation must cost the same.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import report
from clary.aws.delivery import Delivery, Outcome
from clary.engines.metrics.store import SqliteMetrics
from clary.kernel import ids
from clary.kernel.clock import ManualClock
from clary.kernel.events import Bus, Pattern
from clary.kernel.metrics import MetricName, Sample
from clary.kernel.reconcile import Controller
from clary.kernel.resource import Doc, Resource
from clary.kernel.sqlite import SqliteStore
from clary.kernel.store import Where
from clary.services import cloudwatch
from clary.services.cloudwatch import alarm_follow, alarm_rows, composite_follow

ACCOUNT, REGION, NOW = "123456789012", "us-east-1", 1_795_284_000.0
METRICS = 100
"""Different ones: alarms share them."""


class Nowhere:
    """A deliverer that takes everything."""

    async def deliver(self, one: Delivery) -> Outcome:
        return Outcome("delivered")

    def pending(self) -> int:
        return 0


class House:
    def __init__(self, root: Path, alarms: int, period: int) -> None:
        self.clock = ManualClock(NOW)
        self.store = SqliteStore(root / "clary.db", self.clock)
        self.metrics = SqliteMetrics(root / "metrics", self.clock, background=False)
        self.bus = Bus(self.store, self.clock)
        changed = Pattern(kind=alarm_rows.KIND)
        self.bus.subscribe("alarms", changed, alarm_follow.AlarmFollower(self.store, Nowhere()))
        self.bus.subscribe("composite-alarms", changed, composite_follow.CompositeWaker(self.store))
        reconcilers = cloudwatch.reconcilers(self.store, self.metrics, self.clock)
        self.controller = Controller(self.store, self.clock, reconcilers, cloudwatch.MACHINES)
        for number in range(alarms):
            self.store.create(_alarm(number, period))

    async def minute(self, value: float) -> None:
        at = self.clock.now()
        self.metrics.put([Sample(_metric(number), at, (value,)) for number in range(METRICS)])
        for _ in range(60):
            self.clock.advance(1.0)
            while await self.controller.tick() + await self.bus.tick():
                pass

    async def change(self) -> None:
        """Every alarm changes its state, and that is in its history."""
        for row in self.store.page(alarm_rows.KIND, Where(), limit=100_000):
            status = alarm_rows.transition(row, "The benchmark says so", None, self.clock.now())
            self.store.update(row, phase="ALARM", **status)
        await self.bus.tick()

    def close(self) -> None:
        self.metrics.close()
        self.store.close()


def _metric(number: int) -> MetricName:
    return MetricName(ACCOUNT, REGION, "Bench", "load", (("n", str(number % METRICS)),))


def _alarm(number: int, period: int) -> Resource:
    name = f"alarm-{number:05d}"
    spec: Doc = {
        "AlarmName": name,
        "Namespace": "Bench",
        "MetricName": "load",
        "Dimensions": [{"Name": "n", "Value": str(number % METRICS)}],
        "Statistic": "Average",
        "Period": period,
        "EvaluationPeriods": 3,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "ActionsEnabled": True,
    }
    status: Doc = {
        "StateReason": "Unchecked: Initial alarm creation",
        "StateUpdatedTimestamp": NOW,
        "StateTransitionedTimestamp": NOW,
        "AlarmConfigurationUpdatedTimestamp": NOW,
        "_last": {"what": "create"},
    }
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
    return Resource(
        alarm_rows.KIND, name, ACCOUNT, REGION, ids.new(), arn, "INSUFFICIENT_DATA", alarm_rows.METRIC, spec, status,
        due=NOW,
    )  # fmt: skip


async def _measured(root: Path, alarms: int, period: int, minutes: int) -> dict[str, Any]:
    house = House(root, alarms, period)
    for _ in range(2 + 3 * period // 60):
        await house.minute(1.0)
    began = time.process_time()
    for _ in range(minutes):
        await house.minute(1.0)
    idle = (time.process_time() - began) / minutes
    began = time.process_time()
    await house.change()
    busy = time.process_time() - began
    house.close()
    return {
        "cpu_seconds_a_minute": round(idle, 3),
        "cpu_us_an_evaluation": round(idle / alarms * 1e6),
        "cpu_us_a_change_of_state": round(busy / alarms * 1e6),
    }


def main(smoke: bool) -> None:
    few, many, minutes = (10, 20, 1) if smoke else (100, 1_000, 10)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as directory:
        for name, alarms, period in (
            (f"{few}_alarms_60s", few, 60),
            (f"{many}_alarms_60s", many, 60),
            (f"{many}_alarms_300s", many, 300),
        ):
            root = Path(directory) / name
            root.mkdir()
            found[name] = asyncio.run(_measured(root, alarms, period, minutes))
    one, other = (found[f"{n}_alarms_60s"]["cpu_us_an_evaluation"] for n in (few, many))
    report.keep(
        "signals.alarms",
        found,
        {"evaluation_cpu_many_over_few": round(other / max(one, 1), 2)},
        smoke=smoke,
        notes=["the reading of the metrics is in it; what puts them is, too (100 values a minute)"],
    )
