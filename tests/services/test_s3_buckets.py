"""S3 through boto3: buckets."""

from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import NotImplementedHere
from tests.inprocess import InProcess
from tests.s3_house import refused, s3_house


@pytest.fixture
def s3(house: InProcess) -> Any:
    return house.client("s3")


def test_a_bucket_from_its_start_to_its_end(s3: Any) -> None:
    assert s3.create_bucket(Bucket="data.2024")["Location"] == "/data.2024"
    s3.create_bucket(Bucket="data.2024")
    assert s3.head_bucket(Bucket="data.2024")["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket="data.2024")["LocationConstraint"] is None
    assert "Status" not in s3.get_bucket_versioning(Bucket="data.2024")
    (listed,) = s3.list_buckets()["Buckets"]
    assert (listed["Name"], listed["BucketRegion"]) == ("data.2024", "us-east-1")
    s3.put_object(Bucket="data.2024", Key="k", Body=b"")
    with refused("BucketNotEmpty", 409) as error:
        s3.delete_bucket(Bucket="data.2024")
    assert error["Error"]["BucketName"] == "data.2024"
    s3.delete_object(Bucket="data.2024", Key="k")
    s3.delete_bucket(Bucket="data.2024")
    with refused("NoSuchBucket", 404):
        s3.delete_bucket(Bucket="data.2024")
    with refused("404", 404):
        s3.head_bucket(Bucket="data.2024")
    assert s3.list_buckets()["Buckets"] == []


def test_regions(house: InProcess, s3: Any) -> None:
    berlin = house.client("s3", region="eu-central-1")
    where = {"LocationConstraint": "eu-central-1"}
    berlin.create_bucket(Bucket="in-frankfurt", CreateBucketConfiguration=where)
    assert s3.get_bucket_location(Bucket="in-frankfurt")["LocationConstraint"] == "eu-central-1"
    assert s3.head_bucket(Bucket="in-frankfurt")["BucketRegion"] == "eu-central-1"
    with refused("BucketAlreadyOwnedByYou", 409):
        berlin.create_bucket(Bucket="in-frankfurt", CreateBucketConfiguration=where)
    with refused("BucketAlreadyOwnedByYou", 409):
        s3.create_bucket(Bucket="in-frankfurt")
    with refused("IllegalLocationConstraintException", 400):
        berlin.create_bucket(Bucket="elsewhere")
    with refused("IllegalLocationConstraintException", 400):
        berlin.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.create_bucket(Bucket="in-tokyo", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    assert [one["Name"] for one in s3.list_buckets(BucketRegion="ap-northeast-1")["Buckets"]] == ["in-tokyo"]


@pytest.mark.parametrize(
    "name",
    [
        "Data",
        "a_b",
        "-ab",
        "ab-",
        "a..b",
        "192.168.0.1",
        "xn--abc",
        "abc-s3alias",
        "a" * 64,
        "ab",
        "sthree-x",
        ".clary",
    ],
)
def test_names_that_s3_does_not_take(house: InProcess, name: str) -> None:
    # botocore refuses some of these itself; the rule is ours to keep for every client.
    context = house.context()
    with pytest.raises(Exception, match="not valid") as caught:
        house.run(context.call("s3", "CreateBucket", {"Bucket": name}))
    assert getattr(caught.value, "error_code", "") == "InvalidBucketName"


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"CreateBucketConfiguration": {"Location": {"Type": "AvailabilityZone", "Name": "x"}}}, "Location"),
        ({"CreateBucketConfiguration": {"Bucket": {"Type": "Directory"}}}, "Bucket"),
        ({"BucketNamespace": "account-regional"}, "BucketNamespace"),
        ({"ObjectLockEnabledForBucket": True}, "ObjectLockEnabledForBucket"),
    ],
)
def test_buckets_of_other_kinds_are_refused_by_name(house: InProcess, asked: dict[str, Any], word: str) -> None:
    with pytest.raises(NotImplementedHere, match=word):
        house.call("s3", "CreateBucket", {"Bucket": "data", **asked})
    assert house.client("s3").list_buckets()["Buckets"] == []


def test_pages_of_buckets(s3: Any) -> None:
    names = [f"bucket-{n:02d}" for n in range(7)] + ["other"]
    for name in names:
        s3.create_bucket(Bucket=name)
    pages = list(s3.get_paginator("list_buckets").paginate(Prefix="bucket-", PaginationConfig={"PageSize": 3}))
    assert [[one["Name"] for one in page["Buckets"]] for page in pages] == [names[0:3], names[3:6], names[6:7]]
    with refused("InvalidArgument", 400):
        s3.list_buckets(Prefix="bucket-", ContinuationToken="never-given")


def test_both_styles_of_address(house: InProcess, s3: Any) -> None:
    s3.create_bucket(Bucket="data")
    virtual = house.client("s3", s3={"addressing_style": "virtual"})
    virtual.put_object(Bucket="data", Key="a/b", Body=b"x")
    assert s3.get_object(Bucket="data", Key="a/b")["Body"].read() == b"x"


def test_a_bucket_survives_a_restart(tmp_path: Path) -> None:
    with s3_house(tmp_path) as (house, _):
        house.client("s3").create_bucket(Bucket="data")
        house.client("s3").put_object(Bucket="data", Key="k", Body=b"x", Metadata={"a": "1"})
    with s3_house(tmp_path) as (house, _):
        found = house.client("s3").get_object(Bucket="data", Key="k")
        assert (found["Body"].read(), found["Metadata"]) == (b"x", {"a": "1"})
