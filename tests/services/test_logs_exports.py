"""Export tasks: every event of the range is in the bucket, once, whoever is killed; or the task says why not."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.authorize import ResourcePolicies
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel import reconcile
from clary.kernel.clock import ManualClock
from clary.kernel.objects import ObjectStore
from clary.kernel.reconcile import Controller
from clary.kernel.telemetry import LogEvent, LogStore, LogStreamName
from clary.services import s3
from clary.services.logs import Exports, exports, service
from tests.inprocess import ACCOUNT, InProcess

GROUP, BUCKET = "/app", "archive"
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
                "Action": ["s3:GetBucketAcl", "s3:PutObject"],
                "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
                "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            }
        ],
    }
)


class Place:
    def __init__(self, root: Path) -> None:
        self.clock = ManualClock(time.time())
        self.store = SegmentLogs(root / "logs", self.clock)
        self.objects = DiskObjects(root / "objects", self.clock)
        self.wire = InProcess(root, [service, s3.service], clock=self.clock, ports={LogStore: self.store})
        happenings = s3.happenings.Happenings(self.wire.raw_store, self.objects, self.clock)
        self.exports = Exports(self.wire.gateway.calls, self.store, self.clock, ACCOUNT)
        self.wire.ports.update(
            {
                BucketStore: self.objects,
                ObjectStore: self.objects,
                ResourcePolicies: s3.policy.BucketPolicies(self.wire.raw_store, ACCOUNT, self.objects),
                s3.happenings.Happenings: happenings,
                Exports: self.exports,
            }
        )
        kinds = {exports.KIND: self.exports}
        self.controller = Controller(self.wire.raw_store, self.clock, kinds, {exports.KIND: exports.MACHINE})
        self.client: Any = self.wire.client("logs")
        self.s3: Any = self.wire.client("s3", s3={"addressing_style": "path"})
        self.client.create_log_group(logGroupName=GROUP)
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_policy(Bucket=BUCKET, Policy=POLICY)
        self.now = int(self.clock.now() * 1000)

    def put(self, *messages: str, stream: str = "web/1") -> None:
        name = LogStreamName(ACCOUNT, "us-east-1", GROUP, stream)
        self.store.append(name, [LogEvent(self.now + i, one) for i, one in enumerate(messages)])

    def start(self, **asked: Any) -> str:
        given = {"logGroupName": GROUP, "fromTime": 0, "to": self.now + 10_000, "destination": BUCKET, **asked}
        given["from"] = given.pop("fromTime")
        task: str = self.client.create_export_task(**given)["taskId"]
        return task

    def work(self, ticks: int = 30) -> None:
        for _ in range(ticks):
            self.wire.run(self.controller.tick())

    def status(self, task: str) -> dict[str, Any]:
        [one] = self.client.describe_export_tasks(taskId=task)["exportTasks"]
        found: dict[str, Any] = one["status"]
        return found

    def files(self, task: str, prefix: str = "exportedlogs") -> dict[str, str]:
        """Unpacked, by key behind the task's own prefix."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/{task}/").get("Contents", [])
        found = {}
        for one in listed:
            body = self.s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
            found[one["Key"].removeprefix(f"{prefix}/{task}/")] = gzip.decompress(body).decode()
        return found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.objects.close()
    made.wire.close()


