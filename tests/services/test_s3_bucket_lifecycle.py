"""Lifecycle rules: what S3 takes, and what they do as time goes by."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import ServiceError
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.kernel.clock import ManualClock
from clary.kernel.reconcile import Controller
from clary.services import s3
from clary.services.s3 import expiry
from tests.inprocess import InProcess, serving

DAY = 86_400.0
NOON = 1_700_006_400.0 - 1_700_006_400.0 % DAY + DAY / 2


@dataclass
class House:
    inside: InProcess
    clock: ManualClock
    controller: Controller

    def __call__(self, operation: str, bucket: str = "data", **params: Any) -> Any:
        return self.inside.call("s3", operation, {"Bucket": bucket, **params})

    def rules(self, *rules: dict[str, Any], **more: Any) -> None:
        every = [{"Status": "Enabled", "Filter": {}, "ID": f"rule-{n}", **rule} for n, rule in enumerate(rules)]
        self("PutBucketLifecycleConfiguration", LifecycleConfiguration={"Rules": every}, **more)

    def put(self, *keys: str, **more: Any) -> None:
        for key in keys:
            self("PutObject", Key=key, Body=b"x", **more)

    def pass_days(self, days: float) -> None:
        self.clock.advance(days * DAY)
        self.settle()

    def settle(self) -> None:
        while self.inside.run(self.controller.tick()):
            pass

    def keys(self) -> list[str]:
        return [one["Key"] for one in self("ListObjectsV2").get("Contents", [])]

    def versions(self) -> list[tuple[str, bool, str]]:
        """(key, is it the latest, what it is)."""
        found = self("ListObjectVersions")
        every = [(one["Key"], one["IsLatest"], "object") for one in found.get("Versions", [])]
        return sorted(every + [(one["Key"], one["IsLatest"], "marker") for one in found.get("DeleteMarkers", [])])


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    clock = ManualClock(NOON)
    store = DiskObjects(tmp_path / "objects", clock)
    with serving(tmp_path, [s3.service], ports={BucketStore: store}, clock=clock) as inside:
        told = s3.happenings.Happenings(inside.raw_store, store, clock)
        inside.ports[s3.happenings.Happenings] = told
        made = s3.reconcilers(store, told, clock)
        controller = inside.thread.call(Controller, inside.raw_store, clock, made, s3.MACHINES)
        house = House(inside, clock, controller)
        house("CreateBucket")
        yield house
    store.close()


def test_objects_expire_at_the_midnight_after_so_many_days(house: House) -> None:
    house.put("logs/a", "data/a")
    house.rules({"Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 1}})
    house.settle()
    house.pass_days(1)  # noon of the next day: a day old, but the midnight has not come
    assert house.keys() == ["data/a", "logs/a"]
    house.pass_days(0.5)
    assert house.keys() == ["data/a"]


def test_a_read_tells_when_the_object_goes(house: House) -> None:
    house.rules({"Expiration": {"Days": 1}, "Filter": {"Prefix": "a"}}, {"Expiration": {"Days": 9}})
    answer = house("PutObject", Key="a", Body=b"")
    assert answer["Expiration"] == 'expiry-date="Fri, 17 Nov 2023 00:00:00 GMT", rule-id="rule-0"'
    assert house("HeadObject", Key="a")["Expiration"] == answer["Expiration"]
    assert 'rule-id="rule-1"' in house("PutObject", Key="b", Body=b"")["Expiration"]


def test_a_date_and_a_disabled_rule(house: House) -> None:
    house.put("a", "b")
    midnight = NOON + DAY / 2
    house.rules(
        {"Expiration": {"Date": midnight + DAY}, "Filter": {"Prefix": "a"}},
        {"Expiration": {"Days": 1}, "Filter": {"Prefix": "b"}, "Status": "Disabled"},
    )
    house.pass_days(1)
    assert house.keys() == ["a", "b"]
    house.pass_days(0.5)
    assert house.keys() == ["b"]


def test_filters_by_tag_and_size(house: House) -> None:
    house.put("keep")
    house.put("temporary", Tagging="kind=tmp&a=b")
    house("PutObject", Key="large", Body=b"x" * 100)
    house.rules(
        {"Filter": {"Tag": {"Key": "kind", "Value": "tmp"}}, "Expiration": {"Days": 1}},
        {"Filter": {"And": {"Prefix": "l", "ObjectSizeGreaterThan": 50}}, "Expiration": {"Days": 1}},
    )
    house.pass_days(2)
    assert house.keys() == ["keep"]


def test_versions_expire(house: House) -> None:
    house("PutBucketVersioning", VersioningConfiguration={"Status": "Enabled"})
    house.put("a", "a", "a", "b")
    house.rules(
        {"Expiration": {"Days": 10}, "Filter": {"Prefix": "b"}},
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 2, "NewerNoncurrentVersions": 1}},
    )
    house.pass_days(3)
    assert house.versions() == [("a", False, "object"), ("a", True, "object"), ("b", True, "object")]
    house.pass_days(8)
    # What expires leaves a marker, and a version that is no more current.
    assert house.versions()[2:] == [("b", False, "object"), ("b", True, "marker")]
    house.rules(
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 2}, "Expiration": {"ExpiredObjectDeleteMarker": True}}
    )
    house.pass_days(3)
    assert ("b", False, "object") not in house.versions()
    house.pass_days(1)
    assert house.versions() == [("a", True, "object")]


def test_uploads_that_nobody_ends(house: House) -> None:
    house("CreateMultipartUpload", Key="a")
    house("CreateMultipartUpload", Key="b")
    house.rules({"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}, "Filter": {"Prefix": "a"}})
    house.pass_days(2)
    assert len(house("ListMultipartUploads")["Uploads"]) == 2
    house.pass_days(1)
    assert [one["Key"] for one in house("ListMultipartUploads")["Uploads"]] == ["b"]


def test_a_transition_is_told_and_nothing_else(house: House) -> None:
    house("PutObject", Key="large", Body=b"x" * 200_000, Metadata={"a": "1"})
    house.put("small")
    house.rules({"Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 60, "StorageClass": "GLACIER"}]})
    house.pass_days(31)
    head = house("HeadObject", Key="large")
    assert (head["StorageClass"], head["Metadata"], head["ContentLength"]) == ("STANDARD_IA", {"a": "1"}, 200_000)
    assert "StorageClass" not in house("HeadObject", Key="small")
    house.pass_days(30)
    assert house("HeadObject", Key="large")["StorageClass"] == "GLACIER"


def test_a_walk_of_many_pages(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "PAGE", 3)
    house("PutBucketVersioning", VersioningConfiguration={"Status": "Enabled"})
    house.put(*[f"k{n:02d}" for n in range(10)], "many", *["many"] * 7)
    house.rules(
        {"Expiration": {"Days": 1}, "Filter": {"Prefix": "k"}}, {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    )
    house.pass_days(2)
    assert house.keys() == ["many"]
    assert [one for one in house.versions() if one[0] == "many"] == [("many", True, "object")]


def test_rules_end_with_the_setting(house: House) -> None:
    house.put("a")
    house.rules({"Expiration": {"Days": 1}})
    house("DeleteBucketLifecycle")
    house.pass_days(5)
    assert house.keys() == ["a"]
    assert "Expiration" not in house("HeadObject", Key="a")


def test_the_setting_is_answered(house: House) -> None:
    with pytest.raises(ServiceError) as caught:
        house("GetBucketLifecycleConfiguration")
    assert caught.value.error_code == "NoSuchLifecycleConfiguration"
    house.rules({"Expiration": {"Days": 1}})
    found = house("GetBucketLifecycleConfiguration")
    assert found["Rules"] == [{"Status": "Enabled", "Filter": {}, "ID": "rule-0", "Expiration": {"Days": 1}}]
    assert found["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"


ONE = {"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}
TAGGED = {"Tag": {"Key": "a", "Value": "b"}}


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"Status": "Enabled", "Filter": {}}, "InvalidRequest"),
        ({"Status": "Enabled", "Expiration": {"Days": 1}}, "MalformedXML"),
        ({**ONE, "Prefix": "a"}, "MalformedXML"),
        ({**ONE, "Filter": {"Prefix": "a", **TAGGED}}, "MalformedXML"),
        ({**ONE, "Filter": {"And": {"Prefix": "a"}}}, "MalformedXML"),
        ({**ONE, "ID": "x" * 256}, "InvalidArgument"),
        ({**ONE, "Expiration": {}}, "MalformedXML"),
        ({**ONE, "Expiration": {"Days": 0}}, "InvalidArgument"),
        ({**ONE, "Expiration": {"Days": 1, "Date": 0.0}}, "MalformedXML"),
        ({**ONE, "Expiration": {"Date": 1.0}}, "InvalidArgument"),
        ({**ONE, "Filter": TAGGED, "Expiration": {"ExpiredObjectDeleteMarker": True}}, "InvalidRequest"),
        ({**ONE, "Filter": TAGGED, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}, "InvalidRequest"),
        ({**ONE, "NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 1}}, "MalformedXML"),
        ({**ONE, "NoncurrentVersionExpiration": {"NoncurrentDays": 0}}, "InvalidArgument"),
        ({**ONE, "Transitions": [{"Days": 1, "StorageClass": "STANDARD_IA"}]}, "InvalidArgument"),
        ({**ONE, "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}, "InvalidArgument"),
        ({**ONE, "Transitions": [{"StorageClass": "GLACIER"}]}, "MalformedXML"),
    ],
)
def test_rules_that_s3_does_not_take(house: House, rule: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        house("PutBucketLifecycleConfiguration", LifecycleConfiguration={"Rules": [rule]})
    assert caught.value.error_code == code


def test_two_rules_of_one_id(house: House) -> None:
    with pytest.raises(ServiceError, match="unique"):
        house("PutBucketLifecycleConfiguration", LifecycleConfiguration={"Rules": [{**ONE, "ID": "a"}] * 2})
