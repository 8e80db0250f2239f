"""S3 through boto3: multipart uploads."""

import base64
import hashlib
import io
import os
import zlib
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig

from clary.aws.checksums import running
from clary.services.s3 import checksums
from tests.s3_house import refused

MIB = 1 << 20
PARTS = [os.urandom(5 * MIB), os.urandom(5 * MIB + 17), b"the end"]
AT = {"Bucket": "data", "Key": "big/file"}


def upload(s3: Any, **more: Any) -> tuple[str, list[dict[str, Any]]]:
    upload_id = s3.create_multipart_upload(**AT, **more)["UploadId"]
    algorithm = {"ChecksumAlgorithm": more["ChecksumAlgorithm"]} if "ChecksumAlgorithm" in more else {}
    parts = []
    for number, body in enumerate(PARTS, 1):
        answer = s3.upload_part(**AT, UploadId=upload_id, PartNumber=number, Body=body, **algorithm)
        sums = {name: value for name, value in answer.items() if name.startswith("Checksum")}
        parts.append({"PartNumber": number, "ETag": answer["ETag"], **sums})
    return upload_id, parts


def complete(s3: Any, upload_id: str, parts: list[dict[str, Any]], **more: Any) -> Any:
    return s3.complete_multipart_upload(**AT, UploadId=upload_id, MultipartUpload={"Parts": parts}, **more)


