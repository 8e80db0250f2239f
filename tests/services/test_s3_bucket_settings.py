"""S3 through boto3: what is set on a bucket and answered again."""

from typing import Any

import pytest

from tests.inprocess import InProcess
from tests.s3_house import refused


def test_tags(s3: Any) -> None:
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket="data")
    tags = [{"Key": "team", "Value": "vision"}, {"Key": "stage", "Value": ""}]
    assert s3.put_bucket_tagging(Bucket="data", Tagging={"TagSet": tags})["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_tagging(Bucket="data")["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket="data")
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket="data")
    s3.create_bucket(Bucket="other", CreateBucketConfiguration={"Tags": tags})
    assert s3.get_bucket_tagging(Bucket="other")["TagSet"] == tags


@pytest.mark.parametrize(
    "tags",
    [
        [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}],
        [{"Key": "aws:a", "Value": "1"}],
        [{"Key": f"k{n}", "Value": ""} for n in range(51)],
        [{"Key": "k", "Value": "x" * 257}],
    ],
)
def test_tags_that_s3_does_not_take(s3: Any, tags: list[dict[str, str]]) -> None:
    with refused("InvalidTag", 400):
        s3.put_bucket_tagging(Bucket="data", Tagging={"TagSet": tags})


def test_a_new_bucket_is_closed_and_its_lists_do_not_count(s3: Any) -> None:
    rules = s3.get_bucket_ownership_controls(Bucket="data")["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert set(s3.get_public_access_block(Bucket="data")["PublicAccessBlockConfiguration"].values()) == {True}
    with refused("InvalidBucketAclWithObjectOwnership", 400):
        s3.create_bucket(Bucket="open", ACL="public-read")


def test_ownership_and_public_access_are_changed_and_taken_away(s3: Any) -> None:
    s3.put_bucket_ownership_controls(Bucket="data", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    rules = s3.get_bucket_ownership_controls(Bucket="data")["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "ObjectWriter"}]
    s3.delete_bucket_ownership_controls(Bucket="data")
    with refused("OwnershipControlsNotFoundError", 404):
        s3.get_bucket_ownership_controls(Bucket="data")
    s3.put_public_access_block(Bucket="data", PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert s3.get_public_access_block(Bucket="data")["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": False,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
    s3.delete_public_access_block(Bucket="data")
    with refused("NoSuchPublicAccessBlockConfiguration", 404):
        s3.get_public_access_block(Bucket="data")


def test_default_encryption_is_remembered_and_no_object_claims_it(s3: Any) -> None:
    with refused("ServerSideEncryptionConfigurationNotFoundError", 404):
        s3.get_bucket_encryption(Bucket="data")
    asked = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}]}
    s3.put_bucket_encryption(Bucket="data", ServerSideEncryptionConfiguration=asked)
    assert s3.get_bucket_encryption(Bucket="data")["ServerSideEncryptionConfiguration"] == asked
    s3.put_object(Bucket="data", Key="k", Body=b"x")
    assert "ServerSideEncryption" not in s3.head_object(Bucket="data", Key="k")
    wrong = {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "k"}
    with refused("InvalidArgument", 400):
        s3.put_bucket_encryption(
            Bucket="data",
            ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": wrong}]},
        )
    s3.delete_bucket_encryption(Bucket="data")
    with refused("ServerSideEncryptionConfigurationNotFoundError", 404):
        s3.get_bucket_encryption(Bucket="data")


def test_what_is_remembered(s3: Any) -> None:
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket="data")
    s3.put_bucket_accelerate_configuration(Bucket="data", AccelerateConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_accelerate_configuration(Bucket="data")["Status"] == "Enabled"
    assert s3.get_bucket_request_payment(Bucket="data")["Payer"] == "BucketOwner"
    s3.put_bucket_request_payment(Bucket="data", RequestPaymentConfiguration={"Payer": "BucketOwner"})
    with refused("NotImplemented", 501):
        s3.put_bucket_request_payment(Bucket="data", RequestPaymentConfiguration={"Payer": "Requester"})


@pytest.mark.parametrize(
    ("family", "member", "more"),
    [
        ("metrics", "MetricsConfiguration", {}),
        (
            "intelligent_tiering",
            "IntelligentTieringConfiguration",
            {"Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]},
        ),
    ],
)
def test_configurations_by_id(s3: Any, family: str, member: str, more: dict[str, Any]) -> None:
    put, get, drop = (getattr(s3, f"{verb}_bucket_{family}_configuration") for verb in ("put", "get", "delete"))
    every = getattr(s3, f"list_bucket_{family}_configurations")
    with refused("NoSuchConfiguration", 404):
        get(Bucket="data", Id="a")
    for name in ("b", "a"):
        put(Bucket="data", Id=name, **{member: {"Id": name, **more}})
    assert get(Bucket="data", Id="a")[member] == {"Id": "a", **more}
    assert [one["Id"] for one in every(Bucket="data")[f"{member}List"]] == ["a", "b"]
    drop(Bucket="data", Id="a")
    assert [one["Id"] for one in every(Bucket="data")[f"{member}List"]] == ["b"]
    with refused("NoSuchConfiguration", 404):
        drop(Bucket="data", Id="a")


def test_what_no_bucket_can_have(s3: Any) -> None:
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket="data")
    s3.put_bucket_logging(Bucket="data", BucketLoggingStatus={})
    with refused("NotImplemented", 501):
        s3.put_bucket_logging(
            Bucket="data", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "data", "TargetPrefix": ""}}
        )
    with refused("ReplicationConfigurationNotFoundError", 404):
        s3.get_bucket_replication(Bucket="data")
    s3.delete_bucket_replication(Bucket="data")
    with refused("ObjectLockConfigurationNotFoundError", 404):
        s3.get_object_lock_configuration(Bucket="data")
    for family in ("inventory", "analytics"):
        with refused("NoSuchConfiguration", 404):
            getattr(s3, f"get_bucket_{family}_configuration")(Bucket="data", Id="a")
        with refused("NoSuchConfiguration", 404):
            getattr(s3, f"delete_bucket_{family}_configuration")(Bucket="data", Id="a")
        found = getattr(s3, f"list_bucket_{family}_configurations")(Bucket="data")
        assert found["IsTruncated"] is False


