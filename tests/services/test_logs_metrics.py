"""Metric filters: what is counted, into which metric, once for every event that is stored, whoever stores it."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.engines.telemetry.segments import SegmentLogs
from clary.engines.telemetry.tail import ship
from clary.kernel.clock import ManualClock
from clary.kernel.metrics import Sample
from clary.kernel.telemetry import LogEvent, LogSink, LogStore, LogStreamName
from clary.services.logs import Counting, service
from tests.inprocess import ACCOUNT, InProcess
from tests.kernel.waiting import settle

GROUP, STREAM = "/app", "one"
NAME = LogStreamName(ACCOUNT, "us-east-1", GROUP, STREAM)


class Sink:
    """A MetricSink that remembers."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []

    def add(self, samples: Sequence[Sample]) -> None:
        self.samples += samples

    def sums(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], tuple[float, float]]:
        """(sum, count) by name and dimensions."""
        found: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[float, float]] = {}
        for one in self.samples:
            key = (f"{one.metric.namespace}/{one.metric.name}", one.metric.dimensions)
            total, count = found.get(key, (0.0, 0.0))
            counts = one.counts or [1.0] * len(one.values)
            total += sum(value * times for value, times in zip(one.values, counts, strict=True))
            found[key] = (total, count + sum(counts))
        return found


class Place:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = ManualClock(float(int(time.time()) // 60 * 60 + 30))
        self.store = SegmentLogs(root / "logs", self.clock)
        self.sink = Sink()
        self.counting = Counting(self.sink, self.clock)
        self.store.listen(self.counting.heard)
        ports: dict[type, Any] = {LogSink: self.store, LogStore: self.store, Counting: self.counting}
        self.wire = InProcess(root, [service], clock=self.clock, ports=ports)
        self.client: Any = self.wire.client("logs")
        self.client.create_log_group(logGroupName=GROUP)
        self.client.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)

    @property
    def now(self) -> int:
        return int(self.clock.now() * 1000)

    def put(self, *messages: str) -> None:
        events = [{"timestamp": self.now, "message": one} for one in messages]
        self.client.put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=events)

    def filter(self, pattern: str, value: str = "1", name: str = "f", group: str = GROUP, **said: Any) -> None:
        transformation = {"metricName": "Count", "metricNamespace": "App", "metricValue": value, **said}
        self.client.put_metric_filter(
            logGroupName=group, filterName=name, filterPattern=pattern, metricTransformations=[transformation]
        )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.wire.close()


