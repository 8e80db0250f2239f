"""Metric points a second into the store, and how long a day of them takes to read back.

In: through the sink (what Clary's own parts use), through `put` (durable on return), and through PutMetricData over
HTTP, signed, in batches of 1,000 packed with gzip as boto3 sends them.
Out: a day of one-second data of 100 series, written second by second and rolled up each hour as a server does; read by
the minute and by five minutes through GetMetricData over HTTP, and from the store itself; the last three hours by the
second. Peers in the same run: moto's server at a smaller size, both asked by the query protocol; prometheus_client's
own counters in memory are the floor.
"""

import gzip
import importlib.util
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.serialize import create_serializer

from bench import load, report, servers
from clary import home as homes
from clary.config import read
from clary.engines.metrics.store import SqliteMetrics
from clary.kernel.clock import ManualClock
from clary.kernel.metrics import MetricName, Sample, dimensions
from clary.services.cloudwatch.statistics import statistic

NAMESPACE, SERIES, BATCH = "Bench", 100, 1000
HOUR = 3600
QUERY_BATCH = 100
"""Data of a PutMetricData that moto is given too."""


def value(n: int) -> float:
    return (n * 7919 % 100_003) / 1000


def target(operation: str) -> dict[str, str]:
    return {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": f"GraniteServiceVersion20100801.{operation}",
    }


def name(account: str, number: int) -> MetricName:
    return MetricName(account, "us-east-1", NAMESPACE, "latency", dimensions(host=f"host-{number:03d}"))


def datum(n: int, at: float) -> dict[str, Any]:
    return {
        "MetricName": "latency",
        "Dimensions": [{"Name": "host", "Value": f"host-{n % SERIES:03d}"}],
        "Timestamp": at,
        "Value": value(n),
        "Unit": "Milliseconds",
        "StorageResolution": 1,
    }