def refused(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_range_of_events_is_put_into_a_bucket(place: Place) -> None:
    place.put("one", "twö", "three")
    place.put("other", stream="db")
    task = place.start(taskName="nightly", to=place.now + 1)
    assert place.status(task) == {"code": "PENDING"}
    place.work()
    assert place.status(task) == {"code": "COMPLETED", "message": "Completed successfully"}
    files = place.files(task)
    assert set(files) == {"web-1/000000.gz", "db/000000.gz"}
    lines = files["web-1/000000.gz"].splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["one", "twö"]
    assert lines[0].split(" ")[0].endswith(f".{place.now % 1000:03d}Z")
    [one] = place.client.describe_export_tasks(statusCode="COMPLETED")["exportTasks"]
    assert (one["taskName"], one["destinationPrefix"]) == ("nightly", "exportedlogs")
    assert one["executionInfo"] == {"creationTime": place.now, "completionTime": place.now}
    assert place.s3.head_object(Bucket=BUCKET, Key="exportedlogs/aws-logs-write-test")["ContentLength"] == 27


def test_much_becomes_several_files_and_a_repeated_step_puts_the_same_one(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_FILE_EVENTS", 4)
    monkeypatch.setattr(reconcile, "CHAIN", 1)  # each look by itself: the crash is between two
    for i in range(10):
        place.put(f"line {i}")
    place.put("b", stream="web/2")
    task = place.start(logStreamNamePrefix="web/", destinationPrefix="logs")
    place.work(2)
    row = place.wire.store.get(ACCOUNT, "us-east-1", exports.KIND, task)
    first = place.files(task, "logs")
    again = place.wire.run(place.exports(row))  # as after a crash between the file and the row
    assert (place.files(task, "logs").items() >= first.items(), again.kind) == (True, "again")
    place.work()
    files = place.files(task, "logs")
    assert list(files) == ["web-1/000000.gz", "web-1/000001.gz", "web-1/000002.gz", "web-2/000000.gz"]
    whole = "".join(files.values()).splitlines()
    assert [line.split(" ", 1)[1] for line in whole] == [*(f"line {i}" for i in range(10)), "b"]


def test_an_export_is_cancelled(place: Place) -> None:
    place.put("one")
    task = place.start()
    code, message = refused(place.start)
    assert (code, "one at a time" in message) == ("LimitExceededException", True)
    place.work(1)
    place.client.cancel_export_task(taskId=task)
    assert place.status(task)["code"] == "PENDING_CANCEL"
    place.work()
    assert (place.status(task)["code"], place.files(task)) == ("CANCELLED", {})
    assert refused(place.client.cancel_export_task, taskId=task)[0] == "InvalidOperationException"
    assert refused(place.client.cancel_export_task, taskId="none")[0] == "ResourceNotFoundException"
    second = place.start()
    place.client.cancel_export_task(taskId=second)
    assert place.status(second)["code"] == "CANCELLED"
    place.clock.advance(1)
    third = place.start()
    listed = [one["taskId"] for one in place.client.describe_export_tasks()["exportTasks"]]
    assert listed[0] == third and set(listed) == {task, second, third}


def test_an_export_that_may_no_more_fails_with_the_reason(place: Place) -> None:
    place.put("one")
    task = place.start()
    place.s3.delete_bucket_policy(Bucket=BUCKET)
    place.work()
    found = place.status(task)
    assert (found["code"], "logs.us-east-1.amazonaws.com" in found["message"]) == ("FAILED", True)
    place.s3.put_bucket_policy(Bucket=BUCKET, Policy=POLICY)
    task = place.start()
    place.client.delete_log_group(logGroupName=GROUP)
    place.work()
    assert place.status(task) == {"code": "FAILED", "message": "The log group is gone."}


def test_what_is_no_export_is_refused(place: Place) -> None:
    assert refused(place.start, logGroupName="/none")[0] == "ResourceNotFoundException"
    assert refused(place.start, fromTime=place.now + 20_000)[1] == "The time range is empty: from is later than to."
    assert "choose a later to" in refused(place.start, to=1)[1]
    place.s3.create_bucket(Bucket="closed")
    for bucket, why in (("nowhere", "NoSuchBucket"), ("closed", "AccessDenied")):
        code, message = refused(place.start, destination=bucket)
        assert code == "InvalidParameterException"
        assert message.startswith(f"GetBucketAcl call on the given bucket failed ({why}). Please check")
    code, _ = refused(place.client.describe_export_tasks, taskId="a", statusCode="FAILED")
    assert code == "InvalidParameterException"
    assert place.client.describe_export_tasks(taskId="a")["exportTasks"] == []
