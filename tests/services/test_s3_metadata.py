"""S3 through boto3: what is said about objects beside their bytes."""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.inprocess import InProcess
from tests.s3_house import refused

AT = {"Bucket": "data", "Key": "k"}


def header(answer: Any, name: str) -> str | None:
    found: str | None = answer["ResponseMetadata"]["HTTPHeaders"].get(name)
    return found


def test_headers_and_their_overrides(s3: Any) -> None:
    at = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    s3.put_object(
        **AT,
        Body=b"x",
        Expires=at,
        CacheControl="no-cache",
        ContentEncoding="gzip,aws-chunked",
        WebsiteRedirectLocation="/elsewhere",
        StorageClass="STANDARD_IA",
    )
    for answer in (s3.head_object(**AT), s3.get_object(**AT)):
        assert header(answer, "expires") == "Wed, 02 Jan 2030 03:04:05 GMT"
        assert (answer["CacheControl"], answer["ContentEncoding"]) == ("no-cache", "gzip")
        assert (answer["WebsiteRedirectLocation"], answer["StorageClass"]) == ("/elsewhere", "STANDARD_IA")
    assert s3.list_objects_v2(Bucket="data")["Contents"][0]["StorageClass"] == "STANDARD_IA"
    answer = s3.get_object(**AT, ResponseExpires=at, ResponseContentLanguage="fr", ResponseContentEncoding="br")
    assert (answer["ContentLanguage"], answer["ContentEncoding"]) == ("fr", "br")


