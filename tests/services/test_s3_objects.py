"""S3 through boto3: put, get, head, delete, conditions, ranges, checksums, tags."""

import base64
import hashlib
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.inprocess import InProcess
from tests.s3_house import refused, s3_house


def put(s3: Any, key: str = "k", body: bytes = b"0123456789", **more: Any) -> Any:
    return s3.put_object(Bucket="data", Key=key, Body=body, **more)


def get(s3: Any, key: str = "k", **more: Any) -> Any:
    return s3.get_object(Bucket="data", Key=key, **more)


def test_what_is_put_is_got_with_everything_said_about_it(s3: Any) -> None:
    said = {
        "ContentType": "text/csv",
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="é.csv"'.encode().decode("latin-1"),
        "ContentEncoding": "x-ours",
        "ContentLanguage": "de",
    }
    answer = put(s3, **said, Metadata={"Team": "a", "note": "b c"})
    etag = f'"{hashlib.md5(b"0123456789").hexdigest()}"'
    assert answer["ETag"] == etag
    found = get(s3)
    assert found["Body"].read() == b"0123456789"
    assert {name: found[name] for name in said if name != "ContentDisposition"} == {
        name: value for name, value in said.items() if name != "ContentDisposition"
    }
    assert (found["ETag"], found["ContentLength"], found["AcceptRanges"]) == (etag, 10, "bytes")
    assert found["Metadata"] == {"team": "a", "note": "b c"}
    headed = s3.head_object(Bucket="data", Key="k")
    for name in ("ETag", "ContentLength", "LastModified", "Metadata", "ContentType", "ContentEncoding"):
        assert headed[name] == found[name]
    assert get(s3, ResponseContentType="x/y", ResponseCacheControl="no-store")["ContentType"] == "x/y"


def test_an_empty_object_and_defaults(s3: Any) -> None:
    put(s3, body=b"")
    found = get(s3)
    assert (found["Body"].read(), found["ContentLength"], found["ContentType"]) == (b"", 0, "binary/octet-stream")


@pytest.mark.parametrize(
    "key", ["a b+c&d=e?f#g%41", "é/日本/\U0001f600", "//x//", "../../etc/passwd", ".", "a/../b", "dir/"]
)
def test_odd_keys(s3: Any, key: str) -> None:
    put(s3, key, key.encode())
    assert get(s3, key)["Body"].read() == key.encode()
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="data")["Contents"]] == [key]
    s3.delete_object(Bucket="data", Key=key)
    assert "Contents" not in s3.list_objects_v2(Bucket="data")


def test_keys_of_1024_bytes_and_no_more(s3: Any) -> None:
    put(s3, "k" * 1024)
    assert get(s3, "k" * 1024)["ContentLength"] == 10
    with refused("KeyTooLongError", 400):
        put(s3, "é" * 513)


def test_what_is_not_there(s3: Any) -> None:
    with refused("NoSuchKey", 404) as error:
        get(s3, "nothing")
    assert error["Error"]["Key"] == "nothing"
    with refused("404", 404):
        s3.head_object(Bucket="data", Key="nothing")
    with refused("NoSuchBucket", 404) as error:
        s3.put_object(Bucket="no-such-bucket", Key="k", Body=b"")
    assert error["Error"]["BucketName"] == "no-such-bucket"
    with refused("NoSuchVersion", 404):
        get(s3, put(s3) and "k", VersionId="0" * 32)
    with refused("InvalidArgument", 400) as error:
        get(s3, VersionId="v1")
    assert error["Error"]["Message"] == "Invalid version id specified"
    s3.delete_object(Bucket="data", Key="nothing")


