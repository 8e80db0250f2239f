"""Subscription filters: what matches arrives at least once, in AWS's shape, and nobody who writes logs waits for it."""

import asyncio
import base64
import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.delivery import Deliverer, Delivery
from clary.aws.service import Context, Service
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.clock import ManualClock
from clary.kernel.reconcile import Controller
from clary.kernel.resource import Doc, Resource
from clary.kernel.sqlite import SqliteStore
from clary.kernel.store import Where
from clary.kernel.telemetry import LogEvent, LogSink, LogStore, LogStreamName
from clary.services.logs import Subscriptions, service
from clary.services.logs.api import ResourceNotFoundException
from clary.services.logs.subscriptions import KIND
from tests.crash.harness import crashes
from tests.inprocess import ACCOUNT, InProcess

GROUP = "/app"
BUS = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/telemetry"


def unpacked(entry: Doc) -> Doc:
    """The DATA_MESSAGE in an entry of PutEvents."""
    found: Doc = json.loads(gzip.decompress(base64.b64decode(json.loads(entry["Detail"])["awslogs"]["data"])))
    return found


class Courier:
    """A Deliverer that remembers."""

    def __init__(self) -> None:
        self.taken: list[Delivery] = []
        self.waiting = 0
        self.raises: Exception | None = None

    async def deliver(self, one: Delivery) -> None:
        if self.raises is not None:
            raise self.raises
        self.taken.append(one)

    def pending(self) -> int:
        return self.waiting

    def entries(self) -> list[Doc]:
        return [entry for one in self.taken for entry in one.params["Entries"]]

    def messages(self) -> list[str]:
        return [event["message"] for entry in self.entries() for event in unpacked(entry)["logEvents"]]


def events_service() -> Service:
    """As much of EventBridge as the check of a destination asks."""
    events = Service("events")

    @events.operation("DescribeEventBus")
    async def describe_event_bus(ctx: Context, req: Doc) -> Doc:
        if req["Name"] != "telemetry":
            raise ResourceNotFoundException("Event bus does not exist.")
        return {"Name": req["Name"], "Arn": BUS}

    return events


class Place:
    def __init__(self, root: Path, segment_bytes: int = 16 * 2**20) -> None:
        self.clock = ManualClock(time.time())
        self.store = SegmentLogs(root / "logs", self.clock, segment_bytes=segment_bytes)
        self.courier = Courier()
        ports: dict[type, Any] = {LogSink: self.store, LogStore: self.store, Deliverer: self.courier}
        self.wire = InProcess(root, [service, events_service()], clock=self.clock, ports=ports)
        self.client: Any = self.wire.client("logs")
        self.restart()
        for name in (GROUP, "/other"):
            self.client.create_log_group(logGroupName=name)

    def restart(self) -> None:
        """What a new process knows: nothing but what is stored."""
        self.subscriptions = Subscriptions(self.wire.raw_store, self.store, self.courier, self.clock)
        self.wire.ports[Subscriptions] = self.subscriptions
        self.store.listen(self.subscriptions.heard)
        self.controller = Controller(self.wire.raw_store, self.clock, {KIND: self.subscriptions}, {})

        async def load() -> None:
            self.subscriptions.load()

        self.wire.run(load())

    def put(self, *messages: str, stream: str = "one", group: str = GROUP) -> None:
        now = int(self.clock.now() * 1000)
        name = LogStreamName(ACCOUNT, "us-east-1", group, stream)
        self.store.append(name, [LogEvent(now + i, one) for i, one in enumerate(messages)])

    def subscribe(self, pattern: str = "", name: str = "f", **given: Any) -> None:
        self.client.put_subscription_filter(
            **{"logGroupName": GROUP, "filterName": name, "filterPattern": pattern, "destinationArn": BUS, **given}
        )

    def work(self, ticks: int = 1) -> int:
        """The control loop has looked that often; how many looks were taken."""
        return sum(self.wire.run(self.controller.tick()) for _ in range(ticks))


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


