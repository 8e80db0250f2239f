"""What users may do with objects, through boto3: S3's own actions, ARNs and condition keys."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.authorize import ResourcePolicies
from clary.aws.credentials import Keys
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.services import s3 as services_s3
from tests.iam_house import iam_house
from tests.inprocess import ACCOUNT, InProcess
from tests.s3_house import refused

AT = {"Bucket": "data", "Key": "k"}
OBJECTS = "arn:aws:s3:::data/*"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[InProcess]:
    objects = DiskObjects(tmp_path / "objects")
    with iam_house(tmp_path, [services_s3.service]) as made:
        made.ports[BucketStore] = objects
        made.ports[ResourcePolicies] = services_s3.policy.BucketPolicies(made.raw_store, ACCOUNT, objects)
        root = made.client("s3")
        root.create_bucket(Bucket="data")
        root.put_object(**AT, Body=b"x", Tagging="team=a")
        yield made
    objects.close()


def ann(house: InProcess, *statements: dict[str, Any]) -> Any:
    """The S3 client of a user with these permissions and no others."""
    iam = house.client("iam")
    iam.create_user(UserName="ann")
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=text)
    made = iam.create_access_key(UserName="ann")["AccessKey"]
    return house.client("s3", keys=Keys(made["AccessKeyId"], made["SecretAccessKey"]))


def allow(action: Any, resource: Any = OBJECTS, **condition: Any) -> dict[str, Any]:
    said = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**said, "Condition": condition} if condition else said


def test_a_bucket_that_is_not_there_is_told_of_before_permissions(house: InProcess) -> None:
    s3 = ann(house, allow("s3:ListAllMyBuckets", "*"))
    for call in (s3.list_objects_v2, s3.get_bucket_policy, s3.delete_bucket):
        with refused("NoSuchBucket", 404):
            call(Bucket="nowhere")
        with refused("AccessDenied", 403):
            call(Bucket="data")
    with refused("NoSuchBucket", 404):
        s3.put_object(Bucket="nowhere", Key="k", Body=b"")


def test_who_may_not_list_is_not_told_what_is_missing(house: InProcess) -> None:
    s3 = ann(house, allow("s3:GetObject"))
    s3.head_object(**AT)
    with refused("403", 403):
        s3.head_object(Bucket="data", Key="missing")
    with refused("AccessDenied", 403):
        s3.get_object(Bucket="data", Key="missing")


def test_who_may_list_is_told(house: InProcess) -> None:
    s3 = ann(house, allow(["s3:GetObject", "s3:ListBucket"], [OBJECTS, "arn:aws:s3:::data"]))
    with refused("404", 404):
        s3.head_object(Bucket="data", Key="missing")


def test_tags_that_an_object_has_decide(house: InProcess) -> None:
    s3 = ann(
        house,
        allow("s3:GetObject*", StringEquals={"s3:ExistingObjectTag/team": "a"}),
        allow("s3:DeleteObject", StringEquals={"aws:ResourceTag/team": "a"}),
    )
    root = house.client("s3")
    root.put_object(Bucket="data", Key="other", Body=b"", Tagging="team=b")
    assert s3.get_object(**AT)["Body"].read() == b"x"
    with refused("AccessDenied", 403):
        s3.get_object(Bucket="data", Key="other")
    with refused("AccessDenied", 403):
        s3.delete_object(**AT)
    root.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    root.put_object(**AT, Body=b"new", Tagging="team=c")
    with refused("AccessDenied", 403):
        s3.get_object(**AT)
    assert s3.get_object(**AT, VersionId="null")["Body"].read() == b"x"


def test_versions_are_actions_of_their_own(house: InProcess) -> None:
    root = house.client("s3")
    root.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    version = root.put_object(**AT, Body=b"1")["VersionId"]
    s3 = ann(house, allow(["s3:GetObject", "s3:DeleteObject"]))
    s3.get_object(**AT)
    with refused("AccessDenied", 403) as error:
        s3.get_object(**AT, VersionId=version)
    assert "s3:GetObjectVersion on resource: arn:aws:s3:::data/k" in error["Error"]["Message"]
    with refused("AccessDenied", 403):
        s3.delete_object(**AT, VersionId=version)
    answer = s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "k"}, {"Key": "k", "VersionId": version}]})
    assert answer["Deleted"][0]["DeleteMarker"] is True
    assert [one["Code"] for one in answer["Errors"]] == ["AccessDenied"]


def test_a_copy_reads_its_source(house: InProcess) -> None:
    s3 = ann(house, allow("s3:PutObject"))
    with refused("AccessDenied", 403) as error:
        s3.copy_object(Bucket="data", Key="copy", CopySource=AT)
    assert "s3:GetObject on resource: arn:aws:s3:::data/k" in error["Error"]["Message"]


def test_what_a_write_asks_for_decides(house: InProcess) -> None:
    s3 = ann(
        house,
        allow("s3:PutObject", StringEquals={"s3:x-amz-server-side-encryption": "AES256"}),
        allow("s3:PutObjectTagging", StringEquals={"s3:RequestObjectTag/team": "a"}),
    )
    with refused("AccessDenied", 403):
        s3.put_object(**AT, Body=b"")
    s3.put_object(**AT, Body=b"", ServerSideEncryption="AES256", Tagging="team=a")
    with refused("AccessDenied", 403):
        s3.put_object(**AT, Body=b"", ServerSideEncryption="AES256", Tagging="team=b")
    s3.put_object_tagging(**AT, Tagging={"TagSet": [{"Key": "team", "Value": "a"}]})


def test_lists_by_prefix_delimiter_and_size(house: InProcess) -> None:
    s3 = ann(
        house,
        allow(
            "s3:ListBucket",
            "arn:aws:s3:::data",
            StringEquals={"s3:prefix": "", "s3:delimiter": "/"},
            NumericLessThanEquals={"s3:max-keys": "10"},
        ),
    )
    s3.list_objects_v2(Bucket="data", Delimiter="/", MaxKeys=10)
    for more in ({}, {"Delimiter": "/", "MaxKeys": 11}, {"Delimiter": "/", "MaxKeys": 10, "Prefix": "x"}):
        with refused("AccessDenied", 403):
            s3.list_objects_v2(Bucket="data", **more)