def test_ranges(s3: Any) -> None:
    put(s3)
    for asked, expected, shown in (
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-30", b"0123456789", "bytes 0-9/10"),
        ("bytes=0-99", b"0123456789", "bytes 0-9/10"),
    ):
        found = get(s3, Range=asked)
        assert found["Body"].read() == expected
        assert (found["ContentRange"], found["ContentLength"]) == (shown, len(expected))
        assert found["ResponseMetadata"]["HTTPStatusCode"] == 206
    for asked in ("bytes=4-2", "lines=1-2", "bytes=0-1,3-4", "bytes=-"):
        found = get(s3, Range=asked)
        assert found["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert found["Body"].read() == b"0123456789"
    for asked in ("bytes=10-", "bytes=10-12", "bytes=-0"):
        with refused("InvalidRange", 416) as error:
            get(s3, Range=asked)
        assert error["Error"]["ActualObjectSize"] == "10"
    assert s3.head_object(Bucket="data", Key="k", Range="bytes=2-4")["ContentLength"] == 3


def test_conditions_of_reads(s3: Any) -> None:
    etag = put(s3)["ETag"]
    at = s3.head_object(Bucket="data", Key="k")["LastModified"]
    other, second = '"00000000000000000000000000000000"', timedelta(seconds=1)
    for good in (
        {"IfMatch": etag},
        {"IfMatch": "*"},
        {"IfNoneMatch": other},
        {"IfUnmodifiedSince": at},
        {"IfModifiedSince": at - second},
        {"IfMatch": etag, "IfUnmodifiedSince": at - second},
        {"IfNoneMatch": other, "IfModifiedSince": at - second},
    ):
        assert get(s3, **good)["Body"].read() == b"0123456789"
    for condition in ({"IfMatch": other}, {"IfUnmodifiedSince": at - second}):
        with refused("PreconditionFailed", 412):
            get(s3, **condition)
        with refused("412", 412):
            s3.head_object(Bucket="data", Key="k", **condition)
    for unchanged in ({"IfNoneMatch": etag}, {"IfModifiedSince": at}, {"IfNoneMatch": "*"}):
        with refused("304", 304) as error:
            get(s3, **unchanged)
        assert error["ResponseMetadata"]["HTTPHeaders"]["etag"] == etag


def test_conditions_of_writes(s3: Any) -> None:
    with refused("NoSuchKey", 404):
        put(s3, IfMatch='"0"')
    etag = put(s3, IfNoneMatch="*")["ETag"]
    for more in ({"IfNoneMatch": etag}, {"IfNoneMatch": "*", "IfMatch": etag}):
        with refused("NotImplemented", 501) as error:  # in AWS as well
            put(s3, **more)
        assert error["Error"]["Header"] == "If-None-Match"
    with refused("PreconditionFailed", 412):
        put(s3, IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        put(s3, body=b"x", IfMatch='"0"')
    put(s3, body=b"new", IfMatch=etag)
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket="data", Key="k", IfMatch=etag)
    s3.delete_object(Bucket="data", Key="k", IfMatch=f'"{hashlib.md5(b"new").hexdigest()}"')


def test_content_md5(s3: Any) -> None:
    good = base64.b64encode(hashlib.md5(b"0123456789").digest()).decode()
    put(s3, ContentMD5=good)
    with refused("BadDigest", 400):
        put(s3, "k2", b"something else", ContentMD5=good)
    with refused("404"):
        s3.head_object(Bucket="data", Key="k2")


@pytest.mark.parametrize(
    "algorithm",
    ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "XXHASH64", "XXHASH3", "XXHASH128"],
)
def test_checksums_are_kept_and_told_when_asked(s3: Any, algorithm: str) -> None:
    digests = {
        "CRC32": zlib.crc32(b"0123456789").to_bytes(4, "big"),
        "CRC32C": bytes.fromhex("280c069e"),  # as AWS's own library counts them
        "CRC64NVME": bytes.fromhex("15f9b1ee4cfd9c1d"),
        "SHA1": hashlib.sha1(b"0123456789").digest(),
        "SHA256": hashlib.sha256(b"0123456789").digest(),
        "SHA512": hashlib.sha512(b"0123456789").digest(),
        "XXHASH64": bytes.fromhex("3f5fc178a81867e7"),
        "XXHASH3": bytes.fromhex("6de3431b05f7c11f"),
        "XXHASH128": bytes.fromhex("e353667619ec664b49655fc9692165fb"),
    }
    member, value = f"Checksum{algorithm}", base64.b64encode(digests[algorithm]).decode()
    if algorithm in ("CRC32", "SHA1", "SHA256"):  # the others botocore does not count by itself
        assert put(s3, ChecksumAlgorithm=algorithm)[member] == value
    put(s3, **{member: value})
    with refused("BadDigest", 400):
        put(s3, body=b"other", **{member: value})
    told = s3.head_object(Bucket="data", Key="k", ChecksumMode="ENABLED")
    assert (told[member], told["ChecksumType"]) == (value, "FULL_OBJECT")
    assert member not in s3.head_object(Bucket="data", Key="k")
    assert member not in get(s3, ChecksumMode="ENABLED", Range="bytes=0-1")
    listed = s3.list_objects_v2(Bucket="data")["Contents"][0]
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == ([algorithm], "FULL_OBJECT")
    attributes = s3.get_object_attributes(
        Bucket="data", Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectSize", "StorageClass", "ObjectParts"]
    )
    assert attributes["Checksum"][member] == value
    assert (attributes["ObjectSize"], attributes["StorageClass"]) == (10, "STANDARD")
    assert attributes["ETag"] == hashlib.md5(b"0123456789").hexdigest()