def refused(call: Callable[..., Any], *given: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(*given, **params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_constant_is_counted_for_each_match(place: Place) -> None:
    place.put("ERROR before the filter was there")
    place.filter("ERROR", "2.5", unit="Count")
    place.put("ERROR a", "fine", "ERROR b")
    place.put("fine")
    [sample] = place.sink.samples
    assert (sample.values, sample.counts, sample.unit) == ((2.5,), (2.0,), "Count")
    assert sample.at == place.clock.now() - 30  # the minute of the events
    assert (sample.metric.account, sample.metric.region) == (ACCOUNT, "us-east-1")


def test_fields_are_values_and_dimensions(place: Place) -> None:
    place.filter("{ $.latency = * }", "$.latency", dimensions={"Api": "$.api", "Code": "$.code"}, metricName="Latency")
    place.put(
        '{"latency": 1.5, "api": "a", "code": 200}',
        '{"latency": "2.5", "api": "a", "code": 200}',
        '{"latency": 1e1, "api": "b", "code": 500}',
        '{"latency": 3, "api": "b"}',
        '{"latency": "slow", "api": "a", "code": 200}',
    )
    place.filter(
        "[ip, ..., status = 5*, size]", "$size", "space", metricName="Size", dimensions={"Ip": "$ip", "2": "$2"}
    )
    place.put('10.0.0.1 [a b] "x y" 500 17', "10.0.0.1 z w 404 1", "10.0.0.2 z w 503 -")
    assert place.sink.sums() == {
        ("App/Latency", (("Api", "a"), ("Code", "200"))): (4.0, 2.0),
        ("App/Latency", (("Api", "b"), ("Code", "500"))): (10.0, 1.0),
        ("App/Size", (("2", "a b"), ("Ip", "10.0.0.1"))): (17.0, 1.0),
    }


def test_events_of_jobs_are_counted_too(place: Place) -> None:
    log = place.root / "job.log"
    log.write_text("epoch 1 loss=0.5\nnothing\nepoch 2 loss=0.25\n")
    place.filter("[epoch=epoch, number, loss]", "$number")
    ship(log, place.store, NAME, "run", place.clock, final=True)
    ship(log, place.store, NAME, "run", place.clock, final=True)
    assert place.sink.sums() == {("App/Count", ()): (3.0, 2.0)}


def test_a_default_stands_for_a_minute_without_a_match(place: Place) -> None:
    place.filter("ERROR", defaultValue=0.0)
    place.put("fine")
    place.put("fine")
    place.clock.advance(60)
    place.put("fine")
    place.put("ERROR")
    place.counting.settle(place.now)
    assert [(one.values, one.counts, one.at % 60) for one in place.sink.samples] == [
        ((1.0,), (1.0,), 0),
        ((0.0,), (), 0),
    ]
    assert place.sink.samples[1].at == place.sink.samples[0].at - 60
    place.counting.settle(place.now + 10**6)
    assert len(place.sink.samples) == 2


def test_a_running_server_settles_minutes_as_they_end(tmp_path: Path) -> None:
    async def scenario() -> list[Sample]:
        place = Place(tmp_path)
        place.filter("ERROR", defaultValue=7.0)
        stop = asyncio.Event()
        running = asyncio.create_task(place.counting.run(stop))
        await settle()
        await asyncio.to_thread(place.put, "fine")
        await settle()
        place.clock.advance(40)
        await settle()
        found = list(place.sink.samples)
        await asyncio.to_thread(place.put, "fine")
        stop.set()
        await running
        place.wire.close()
        assert len(place.sink.samples) == 2
        return found

    [sample] = asyncio.run(scenario())
    assert sample.values == (7.0,)


def test_filters_are_listed_replaced_and_deleted(place: Place) -> None:
    place.client.create_log_group(logGroupName="/other")
    for i in range(3):
        place.filter("ERROR", name=f"b{i}", metricName=f"M{i}")
    place.filter("{ $.a = 1 }", name="a", group="/other", dimensions={"A": "$.a"})
    pages = list(place.client.get_paginator("describe_metric_filters").paginate(PaginationConfig={"PageSize": 2}))
    assert [[one["filterName"] for one in page["metricFilters"]] for page in pages] == [["a", "b0"], ["b1", "b2"]]
    [one] = place.client.describe_metric_filters(logGroupName=GROUP, filterNamePrefix="b1")["metricFilters"]
    assert one == {
        "filterName": "b1",
        "filterPattern": "ERROR",
        "logGroupName": GROUP,
        "creationTime": place.now,
        "metricTransformations": [{"metricName": "M1", "metricNamespace": "App", "metricValue": "1"}],
    }
    named = place.client.describe_metric_filters(metricName="M2", metricNamespace="App", limit=1)["metricFilters"]
    assert [one["filterName"] for one in named] == ["b2"]
    assert refused(place.client.describe_metric_filters, metricName="M2")[0] == "InvalidParameterException"
    counts = {one["logGroupName"]: one["metricFilterCount"] for one in place.client.describe_log_groups()["logGroups"]}
    assert counts == {GROUP: 3, "/other": 1}
    place.filter("WARN", name="b1", metricName="New")
    place.client.delete_metric_filter(logGroupName=GROUP, filterName="b0")
    assert refused(place.client.delete_metric_filter, logGroupName=GROUP, filterName="b0") == (
        "ResourceNotFoundException",
        "The specified metric filter does not exist.",
    )
    place.put("WARN and ERROR")
    assert set(place.sink.sums()) == {("App/New", ()), ("App/M2", ())}


def test_filters_are_at_work_after_a_restart_and_gone_with_their_group(place: Place) -> None:
    place.filter("ERROR")
    again = Counting(place.sink, place.clock)
    place.wire.thread.call(again.load, place.wire.raw_store)
    again.heard(NAME, [LogEvent(place.now, "ERROR")], place.now)
    assert place.sink.sums() == {("App/Count", ()): (1.0, 1.0)}
    place.client.delete_log_group(logGroupName=GROUP)
    place.client.create_log_group(logGroupName=GROUP)
    place.client.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    place.put("ERROR")
    assert len(place.sink.samples) == 1
    assert place.client.describe_metric_filters()["metricFilters"] == []


def test_without_a_sink_nothing_is_counted(tmp_path: Path) -> None:
    place = Place(tmp_path)
    del place.wire.ports[Counting]
    place.filter("ERROR")
    place.put("ERROR")
    assert place.sink.samples == []
    place.wire.close()


@pytest.mark.parametrize(
    ("pattern", "value", "said", "why"),
    [
        ("{ $.a = }", "1", {}, "at position 8"),
        ("ERROR", "$.a", {}, "no field of a plain-text pattern"),
        ("ERROR", "one", {}, "neither a number nor a field"),
        ("ERROR", "1e999", {}, "neither a number nor a field"),
        ("[a, b]", "$c", {}, "'$c' is no field of a space-delimited pattern"),
        ("{ $.a = 1 }", "$.a.", {}, "name of a property is missing"),
        ("{ $.a = 1 }", "$.a b", {}, "something stands behind the selector"),
        ("ERROR", "1", {"dimensions": {"A": "$.a"}}, "no field of a plain-text pattern"),
        ("{ $.a = 1 }", "1", {"dimensions": {"A": "$.a"}, "defaultValue": 0.0}, "mutually exclusive"),
        ("{ $.a = 1 }", "1", {"dimensions": dict.fromkeys("ABCD", "$.a")}, "3 dimensions, not 4"),
        ("ERROR", "1", {"metricNamespace": "AWS/Logs"}, 'cannot begin with "AWS/"'),
        ("ERROR", "1", {"metricName": ""}, "cannot be empty"),
    ],
)
def test_what_is_no_metric_filter_is_refused(
    place: Place, pattern: str, value: str, said: dict[str, Any], why: str
) -> None:
    code, message = refused(place.filter, pattern, value, **said)
    assert (code, why in message) == ("InvalidParameterException", True), message


def test_filters_have_limits(place: Place) -> None:
    assert refused(place.filter, "ERROR", group="/none")[0] == "ResourceNotFoundException"
    for i in range(5):
        place.filter("%ERR.R%", name=f"r{i}")
    assert refused(place.filter, "{ $.a = %x% }", name="r5") == (
        "LimitExceededException",
        "A log group can have 5 filters whose patterns hold regular expressions.",
    )
    place.filter("%WARN%", name="r4")
    for i in range(95):
        place.filter("ERROR", name=f"f{i}")
    assert refused(place.filter, "ERROR", name="more")[0] == "LimitExceededException"
    code, message = refused(
        place.client.put_metric_filter,
        logGroupName=GROUP,
        filterName="x",
        filterPattern="",
        metricTransformations=[{"metricName": "a", "metricNamespace": "b", "metricValue": "1"}],
        applyOnTransformedLogs=True,
    )
    assert (code, "applyOnTransformedLogs" in message) == ("NotImplemented", True)


def test_a_pattern_can_be_tried(place: Place) -> None:
    line = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
    answer = place.client.test_metric_filter(filterPattern="[..., size]", logEventMessages=[line, "x 1"])
    assert answer["matches"] == [
        {
            "eventNumber": 1,
            "eventMessage": line,
            "extractedValues": {
                **{"$1": "127.0.0.1", "$2": "Prod", "$3": "frank", "$4": "10/Oct/2000:13:25:15 -0700"},
                **{"$5": "GET /index.html HTTP/1.0", "$6": "404", "$size": "1534"},
            },
        },
        {"eventNumber": 2, "eventMessage": "x 1", "extractedValues": {"$1": "x", "$size": "1"}},
    ]
    answer = place.client.test_metric_filter(filterPattern="{$.a = 1}", logEventMessages=["x", '{"a": 1}'])
    assert [(one["eventNumber"], one["extractedValues"]) for one in answer["matches"]] == [(2, {"$.a": "1"})]
    code, message = refused(place.client.test_metric_filter, filterPattern="[a", logEventMessages=["x"])
    assert (code, "position 2" in message) == ("InvalidParameterException", True)
