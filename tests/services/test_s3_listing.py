"""S3 through boto3: lists of objects."""

from typing import Any

import pytest

from tests.s3_house import refused

KEYS = ["a.txt", "photos/2005/x", "photos/2006/a", "photos/2006/b", "photos/z", "sound/é &", "videos"]


@pytest.fixture
def s3(s3: Any) -> Any:
    for key in KEYS:
        s3.put_object(Bucket="data", Key=key, Body=key.encode())
    return s3


def keys(answer: Any) -> list[str]:
    return [one["Key"] for one in answer.get("Contents", [])]


def prefixes(answer: Any) -> list[str]:
    return [one["Prefix"] for one in answer.get("CommonPrefixes", [])]


def test_version_2(s3: Any) -> None:
    answer = s3.list_objects_v2(Bucket="data")
    assert (keys(answer), answer["KeyCount"], answer["MaxKeys"], answer["IsTruncated"]) == (KEYS, 7, 1000, False)
    one = answer["Contents"][0]
    assert (one["Size"], one["StorageClass"], "Owner" in one) == (5, "STANDARD", False)
    assert one["LastModified"] == s3.head_object(Bucket="data", Key="a.txt")["LastModified"]
    answer = s3.list_objects_v2(Bucket="data", Delimiter="/", FetchOwner=True)
    assert (keys(answer), prefixes(answer)) == (["a.txt", "videos"], ["photos/", "sound/"])
    assert answer["KeyCount"] == 4
    assert len(answer["Contents"][0]["Owner"]["ID"]) == 64
    answer = s3.list_objects_v2(Bucket="data", Prefix="photos/", Delimiter="/")
    assert (keys(answer), prefixes(answer)) == (["photos/z"], ["photos/2005/", "photos/2006/"])
    assert keys(s3.list_objects_v2(Bucket="data", StartAfter="photos/2006/a")) == KEYS[3:]
    assert keys(s3.list_objects_v2(Bucket="data", Prefix="none")) == []


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_of_version_2(s3: Any, size: int) -> None:
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket="data", PaginationConfig={"PageSize": size}))
    assert [key for page in pages for key in keys(page)] == KEYS
    assert all(len(keys(page)) == size for page in pages[:-1])
    pages = list(
        s3.get_paginator("list_objects_v2").paginate(Bucket="data", Delimiter="/", PaginationConfig={"PageSize": size})
    )
    assert sorted(item for page in pages for item in keys(page) + prefixes(page)) == [
        "a.txt",
        "photos/",
        "sound/",
        "videos",
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_of_version_1(s3: Any, size: int) -> None:
    pages = list(s3.get_paginator("list_objects").paginate(Bucket="data", PaginationConfig={"PageSize": size}))
    assert [key for page in pages for key in keys(page)] == KEYS
    pages = list(
        s3.get_paginator("list_objects").paginate(Bucket="data", Delimiter="/", PaginationConfig={"PageSize": size})
    )
    assert sorted(item for page in pages for item in keys(page) + prefixes(page)) == [
        "a.txt",
        "photos/",
        "sound/",
        "videos",
    ]
    assert "Owner" in pages[0]["Contents"][0]
    assert keys(s3.list_objects(Bucket="data", Marker="sound/é &")) == ["videos"]


def test_limits(s3: Any) -> None:
    answer = s3.list_objects_v2(Bucket="data", MaxKeys=0)
    assert (keys(answer), answer["IsTruncated"], answer["KeyCount"]) == ([], False, 0)
    assert s3.list_objects_v2(Bucket="data", MaxKeys=5000)["MaxKeys"] == 1000
    with refused("InvalidArgument", 400) as error:
        s3.list_objects_v2(Bucket="data", MaxKeys=-1)
    assert error["Error"]["ArgumentName"] == "max-keys"
    for token in ("never-given", ""):
        with refused("InvalidArgument", 400) as error:
            s3.list_objects_v2(Bucket="data", ContinuationToken=token)
        assert error["Error"]["Message"] == "The continuation token provided is incorrect"
    token = s3.list_objects_v2(Bucket="data", MaxKeys=1)["NextContinuationToken"]
    with refused("InvalidArgument", 400):
        s3.list_objects_v2(Bucket="data", ContinuationToken=token, Prefix="photos/")
    with refused("NoSuchBucket", 404):
        s3.list_objects_v2(Bucket="no-bucket")


def test_keys_that_xml_cannot_hold_travel_encoded(s3: Any) -> None:
    odd = ["ctrl/\x01\x1f", "ctrl/new\nline", "ctrl/t ab\t+%2F"]
    for key in odd:
        s3.put_object(Bucket="data", Key=key, Body=b"")
    assert keys(s3.list_objects_v2(Bucket="data", Prefix="ctrl/")) == odd
    assert prefixes(s3.list_objects(Bucket="data", Prefix="ctrl/\x01", Delimiter="\x1f")) == ["ctrl/\x01\x1f"]


def test_versions_of_a_bucket_without(s3: Any) -> None:
    answer = s3.list_object_versions(Bucket="data", Prefix="photos/2006/")
    assert [(one["Key"], one["VersionId"], one["IsLatest"]) for one in answer["Versions"]] == [
        ("photos/2006/a", "null", True),
        ("photos/2006/b", "null", True),
    ]
    pages = list(s3.get_paginator("list_object_versions").paginate(Bucket="data", PaginationConfig={"PageSize": 2}))
    assert [one["Key"] for page in pages for one in page["Versions"]] == KEYS
    s3.delete_objects(
        Bucket="data", Delete={"Objects": [{"Key": one["Key"], "VersionId": "null"} for one in answer["Versions"]]}
    )
    assert len(keys(s3.list_objects_v2(Bucket="data"))) == 5


def test_what_is_empty_in_the_request(s3: Any) -> None:
    answer = s3.list_objects(Bucket="data", Delimiter="", Marker="", Prefix="")
    assert (keys(answer), answer["Marker"], answer["Prefix"], "Delimiter" in answer) == (KEYS, "", "", False)
    answer = s3.list_objects_v2(Bucket="data", Delimiter="", StartAfter="", Prefix="")
    assert (keys(answer), answer["Prefix"], answer.keys() & {"Delimiter", "StartAfter"}) == (KEYS, "", set())
    answer = s3.list_object_versions(Bucket="data", Delimiter="", KeyMarker="", VersionIdMarker="")
    assert ([one["Key"] for one in answer["Versions"]], "Delimiter" in answer) == (KEYS, False)