def test_promises_that_could_not_be_kept_are_refused_by_name(s3: Any) -> None:
    with refused("NotImplemented", 501) as error:
        put(s3, SSECustomerAlgorithm="AES256", SSECustomerKey="k" * 32)
    assert "SSECustomer" in error["Error"]["Message"]
    with refused("NotImplemented", 501) as error:
        s3.restore_object(Bucket="data", Key="k", RestoreRequest={"Days": 1})
    assert "RestoreObject" in error["Error"]["Message"]
    with refused("NotImplemented", 501) as error:
        s3.select_object_content(
            Bucket="data",
            Key="k",
            Expression="SELECT 1",
            ExpressionType="SQL",
            InputSerialization={"CSV": {}},
            OutputSerialization={"CSV": {}},
        )
    assert "SelectObjectContent" in error["Error"]["Message"]


def test_the_owner_that_was_expected(s3: Any) -> None:
    put(s3, ExpectedBucketOwner="123456789012")
    with refused("AccessDenied", 403):
        put(s3, ExpectedBucketOwner="210987654321")


def test_user_metadata_has_a_limit(s3: Any) -> None:
    put(s3, Metadata={"a": "x" * 2047})
    with refused("MetadataTooLarge", 400):
        put(s3, Metadata={"a": "x" * 2048})


def test_many_deleted_at_once(s3: Any) -> None:
    keys = [f"k{n}" for n in range(20)]
    for key in keys:
        put(s3, key)
    asked = [{"Key": key} for key in keys[:10]]
    answer = s3.delete_objects(Bucket="data", Delete={"Objects": [*asked, {"Key": "nothing"}]})
    assert [one["Key"] for one in answer["Deleted"]] == [*keys[:10], "nothing"]
    answer = s3.delete_objects(
        Bucket="data",
        Delete={
            "Objects": [{"Key": "k10"}, {"Key": "k11", "ETag": '"0"'}, {"Key": "k12", "VersionId": "7"}],
            "Quiet": True,
        },
    )
    assert "Deleted" not in answer
    assert {one["Key"]: one["Code"] for one in answer["Errors"]} == {
        "k11": "PreconditionFailed",
        "k12": "InvalidArgument",
    }
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="data")["Contents"]] == sorted(keys[11:])
    with refused("MalformedXML", 400):
        s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": str(n)} for n in range(1001)]})


def test_tags(s3: Any) -> None:
    put(s3, Tagging="team=a&stage=raw%20data")
    assert s3.get_object_tagging(Bucket="data", Key="k")["TagSet"] == [
        {"Key": "team", "Value": "a"},
        {"Key": "stage", "Value": "raw data"},
    ]
    assert get(s3)["TagCount"] == 2
    at = get(s3)["LastModified"]
    s3.put_object_tagging(Bucket="data", Key="k", Tagging={"TagSet": [{"Key": "x", "Value": ""}]})
    assert s3.get_object_tagging(Bucket="data", Key="k")["TagSet"] == [{"Key": "x", "Value": ""}]
    assert get(s3)["LastModified"] == at
    s3.delete_object_tagging(Bucket="data", Key="k")
    assert s3.get_object_tagging(Bucket="data", Key="k")["TagSet"] == []
    with refused("InvalidTag", 400):
        s3.put_object_tagging(
            Bucket="data", Key="k", Tagging={"TagSet": [{"Key": str(n), "Value": ""} for n in range(11)]}
        )
    with refused("NoSuchKey", 404):
        s3.get_object_tagging(Bucket="data", Key="nothing")


