"""CloudWatch Logs in process over its files, for the tests of its families."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.clock import ManualClock
from clary.kernel.telemetry import LogSink, LogStore
from clary.services.logs import service
from tests.inprocess import ACCOUNT, InProcess

GROUP, STREAM = "/aws/sagemaker/TrainingJobs", "car/algo-1-1700000000"
DAY = 86_400_000


class Place:
    """A logs client and what stands behind it."""

    def __init__(self, root: Path) -> None:
        self.clock = ManualClock(time.time())  # botocore signs with the time of the day
        self.store = SegmentLogs(root / "logs", self.clock)
        self.wire = InProcess(root, [service], clock=self.clock, ports={LogSink: self.store, LogStore: self.store})
        self.client: Any = self.wire.client("logs")
        self.account = ACCOUNT

    @property
    def now(self) -> int:
        return int(self.clock.now() * 1000)

    def make(self, group: str = GROUP, stream: str = STREAM) -> None:
        if not self.client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            self.client.create_log_group(logGroupName=group)
        self.client.create_log_stream(logGroupName=group, logStreamName=stream)

    def put(self, *messages: str, stream: str = STREAM, start: int | None = None) -> Any:
        start = self.now if start is None else start
        events = [{"timestamp": start + i, "message": message} for i, message in enumerate(messages)]
        return self.client.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)

    def get(self, **how: Any) -> Any:
        return self.client.get_log_events(logGroupName=GROUP, logStreamName=STREAM, **how)

    def filter(self, **how: Any) -> list[str]:
        return [event["message"] for event in self.client.filter_log_events(logGroupName=GROUP, **how)["events"]]


def refused(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def said(answer: Any) -> list[str]:
    return [event["message"] for event in answer["events"]]
