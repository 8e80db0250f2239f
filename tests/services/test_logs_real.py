"""Following logs as people do, against a real `clary up`: `aws logs tail --follow` and a live tail."""

import base64
import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from typing import IO, Any

import pytest
from botocore.config import Config

from tests.clients import aws2
from tests.real import RealClary, until

pytestmark = [pytest.mark.server, pytest.mark.slow]

GROUP = "/aws/sagemaker/TrainingJobs"


class Lines:
    """What a process says, line by line, with a bounded wait."""

    def __init__(self, stream: IO[str]) -> None:
        self.queue: Queue[str] = Queue()
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.queue.put(line.rstrip("\n"))

    def until(self, words: str, seconds: float = 60.0) -> list[str]:
        """Everything up to the first line that holds `words`."""
        seen: list[str] = []
        deadline = time.monotonic() + seconds
        while not (seen and words in seen[-1]):
            try:
                seen.append(self.queue.get(timeout=max(deadline - time.monotonic(), 0.01)))
            except Empty:
                raise AssertionError(f"{words!r} did not come within {seconds} s, but {seen}") from None
        return seen


@contextmanager
def following(server: RealClary, *arguments: str) -> Iterator[Lines]:
    cli, _ = aws2.required()
    environ = server.environment({"PYTHONUNBUFFERED": "1", "AWS_PAGER": ""})
    # Named on the command line, because the CLI knows AWS_ENDPOINT_URL only from 2.13 on.
    command = [cli, "--endpoint-url", server.url, "logs", "tail", *arguments]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    lines = Lines(process.stdout)
    try:
        yield lines
    finally:
        process.kill()
        process.wait(30)
        lines.thread.join(30)
        process.stdout.close()


def put(logs: Any, stream: str, *messages: str) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now + i, "message": one} for i, one in enumerate(messages)]
    logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


@pytest.fixture
def logs(server: RealClary) -> Any:
    client = server.client("logs")
    names = {one["logGroupName"] for one in client.describe_log_groups()["logGroups"]}
    if GROUP not in names:
        client.create_log_group(logGroupName=GROUP)
    return client


def test_the_cli_follows_a_group(server: RealClary, logs: Any) -> None:
    logs.create_log_stream(logGroupName=GROUP, logStreamName="car/algo-1")
    put(logs, "car/algo-1", "before one", "before two")
    only = ("--log-stream-name-prefix", "car/")
    with following(server, GROUP, "--follow", "--since", "1h", "--format", "short", *only) as lines:
        assert [line.split(maxsplit=1)[1] for line in lines.until("before two")] == ["before one", "before two"]
        put(logs, "car/algo-1", "epoch 1")
        logs.create_log_stream(logGroupName=GROUP, logStreamName="car/algo-2")
        put(logs, "car/algo-2", "epoch 1 of the other")
        seen = lines.until("of the other")
        put(logs, "car/algo-1", "the end")
        seen += lines.until("the end")
        assert [line.split(maxsplit=1)[1] for line in seen] == ["epoch 1", "epoch 1 of the other", "the end"]


def test_the_cli_follows_what_a_pattern_lets_through(server: RealClary, logs: Any) -> None:
    logs.create_log_stream(logGroupName=GROUP, logStreamName="json/1")
    pattern = '{ $.level = "ERROR" && $.ms > 1e2 }'
    with following(
        server, GROUP, "--follow", "--format", "short", "--filter-pattern", pattern, "--log-stream-name-prefix", "json"
    ) as lines:
        put(
            logs,
            "json/1",
            '{"level": "ERROR", "ms": 99}',
            '{"level": "INFO", "ms": 999}',
            '{"level": "ERROR", "ms": 101}',
        )
        assert ['"ms": 101' in line for line in lines.until('"ms": 101')] == [True]


def test_a_live_tail_shows_events_as_they_come(server: RealClary, logs: Any) -> None:
    logs.create_log_stream(logGroupName=GROUP, logStreamName="live/1")
    arn = next(one["logGroupArn"] for one in logs.describe_log_groups()["logGroups"] if one["logGroupName"] == GROUP)
    live = server.client("logs", config=Config(inject_host_prefix=False, read_timeout=30, proxies={}))
    stream = live.start_live_tail(logGroupIdentifiers=[arn], logStreamNamePrefixes=["live/"])["responseStream"]
    events = iter(stream)
    assert next(events)["sessionStart"]["logGroupIdentifiers"] == [arn]
    put(logs, "live/1", "now")
    found: list[str] = []
    while not found:
        found = [one["message"] for one in next(events)["sessionUpdate"]["sessionResults"]]
    assert found == ["now"]
    stream.close()
    for _ in range(20):  # more than may be open at a time: each is over soon after its client has gone
        again = until(lambda: opened(live, arn), what="an ended session is let go")
        next(iter(again))
        again.close()