def test_what_matches_is_delivered_in_the_shape_of_aws(place: Place) -> None:
    place.put("ERROR before")
    place.clock.advance(1)
    place.subscribe("ERROR")
    place.put("ERROR a", "fine", "ERROR b")
    place.put("fine", stream="two")
    place.put("ERROR elsewhere", group="/other")
    place.work()
    [delivery] = place.courier.taken
    assert (delivery.service, delivery.operation, delivery.acting.service) == (
        *("events", "PutEvents"),
        "logs.amazonaws.com",
    )
    [entry] = delivery.params["Entries"]
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{GROUP}"
    assert (entry["EventBusName"], entry["Source"], entry["Resources"]) == (BUS, "clary.logs", [group])
    said = unpacked(entry)
    ids = [one.pop("id") for one in said["logEvents"]]
    now = int(place.clock.now() * 1000)
    assert said == {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": GROUP,
        "logStream": "one",
        "subscriptionFilters": ["f"],
        "logEvents": [{"timestamp": now, "message": "ERROR a"}, {"timestamp": now + 2, "message": "ERROR b"}],
    }
    found = place.client.filter_log_events(logGroupName=GROUP, filterPattern="ERROR", startTime=now)["events"]
    assert ids == [one["eventId"] for one in found]


def test_only_what_is_new_is_looked_at_and_idle_costs_nothing(place: Place) -> None:
    place.subscribe()
    place.put("a")
    assert place.work(3) == 1
    place.put("b", stream="two")
    place.put("c", stream="two")
    assert place.work(3) == 1
    place.client.delete_log_stream(logGroupName=GROUP, logStreamName="two")
    place.put("d", stream="two")
    assert place.work(3) == 1
    assert place.courier.messages() == ["a", "b", "c", "d"]


def test_a_new_process_goes_on_where_the_last_one_stopped(place: Place) -> None:
    place.subscribe()
    place.put("a")
    place.work()
    place.store = SegmentLogs(place.store._root, place.clock)  # whose listeners nobody is
    place.put("b")
    place.put("c", stream="two")
    assert place.work() == 0
    place.restart()
    place.work()
    assert place.courier.messages() == ["a", "c", "b"]


