"""Log events a second into one stream, and how long a search over ten million of them takes.

In: through the sink (what jobs use) and through PutLogEvents over HTTP, signed, in batches of what a call can hold.
Out: FilterLogEvents over HTTP for a term that occurs once, for one that occurs nowhere, by a JSON pattern, and the
first page of one that occurs in every event. Peers in the same run: moto's server at a smaller size; lines appended to
a plain file and `grep -F` over it are the floor.
"""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench import load, report, servers
from clary import home as homes
from clary.config import read
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.clock import SystemClock
from clary.kernel.telemetry import LogEvent, LogStreamName

GROUP, STREAM = "/bench", "one"
BATCH = 8_000
"""Events of a PutLogEvents: a megabyte, as AWS counts."""
NEEDLE = "needle-7f3a"


def line(n: int) -> str:
    return f"2026-01-31T08:05:00.000Z INFO worker-{n % 16} request {n} took {n * 7919 % 997} ms status 200 path /v1/x"


def target(operation: str) -> dict[str, str]:
    return {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Logs_20140328.{operation}"}


def puts(server: servers.Server, batches: int) -> list[bytes]:
    now = int(time.time() * 1000)
    requests = []
    for batch in range(batches):
        events = [{"timestamp": now, "message": line(batch * BATCH + i)} for i in range(BATCH)]
        doc = {"logGroupName": GROUP, "logStreamName": STREAM, "logEvents": events}
        requests.append(load.signed(server, "/", json.dumps(doc).encode(), target("PutLogEvents"), "logs"))
    return requests


def client(server: servers.Server) -> Any:
    keys = {"aws_access_key_id": server.access_key_id, "aws_secret_access_key": server.secret_access_key}
    plain = Config(proxies={}, read_timeout=600, retries={"max_attempts": 0})
    return boto3.client("logs", endpoint_url=server.url, region_name="us-east-1", config=plain, **keys)


def make(logs: Any) -> None:
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)


def written_over_http(server: servers.Server, batches: int) -> dict[str, float]:
    measured = load.run(server, puts(server, batches), 1)
    return {
        "events_per_second": round(batches * BATCH / measured.seconds),
        "events_per_cpu_second": round(batches * BATCH / measured.cpu_seconds),
    }


def searched(server: servers.Server, logs: Any, **how: Any) -> dict[str, float]:
    """Until all pages are here, unless `limit` says that one will do."""
    cpu, began = server.cpu_seconds(), time.perf_counter()
    found = logs.filter_log_events(logGroupName=GROUP, **how)
    events = len(found["events"])
    while "limit" not in how and "nextToken" in found:
        found = logs.filter_log_events(logGroupName=GROUP, nextToken=found["nextToken"], **how)
        events += len(found["events"])
    return {
        "seconds": round(time.perf_counter() - began, 3),
        "cpu_seconds": round(server.cpu_seconds() - cpu, 3),
        "events": events,
    }


