"""Event notifications: the setting through boto3, the events on the bus, and what a crash leaves."""

from typing import Any

import pytest

from clary.aws.delivery import Deliverer, Delivery
from clary.engines.objects.base import BucketStore
from clary.kernel.reconcile import Controller
from clary.kernel.store import Where
from clary.services import s3 as s3_service
from clary.services.s3 import notifications
from clary.services.s3.happenings import KIND, Asker, Change, Happenings
from tests.inprocess import InProcess
from tests.s3_house import refused

QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"


@pytest.fixture
def s3(house: InProcess) -> Any:
    made = house.client("s3")
    made.create_bucket(Bucket="data")
    made.put_bucket_notification_configuration(
        Bucket="data", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    return made


def told(house: InProcess) -> list[dict[str, Any]]:
    """The events of all outbox lines that the bus would hear, in order."""
    lines = [
        one for one in house.store.events(0, 1000) if (one.kind, one.phase, one.type) == (KIND, "Happened", "moved")
    ]
    return [event for line in lines for event in line.resource["status"]["Events"]]


def short(event: dict[str, Any]) -> tuple[str, str, str]:
    envelope = event["EventBridge"]
    return envelope["detail-type"], envelope["detail"].get("reason", ""), envelope["detail"]["object"]["key"]


def settled(house: InProcess) -> None:
    """What is due is done; nothing is left of events that were told."""
    happenings = house.ports[Happenings]
    made = s3_service.reconcilers(house.ports[BucketStore], happenings, house.clock)
    controller = house.thread.call(Controller, house.raw_store, house.clock, made, s3_service.MACHINES)
    while house.run(controller.tick()):
        pass


def test_the_setting_is_answered(s3: Any) -> None:
    assert s3.get_bucket_notification_configuration(Bucket="data")["EventBridgeConfiguration"] == {}
    s3.put_bucket_notification_configuration(Bucket="data", NotificationConfiguration={})
    assert "EventBridgeConfiguration" not in s3.get_bucket_notification_configuration(Bucket="data")


def test_what_happens_is_told(house: InProcess, s3: Any) -> None:
    s3.put_object(Bucket="data", Key="a b", Body=b"xyz")
    s3.copy_object(Bucket="data", Key="c", CopySource="data/a b")
    upload = s3.create_multipart_upload(Bucket="data", Key="m")["UploadId"]
    part = s3.upload_part(Bucket="data", Key="m", UploadId=upload, PartNumber=1, Body=b"p")["ETag"]
    s3.complete_multipart_upload(
        Bucket="data", Key="m", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]}
    )
    s3.put_object_tagging(Bucket="data", Key="c", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    s3.delete_object_tagging(Bucket="data", Key="c")
    s3.delete_object(Bucket="data", Key="c")
    s3.delete_object(Bucket="data", Key="c")  # nothing is there any more
    s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "m"}, {"Key": "nothing"}]})
    events = told(house)
    assert [short(one) for one in events] == [
        ("Object Created", "PutObject", "a b"),
        ("Object Created", "CopyObject", "c"),
        ("Object Created", "CompleteMultipartUpload", "m"),
        ("Object Tags Added", "", "c"),
        ("Object Tags Deleted", "", "c"),
        ("Object Deleted", "DeleteObject", "c"),
        ("Object Deleted", "DeleteObject", "m"),
    ]
    envelope = events[0]["EventBridge"]
    assert (envelope["source"], envelope["account"], envelope["region"]) == ("aws.s3", "123456789012", "us-east-1")
    assert envelope["resources"] == ["arn:aws:s3:::data"]
    assert envelope["detail"]["bucket"] == {"name": "data"}
    assert envelope["detail"]["object"]["size"] == 3
    assert envelope["detail"]["object"]["etag"] == "d16fb36f0911f878998c136191af705e"
    record = events[0]["Record"]
    assert (record["eventName"], record["s3"]["object"]["key"]) == ("ObjectCreated:Put", "a+b")
    assert events[5]["EventBridge"]["detail"]["deletion-type"] == "Permanently Deleted"
    settled(house)
    assert house.store.count(KIND, Where()) == 0


def test_versions_and_markers_are_told(house: InProcess, s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="data", Key="a", Body=b"")["VersionId"]
    marker = s3.delete_object(Bucket="data", Key="a")["VersionId"]
    s3.delete_object(Bucket="data", Key="a", VersionId=version)
    objects = [one["EventBridge"]["detail"]["object"]["version-id"] for one in told(house)]
    assert objects == [version, marker, version]
    kinds = [one["EventBridge"]["detail"].get("deletion-type") for one in told(house)]
    assert kinds == [None, "Delete Marker Created", "Permanently Deleted"]


def test_what_is_refused_is_not_told(house: InProcess, s3: Any) -> None:
    s3.put_object(Bucket="data", Key="a", Body=b"0")
    with refused("PreconditionFailed"):
        s3.put_object(Bucket="data", Key="a", Body=b"1", IfMatch="x")
    with refused("NoSuchKey"):
        s3.copy_object(Bucket="data", Key="b", CopySource="data/nothing")
    assert [short(one) for one in told(house)] == [("Object Created", "PutObject", "a")]


def test_a_bucket_that_tells_nobody_writes_nothing(house: InProcess, s3: Any) -> None:
    s3.create_bucket(Bucket="quiet")
    before = len(house.store.events(0, 1000))
    s3.put_object(Bucket="quiet", Key="a", Body=b"")
    assert len(house.store.events(0, 1000)) == before