def test_a_step_that_fails_is_taken_again(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.subscribe()
    place.put("a")
    place.courier.raises = OSError("the disk is full")
    place.work()
    place.courier.raises = None
    place.put("b")
    place.clock.advance(2)
    place.work()
    assert place.courier.messages() == ["a", "b"]


def test_a_slow_destination_holds_up_the_filter_and_nobody_else(place: Place) -> None:
    place.subscribe()
    place.courier.waiting = 1_000
    for i in range(100):
        place.put(str(i))
    place.work()
    assert place.courier.taken == []
    place.courier.waiting = 0
    place.clock.advance(6)
    place.work()
    assert place.courier.messages() == list(map(str, range(100)))


def test_much_goes_in_parcels_of_a_bounded_size(tmp_path: Path) -> None:
    place = Place(tmp_path, segment_bytes=300_000)
    place.subscribe("-skip")
    noise = [base64.b64encode(bytes((i * j) % 251 for j in range(1, 900))).decode() + f" {i}" for i in range(600)]
    for i in range(0, 600, 60):
        place.put(*noise[i : i + 60], "skip")
    for i in range(12):
        place.put(*(f"short {i} {j}" for j in range(2_000)), stream="two")
    place.work(4)
    assert sorted(place.courier.messages()) == sorted(
        [*noise, *(f"short {i} {j}" for i in range(12) for j in range(2_000))]
    )
    assert max(len(json.dumps(one)) for one in place.courier.entries()) < 200_000
    ids = [one.id for one in place.courier.taken]
    assert len(set(ids)) == len(ids) > 3
    place.wire.close()


def test_filters_are_listed_replaced_and_deleted(place: Place) -> None:
    place.subscribe("ERROR", "b")
    place.subscribe("", "a")
    assert refused(place.subscribe, "", "c")[0] == "LimitExceededException"
    pages = list(place.client.get_paginator("describe_subscription_filters").paginate(
        logGroupName=GROUP, PaginationConfig={"PageSize": 1}))  # fmt: skip
    assert [[one["filterName"] for one in page["subscriptionFilters"]] for page in pages] == [["a"], ["b"]]
    [one] = place.client.describe_subscription_filters(logGroupName=GROUP, filterNamePrefix="b")["subscriptionFilters"]
    assert one == {
        "filterName": "b",
        "logGroupName": GROUP,
        "filterPattern": "ERROR",
        "destinationArn": BUS,
        "distribution": "ByLogStream",
        "creationTime": int(place.clock.now() * 1000),
    }
    place.put("WARN 1")
    place.work()
    place.client.delete_subscription_filter(logGroupName=GROUP, filterName="a")
    place.subscribe("WARN", "b")
    place.put("WARN 2")
    place.work()
    assert place.courier.messages() == ["WARN 1", "WARN 2"]
    assert refused(place.client.delete_subscription_filter, logGroupName=GROUP, filterName="a") == (
        "ResourceNotFoundException",
        "The specified subscription filter does not exist.",
    )
    place.client.delete_log_group(logGroupName=GROUP)
    place.client.create_log_group(logGroupName=GROUP)
    place.put("WARN 3")
    assert place.work() == 0
    assert place.client.describe_subscription_filters(logGroupName=GROUP)["subscriptionFilters"] == []


@pytest.mark.parametrize(
    ("given", "code", "why"),
    [
        ({"pattern": "{ $.a }"}, "InvalidParameterException", "at position 6"),
        ({"logGroupName": "/none"}, "ResourceNotFoundException", "log group does not exist"),
        ({"destinationArn": "bus"}, "InvalidParameterException", "is not an ARN"),
        ({"destinationArn": BUS + "x"}, "InvalidParameterException", "there is no event bus 'telemetryx'"),
        ({"destinationArn": BUS.replace("us-east-1", "eu-west-1")}, "InvalidParameterException", "region"),
        ({"destinationArn": BUS.replace("event-bus", "rule")}, "InvalidParameterException", "no destination"),
        ({"destinationArn": "arn:aws:lambda:us-east-1:1:function:f"}, "NotImplemented", "Lambda functions"),
        ({"destinationArn": "arn:aws:kinesis:us-east-1:1:stream/s"}, "NotImplemented", "Kinesis"),
        ({"destinationArn": "arn:aws:firehose:us-east-1:1:deliverystream/s"}, "NotImplemented", "Firehose"),
        ({"fieldSelectionCriteria": '@aws.region = "x"'}, "NotImplemented", "fieldSelectionCriteria"),
        ({"emitSystemFields": ["@aws.region"]}, "NotImplemented", "emitSystemFields"),
    ],
)
def test_what_is_no_subscription_is_refused(place: Place, given: dict[str, Any], code: str, why: str) -> None:
    found, message = refused(place.subscribe, **given)
    assert (found, why in message) == (code, True), message


class Ledger:
    """A Deliverer that writes down what it takes, as `deliver` promises: durably, before it returns."""

    def __init__(self, file: Path) -> None:
        self.file = file

    async def deliver(self, one: Delivery) -> None:
        await asyncio.sleep(0)  # a point at which to be killed
        with self.file.open("a") as file:
            file.write(json.dumps([unpacked(entry) for entry in one.params["Entries"]]) + "\n")
        await asyncio.sleep(0)

    def pending(self) -> int:
        return 0


async def _deliver(directory: Path, lines: int) -> None:
    """One life of a server: what is there is delivered, then `lines` more are written and delivered."""
    clock = ManualClock()
    with (
        closing(SqliteStore(directory / "clary.db", clock)) as store,
        closing(SegmentLogs(directory / "logs", clock, segment_bytes=400)) as logs,
    ):
        subscriptions = Subscriptions(store, logs, Ledger(directory / "ledger"), clock)
        logs.listen(subscriptions.heard)
        if not store.count(KIND, Where()):
            spec = {"logGroupName": "g", "filterName": "f", "filterPattern": "", "destinationArn": BUS}
            store.create(Resource(KIND, "f:g", "1", "r", "uid", parent="g", spec=spec, due=clock.now()))
        store.release()
        subscriptions.load()
        controller = Controller(store, clock, {KIND: subscriptions}, {})
        await controller.tick()
        for stream in ("a", "b"):
            name = LogStreamName("1", "r", "g", stream)
            for _ in range(lines):
                at = logs.position(name, "run")
                logs.append(name, [LogEvent(at, f"{stream}{at}")], producer="run", position=at + 1)
                await asyncio.sleep(0)
                await controller.tick()


@pytest.mark.slow
def test_a_kill_at_any_await_loses_nothing_and_repeats_ids(tmp_path: Path) -> None:
    async def scenario(directory: Path) -> None:
        await _deliver(directory, 3)

    points = 0
    for crash in crashes(scenario, tmp_path):
        points += 1
        asyncio.run(_deliver(crash.directory, 0))
        told: dict[str, str] = {}
        for line in (
            (crash.directory / "ledger").read_text().splitlines() if (crash.directory / "ledger").exists() else []
        ):
            for message in json.loads(line):
                for event in message["logEvents"]:
                    assert told.setdefault(event["id"], event["message"]) == event["message"]
        with closing(SegmentLogs(crash.directory / "logs", ManualClock())) as logs:
            kept = {stream: logs.position(LogStreamName("1", "r", "g", stream), "run") for stream in ("a", "b")}
        assert sorted(told.values()) == sorted(f"{stream}{i}" for stream in kept for i in range(kept[stream])), crash
    assert points > 10
