"""S3 through boto3: access control lists."""

from typing import Any

import pytest

from tests.inprocess import InProcess
from tests.s3_house import refused

EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"
EVERY_ACCOUNT = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
AT = {"Bucket": "data", "Key": "k"}


@pytest.fixture
def s3(house: InProcess) -> Any:
    return house.client("s3")


@pytest.fixture
def lists(s3: Any) -> Any:
    """A bucket whose lists count and may be public."""
    s3.create_bucket(Bucket="data", ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket="data")
    return s3


def told(answer: Any) -> list[tuple[str, str]]:
    return [
        (grant["Grantee"].get("URI", "owner" if grant["Grantee"].get("ID") == answer["Owner"]["ID"] else "?"), what)
        for grant in answer["Grants"]
        for what in [grant["Permission"]]
    ]


def test_where_lists_do_not_count(s3: Any) -> None:
    s3.create_bucket(Bucket="data")
    s3.put_object(**AT, Body=b"", ACL="bucket-owner-full-control")
    for acl in ("private", "public-read"):
        with refused("AccessControlListNotSupported", 400) as error:
            s3.put_object(**AT, Body=b"", ACL=acl)
        assert error["Error"]["Message"] == "The bucket does not allow ACLs"
    with refused("AccessControlListNotSupported", 400):
        s3.put_object_acl(**AT, ACL="public-read")
    with refused("AccessControlListNotSupported", 400):
        s3.put_bucket_acl(Bucket="data", ACL="private")
    with refused("AccessControlListNotSupported", 400):
        s3.create_multipart_upload(**AT, GrantRead=f'uri="{EVERYBODY}"')
    found = s3.get_object_acl(**AT)
    assert told(found) == [("owner", "FULL_CONTROL")]
    assert told(s3.get_bucket_acl(Bucket="data")) == [("owner", "FULL_CONTROL")]
    s3.put_object_acl(**AT, AccessControlPolicy={"Owner": found["Owner"], "Grants": found["Grants"]})


@pytest.mark.parametrize(
    ("canned", "expected"),
    [
        ("private", []),
        ("public-read", [(EVERYBODY, "READ")]),
        ("public-read-write", [(EVERYBODY, "READ"), (EVERYBODY, "WRITE")]),
        ("authenticated-read", [(EVERY_ACCOUNT, "READ")]),
    ],
)
def test_canned_lists(lists: Any, canned: str, expected: list[tuple[str, str]]) -> None:
    whole = [("owner", "FULL_CONTROL"), *expected]
    lists.put_bucket_acl(Bucket="data", ACL=canned)
    assert told(lists.get_bucket_acl(Bucket="data")) == whole
    lists.put_object(**AT, Body=b"x", ACL=canned, Metadata={"a": "b"})
    assert told(lists.get_object_acl(**AT)) == whole
    lists.copy_object(Bucket="data", Key="copy", CopySource=AT)
    assert told(lists.get_object_acl(Bucket="data", Key="copy")) == [("owner", "FULL_CONTROL")]
    lists.put_object(**AT, Body=b"x")
    assert told(lists.get_object_acl(**AT)) == [("owner", "FULL_CONTROL")]
    lists.put_object_acl(**AT, ACL=canned)
    assert told(lists.get_object_acl(**AT)) == whole
    assert lists.get_object(**AT)["Body"].read() == b"x"


def test_grants(lists: Any) -> None:
    lists.put_object(**AT, Body=b"x", GrantRead=f'uri="{EVERYBODY}", uri={EVERY_ACCOUNT}')
    assert told(lists.get_object_acl(**AT)) == [(EVERYBODY, "READ"), (EVERY_ACCOUNT, "READ")]
    mine = lists.get_object_acl(**AT)["Owner"]
    policy = {
        "Owner": mine,
        "Grants": [
            {"Grantee": {"Type": "CanonicalUser", "ID": mine["ID"]}, "Permission": "WRITE_ACP"},
            {"Grantee": {"Type": "Group", "URI": EVERYBODY}, "Permission": "READ_ACP"},
        ],
    }
    lists.put_object_acl(**AT, AccessControlPolicy=policy)
    assert told(lists.get_object_acl(**AT)) == [("owner", "WRITE_ACP"), (EVERYBODY, "READ_ACP")]
    for wrong, code in (
        ({"GrantRead": "emailAddress=a@b"}, "UnresolvableGrantByEmailAddress"),
        ({"GrantRead": "id=1234"}, "InvalidArgument"),
        ({"GrantRead": "uri=http://nowhere"}, "InvalidArgument"),
        ({"GrantRead": "nonsense"}, "InvalidArgument"),
        ({"ACL": "private", "GrantRead": f"uri={EVERYBODY}"}, "InvalidRequest"),
        ({"ACL": "wrong"}, "InvalidArgument"),
        ({"AccessControlPolicy": {"Owner": {"ID": "0" * 64}, "Grants": []}}, "AccessDenied"),
        ({}, "MissingSecurityHeader"),
    ):
        with refused(code):
            lists.put_object_acl(**AT, **wrong)


def test_public_lists_are_blocked(s3: Any) -> None:
    s3.create_bucket(Bucket="data", ObjectOwnership="BucketOwnerPreferred")
    with refused("AccessDenied", 403):
        s3.put_bucket_acl(Bucket="data", ACL="public-read")
    with refused("AccessDenied", 403):
        s3.put_object(**AT, Body=b"", ACL="authenticated-read")
    s3.put_object(**AT, Body=b"", ACL="private")


def test_lists_of_new_buckets(s3: Any) -> None:
    with refused("InvalidBucketAclWithObjectOwnership", 400):
        s3.create_bucket(Bucket="data", ACL="public-read")
    with refused("InvalidBucketAclWithBlockPublicAccessError", 400):
        s3.create_bucket(Bucket="data", ACL="public-read", ObjectOwnership="ObjectWriter")
    logs = "http://acs.amazonaws.com/groups/s3/LogDelivery"
    s3.create_bucket(Bucket="data", GrantWrite=f"uri={logs}", ObjectOwnership="ObjectWriter")
    assert told(s3.get_bucket_acl(Bucket="data")) == [(logs, "WRITE")]
    s3.create_bucket(Bucket="other", ACL="private")


def test_lists_of_versions(lists: Any) -> None:
    lists.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    first = lists.put_object(**AT, Body=b"1")["VersionId"]
    lists.put_object(**AT, Body=b"2")
    lists.put_object_acl(**AT, VersionId=first, ACL="public-read")
    assert told(lists.get_object_acl(**AT)) == [("owner", "FULL_CONTROL")]
    assert told(lists.get_object_acl(**AT, VersionId=first))[1:] == [(EVERYBODY, "READ")]