def test_what_is_wrong_with_them(s3: Any) -> None:
    with refused("InvalidRedirectLocation", 400):
        s3.put_object(**AT, Body=b"x", WebsiteRedirectLocation="elsewhere")
    with refused("InvalidStorageClass", 400):
        s3.put_object(**AT, Body=b"x", StorageClass="OUTPOSTS")
    for more in ({"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}, {"ObjectLockLegalHoldStatus": "ON"}):
        with refused("NotImplemented", 501):
            s3.put_object(**AT, Body=b"x", ContentMD5=base64.b64encode(hashlib.md5(b"x").digest()).decode(), **more)


def test_user_metadata_that_is_not_ascii_is_told_as_s3_tells_it(house: InProcess, s3: Any) -> None:
    def utf8(request: Any, **_: Any) -> None:
        request.headers.add_header("x-amz-meta-note", "Grüße")

    s3.meta.events.register("before-sign.s3.PutObject", utf8)
    s3.put_object(**AT, Body=b"x", Metadata={"Plain": "a  b"})
    found = s3.head_object(**AT)["Metadata"]
    assert found == {"plain": "a  b", "note": f"=?UTF-8?B?{base64.b64encode('Grüße'.encode()).decode()}?="}


def test_encryption_is_told_as_it_was_asked_for_and_keys_of_kms_are_not(s3: Any) -> None:
    answer = s3.put_object(**AT, Body=b"x", ServerSideEncryption="AES256")
    assert answer["ServerSideEncryption"] == s3.head_object(**AT)["ServerSideEncryption"] == "AES256"
    assert "ServerSideEncryption" not in s3.copy_object(Bucket="data", Key="copy", CopySource=AT)
    again = s3.copy_object(**AT, CopySource=AT, ServerSideEncryption="AES256")
    assert again["ServerSideEncryption"] == "AES256"
    s3.put_object(**AT, Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/mine")
    assert "ServerSideEncryption" not in s3.get_object(**AT)


def test_what_a_copy_takes_along(s3: Any) -> None:
    s3.put_object(
        **AT,
        Body=b"x",
        Metadata={"a": "1"},
        ContentType="x/y",
        Tagging="t=1",
        StorageClass="STANDARD_IA",
        WebsiteRedirectLocation="/w",
    )
    s3.copy_object(Bucket="data", Key="copy", CopySource=AT)
    found = s3.head_object(Bucket="data", Key="copy")
    assert (found["Metadata"], found["ContentType"], found["TagCount"]) == ({"a": "1"}, "x/y", 1)
    assert "StorageClass" not in found
    assert "WebsiteRedirectLocation" not in found
    s3.copy_object(
        Bucket="data", Key="copy", CopySource=AT, MetadataDirective="REPLACE", TaggingDirective="REPLACE", Tagging="u=2"
    )
    found = s3.head_object(Bucket="data", Key="copy")
    assert (found["Metadata"], found["ContentType"]) == ({}, "binary/octet-stream")
    assert s3.get_object_tagging(Bucket="data", Key="copy")["TagSet"] == [{"Key": "u", "Value": "2"}]
    s3.copy_object(**AT, CopySource=AT, StorageClass="STANDARD")
    assert s3.head_object(**AT).get("StorageClass") is None
    with refused("InvalidRequest", 400):
        s3.copy_object(**AT, CopySource=AT)


def test_tags_have_limits(s3: Any) -> None:
    s3.put_object(**AT, Body=b"x")
    for tags, code in (
        ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "InvalidTag"),
        ([{"Key": "aws:x", "Value": ""}], "InvalidTag"),
        ([{"Key": "k" * 129, "Value": ""}], "InvalidTag"),
        ([{"Key": "k", "Value": "v" * 257}], "InvalidTag"),
        ([{"Key": "bad\u2603", "Value": ""}], "InvalidTag"),
    ):
        with refused(code, 400):
            s3.put_object_tagging(**AT, Tagging={"TagSet": tags})
    with refused("InvalidTag", 400):
        s3.put_object(**AT, Body=b"x", Tagging="&".join(f"k{n}=v" for n in range(11)))
    for tagging in ("a=1&a=2", "a=%FF", "&"):
        with refused("InvalidArgument", 400):
            s3.put_object(**AT, Body=b"x", Tagging=tagging)
    with refused("InvalidTag", 400):
        s3.put_object(**AT, Body=b"x", Tagging="=nameless")


def test_a_tag_without_a_value_is_empty(s3: Any) -> None:
    s3.put_object(**AT, Body=b"x", Tagging="a=b&c")
    assert s3.get_object_tagging(**AT)["TagSet"] == [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": ""}]


def test_lists_of_odd_keys(s3: Any) -> None:
    keys = ["a b", "a+b", "a%20b", "a&b<c>\"'", "tab\tkey", "é/ü", "line\nbreak", "\x01"]
    for key in keys:
        s3.put_object(Bucket="data", Key=key, Body=b"")
    assert {one["Key"] for one in s3.list_objects_v2(Bucket="data")["Contents"]} == set(keys)
    assert {one["Key"] for one in s3.list_object_versions(Bucket="data")["Versions"]} == set(keys)
    assert {one["Key"] for one in s3.list_objects(Bucket="data", EncodingType="url")["Contents"]} >= {"a%20b"}
    deleted = s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": key} for key in keys[:6]]})
    assert {one["Key"] for one in deleted["Deleted"]} == set(keys[:6])


def test_attributes_of_parts_with_their_checksums(s3: Any) -> None:
    upload = s3.create_multipart_upload(**AT, ChecksumAlgorithm="SHA256")["UploadId"]
    bodies = [bytes([n]) * (5 << 20) for n in range(2)] + [b"end"]
    parts = []
    for number, body in enumerate(bodies, 1):
        answer = s3.upload_part(**AT, UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": answer["ChecksumSHA256"]})
    s3.complete_multipart_upload(**AT, UploadId=upload, MultipartUpload={"Parts": parts})
    found = s3.get_object_attributes(**AT, ObjectAttributes=["ObjectParts", "Checksum"])
    assert found["Checksum"]["ChecksumType"] == "COMPOSITE"
    assert [one["ChecksumSHA256"] for one in found["ObjectParts"]["Parts"]] == [one["ChecksumSHA256"] for one in parts]
    headed = s3.head_object(**AT, PartNumber=2, ChecksumMode="ENABLED")
    assert headed["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(bodies[1]).digest()).decode()


@pytest.mark.slow
def test_thousands_of_parts_and_the_highest_number(house: InProcess, s3: Any) -> None:
    upload = s3.create_multipart_upload(**AT)["UploadId"]
    source = s3.put_object(Bucket="data", Key="source", Body=b"x" * 100)["ETag"]
    made = [
        house.call(
            "s3",
            "UploadPart",
            {**AT, "UploadId": upload, "PartNumber": number, "Body": b"%d" % number},
        )["ETag"]
        for number in (*range(1, 2001), 10_000)
    ]
    pages = list(s3.get_paginator("list_parts").paginate(**AT, UploadId=upload))
    assert [len(page["Parts"]) for page in pages] == [1000, 1000, 1]
    assert [one["ETag"] for page in pages for one in page["Parts"]] == made
    assert pages[-1]["Parts"][0]["PartNumber"] == 10_000
    assert source not in made