def fill(server: servers.Server, count: int) -> dict[str, float]:
    """Written by the store of the home, as the server writes the lines of jobs."""
    config = read(home=server.home)
    account = homes.read(config).account
    store = SegmentLogs(config.logs_dir, SystemClock())
    stream = LogStreamName(account, "us-east-1", GROUP, "filled")
    now = int(time.time() * 1000) - count // 100
    batches = ([LogEvent(now + (at + i) // 100, line(at + i)) for i in range(1000)] for at in range(0, count, 1000))
    cpu, began = time.process_time(), time.perf_counter()
    for n, events in enumerate(batches):
        if n == count // 2000:
            store.append(stream, [LogEvent(events[0].timestamp, f"ERROR {NEEDLE} in the haystack")])
        store.append(stream, events)
    store.close()
    return {
        "events_per_second": round(count / (time.perf_counter() - began)),
        "events_per_cpu_second": round(count / (time.process_time() - cpu)),
    }


def measured(server: servers.Server, count: int, batches: int) -> dict[str, Any]:
    logs = client(server)
    make(logs)
    figures: dict[str, Any] = {"put_log_events": written_over_http(server, batches)}
    counted = {"metricName": "Slow", "metricNamespace": "Bench", "metricValue": "$took"}
    logs.put_metric_filter(
        logGroupName=GROUP,
        filterName="slow",
        filterPattern="[time, level, worker, word, number, verb, took > 900, ...]",
        metricTransformations=[counted],
    )
    figures["put_log_events_with_a_metric_filter"] = written_over_http(server, max(batches // 4, 1))
    figures["sink"] = fill(server, count)
    some = {"logStreamNames": ["filled"]}
    questions: dict[str, dict[str, Any]] = {
        "term_once_first_time": {"filterPattern": f'"{NEEDLE}"', **some},
        "term_once": {"filterPattern": f'"{NEEDLE}"', **some},
        "term_nowhere": {"filterPattern": "nowhereatall", **some},
        "json_nowhere": {"filterPattern": '{ $.level = "nowhereatall" }', **some},
        "regex_once": {"filterPattern": f"%^ERROR.{NEEDLE}%", **some},
        "every_event_one_page": {"filterPattern": "INFO", "limit": 10_000, **some},
    }
    for name, how in questions.items():
        figures[name] = searched(server, logs, **how)
    return figures


def moto(server: servers.Server, batches: int) -> dict[str, Any]:
    logs = client(server)
    make(logs)
    figures: dict[str, Any] = {"put_log_events": written_over_http(server, batches)}
    figures["term_nowhere"] = searched(server, logs, filterPattern="nowhereatall", logStreamNames=[STREAM])
    return figures


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def floor(count: int) -> Iterator[tuple[str, float]]:
    """A file that lines are appended to, and grep."""
    with tempfile.TemporaryDirectory(prefix="clary-bench-") as scratch:
        path = Path(scratch) / "lines"

        def append() -> None:
            with path.open("ab") as file:
                for n in range(count):
                    file.write(line(n).encode() + b"\n")

        yield "append_events_per_second", round(count / timed(append))
        grep = shutil.which("grep")
        if grep is not None:
            command = [grep, "-c", "-F", NEEDLE, str(path)]
            yield "grep_seconds", round(timed(lambda: subprocess.run(command, capture_output=True, check=False)), 3)


def main(smoke: bool) -> None:
    count, batches = (20_000, 2) if smoke else (10_000_000, 60)
    small = 1 if smoke else 12
    figures: dict[str, Any] = {"events": count}
    notes = ["the client shares the machine with the server; requests are signed before the clock starts"]
    with servers.clary() as server:
        figures["clary"] = measured(server, count, batches)
    figures["plain_file"] = dict(floor(count))
    ratios: dict[str, float] = {}
    if "grep_seconds" in figures["plain_file"]:
        grep = max(figures["plain_file"]["grep_seconds"], 1e-3)
        ratios["term_once_vs_grep"] = round(figures["clary"]["term_once"]["seconds"] / grep, 2)
    if servers.has_moto():
        with servers.moto() as server:
            figures["moto"] = moto(server, small)
        ours, theirs = figures["clary"]["put_log_events"], figures["moto"]["put_log_events"]
        ratios["put_per_cpu_second_vs_moto"] = round(ours["events_per_cpu_second"] / theirs["events_per_cpu_second"], 1)
        per_event = figures["moto"]["term_nowhere"]["cpu_seconds"] / (small * BATCH)
        ours_per_event = figures["clary"]["term_nowhere"]["cpu_seconds"] / count
        ratios["search_cpu_per_event_moto_vs_clary"] = round(per_event / max(ours_per_event, 1e-9), 1)
        notes.append(f"moto was given {small * BATCH} events")
    else:
        notes.append("moto is not installed here, so there is nothing to compare with: make bench installs it")
    report.keep("signals.logs", figures, ratios, smoke=smoke, notes=notes)