def test_the_owner_that_is_expected(house: InProcess, s3: Any) -> None:
    s3.get_bucket_ownership_controls(Bucket="data", ExpectedBucketOwner="123456789012")
    with refused("AccessDenied", 403):
        s3.get_bucket_ownership_controls(Bucket="data", ExpectedBucketOwner="111122223333")
    with refused("AccessDenied", 403):
        s3.put_bucket_tagging(Bucket="data", Tagging={"TagSet": []}, ExpectedBucketOwner="111122223333")
    with refused("NoSuchBucket", 404):
        s3.get_bucket_tagging(Bucket="nowhere")


RULE = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}


def test_cors_rules(s3: Any) -> None:
    with refused("NoSuchCORSConfiguration", 404):
        s3.get_bucket_cors(Bucket="data")
    rules = [{**RULE, "ID": "one", "MaxAgeSeconds": 60, "ExposeHeaders": ["ETag"], "AllowedHeaders": ["*"]}]
    s3.put_bucket_cors(Bucket="data", CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket="data")["CORSRules"] == rules
    s3.delete_bucket_cors(Bucket="data")
    with refused("NoSuchCORSConfiguration", 404):
        s3.get_bucket_cors(Bucket="data")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"AllowedMethods": ["PATCH"]}, "PATCH"),
        ({"AllowedOrigins": ["http://*.*"]}, "AllowedOrigin"),
        ({"AllowedHeaders": ["*-*"]}, "AllowedHeader"),
        ({"ExposeHeaders": ["x-*"]}, "ExposeHeader"),
    ],
)
def test_cors_rules_that_s3_does_not_take(s3: Any, change: dict[str, Any], word: str) -> None:
    with refused("InvalidRequest", 400) as error:
        s3.put_bucket_cors(Bucket="data", CORSConfiguration={"CORSRules": [RULE | change]})
    assert word in error["Error"]["Message"]