def over_http(server: servers.Server, batches: int) -> dict[str, float]:
    now = int(time.time())
    requests = []
    for batch in range(batches):
        data = [datum(batch * BATCH + i, now + i // SERIES) for i in range(BATCH)]
        body = gzip.compress(json.dumps({"Namespace": f"{NAMESPACE}Http", "MetricData": data}).encode())
        headers = {**target("PutMetricData"), "Content-Encoding": "gzip"}
        requests.append(load.signed(server, "/", body, headers, "monitoring"))
    load.run(server, requests[:1], 1)
    measured = load.run(server, requests, 2)
    return {
        "points_per_second": round(batches * BATCH / measured.seconds),
        "points_per_cpu_second": round(batches * BATCH / measured.cpu_seconds),
    }


def filled(server: servers.Server, seconds: int) -> dict[str, float]:
    """The metric store of a server that has not opened it yet holds that many seconds of every series, up to now."""
    config = read(home=server.home)
    names = [name(homes.read(config).account, number) for number in range(SERIES)]
    end = int(time.time()) // 60 * 60
    clock = ManualClock(end - seconds)
    store = SqliteMetrics(config.metrics_dir, clock, background=False)
    cpu, count = time.process_time(), 0
    for second in range(seconds):
        clock.advance(1)
        at = end - seconds + second
        store.put([Sample(one, at, (value(count + i),), (), "Milliseconds", 1) for i, one in enumerate(names)])
        count += SERIES
        if second % 60 == 59:
            store.spill()
        if second % HOUR == HOUR - 1:
            while store.roll():
                pass
    store.close()
    spent = time.process_time() - cpu
    size = sum(one.stat().st_size for one in config.metrics_dir.iterdir())
    return {
        "points": count,
        "points_per_cpu_second_with_spill_and_roll_up": round(count / spent),
        "bytes_on_disk_per_point": round(size / count, 2),
    }


def read_back(server: servers.Server, seconds: int) -> dict[str, Any]:
    """From the store itself, all series one after the other, before the server has opened it."""
    config = read(home=server.home)
    account, end = homes.read(config).account, int(time.time()) // 60 * 60
    store = SqliteMetrics(config.metrics_dir, ManualClock(end), background=False)
    recent = min(seconds, 3 * HOUR)
    figures: dict[str, Any] = {}
    for title, stat, since, period in (
        ("by_minute", "Average", seconds, 60),
        ("by_minute_again", "Average", seconds, 60),
        ("by_five_minutes", "Average", seconds, 300),
        ("by_five_minutes_p99", "p99", seconds, 300),
        ("three_hours_by_second", "Average", recent, 1),
    ):
        cpu, points = time.process_time(), 0
        for number in range(SERIES):
            points += len(store.read(name(account, number), (statistic(stat),), end - since, end, period).times)
        figures[title] = {"cpu_seconds": round(time.process_time() - cpu, 3), "points": points}
    store.close()
    return figures


def asked(server: servers.Server, seconds: int, period: int, stat: str) -> dict[str, float]:
    """GetMetricData of all series, in as few requests as its 100,800 points allow."""
    end = int(time.time()) // 60 * 60
    most = max(1, 100_800 // (seconds // period))
    requests = []
    for first in range(0, SERIES, most):
        queries = []
        for number in range(first, min(first + most, SERIES)):
            dims = [{"Name": "host", "Value": f"host-{number:03d}"}]
            metric = {"Namespace": NAMESPACE, "MetricName": "latency", "Dimensions": dims}
            stated = {"Metric": metric, "Period": period, "Stat": stat}
            queries.append({"Id": f"m{number}", "MetricStat": stated})
        doc = {"MetricDataQueries": queries, "StartTime": end - seconds, "EndTime": end}
        requests.append(load.signed(server, "/", json.dumps(doc).encode(), target("GetMetricData"), "monitoring"))
    measured = load.run(server, requests, 1)
    return {
        "seconds": round(measured.seconds, 3),
        "cpu_seconds": round(measured.cpu_seconds, 3),
        "points": SERIES * (seconds // period),
    }


def sink(points: int) -> dict[str, float]:
    """In this process: the sink with one value an `add`, and `put` with a thousand."""
    import tempfile
    from pathlib import Path

    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="clary-bench-") as scratch:
        now = int(time.time())
        names = [name("123456789012", number) for number in range(SERIES)]

        def added(store: SqliteMetrics) -> None:
            for n in range(points):
                store.add((Sample(names[n % SERIES], now + n // 100_000, (value(n),)),))
            store.flush()

        def put(store: SqliteMetrics) -> None:
            for n in range(0, points, BATCH):
                store.put([Sample(names[i % SERIES], now + n // 100_000, (value(n + i),)) for i in range(BATCH)])

        works: tuple[tuple[str, Callable[[SqliteMetrics], None]], ...] = (("add", added), ("put", put))
        for title, work in works:
            store = SqliteMetrics(Path(scratch) / title, ManualClock(now), background=False)
            cpu = time.process_time()
            work(store)
            figures[f"{title}_points_per_cpu_second"] = round(points / (time.process_time() - cpu))
            store.close()
    return figures


def counters(points: int) -> dict[str, float]:
    """prometheus_client: a counter with a label, in memory."""
    from prometheus_client import CollectorRegistry, Counter

    counter = Counter("latency", "help", ["host"], registry=CollectorRegistry())
    cpu = time.process_time()
    for n in range(points):
        counter.labels(f"host-{n % SERIES:03d}").inc(value(n))
    return {"points_per_cpu_second": round(points / (time.process_time() - cpu))}


def by_query(server: servers.Server, batches: int) -> dict[str, Any]:
    """What both Clary and moto are asked: PutMetricData and GetMetricStatistics of the query protocol."""
    model = ServiceModel(Loader().load_service_model("cloudwatch", "service-2"), "cloudwatch")
    serializer = create_serializer("query", include_validation=False)

    def wire(operation: str, params: dict[str, Any]) -> bytes:
        body = serializer.serialize_to_request(params, model.operation_model(operation))["body"]
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return load.signed(server, "/", urlencode(body).encode(), headers, "monitoring")

    now = int(time.time())
    puts = []
    for batch in range(batches):
        data = [datum(batch * QUERY_BATCH + i, now) for i in range(QUERY_BATCH)]
        puts.append(wire("PutMetricData", {"Namespace": f"{NAMESPACE}Query", "MetricData": data}))
    measured = load.run(server, puts, 1)
    question = {
        "Namespace": f"{NAMESPACE}Query",
        "MetricName": "latency",
        "Dimensions": [{"Name": "host", "Value": "host-001"}],
        "StartTime": now - HOUR,
        "EndTime": now + HOUR,
        "Period": 60,
        "Statistics": ["Average", "Maximum"],
    }
    statistics = load.run(server, [wire("GetMetricStatistics", question)] * 20, 1)
    return {
        "points_per_cpu_second": round(batches * QUERY_BATCH / measured.cpu_seconds),
        "get_metric_statistics": statistics.figures(),
    }


def main(smoke: bool) -> None:
    seconds, batches, points, queries = (600, 5, 20_000, 3) if smoke else (86_400, 200, 1_000_000, 50)
    figures: dict[str, Any] = {"sink": sink(points)}
    ratios: dict[str, float] = {}
    notes = ["the client shares the machine with the server; requests are signed before the clock starts"]
    if importlib.util.find_spec("prometheus_client") is not None:
        figures["prometheus_client"] = counters(points)
        ours, theirs = figures["sink"]["add_points_per_cpu_second"], figures["prometheus_client"]
        ratios["sink_vs_prometheus_client"] = round(ours / theirs["points_per_cpu_second"], 2)
    with servers.clary() as server:
        figures["written"] = filled(server, seconds)
        figures["store_read"] = read_back(server, seconds)
        figures["get_metric_data"] = {
            title: asked(server, seconds, period, stat)
            for title, period, stat in (
                ("by_minute_first_time", 60, "Average"),
                ("by_minute", 60, "Average"),
                ("by_five_minutes", 300, "Average"),
                ("by_five_minutes_p99", 300, "p99"),
            )
        }
        figures["put_metric_data"] = over_http(server, batches)
        figures["by_query"] = by_query(server, queries)
        figures["memory_mb"] = server.memory_mb()
    if servers.has_moto():
        with servers.moto() as server:
            figures["moto"] = by_query(server, queries)
        ours, theirs = figures["by_query"], figures["moto"]
        ratios["put_per_cpu_second_vs_moto"] = round(ours["points_per_cpu_second"] / theirs["points_per_cpu_second"], 1)
        ratios["statistics_per_cpu_second_vs_moto"] = round(
            ours["get_metric_statistics"]["per_cpu_second"] / theirs["get_metric_statistics"]["per_cpu_second"], 1
        )
    else:
        notes.append("moto is not installed here, so there is nothing to compare with: make bench installs it")
    report.keep("signals.metrics", figures, ratios, smoke=smoke, notes=notes)