async def _begin(happenings: Happenings, bucket: Any, change: Change, work: Any) -> None:
    """As a request that is killed after its work, before it is told."""
    manager = happenings.telling(bucket, Asker("r", "p", "a"), [change])
    await manager.__aenter__()
    await work()


@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.parametrize("name", ["ObjectCreated:Put", "ObjectRemoved:Delete", "ObjectTagging:Put"])
def test_a_crash_between_the_object_and_its_event(house: InProcess, s3: Any, name: str, happened: bool) -> None:
    s3.put_bucket_notification_configuration(Bucket="data", NotificationConfiguration={})
    if name != "ObjectCreated:Put":
        s3.put_object(Bucket="data", Key="a", Body=b"x")
    s3.put_bucket_notification_configuration(Bucket="data", NotificationConfiguration={"EventBridgeConfiguration": {}})
    objects = house.ports[BucketStore]
    before = Happenings(house.raw_store, objects, house.clock)
    bucket = house.store.get("123456789012", "", "bucket", "data")

    async def work() -> None:
        if not happened:
            return
        if name == "ObjectCreated:Put":
            async with objects.draft("data") as draft:
                await draft.commit("a", {})
        elif name == "ObjectRemoved:Delete":
            await objects.remove("data", "a")
        else:
            await objects.set_meta(await objects.head("data", "a"), {"_tags": [["k", "v"]]})

    change = Change(name, "a", "x", tags=[["k", "v"]] if "Tagging" in name else None)
    house.run(_begin(before, bucket, change, work))
    # The next process knows nothing of the request; its row is looked at when its time comes.
    (row,) = house.store.page(KIND, Where())
    house.store.hasten(row.uid)
    settled(house)
    assert [short(one)[2] for one in told(house)] == (["a"] if happened else [])
    assert house.store.page(KIND, Where()) == []


def test_a_live_request_is_not_taken_for_dead(house: InProcess, s3: Any) -> None:
    happenings = house.ports[Happenings]
    bucket = house.store.get("123456789012", "", "bucket", "data")

    async def request() -> None:
        async with happenings.telling(bucket, Asker("r", "p", "a"), [Change("ObjectCreated:Put", "a", "PutObject")]):
            (row,) = house.raw_store.page(KIND, Where())
            house.raw_store.hasten(row.uid)
            made = s3_service.reconcilers(house.ports[BucketStore], happenings, house.clock)
            await Controller(house.raw_store, house.clock, made, s3_service.MACHINES).tick()

    house.run(request())
    assert [short(one)[2] for one in told(house)] == ["a"]


def test_targets_must_be_reached(house: InProcess, s3: Any) -> None:
    asked = {"QueueConfigurations": [{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}]}
    for more in ({}, {"SkipDestinationValidation": True}):
        with refused("InvalidArgument", 400) as error:
            s3.put_bucket_notification_configuration(Bucket="data", NotificationConfiguration=asked, **more)
        assert "destination configurations" in error["Error"]["Message"]


class Everybody:
    """Takes what it is sent."""

    def __init__(self) -> None:
        self.delivered: list[Delivery] = []

    async def deliver(self, one: Delivery) -> None:
        self.delivered.append(one)


@pytest.fixture
def everybody(house: InProcess, monkeypatch: pytest.MonkeyPatch) -> Everybody:
    """Every target is there, and lets S3 tell it."""
    monkeypatch.setattr(notifications.notify, "reaches", lambda ctx, bucket, arn: True)
    made = house.ports[Deliverer] = Everybody()
    return made


def test_filters_pick_who_is_told(house: InProcess, s3: Any, everybody: Everybody) -> None:
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".csv"}]
    one = {"QueueArn": QUEUE, "Id": "csv", "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}}}
    s3.put_bucket_notification_configuration(Bucket="data", NotificationConfiguration={"QueueConfigurations": [one]})
    assert s3.get_bucket_notification_configuration(Bucket="data")["QueueConfigurations"] == [one]
    for key in ("in/a.csv", "in/a.txt", "a.csv"):
        s3.put_object(Bucket="data", Key=key, Body=b"")
    s3.delete_object(Bucket="data", Key="in/a.csv")
    (event,) = told(house)
    assert event["Targets"] == [{"Id": "csv", "Arn": QUEUE}]
    assert "EventBridge" not in event


@pytest.mark.parametrize(
    ("configurations", "word"),
    [
        ([{"Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "x" * 1025}]}}}], "1024"),
        ([{"Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "x"}] * 2}}}], "more than one prefix"),
        ([{}, {}], "ambiguously"),
        ([{}, {"Events": ["s3:ObjectCreated:Put"]}], "ambiguously"),
    ],
)
def test_settings_that_s3_does_not_take(
    house: InProcess, s3: Any, everybody: Everybody, configurations: list[dict[str, Any]], word: str
) -> None:
    every = [{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"], **one} for one in configurations]
    with refused("InvalidArgument", 400) as error:
        s3.put_bucket_notification_configuration(
            Bucket="data", NotificationConfiguration={"QueueConfigurations": every}
        )
    assert word in error["Error"]["Message"]


def test_rules_of_different_events_or_keys_do_not_overlap(s3: Any, everybody: Everybody) -> None:
    suffixes = [{"Key": {"FilterRules": [{"Name": "suffix", "Value": one}]}} for one in (".csv", ".txt")]
    every = [{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"], "Filter": one} for one in suffixes]
    every.append({"QueueArn": QUEUE, "Events": ["s3:ObjectRemoved:*"]})
    s3.put_bucket_notification_configuration(Bucket="data", NotificationConfiguration={"QueueConfigurations": every})
    assert len(s3.get_bucket_notification_configuration(Bucket="data")["QueueConfigurations"]) == 3