def test_copies(s3: Any) -> None:
    s3.create_bucket(Bucket="other")
    etag = put(s3, ContentType="text/csv", Metadata={"a": "1"}, Tagging="t=1", ChecksumAlgorithm="SHA256")["ETag"]
    source = {"Bucket": "data", "Key": "k"}
    copied = s3.copy_object(Bucket="other", Key="é /k", CopySource=source)["CopyObjectResult"]
    assert copied["ETag"] == etag
    found = s3.get_object(Bucket="other", Key="é /k", ChecksumMode="ENABLED")
    assert found["Body"].read() == b"0123456789"
    assert (found["ContentType"], found["Metadata"], found["TagCount"]) == ("text/csv", {"a": "1"}, 1)
    assert found["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"0123456789").digest()).decode()
    back = s3.copy_object(
        Bucket="data", Key="back", CopySource={"Bucket": "other", "Key": "é /k"}, ChecksumAlgorithm="CRC32"
    )["CopyObjectResult"]
    assert back["ChecksumCRC32"] == base64.b64encode(zlib.crc32(b"0123456789").to_bytes(4, "big")).decode()

    with refused("InvalidRequest", 400):
        s3.copy_object(Bucket="data", Key="k", CopySource=source)
    s3.copy_object(
        Bucket="data", Key="k", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"}, ContentType="x/y"
    )
    found = get(s3)
    assert (found["ContentType"], found["Metadata"], found["Body"].read()) == ("x/y", {"b": "2"}, b"0123456789")

    for condition in ({"CopySourceIfMatch": '"0"'}, {"CopySourceIfNoneMatch": etag}):
        with refused("PreconditionFailed", 412):
            s3.copy_object(Bucket="data", Key="k2", CopySource=source, **condition)
    s3.copy_object(Bucket="data", Key="k2", CopySource=source, CopySourceIfMatch=etag, IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        s3.copy_object(Bucket="data", Key="k2", CopySource=source, IfNoneMatch="*")
    with refused("NoSuchKey", 404) as error:
        s3.copy_object(Bucket="data", Key="k3", CopySource={"Bucket": "data", "Key": "nothing"})
    assert error["Error"]["Key"] == "nothing"
    with refused("NoSuchBucket", 404):
        s3.copy_object(Bucket="data", Key="k3", CopySource={"Bucket": "nothing", "Key": "k"})
    with refused("InvalidRequest", 400):
        s3.copy_object(Bucket="data", Key="k3", CopySource="just-a-bucket")


def test_a_large_body_in_chunks_each_way(s3: Any) -> None:
    body = bytes(range(256)) * (20 * 1024)
    put(s3, body=body)
    found = get(s3)
    assert b"".join(found["Body"].iter_chunks(1 << 16)) == body
    s3.put_object(Bucket="data", Key="unsigned", Body=body, ChecksumAlgorithm="CRC32")
    assert get(s3, "unsigned", ChecksumMode="ENABLED")["Body"].read() == body


def test_calls_from_inside_stream_too(house: InProcess, s3: Any) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for n in range(5):
            yield bytes([n]) * 1000

    house.call("s3", "PutObject", {"Bucket": "data", "Key": "in", "Body": pieces(), "ContentType": "x/y"})
    house.call("s3", "PutObject", {"Bucket": "data", "Key": "in2", "Body": b"bytes"})
    assert get(s3, "in")["Body"].read() == b"".join(bytes([n]) * 1000 for n in range(5))

    async def read() -> bytes:
        answer = await house.context().call(
            "s3", "GetObject", {"Bucket": "data", "Key": "in", "Range": "bytes=999-1000"}
        )
        return b"".join([piece async for piece in answer["Body"]])

    assert house.run(read()) == b"\0\1"
    listed = house.call("s3", "ListObjectsV2", {"Bucket": "data", "Prefix": "in"})
    assert [(one["Key"], one["Size"]) for one in listed["Contents"]] == [("in", 5000), ("in2", 5)]


def test_a_file_written_in_place_is_served(tmp_path: Path) -> None:
    with s3_house(tmp_path) as (house, _):
        s3 = house.client("s3")
        s3.create_bucket(Bucket="data")
        (tmp_path / "objects/data/table").mkdir()
        (tmp_path / "objects/data/table/part-0.parquet").write_bytes(b"PAR1")
        found = s3.get_object(Bucket="data", Key="table/part-0.parquet")
        assert found["Body"].read() == b"PAR1"
        assert s3.list_objects_v2(Bucket="data")["Contents"][0]["ETag"] == found["ETag"]
        s3.get_object(Bucket="data", Key="table/part-0.parquet", IfMatch=found["ETag"])
