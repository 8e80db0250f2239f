"""From PutEvents to a local target: how long an event takes to stand in an SQS queue, at 1,000 events a second.

The requests are sent on time, whatever the answers take, over eight connections: 1,000 single events a second, or 100
batches of 10. A rule with a content pattern sends them to one queue, among 100 other rules that do not match. When an
event arrived is what SQS says (SentTimestamp, in milliseconds, of the same machine's clock); when it was sent is when
it was due, so whatever waits before it counts. Budget: p99 under 50 ms.
"""

import json
import time
from typing import Any

import boto3
import psutil
from botocore.config import Config

from bench import load, report, servers

PER_SECOND = 1_000.0
CONNECTIONS = 8
OTHERS = 100
BUDGET_MS = 50.0


def client(server: servers.Server, service: str) -> Any:
    keys = {"aws_access_key_id": server.access_key_id, "aws_secret_access_key": server.secret_access_key}
    plain = Config(proxies={}, retries={"max_attempts": 0})
    return boto3.client(service, endpoint_url=server.url, region_name="us-east-1", config=plain, **keys)


def make(server: servers.Server) -> str:
    """The rules are there, and a queue that lets them send; its address."""
    sqs, events = client(server, "sqs"), client(server, "events")
    url: str = sqs.create_queue(QueueName="bench")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": {**allowed, "Resource": arn}}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    for number in range(OTHERS):
        pattern = {"source": ["bench"], "detail": {"kind": [f"other-{number}"]}}
        events.put_rule(Name=f"other-{number}", EventPattern=json.dumps(pattern))
    wanted = {"source": ["bench"], "detail": {"kind": [{"prefix": "ord"}], "n": [{"numeric": [">=", 0]}]}}
    events.put_rule(Name="wanted", EventPattern=json.dumps(wanted))
    events.put_targets(Rule="wanted", Targets=[{"Id": "queue", "Arn": arn}])
    return url


def requests(server: servers.Server, count: int, batch: int) -> list[bytes]:
    made = []
    for first in range(0, count, batch):
        entries = [
            {
                "Source": "bench",
                "DetailType": "order",
                "Detail": json.dumps({"kind": "order", "n": n, "pad": "x" * 200}),
            }
            for n in range(first, first + batch)
        ]
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSEvents.PutEvents"}
        made.append(load.signed(server, "/", json.dumps({"Entries": entries}).encode(), headers, "events"))
    return made


def arrivals(sqs: Any, url: str, count: int, seconds: float = 120.0) -> dict[int, float]:
    """When each event first stood in the queue, by its number: epoch seconds."""
    found: dict[int, float] = {}
    asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1, "AttributeNames": ["SentTimestamp"]}
    until = time.monotonic() + seconds
    while len(found) < count:
        for one in sqs.receive_message(**asked).get("Messages", ()):
            number = json.loads(one["Body"])["detail"]["n"]
            at = int(one["Attributes"]["SentTimestamp"]) / 1000
            found[number] = min(at, found.get(number, at))
        if time.monotonic() > until:
            raise RuntimeError(f"{count - len(found)} events did not arrive within {seconds} s")
    sqs.purge_queue(QueueUrl=url)
    return found


def figures(waits: list[float]) -> dict[str, float]:
    waits = sorted(waits)
    at = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "p999_ms": 0.999}
    named = {name: round(waits[min(int(len(waits) * part), len(waits) - 1)] * 1e3, 1) for name, part in at.items()}
    return {**named, "longest_ms": round(waits[-1] * 1e3, 1)}


def measured(
    server: servers.Server, url: str, count: int, batch: int, per_second: float = PER_SECOND
) -> dict[str, Any]:
    made = requests(server, count, batch)
    run, due = load.paced(server, made, CONNECTIONS, per_second / batch)
    came = arrivals(client(server, "sqs"), url, count)
    taken = [came[n] - due[n // batch] for n in range(count)]
    return {
        "events": count,
        "events_per_second": round(count / run.seconds, 1),
        "server_cpu_per_event_us": round(run.cpu_seconds / count * 1e6),
        "answer_p99_ms": run.figures()["p99_ms"],
        "to_target": figures(taken),
    }


def floor(server: servers.Server, count: int) -> dict[str, float]:
    """What a request costs that only looks something up: no event can cost less, one by one."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSEvents.DescribeEventBus"}
    run = load.run(server, [load.signed(server, "/", b"{}", headers, "events")] * count, CONNECTIONS)
    return {**run.figures(), "server_cpu_us": round(run.cpu_seconds / count * 1e6)}


def moto(server: servers.Server, count: int) -> dict[str, Any]:
    """As fast as it can, one after the other: it delivers within PutEvents."""
    make(server)
    run = load.run(server, requests(server, count, 1), 1)
    return {"events": count, **run.figures()}


def main(smoke: bool) -> None:
    count = 200 if smoke else 10_000
    found: dict[str, Any] = {}
    notes = [
        "SentTimestamp has whole milliseconds, rounded down",
        f"before it began, {psutil.getloadavg()[0]:.1f} others wanted the {psutil.cpu_count()} cores (load average)",
    ]
    with servers.clary() as server:
        url = make(server)
        measured(server, url, 200, 10)  # what is compiled at first use is compiled
        found["single"] = measured(server, url, count, 1)
        found["batches_of_10"] = measured(server, url, count, 10)
        found["single_at_half_the_rate"] = measured(server, url, count // 2, 1, PER_SECOND / 2)
        found["describe_event_bus"] = floor(server, count // 5)
    if servers.has_moto():
        with servers.moto() as server:
            found["moto_one_after_the_other"] = moto(server, 50 if smoke else 500)
    else:
        notes.append("moto is not installed here, so there is nothing to compare with: make bench installs it")
    ratios = {
        f"budget_over_p99_{name}": round(BUDGET_MS / max(found[name]["to_target"]["p99_ms"], 0.1), 1)
        for name in ("single", "batches_of_10", "single_at_half_the_rate")
    }
    lookup = found["describe_event_bus"]["server_cpu_us"]
    for name in ("single", "batches_of_10"):
        ratios[f"cpu_of_an_event_over_a_lookup_{name}"] = round(found[name]["server_cpu_per_event_us"] / lookup, 2)
    report.keep("signals.events", found, ratios, smoke=smoke, notes=notes)
