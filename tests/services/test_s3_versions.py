"""S3 through boto3: versions of objects."""

import hashlib
from typing import Any

import pytest

from tests.s3_house import refused

AT = {"Bucket": "data", "Key": "dir/k"}


def versioning(s3: Any, status: str = "Enabled") -> None:
    s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": status})


def put(s3: Any, body: bytes, **more: Any) -> str:
    version: str = s3.put_object(**(AT | {"Body": body} | more))["VersionId"]
    return version


def body(s3: Any, **more: Any) -> bytes:
    content: bytes = s3.get_object(**(AT | more))["Body"].read()
    return content


def listed(s3: Any, **more: Any) -> list[tuple[str, str, bool]]:
    answer = s3.list_object_versions(Bucket="data", **more)
    every = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
    every.sort(key=lambda one: (one["Key"], not one["IsLatest"], one["LastModified"]))
    return [(one["Key"], one["VersionId"], one["IsLatest"]) for one in every]


def test_the_state_of_a_bucket(s3: Any) -> None:
    assert "Status" not in s3.get_bucket_versioning(Bucket="data")
    assert "VersionId" not in s3.put_object(**AT, Body=b"0")
    assert "VersionId" not in s3.head_object(**AT)
    for status in ("Enabled", "Suspended", "Enabled"):
        versioning(s3, status)
        assert s3.get_bucket_versioning(Bucket="data")["Status"] == status
    assert s3.head_object(**AT)["VersionId"] == "null"
    with refused("IllegalVersioningConfigurationException", 400):
        s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={})
    with refused("NotImplemented", 501) as error:
        s3.put_bucket_versioning(
            Bucket="data", VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"}, MFA="serial 123456"
        )
    assert "MFADelete" in error["Error"]["Message"]
    with refused("NotImplemented", 501):
        s3.delete_object(**AT, VersionId="null", MFA="serial 123456")
    with refused("NoSuchBucket", 404):
        s3.put_bucket_versioning(Bucket="nothing", VersioningConfiguration={"Status": "Enabled"})


