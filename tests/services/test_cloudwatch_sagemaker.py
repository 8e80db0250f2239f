"""What endpoints and jobs do becomes SageMaker's own metrics."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clary.engines.metrics.store import SqliteMetrics
from clary.engines.runners.base import Usage
from clary.engines.serving.counters import BUCKETS, Counters, bucket_of, middle_of
from clary.kernel.clock import ManualClock
from clary.kernel.metrics import MetricMatch, MetricName, Statistic, dimensions
from clary.kernel.resource import Resource
from clary.kernel.sqlite import SqliteStore
from clary.kernel.telemetry import LogEvent, LogStreamName
from clary.services.sagemaker import Curves, Measured, endpoints, training
from clary.services.sagemaker.metering import Metering, every
from tests.kernel.waiting import settle

ACCOUNT, REGION = "123456789012", "us-east-1"
KEY = (ACCOUNT, REGION, "e")
NOW = 1_795_284_000.0
SUM, COUNT, AVERAGE = Statistic("Sum"), Statistic("SampleCount"), Statistic("Average")


@given(st.integers(0, 2**31))
def test_a_latency_is_near_the_middle_of_its_bucket(latency: int) -> None:
    number = bucket_of(latency)
    assert 0 <= number < BUCKETS
    assert abs(middle_of(number) - latency) <= latency / 32


def test_buckets_rise_with_the_latency() -> None:
    numbers = [bucket_of(latency) for latency in range(5000)]
    assert numbers == sorted(numbers) and set(numbers) == set(range(numbers[-1] + 1))
    assert bucket_of(2**60) == BUCKETS - 1


class Serving:
    """Fronts that have counted what the test says. With `deaf`, what they answer does not arrive."""

    def __init__(self) -> None:
        self.fronts: dict[tuple[str, int], Counters] = {}
        self.serials: dict[tuple[str, int], int] = {}
        self.served = {KEY}
        self.deaf = False

    async def grown(self) -> list[dict[str, Any]]:
        told = {name: one.grown(self.serials.get(name), self.served) for name, one in self.fronts.items()}
        if self.deaf:
            return []
        self.serials |= {name: one["serial"] for name, one in told.items()}
        return list(told.values())

    def serves(self, front: tuple[str, int], count: int, *, failed: int = 0, latency: int = 1000) -> None:
        one = self.fronts.setdefault(front, Counters()).of(KEY, "v")
        one.invocations += count
        one.errors_5xx += failed
        one.model_sum += latency * count
        one.model_buckets[bucket_of(latency)] += count
        one.overhead_sum += 10 * count
        one.overhead_buckets[10] += count

    def busy(self, front: tuple[str, int], second: float, count: int) -> None:
        self.fronts.setdefault(front, Counters()).of(KEY, "v").concurrency[int(second)] = count


class Runner:
    def __init__(self) -> None:
        self.used: dict[str, Usage] = {}

    async def uids(self) -> list[str]:
        return list(self.used)

    async def usage(self, uid: str) -> Usage | None:
        return self.used[uid]


class House:
    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock(NOW)
        self.store = SqliteStore(directory / "clary.db", self.clock)
        self.metrics = SqliteMetrics(directory / "metrics", self.clock, background=False)
        self.serving, self.runner, self.graphs = Serving(), Runner(), Runner()
        self.measured = Measured([self.runner, self.graphs], self.store, self.metrics, self.clock, directory)
        self.metering = self.another(60.0)

    def another(self, seconds: float) -> Metering:
        """What a new control process begins with."""
        return Metering(self.serving, self.store, self.metrics, self.clock, seconds)  # type: ignore[arg-type]

    def has(self, kind: str, name: str, uid: str, **status: Any) -> None:
        self.store.create(Resource(kind, name, ACCOUNT, REGION, uid, phase="InService", status=status))

    def read(self, namespace: str, name: str, statistic: Statistic, **where: str) -> dict[int, float | None]:
        metric = MetricName(ACCOUNT, REGION, namespace, name, dimensions(**where))
        found = self.metrics.read(metric, (statistic,), int(NOW) - 600, int(NOW) + 600, 60)
        return {at - int(NOW): value for at, value in zip(found.times, found.values[0], strict=True)}

    def invocations(self, name: str, statistic: Statistic) -> dict[int, float | None]:
        return self.read("AWS/SageMaker", name, statistic, EndpointName="e", VariantName="v")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.metrics.close()
    made.store.close()


INSTANCES = [
    {"uid": "u1-1-0-0", "variant": "v", "ready": NOW},
    {"uid": "u1-1-0-1", "variant": "v", "ready": NOW},
    {"uid": "u1-1-0-2", "variant": "v", "ready": None},
]


async def test_each_look_tells_what_was_served_since_the_last(house: House) -> None:
    house.has(endpoints.KIND, "e", "u1", _instances=INSTANCES)
    front, other = ("front-0", 1), ("front-1", 2)
    await house.metering.flush()
    house.serving.serves(front, 3, latency=2000)
    house.serving.serves(other, 1, failed=1, latency=10_000)
    house.clock.advance(60)
    await house.metering.flush()
    house.clock.advance(60)
    await house.metering.flush()
    assert house.invocations("Invocations", SUM) == {0: 4.0, 60: 0.0}
    assert house.invocations("InvocationsPerInstance", SUM) == {0: 2.0, 60: 0.0}
    assert house.invocations("Invocation5XXErrors", SUM) == {0: 1.0}
    assert house.invocations("Invocation5XXErrors", AVERAGE) == {0: 0.25}
    assert house.invocations("Invocation4XXErrors", SUM) == {0: 0.0}
    assert house.invocations("InvocationModelErrors", COUNT) == {0: 4.0}
    assert house.invocations("ModelLatency", AVERAGE) == {0: pytest.approx(4000)}
    assert house.invocations("ModelLatency", Statistic("Maximum")) == {0: pytest.approx(10_000, rel=0.05)}
    assert house.invocations("ModelLatency", Statistic("percentile", 50.0)) == {0: pytest.approx(2000, rel=0.05)}
    assert house.invocations("ModelLatency", Statistic("percentile", 99.9)) == {0: pytest.approx(10_000, rel=0.05)}
    assert house.invocations("OverheadLatency", SUM) == {0: pytest.approx(40)}


async def test_seconds_are_kept_apart_and_add_up_to_minutes(house: House) -> None:
    house.has(endpoints.KIND, "e", "u1", _instances=INSTANCES)
    metering = house.another(5.0)
    for count in (10, 20, 30):
        house.serving.serves(("front-0", 1), count)
        house.clock.advance(5)
        await metering.flush()
    metric = MetricName(ACCOUNT, REGION, "AWS/SageMaker", "Invocations", dimensions(EndpointName="e", VariantName="v"))
    found = house.metrics.read(metric, (SUM,), int(NOW), int(NOW) + 60, 5)
    assert (found.times, found.values[0]) == ([int(NOW), int(NOW) + 5, int(NOW) + 10], [10.0, 20.0, 30.0])
    assert house.invocations("Invocations", SUM) == {0: 60.0}


async def test_concurrency_is_that_of_all_fronts_at_each_second_for_each_instance(house: House) -> None:
    house.has(endpoints.KIND, "e", "u1", _instances=INSTANCES)
    for front, count in ((("front-0", 1), 6), (("front-1", 2), 2)):
        house.serving.busy(front, NOW + 1, count)
        house.serving.busy(front, NOW + 2, count // 2)
    house.clock.advance(60)
    await house.metering.flush()
    assert house.invocations("ConcurrentRequestsPerModel", Statistic("Maximum")) == {0: 4.0}
    assert house.invocations("ConcurrentRequestsPerModel", SUM) == {0: 6.0}
    assert house.invocations("ConcurrentRequestsPerModel", COUNT) == {0: 60.0}
    house.clock.advance(60)
    await house.metering.flush()
    assert house.invocations("ConcurrentRequestsPerModel", SUM)[0] == 6.0, "a second is told once"


async def test_a_front_that_was_replaced_counts_anew(house: House) -> None:
    house.has(endpoints.KIND, "e", "u1")
    house.serving.serves(("front-0", 1), 100)
    await house.metering.flush()
    house.serving.fronts.clear()
    house.serving.serves(("front-0", 2), 7)
    house.clock.advance(60)
    await house.metering.flush()
    house.serving.serves(("front-0", 2), 5)
    house.clock.advance(60)
    await house.metering.flush()
    assert house.invocations("Invocations", SUM) == {-60: 100.0, 0: 7.0, 60: 5.0}


async def test_nothing_is_told_twice_and_what_did_not_arrive_is_told_again(house: House) -> None:
    """Answers are lost, and the process that asks is killed: before it asked, and after it told."""
    house.has(endpoints.KIND, "e", "u1")
    front = ("front-0", 1)
    house.serving.serves(front, 1)
    await house.metering.flush()
    house.serving.serves(front, 2)
    house.serving.deaf = True
    for _ in range(2):
        await house.metering.flush()
    house.serving.deaf = False
    house.serving.serves(front, 4)
    house.clock.advance(60)
    await house.metering.flush()
    assert house.invocations("Invocations", SUM) == {-60: 1.0, 0: 6.0}
    house.serving.serves(front, 8)
    house.serving.serials.clear()
    successor = house.another(60.0)
    house.clock.advance(60)
    await successor.flush()
    assert house.invocations("Invocations", SUM) == {-60: 1.0, 0: 6.0, 60: 8.0}


async def test_an_endpoint_that_is_gone_again_has_its_minute(house: House) -> None:
    await house.metering.flush()
    house.serving.serves(("front-0", 1), 9)
    house.clock.advance(60)
    house.serving.served = set()
    await house.metering.flush()
    house.clock.advance(60)
    await house.metering.flush()
    await house.metering.flush()
    assert house.invocations("Invocations", SUM) == {0: 9.0}
    counters = house.serving.fronts["front-0", 1]
    assert counters.doc()["variants"] == [], "nothing is kept of it"


async def test_a_variant_without_requests_tells_zeros(house: House) -> None:
    live = {"variants": [{"name": "v"}]}
    house.has(endpoints.KIND, "e", "u1", _instances=INSTANCES, _live=live)
    for _ in range(4):
        await house.metering.flush()
        house.clock.advance(30)
    assert house.invocations("InvocationsPerInstance", SUM) == {-60: 0.0, 0: 0.0}
    assert house.invocations("InvocationsPerInstance", COUNT) == {-60: 1.0, 0: 1.0}, "once a minute"


async def test_what_runs_use_is_told_of_their_hosts(house: House) -> None:
    house.has(endpoints.KIND, "e", "u1", _instances=INSTANCES)
    house.has(training.KIND, "job", "u2")
    house.runner.used = {
        **{"u1-1-0-0": Usage(10.0, 2**20), "u1-1-0-0-c1": Usage(0.0, 2**20)},
        **{"u2": Usage(0.0, 2**30), "u9": Usage(1.0, 1)},
    }
    house.graphs.used = {"u1-1-0-1": Usage(1.0, 2**20)}
    await house.measured.minute()
    house.runner.used = {
        **{"u1-1-0-0": Usage(16.0, 2**20), "u1-1-0-0-c1": Usage(6.0, 2**20)},
        **{"u2": Usage(90.0, 2**30), "u9": Usage(2.0, 1)},
    }
    house.graphs.used = {"u1-1-0-1": Usage(7.0, 2**20)}
    house.clock.advance(60)
    await house.measured.minute()
    house.clock.advance(20)
    await house.measured.minute()  # the last look of a process that ends
    where = {"EndpointName": "e", "VariantName": "v"}
    assert house.read("/aws/sagemaker/Endpoints", "CPUUtilization", Statistic("Maximum"), **where) == {0: 20.0}
    assert house.read("/aws/sagemaker/Endpoints", "CPUUtilization", COUNT, **where) == {0: 2.0}, "once an instance"
    assert house.read("/aws/sagemaker/Endpoints", "CPUUtilization", AVERAGE, **where) == {0: 15.0}
    disk = house.read("/aws/sagemaker/Endpoints", "DiskUtilization", AVERAGE, **where)[0]
    assert disk is not None and 0 < disk <= 100
    assert house.read("/aws/sagemaker/TrainingJobs", "CPUUtilization", AVERAGE, Host="job/algo-1") == {0: 150.0}
    memory = house.read("/aws/sagemaker/TrainingJobs", "MemoryUtilization", AVERAGE, Host="job/algo-1")[0]
    assert memory is not None and 0 < memory < 100
    assert len(list(house.metrics.names(ACCOUNT, REGION, MetricMatch()))) == 5


class Hasty(ManualClock):
    """Timers of the machine may wake a moment too early."""

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds - 0.001 if seconds > 1 else seconds)
        await asyncio.sleep(0)


async def test_a_timer_that_wakes_too_early_tells_nothing_of_the_minute_before() -> None:
    clock, stop = Hasty(NOW + 17), asyncio.Event()
    told: list[float] = []

    async def noted() -> None:
        told.append(clock.now() - NOW)
        if len(told) == 4:
            stop.set()

    await every(clock, 60.0, stop, noted)
    assert told[:4] == [17, 60, 120, 180]


async def test_looks_are_those_of_the_clock(house: House) -> None:
    house.clock.advance(17)
    stop = asyncio.Event()
    told: list[float] = []

    async def noted() -> None:
        told.append(house.clock.now() - NOW)
        raise OSError("this look goes wrong")

    task = asyncio.create_task(every(house.clock, 60.0, stop, noted))
    for seconds in (0, 42, 1, 60):
        await settle()
        house.clock.advance(seconds)
    await settle()
    assert told == [17, 60, 120]
    stop.set()
    await task
    assert told == [17, 60, 120, 120], "and once more at the end"


def test_lines_of_a_training_job_become_its_metrics(house: House) -> None:
    curves = Curves(house.metrics, training.LOG_GROUP)
    own = [{"Name": "loss", "Regex": r"loss=([0-9.]+)"}, {"Name": "odd", "Regex": r"odd=(\S+)"}]
    built_in = [{"Name": "train:merror", "Regex": r"#011train-merror:([0-9.]+)"}]
    stream = LogStreamName(ACCOUNT, REGION, training.LOG_GROUP, "job/algo-1-1795284000")

    def line(second: int, text: str) -> LogEvent:
        return LogEvent(int(NOW + second) * 1000, text)

    curves.heard(stream, [line(0, "loss=9")], 0)  # of a job that nobody expects
    for _ in range(2):
        curves.expect(ACCOUNT, REGION, "job", built_in, own)
    curves.heard(stream, [line(1, "loss=0.5"), line(2, "[1]#011train-merror:0.25"), line(3, "odd=nan odd=x")], 0)
    curves.heard(LogStreamName(ACCOUNT, REGION, "other", "job/algo-1"), [line(4, "loss=7")], 0)
    where = {"TrainingJobName": "job"}
    assert house.read("/aws/sagemaker/TrainingJobs", "loss", SUM, **where) == {0: 0.5}
    assert house.read("/aws/sagemaker/TrainingJobs", "train:merror", SUM, **where) == {0: 0.25}
    assert house.read("/aws/sagemaker/TrainingJobs", "odd", SUM, **where) == {}
    curves.forget(ACCOUNT, REGION, "job")
    curves.heard(stream, [line(5, "loss=7")], 0)
    assert house.read("/aws/sagemaker/TrainingJobs", "loss", SUM, **where) == {0: 0.5}
