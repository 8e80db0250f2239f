"""Bucket policies: what S3 takes, and what it calls public."""

import json
from typing import Any

import pytest
from botocore import UNSIGNED

from clary.aws.access import Ask
from clary.engines.objects.base import BucketStore
from clary.services.s3 import policy
from tests.inprocess import ACCOUNT, InProcess
from tests.s3_house import refused

EVERYBODY = {
    "Sid": "Read",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::data/*",
}
OURS = EVERYBODY | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}


def written(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_a_policy_from_its_start_to_its_end(s3: Any) -> None:
    for ask in (s3.get_bucket_policy, s3.get_bucket_policy_status):
        with refused("NoSuchBucketPolicy", 404):
            ask(Bucket="data")
    answer = s3.put_bucket_policy(Bucket="data", Policy=written(OURS))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_policy(Bucket="data")["Policy"] == written(OURS)
    assert s3.get_bucket_policy_status(Bucket="data")["PolicyStatus"] == {"IsPublic": False}
    s3.delete_bucket_policy(Bucket="data")
    with refused("NoSuchBucketPolicy", 404):
        s3.get_bucket_policy(Bucket="data")


def test_a_public_policy_needs_an_open_bucket(s3: Any) -> None:
    with refused("AccessDenied", 403) as error:
        s3.put_bucket_policy(Bucket="data", Policy=written(EVERYBODY))
    assert "BlockPublicPolicy" in error["Error"]["Message"]
    s3.delete_public_access_block(Bucket="data")
    s3.put_bucket_policy(Bucket="data", Policy=written(EVERYBODY))
    assert s3.get_bucket_policy_status(Bucket="data")["PolicyStatus"] == {"IsPublic": True}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "first byte"),
        ("[]", "first byte"),
        ('{"Statement": ', "first byte"),
        (json.dumps({"Version": "2012-10-17"}), "Statement"),
        (written({name: value for name, value in OURS.items() if name != "Principal"}), "Principal"),
        (written({name: value for name, value in OURS.items() if name != "Effect"}), "Effect"),
        (written(OURS | {"Effect": "Maybe"}), "effect"),
        (written(OURS | {"Resource": "arn:aws:s3:::other/*"}), "invalid resource"),
        (written(OURS | {"Resource": "arn:aws:s3:::database/*"}), "invalid resource"),
        (written(OURS | {"Resource": "data/*"}), "Resource"),
        (written(OURS | {"Resource": "arn:aws:sqs:us-east-1:1:q"}), "invalid resource"),
        (written(OURS | {"Action": "s3:GetObjects"}), "invalid action"),
        (written(OURS | {"Action": "sqs:SendMessage"}), "invalid action"),
        (written(OURS | {"Action": "s3:ListBucket"}), "does not apply"),
        (written(OURS | {"Action": ["s3:GetObject", "s3:PutBucketPolicy"]}), "does not apply"),
        (written(OURS | {"Resource": "arn:aws:s3:::data"}), "does not apply"),
        (written(OURS | {"Condition": {"NoSuchOperator": {"aws:SourceIp": "1.2.3.4"}}}), "NoSuchOperator"),
        (written(OURS | {"Sid": "x" * 21_000}), "20480"),
    ],
)
def test_policies_that_s3_does_not_take(s3: Any, text: str, word: str) -> None:
    with refused("MalformedPolicy", 400) as error:
        s3.put_bucket_policy(Bucket="data", Policy=text)
    assert word in error["Error"]["Message"]


@pytest.mark.parametrize(
    "statement",
    [
        OURS | {"Resource": ["arn:aws:s3:::data", "arn:aws:s3:::data/*"], "Action": ["s3:ListBucket", "s3:GetObject"]},
        OURS | {"Resource": "arn:aws:s3:::data*", "Action": "s3:*"},
        OURS | {"Resource": "*", "Action": "*"},
        OURS | {"Resource": "arn:aws:s3:::data/${aws:username}/*", "Action": "s3:Put*"},
        {
            **{"Effect": "Deny", "Principal": "*", "NotAction": "s3:GetObject", "Resource": "arn:aws:s3:::data"},
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ],
)
def test_policies_that_s3_takes(s3: Any, statement: dict[str, Any]) -> None:
    s3.put_bucket_policy(Bucket="data", Policy=written(statement))


@pytest.mark.parametrize(
    ("change", "public"),
    [
        ({}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": [ACCOUNT, "*"]}}, True),
        ({"Principal": {"AWS": ACCOUNT}}, False),
        ({"Principal": {"Service": "cloudtrail.amazonaws.com"}}, False),
        ({"Effect": "Deny"}, False),
        ({"Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}}, False),
        ({"Condition": {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}}, True),
        ({"Condition": {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}}, True),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, False),
        ({"Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/1"]}}}, True),
        ({"Condition": {"StringEquals": {"aws:UserAgent": "curl"}}}, True),
        ({"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}, False),
    ],
)
def test_what_is_public(change: dict[str, Any], public: bool) -> None:
    assert policy.is_public(written(EVERYBODY | change)) is public


def test_the_policy_that_governs_a_resource(house: InProcess, s3: Any) -> None:
    policies = policy.BucketPolicies(house.store, ACCOUNT, house.ports[BucketStore])
    s3.put_public_access_block(Bucket="data", PublicAccessBlockConfiguration={})
    text = written(EVERYBODY)
    s3.put_bucket_policy(Bucket="data", Policy=text)

    def governing(arn: str) -> str | None:
        return policies.of(Ask("s3:GetObject", arn))

    assert governing("arn:aws:s3:::data") == governing("arn:aws:s3:::data/a/b") == text
    assert governing("arn:aws:s3:::database/a") is governing("arn:aws:sqs:us-east-1:1:data") is None
    s3.put_public_access_block(Bucket="data", PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    restricted = json.loads(governing("arn:aws:s3:::data") or "")
    assert [one["Effect"] for one in restricted["Statement"]] == ["Allow", "Deny"]


def unsigned(house: InProcess) -> Any:
    return house.client("s3", signature_version=UNSIGNED)


def test_everybody_may_do_what_the_policy_says_and_no_more(house: InProcess, s3: Any) -> None:
    s3.put_object(Bucket="data", Key="open/a", Body=b"x")
    s3.put_object(Bucket="data", Key="closed", Body=b"x")
    s3.delete_public_access_block(Bucket="data")
    s3.put_bucket_policy(Bucket="data", Policy=written(EVERYBODY | {"Resource": "arn:aws:s3:::data/open/*"}))
    nobody = unsigned(house)
    assert nobody.get_object(Bucket="data", Key="open/a")["Body"].read() == b"x"
    for ask in (
        lambda: nobody.get_object(Bucket="data", Key="closed"),
        lambda: nobody.get_object(Bucket="data", Key="open/missing"),
        lambda: nobody.put_object(Bucket="data", Key="open/b", Body=b""),
        lambda: nobody.list_objects_v2(Bucket="data"),
        lambda: nobody.get_bucket_policy(Bucket="data"),
    ):
        with refused("AccessDenied", 403):
            ask()
    s3.put_public_access_block(Bucket="data", PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    with refused("AccessDenied", 403):
        nobody.get_object(Bucket="data", Key="open/a")


def test_lists_open_what_they_say_where_they_count(house: InProcess, s3: Any) -> None:
    s3.create_bucket(Bucket="old", ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket="old")
    nobody = unsigned(house)
    s3.put_object(Bucket="old", Key="a*${b}", Body=b"x", ACL="public-read")
    s3.put_object(Bucket="old", Key="ab", Body=b"x")
    assert nobody.get_object(Bucket="old", Key="a*${b}")["Body"].read() == b"x"
    for key in ("ab", "a-${b}"):
        with refused("AccessDenied", 403):
            nobody.get_object(Bucket="old", Key=key)
    with refused("AccessDenied", 403):
        nobody.list_objects_v2(Bucket="old")
    s3.put_bucket_acl(Bucket="old", ACL="public-read-write")
    assert nobody.list_objects_v2(Bucket="old")["KeyCount"] == 2
    with refused("NoSuchKey", 404):
        nobody.get_object(Bucket="old", Key="missing")
    nobody.put_object(Bucket="old", Key="new", Body=b"")
    s3.put_public_access_block(Bucket="old", PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    for ask in (lambda: nobody.get_object(Bucket="old", Key="a*${b}"), lambda: nobody.list_objects_v2(Bucket="old")):
        with refused("AccessDenied", 403):
            ask()


def test_a_bucket_that_is_not_there_is_told_of_first(house: InProcess) -> None:
    with refused("NoSuchBucket", 404):
        unsigned(house).get_object(Bucket="nowhere", Key="k")


def test_a_version_is_opened_by_its_own_list(house: InProcess, s3: Any) -> None:
    s3.create_bucket(Bucket="old", ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket="old")
    s3.put_bucket_versioning(Bucket="old", VersioningConfiguration={"Status": "Enabled"})
    opened = s3.put_object(Bucket="old", Key="k", Body=b"1", ACL="public-read")["VersionId"]
    closed = s3.put_object(Bucket="old", Key="k", Body=b"2")["VersionId"]
    nobody = unsigned(house)
    assert nobody.get_object(Bucket="old", Key="k", VersionId=opened)["Body"].read() == b"1"
    for version in ({}, {"VersionId": closed}, {"VersionId": "null"}):
        with refused("AccessDenied", 403):
            nobody.get_object(Bucket="old", Key="k", **version)
    s3.put_object_acl(Bucket="old", Key="k", VersionId=closed, ACL="public-read")
    s3.put_object_acl(Bucket="old", Key="k", VersionId=opened, ACL="private")
    assert nobody.get_object(Bucket="old", Key="k")["Body"].read() == b"2"
    with refused("AccessDenied", 403):
        nobody.get_object(Bucket="old", Key="k", VersionId=opened)
