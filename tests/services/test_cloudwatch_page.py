"""GET /metrics: what stands on it, in which format, and who may read it."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.traffic import BOUNDS, Called, Traffic
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.engines.serving.counters import VariantCounters, bucket_of
from clary.kernel.objects import ObjectStore
from clary.kernel.resource import Resource
from clary.services import cloudwatch, s3
from clary.services.cloudwatch import page
from clary.services.cloudwatch.exposition import Family, text
from tests.inprocess import ACCOUNT, REGION, InProcess, serving

LINE = re.compile(r'([a-z_]+)(\{([a-z_]+="(?:[^"\\\n]|\\.)*",?)+\})? (\S+)')


class Serving:
    def __init__(self) -> None:
        self.variant = VariantCounters()
        now = int(time.time())
        self.variant.concurrency = dict.fromkeys(range(now - 2, now + 600), 4)

    async def counters(self) -> list[dict[str, Any]]:
        where = {"account": ACCOUNT, "region": REGION, "endpoint": 'e"1', "variant": "v"}
        front = {"front": "0", "pid": 1, "requests": 5, "refused": 1, "handed_over": 7, "in_flight": 2}
        front["capture_dropped"] = 3
        return [{**front, "variants": [{**where, **self.variant.doc()}]}]


def vitals() -> Iterator[Family]:
    family = Family("clary_bus_lag_seconds", "gauge", "Its help.")
    family.add(0.25, {"subscriber": "s"})
    yield family


Start = Callable[..., InProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    opened: list[Any] = []

    def made(access: Any = "loopback") -> InProcess:
        traffic, front = Traffic(), Serving()
        front.variant.invocations, front.variant.errors_5xx, front.variant.model_sum = 3, 1, 4_000_000
        for latency in (400, 1_000_000, 3_000_000):
            front.variant.model_buckets[bucket_of(latency)] += 1
        objects = DiskObjects(tmp_path / "objects")
        ports = {
            page.Page: page.Page(access, traffic, front, vitals),  # type: ignore[arg-type]
            Traffic: traffic,
            BucketStore: objects,
            ObjectStore: objects,
        }
        context = serving(tmp_path, [cloudwatch.service, s3.service], ports=ports)
        house = context.__enter__()
        opened.append((context, objects))
        return house

    yield made
    for context, objects in opened:
        context.__exit__(None, None, None)
        objects.close()


def read(house: InProcess, **headers: str) -> tuple[int, str]:
    status, found, body = house.request("GET", "/metrics", {name.replace("_", "-"): v for name, v in headers.items()})
    if status == 200:
        assert found["content-type"].startswith("text/plain; version=0.0.4")
    return status, body.decode()


def test_every_line_is_of_the_format_and_every_family_has_help_and_type(start: Start) -> None:
    house = start()
    house.client("s3").list_buckets()
    house.request("GET", "/metrics")
    status, body = read(house)
    assert status == 200
    named: set[str] = set()
    kinds: dict[str, str] = {}
    for line in body.splitlines():
        if line.startswith("# HELP "):
            named.add(line.split()[2])
        elif line.startswith("# TYPE "):
            kinds[line.split()[2]] = line.split()[3]
        else:
            match = LINE.fullmatch(line)
            assert match is not None, line
            float(match[4])
            family = re.sub(r"_(bucket|sum|count)$", "", match[1])
            assert match[1] in named or (family in named and kinds[family] == "histogram"), line
    assert named == set(kinds) and body.endswith("\n")


def test_what_stands_on_it(start: Start) -> None:
    house = start()
    house.client("s3").list_buckets()
    instances = [{"uid": "u-1", "variant": "v", "ready": 1.0}, {"uid": "u-2", "variant": "v", "ready": None}]
    house.store.create(Resource("endpoint", "e", ACCOUNT, REGION, "u", status={"_instances": instances}))
    lines = read(house)[1].splitlines()
    variant = f'{{region="{REGION}",endpoint="e\\"1",variant="v"'
    for wanted in (
        'clary_requests_total{service="s3",operation="ListBuckets",status="200"} 1',
        'clary_request_duration_seconds_count{service="s3",operation="ListBuckets"} 1',
        'clary_bus_lag_seconds{subscriber="s"} 0.25',
        'clary_front_capture_dropped_total{process="front-0"} 3',
        f"clary_endpoint_in_flight{variant}}} 4",
        'clary_front_requests_total{process="front-0"} 5',
        f"clary_endpoint_invocations_total{variant}}} 3",
        f'clary_endpoint_errors_total{variant},class="5xx"}} 1',
        f'clary_endpoint_model_latency_seconds_bucket{variant},le="0.0005"}} 1',
        f'clary_endpoint_model_latency_seconds_bucket{variant},le="2.5"}} 2',
        f'clary_endpoint_model_latency_seconds_bucket{variant},le="+Inf"}} 3',
        f"clary_endpoint_model_latency_seconds_sum{variant}}} 4",
        f'clary_endpoint_instances{{region="{REGION}",endpoint="e",variant="v",state="ready"}} 1',
        f'clary_endpoint_instances{{region="{REGION}",endpoint="e",variant="v",state="starting"}} 1',
    ):
        assert wanted in lines, wanted
    assert any(line.startswith('clary_process_cpu_seconds_total{process="control"} ') for line in lines)


@pytest.mark.parametrize(
    ("access", "headers", "status"),
    [
        ("loopback", {}, 200),
        ("loopback", {"Host": "localhost:4810"}, 200),
        ("loopback", {"Host": "[::1]:4810"}, 200),
        ("loopback", {"Host": "evil.example:4810"}, 403),
        ("loopback", {"X_Forwarded_For": "10.0.0.1"}, 403),
        ("any", {"Host": "clary.example", "X_Forwarded_For": "10.0.0.1"}, 200),
        ("off", {}, 403),
    ],
)
def test_who_may_read_it(start: Start, access: str, headers: dict[str, str], status: int) -> None:
    assert read(start(access), **headers)[0] == status


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_which_clients_are_of_this_machine(address: str, local: bool) -> None:
    assert page._is_loopback(address) is local


def test_a_bucket_may_be_called_metrics(start: Start) -> None:
    house = start()
    client = house.client("s3")
    client.create_bucket(Bucket="metrics")
    client.put_object(Bucket="metrics", Key="a", Body=b"x")
    assert [one["Key"] for one in client.list_objects(Bucket="metrics")["Contents"]] == ["a"]
    assert house.request("GET", "/metrics?list-type=2")[0] == 403  # S3's own answer to a stranger


def test_durations_go_where_they_belong() -> None:
    traffic, called = Traffic(), Called("s", "o")
    for seconds in (0.0005, 0.001, 0.0011, 5.0, 31.0):
        traffic.ended(called, 200, seconds)
    ((_, times),) = traffic.times()
    assert times.counts[:2] == [2, 1] and times.counts[BOUNDS.index(5.0)] == 1 and times.counts[-1] == 1
    assert list(traffic.answers()) == [(called, 200, 5)]


def test_texts_are_escaped() -> None:
    family = Family("a", "gauge", "back\\slash\nline")
    family.add(float("inf"), {"x": 'quote" back\\ line\n'})
    assert text([family, Family("empty", "gauge", "")]) == (
        b'# HELP a back\\\\slash\\nline\n# TYPE a gauge\na{x="quote\\" back\\\\ line\\n"} +Inf\n'
    )