def test_from_start_to_end(s3: Any) -> None:
    upload_id, parts = upload(s3, ContentType="text/csv", Metadata={"a": "1"}, Tagging="t=1")
    with refused("NoSuchKey"):
        s3.get_object(**AT)
    listed = s3.list_parts(**AT, UploadId=upload_id)
    assert [(one["PartNumber"], one["Size"], one["ETag"]) for one in listed["Parts"]] == [
        (part["PartNumber"], len(body), part["ETag"]) for part, body in zip(parts, PARTS, strict=True)
    ]
    page = s3.list_parts(**AT, UploadId=upload_id, MaxParts=2)
    assert (page["IsTruncated"], page["NextPartNumberMarker"]) == (True, 2)
    answer = complete(s3, upload_id, parts)
    digests = b"".join(hashlib.md5(body).digest() for body in PARTS)
    assert answer["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-3"'
    assert (answer["Bucket"], answer["Key"]) == ("data", "big/file")
    found = s3.get_object(**AT)
    assert found["Body"].read() == b"".join(PARTS)
    assert (found["ContentType"], found["Metadata"], found["TagCount"]) == ("text/csv", {"a": "1"}, 1)
    assert complete(s3, upload_id, parts)["ETag"] == answer["ETag"]
    for call in (s3.list_parts, s3.abort_multipart_upload):
        with refused("NoSuchUpload", 404):
            call(**AT, UploadId=upload_id)


def test_parts_of_the_object_can_be_read(s3: Any) -> None:
    complete(s3, *upload(s3))
    for number, body in enumerate(PARTS, 1):
        found = s3.get_object(**AT, PartNumber=number)
        assert (found["Body"].read(), found["PartsCount"]) == (body, 3)
        assert found["ResponseMetadata"]["HTTPStatusCode"] == 206
    with refused("InvalidPartNumber", 416):
        s3.get_object(**AT, PartNumber=4)
    attributes = s3.get_object_attributes(**AT, ObjectAttributes=["ObjectParts"], MaxParts=2)["ObjectParts"]
    assert (attributes["TotalPartsCount"], attributes["IsTruncated"]) == (3, True)
    assert [one["Size"] for one in attributes["Parts"]] == [len(body) for body in PARTS[:2]]
    s3.put_object(Bucket="data", Key="whole", Body=b"x")
    assert s3.head_object(Bucket="data", Key="whole", PartNumber=1)["ContentLength"] == 1


def test_what_complete_refuses(s3: Any) -> None:
    upload_id, parts = upload(s3)
    wrong = {"PartNumber": 2, "ETag": '"0"'}
    for given, code in (
        ([], "MalformedXML"),
        ([parts[1], parts[0]], "InvalidPartOrder"),
        ([parts[0], parts[0]], "InvalidPartOrder"),
        ([parts[0], wrong], "InvalidPart"),
        ([*parts, {"PartNumber": 9, "ETag": '"0"'}], "InvalidPart"),
    ):
        with refused(code, 400):
            complete(s3, upload_id, given)
    s3.upload_part(**AT, UploadId=upload_id, PartNumber=1, Body=b"small")
    with refused("InvalidPart", 400):
        complete(s3, upload_id, parts)
    small = {"PartNumber": 1, "ETag": hashlib.md5(b"small").hexdigest()}
    with refused("EntityTooSmall", 400) as error:
        complete(s3, upload_id, [small, parts[1]])
    assert error["Error"]["MinSizeAllowed"] == str(5 * MIB)
    with refused("InvalidRequest", 400):
        complete(s3, upload_id, parts[1:], MpuObjectSize=1)
    s3.put_object(**AT, Body=b"there")
    with refused("PreconditionFailed", 412):
        complete(s3, upload_id, parts[1:], IfNoneMatch="*")
    assert s3.get_object(**AT)["Body"].read() == b"there"
    complete(s3, upload_id, parts[1:])
    assert s3.get_object(**AT)["Body"].read() == b"".join(PARTS[1:])


def test_what_parts_refuse(s3: Any) -> None:
    upload_id = s3.create_multipart_upload(**AT, ChecksumAlgorithm="SHA256")["UploadId"]
    for number in (0, 10_001):
        with refused("InvalidArgument", 400):
            s3.upload_part(**AT, UploadId=upload_id, PartNumber=number, Body=b"x")
    with refused("InvalidRequest", 400) as error:
        s3.upload_part(**AT, UploadId=upload_id, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32")
    assert "expected checksum Type: sha256" in error["Error"]["Message"]
    with refused("NoSuchUpload", 404):
        s3.upload_part(Bucket="data", Key="other", UploadId=upload_id, PartNumber=1, Body=b"x")
    with refused("NoSuchUpload", 404):
        s3.upload_part(**AT, UploadId="never", PartNumber=1, Body=b"x")


def test_a_composite_checksum(s3: Any) -> None:
    upload_id, parts = upload(s3, ChecksumAlgorithm="SHA256")
    bare = [{"PartNumber": one["PartNumber"], "ETag": one["ETag"]} for one in parts]
    with refused("InvalidRequest", 400):
        complete(s3, upload_id, bare)
    answer = complete(s3, upload_id, parts)
    whole = hashlib.sha256(b"".join(hashlib.sha256(body).digest() for body in PARTS)).digest()
    assert answer["ChecksumSHA256"] == base64.b64encode(whole).decode() + "-3"
    told = s3.head_object(**AT, ChecksumMode="ENABLED")
    assert (told["ChecksumSHA256"], told["ChecksumType"]) == (answer["ChecksumSHA256"], "COMPOSITE")


def test_a_checksum_of_the_whole_from_those_of_its_parts(s3: Any) -> None:
    upload_id, parts = upload(s3, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    expected = base64.b64encode(zlib.crc32(b"".join(PARTS)).to_bytes(4, "big")).decode()
    with refused("BadDigest", 400):
        complete(s3, upload_id, parts, ChecksumCRC32="AAAAAA==", ChecksumType="FULL_OBJECT")
    assert complete(s3, upload_id, parts, ChecksumCRC32=expected)["ChecksumCRC32"] == expected
    found = s3.get_object(**AT, ChecksumMode="ENABLED")
    assert (found["ChecksumCRC32"], found["ChecksumType"]) == (expected, "FULL_OBJECT")
    assert found["Body"].read() == b"".join(PARTS)
    with refused("InvalidRequest", 400):
        s3.create_multipart_upload(**AT, ChecksumAlgorithm="SHA1", ChecksumType="FULL_OBJECT")


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME"])
@pytest.mark.parametrize("sizes", [[1], [0, 5], [7, 0, 9], [1000, 1000, 3], [123_457, 1, 65_536]])
def test_crcs_are_put_together_without_the_bytes(algorithm: str, sizes: list[int]) -> None:
    def crc(body: bytes) -> str:
        whole = running(algorithm)
        whole.update(body)
        return base64.b64encode(whole.digest()).decode()

    bodies = [os.urandom(size) for size in sizes]
    sums = [(crc(body), len(body)) for body in bodies]
    assert checksums.of_parts(algorithm, checksums.FULL, sums) == crc(b"".join(bodies))


@pytest.mark.parametrize(("algorithm", "expected"), [("CRC32C", "4waSgw=="), ("CRC64NVME", "rosUhgp5mIg=")])
def test_the_check_values_that_the_catalogue_of_crcs_gives(algorithm: str, expected: str) -> None:
    """Of the nine bytes "123456789": 0xe3069283 and 0xae8b14860a799888."""
    whole = running(algorithm)
    whole.update(b"12345")
    whole.update(b"6789")
    assert base64.b64encode(whole.digest()).decode() == expected


def test_parts_copied_from_objects(s3: Any) -> None:
    body = os.urandom(12 * MIB)
    s3.put_object(Bucket="data", Key="source", Body=body)
    source = {"Bucket": "data", "Key": "source"}
    upload_id = s3.create_multipart_upload(**AT)["UploadId"]
    parts = []
    for number, asked in enumerate((f"bytes=0-{6 * MIB - 1}", f"bytes={6 * MIB}-{12 * MIB - 1}", None), 1):
        some = {"CopySourceRange": asked} if asked else {}
        result = s3.upload_part_copy(**AT, UploadId=upload_id, PartNumber=number, CopySource=source, **some)
        parts.append({"PartNumber": number, "ETag": result["CopyPartResult"]["ETag"]})
    with refused("InvalidRange", 416):
        s3.upload_part_copy(
            **AT, UploadId=upload_id, PartNumber=4, CopySource=source, CopySourceRange=f"bytes=0-{12 * MIB}"
        )
    with refused("InvalidArgument", 400):
        s3.upload_part_copy(**AT, UploadId=upload_id, PartNumber=4, CopySource=source, CopySourceRange="bytes=5-")
    complete(s3, upload_id, parts)
    assert s3.get_object(**AT)["Body"].read() == body + body


def test_lists_of_uploads(s3: Any) -> None:
    keys = ["a", "b/1", "b/2", "c"]
    for key in keys:
        s3.create_multipart_upload(Bucket="data", Key=key)
    second = s3.create_multipart_upload(Bucket="data", Key="a")["UploadId"]
    listed = s3.list_multipart_uploads(Bucket="data")
    assert [one["Key"] for one in listed["Uploads"]] == ["a", *keys]
    assert listed["Uploads"][1]["UploadId"] == second
    rolled = s3.list_multipart_uploads(Bucket="data", Delimiter="/")
    assert [one["Key"] for one in rolled["Uploads"]] == ["a", "a", "c"]
    assert [one["Prefix"] for one in rolled["CommonPrefixes"]] == ["b/"]
    assert [one["Key"] for one in s3.list_multipart_uploads(Bucket="data", Prefix="b/")["Uploads"]] == ["b/1", "b/2"]
    for more in ({}, {"Delimiter": "/"}):
        pages = s3.get_paginator("list_multipart_uploads").paginate(
            Bucket="data", PaginationConfig={"PageSize": 1}, **more
        )
        seen = [
            item
            for page in pages
            for item in [one["Key"] for one in page.get("Uploads", [])]
            + [one["Prefix"] for one in page.get("CommonPrefixes", [])]
        ]
        assert seen == (["a", "a", "b/", "c"] if more else ["a", *keys])
    s3.abort_multipart_upload(Bucket="data", Key="a", UploadId=second)
    assert len(s3.list_multipart_uploads(Bucket="data")["Uploads"]) == 4


def test_the_transfers_of_boto3(s3: Any, tmp_path: Path) -> None:
    body = os.urandom(17 * MIB)
    config = TransferConfig(multipart_threshold=6 * MIB, multipart_chunksize=6 * MIB, max_concurrency=4)
    s3.upload_fileobj(io.BytesIO(body), "data", "transfer", Config=config, ExtraArgs={"Metadata": {"a": "1"}})
    assert s3.head_object(Bucket="data", Key="transfer")["ETag"].endswith('-3"')
    s3.download_file("data", "transfer", str(tmp_path / "down"), Config=config)
    assert (tmp_path / "down").read_bytes() == body
    s3.copy({"Bucket": "data", "Key": "transfer"}, "data", "copied", Config=config)
    assert s3.get_object(Bucket="data", Key="copied")["Body"].read() == body