def test_versions_are_read_tagged_and_described_one_by_one(s3: Any) -> None:
    versioning(s3)
    first, second = put(s3, b"1", Metadata={"n": "1"}), put(s3, b"22", Metadata={"n": "2"})
    assert first != second
    assert (body(s3), body(s3, VersionId=first), body(s3, VersionId=second)) == (b"22", b"1", b"22")
    assert s3.get_object(**AT)["VersionId"] == second
    headed = s3.head_object(**AT, VersionId=first)
    assert (headed["VersionId"], headed["Metadata"], headed["ContentLength"]) == (first, {"n": "1"}, 1)
    assert s3.get_object_tagging(**AT, VersionId=first)["VersionId"] == first
    s3.put_object_tagging(**AT, VersionId=first, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert s3.get_object_tagging(**AT)["TagSet"] == []
    assert s3.get_object_tagging(**AT, VersionId=first)["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert s3.head_object(**AT, VersionId=first)["VersionId"] == first
    assert s3.delete_object_tagging(**AT, VersionId=first)["VersionId"] == first
    attributes = s3.get_object_attributes(**AT, VersionId=first, ObjectAttributes=["ObjectSize", "ETag"])
    assert (attributes["VersionId"], attributes["ObjectSize"]) == (first, 1)
    assert attributes["ETag"] == hashlib.md5(b"1").hexdigest()
    assert body(s3, VersionId=first, Range="bytes=0-0") == b"1"
    with refused("PreconditionFailed", 412):
        s3.get_object(**AT, VersionId=first, IfMatch=hashlib.md5(b"22").hexdigest())


def test_a_delete_marker(s3: Any) -> None:
    versioning(s3)
    first = put(s3, b"1")
    gone = s3.delete_object(**AT)
    assert gone["DeleteMarker"] is True
    marker = gone["VersionId"]
    with refused("NoSuchKey", 404) as error:
        s3.get_object(**AT)
    headers = error["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["x-amz-delete-marker"], headers["x-amz-version-id"]) == ("true", marker)
    with refused("404", 404) as error:
        s3.head_object(**AT)
    assert error["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    with refused("MethodNotAllowed", 405) as error:
        s3.get_object(**AT, VersionId=marker)
    assert error["ResponseMetadata"]["HTTPHeaders"]["allow"] == "DELETE"
    with refused("405", 405):
        s3.head_object(**AT, VersionId=marker)
    with refused("MethodNotAllowed", 405):
        s3.put_object_tagging(**AT, VersionId=marker, Tagging={"TagSet": []})
    assert body(s3, VersionId=first) == b"1"
    assert "Contents" not in s3.list_objects_v2(Bucket="data")
    answer = s3.list_object_versions(Bucket="data")
    assert [(one["VersionId"], one["IsLatest"]) for one in answer["DeleteMarkers"]] == [(marker, True)]
    assert [(one["VersionId"], one["IsLatest"]) for one in answer["Versions"]] == [(first, False)]
    assert answer["DeleteMarkers"][0]["Owner"] == answer["Versions"][0]["Owner"]
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket="data")
    gone = s3.delete_object(**AT, VersionId=marker)
    assert (gone["DeleteMarker"], gone["VersionId"]) == (True, marker)
    assert body(s3) == b"1"
    gone = s3.delete_object(**AT, VersionId=first)
    assert (gone.get("DeleteMarker"), gone["VersionId"]) == (None, first)
    with refused("NoSuchVersion", 404):
        s3.get_object(**AT, VersionId=first)
    s3.delete_object(**AT, VersionId=first)
    s3.delete_bucket(Bucket="data")


def test_suspended(s3: Any) -> None:
    versioning(s3)
    first = put(s3, b"1")
    versioning(s3, "Suspended")
    assert put(s3, b"2") == "null"
    put(s3, b"3")
    assert listed(s3) == [("dir/k", "null", True), ("dir/k", first, False)]
    assert body(s3, VersionId="null") == b"3"
    assert s3.delete_object(**AT)["VersionId"] == "null"
    assert listed(s3) == [("dir/k", "null", True), ("dir/k", first, False)]
    with refused("NoSuchKey", 404):
        s3.get_object(**AT)


def test_many_deleted_at_once(s3: Any) -> None:
    versioning(s3)
    first, second = put(s3, b"1"), put(s3, b"2")
    answer = s3.delete_objects(
        Bucket="data",
        Delete={"Objects": [{"Key": "dir/k"}, {"Key": "other"}, {"Key": "dir/k", "VersionId": "wrong"}]},
    )
    assert [(one["Key"], one["DeleteMarker"]) for one in answer["Deleted"]] == [("dir/k", True), ("other", True)]
    assert [(one["VersionId"], one["Code"]) for one in answer["Errors"]] == [("wrong", "InvalidArgument")]
    marker = answer["Deleted"][0]["DeleteMarkerVersionId"]
    answer = s3.delete_objects(
        Bucket="data",
        Delete={"Objects": [{"Key": "dir/k", "VersionId": one} for one in (marker, first, "0" * 32)]},
    )
    told = {one["VersionId"]: one.get("DeleteMarkerVersionId") for one in answer["Deleted"]}
    assert told == {marker: marker, first: None, "0" * 32: None}
    assert body(s3) == b"2"
    assert body(s3, VersionId=second) == b"2"
    assert (
        s3.delete_objects(
            Bucket="data",
            Delete={"Objects": [{"Key": "dir/k", "VersionId": second, "ETag": '"0"'}], "Quiet": True},
        )["Errors"][0]["Code"]
        == "PreconditionFailed"
    )


def test_conditions(s3: Any) -> None:
    versioning(s3)
    put(s3, b"1", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        put(s3, b"2", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        s3.delete_object(**AT, IfMatch='"0"')
    s3.delete_object(**AT, IfMatch=hashlib.md5(b"1").hexdigest())
    with refused("NoSuchKey", 404):
        put(s3, b"2", IfMatch="*")
    put(s3, b"2", IfNoneMatch="*")
    assert len(listed(s3)) == 3


def test_copies_of_versions(s3: Any) -> None:
    versioning(s3)
    first, _ = put(s3, b"1", Tagging="t=1", ContentType="x/y"), put(s3, b"2")
    source = {**AT, "VersionId": first}
    copied = s3.copy_object(Bucket="data", Key="copy", CopySource=source)
    assert copied["CopySourceVersionId"] == first
    found = s3.get_object(Bucket="data", Key="copy")
    assert (found["Body"].read(), found["ContentType"], found["TagCount"]) == (b"1", "x/y", 1)
    assert found["VersionId"] == copied["VersionId"] != first
    restored = s3.copy_object(**AT, CopySource=source)
    assert body(s3) == b"1"
    assert s3.head_object(**AT)["VersionId"] == restored["VersionId"] != first
    marker = s3.delete_object(**AT)["VersionId"]
    with refused("InvalidRequest", 400) as error:
        s3.copy_object(Bucket="data", Key="copy", CopySource={**AT, "VersionId": marker})
    assert "delete marker" in error["Error"]["Message"]
    with refused("NoSuchKey", 404):
        s3.copy_object(Bucket="data", Key="copy", CopySource=AT)
    with refused("NoSuchVersion", 404):
        s3.copy_object(Bucket="data", Key="copy", CopySource={**AT, "VersionId": "0" * 32})
    upload = s3.create_multipart_upload(Bucket="data", Key="big")["UploadId"]
    part = s3.upload_part_copy(Bucket="data", Key="big", UploadId=upload, PartNumber=1, CopySource=source)
    assert part["CopySourceVersionId"] == first
    done = s3.complete_multipart_upload(
        Bucket="data",
        Key="big",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]},
    )
    assert s3.get_object(Bucket="data", Key="big", VersionId=done["VersionId"])["Body"].read() == b"1"


def test_pages_of_versions(s3: Any) -> None:
    versioning(s3)
    versions = {key: [put(s3, b"x", Key=key) for _ in range(3)] for key in ("a", "b/1", "b/2", "c d+é")}
    s3.delete_object(Bucket="data", Key="b/1")
    for size in (1, 2, 5, 1000):
        pages = s3.get_paginator("list_object_versions").paginate(Bucket="data", PaginationConfig={"PageSize": size})
        seen = [
            (one["Key"], one["VersionId"])
            for page in pages
            for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        ]
        assert len(seen) == len(set(seen)) == 13
        assert {key: [version for one, version in seen if one == key][-3:] for key in ("a", "b/2", "c d+é")} == {
            key: versions[key][::-1] for key in ("a", "b/2", "c d+é")
        }
    rolled = s3.list_object_versions(Bucket="data", Delimiter="/")
    assert [one["Prefix"] for one in rolled["CommonPrefixes"]] == ["b/"]
    assert len(rolled["Versions"]) == 6
    assert len(s3.list_object_versions(Bucket="data", Prefix="b/1")["DeleteMarkers"]) == 1
    page = s3.list_object_versions(Bucket="data", KeyMarker="a", VersionIdMarker=versions["a"][1], MaxKeys=1)
    assert [one["VersionId"] for one in page["Versions"]] == [versions["a"][0]]
    assert (page["NextKeyMarker"], page["NextVersionIdMarker"]) == ("a", versions["a"][0])
    with refused("InvalidArgument", 400):
        s3.list_object_versions(Bucket="data", VersionIdMarker="0" * 32)


def test_versions_and_what_was_there_before_them(s3: Any) -> None:
    s3.put_object(**AT, Body=b"old")
    versioning(s3)
    assert listed(s3) == [("dir/k", "null", True)]
    new = put(s3, b"new")
    assert listed(s3) == [("dir/k", new, True), ("dir/k", "null", False)]
    assert body(s3, VersionId="null") == b"old"
    s3.delete_object(**AT, VersionId=new)
    assert (body(s3), s3.head_object(**AT)["VersionId"]) == (b"old", "null")


@pytest.mark.slow
def test_thousands_of_versions_of_one_key(s3: Any) -> None:
    versioning(s3)
    ids = [put(s3, b"%d" % n) for n in range(2500)]
    pages = s3.get_paginator("list_object_versions").paginate(Bucket="data")
    seen = [one["VersionId"] for page in pages for one in page["Versions"]]
    assert seen == ids[::-1]
    assert body(s3, VersionId=ids[1234]) == b"1234"