def opened(live: Any, arn: str) -> Any:
    """The stream of a new session; None while too many are open."""
    try:
        return live.start_live_tail(logGroupIdentifiers=[arn])["responseStream"]
    except live.exceptions.LimitExceededException:
        return None


def test_without_a_host_prefix_by_the_variables_of_clary_env(server: RealClary, logs: Any) -> None:
    """botocore would go to `stream-127.0.0.1`; what `clary env` says keeps it from that."""
    program = (
        "import boto3\n"
        "logs = boto3.client('logs')\n"
        f"[group] = logs.describe_log_groups(logGroupNamePrefix={GROUP!r})['logGroups']\n"
        "print(list(next(iter(logs.start_live_tail(logGroupIdentifiers=[group['logGroupArn']])['responseStream']))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=server.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "['sessionStart']\n", done.stderr


def test_what_is_logged_reaches_a_queue_and_a_metric_and_survives_a_kill(own_server: RealClary) -> None:
    own_server.up()
    logs, events, sqs = (own_server.client(name) for name in ("logs", "events", "sqs"))
    url = sqs.create_queue(QueueName="errors")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": {**allow, "Resource": queue}})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    bus = events.create_event_bus(Name="telemetry")["EventBusArn"]
    events.put_rule(Name="errors", EventBusName="telemetry", EventPattern=json.dumps({"source": ["clary.logs"]}))
    events.put_targets(Rule="errors", EventBusName="telemetry", Targets=[{"Id": "queue", "Arn": queue}])
    role = role_of_logs(own_server, bus)
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="one")
    logs.put_subscription_filter(
        logGroupName=GROUP, filterName="errors", filterPattern="ERROR", destinationArn=bus, roleArn=role
    )
    logs.put_metric_filter(
        logGroupName=GROUP,
        filterName="errors",
        filterPattern="ERROR",
        metricTransformations=[{"metricName": "Errors", "metricNamespace": "App", "metricValue": "1"}],
    )
    got: dict[str, str] = {}

    def received(*expected: str) -> bool:
        """True once these, and no others, have come."""
        for one in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages", []):
            detail = json.loads(one["Body"])["detail"]["awslogs"]["data"]
            for event in json.loads(gzip.decompress(base64.b64decode(detail)))["logEvents"]:
                assert got.setdefault(event["id"], event["message"]) == event["message"]
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return sorted(got.values()) == sorted(expected)

    put(logs, "one", "ERROR 1", "fine")
    until(lambda: received("ERROR 1"), what="the first error in the queue")
    put(logs, "one", "ERROR 2", "ERROR 3")
    own_server.kill()
    own_server.up()
    until(lambda: received("ERROR 1", "ERROR 2", "ERROR 3"), seconds=60, what="what was logged before the kill")
    put(logs, "one", "ERROR 4")
    until(lambda: received("ERROR 1", "ERROR 2", "ERROR 3", "ERROR 4"), what="what was logged after the kill")
    cloudwatch = own_server.client("cloudwatch")

    def counted() -> float:
        now = time.time()
        found = cloudwatch.get_metric_statistics(
            Namespace="App", MetricName="Errors", StartTime=now - 600, EndTime=now + 60, Period=60, Statistics=["Sum"]
        )
        return sum((one["Sum"] for one in found["Datapoints"]), 0.0)

    # Of the two batches of the second before the kill, each may be stored and not counted.
    found = until(counted, what="the errors in CloudWatch")
    assert found in (1.0, 2.0, 3.0, 4.0)
    put(logs, "one", "ERROR 5")
    until(lambda: counted() == found + 1, what="one more error in CloudWatch")


def role_of_logs(server: RealClary, bus: str) -> str:
    """A role that CloudWatch Logs may assume to put events on the bus; its ARN."""
    trust = {"Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}
    iam = server.client("iam")
    made = iam.create_role(
        RoleName="logs", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust})
    )
    document = json.dumps({"Version": "2012-10-17", "Statement": may})
    iam.put_role_policy(RoleName="logs", PolicyName="put", PolicyDocument=document)
    arn: str = made["Role"]["Arn"]
    return arn
