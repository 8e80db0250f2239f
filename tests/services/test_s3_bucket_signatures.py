"""S3 by Signature Version 2 and by presigned URLs of both versions, with sub-resources and overrides."""

import time
from typing import Any

import pytest

from clary.aws.credentials import Keys
from tests.inprocess import ROOT_KEYS, URL, InProcess
from tests.s3_house import refused


@pytest.fixture
def house(house: InProcess) -> InProcess:
    house.client("s3").create_bucket(Bucket="data")
    return house


def fetch(house: InProcess, url: str, method: str = "GET", body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    return house.request(method, url.removeprefix(URL), {}, body)


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_a_client_of_the_older_signature(house: InProcess, style: str) -> None:
    old = house.client("s3", signature_version="s3", s3={"addressing_style": style})
    old.put_object(Bucket="data", Key="a b/ü", Body=b"x", ContentType="text/plain", Metadata={"k": "v"})
    assert old.get_object(Bucket="data", Key="a b/ü", ResponseContentType="text/x")["ContentType"] == "text/x"
    old.put_object_tagging(Bucket="data", Key="a b/ü", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    upload = old.create_multipart_upload(Bucket="data", Key="m")["UploadId"]
    part = old.upload_part(Bucket="data", Key="m", UploadId=upload, PartNumber=1, Body=b"p")["ETag"]
    old.complete_multipart_upload(
        Bucket="data", Key="m", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]}
    )
    assert [one["Key"] for one in old.list_objects_v2(Bucket="data")["Contents"]] == ["a b/ü", "m"]
    old.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "m"}]})


def test_who_cannot_sign_in_the_older_way(house: InProcess) -> None:
    wrong = Keys(ROOT_KEYS.access_key_id, "another secret")
    with refused("SignatureDoesNotMatch", 403):
        house.client("s3", keys=wrong, signature_version="s3").list_buckets()
    with refused("InvalidAccessKeyId", 403):
        house.client("s3", keys=Keys("AKIANOBODY", "x"), signature_version="s3").list_buckets()


@pytest.mark.parametrize("header", ["Date", "x-amz-date"])
@pytest.mark.parametrize(
    ("date", "code"),
    [
        ("Mon, 01 Jan 2024 00:00:00 GMT", b"RequestTimeTooSkewed"),
        ("Tue, 07 Jul 9999 21:53:04 GMT", b"RequestTimeTooSkewed"),
        ("Tue, 07 Jul 1950 21:53:04 GMT", b"AccessDenied"),
        ("soon", b"AccessDenied"),
        ("nan", b"AccessDenied"),
        ("", b"AccessDenied"),
    ],
)
def test_dates_of_the_older_way(house: InProcess, header: str, date: str, code: bytes) -> None:
    headers = {"Authorization": f"AWS {ROOT_KEYS.access_key_id}:c2lnbmF0dXJl", header: date}
    if header != "Date":
        headers["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    status, _, body = house.request("GET", "/data", headers)
    assert (status, code in body) == (403, True), body


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_of_sub_resources(house: InProcess, version: str) -> None:
    s3 = house.client("s3", signature_version=version)
    house.client("s3").put_object(Bucket="data", Key="k", Body=b"x")
    asked: list[tuple[str, dict[str, Any], bytes]] = [
        ("get_object_tagging", {"Key": "k"}, b"Tagging"),
        ("get_bucket_location", {}, b"LocationConstraint"),
        ("get_bucket_versioning", {}, b"VersioningConfiguration"),
        ("list_multipart_uploads", {}, b"ListMultipartUploadsResult"),
        ("list_object_versions", {}, b"ListVersionsResult"),
        ("get_bucket_notification_configuration", {}, b"NotificationConfiguration"),
        ("get_bucket_request_payment", {}, b"RequestPaymentConfiguration"),
        ("get_bucket_logging", {}, b"BucketLoggingStatus"),
        ("get_bucket_accelerate_configuration", {}, b"AccelerateConfiguration"),
        ("get_bucket_acl", {}, b"AccessControlPolicy"),
        ("list_objects_v2", {"Prefix": "k", "Delimiter": "/"}, b"<Key>k</Key>"),
    ]
    for operation, params, word in asked:
        url = s3.generate_presigned_url(operation, Params={"Bucket": "data", **params})
        status, _, body = fetch(house, url)
        assert (operation, status, word in body) == (operation, 200, True), body


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_with_overrides(house: InProcess, version: str) -> None:
    s3 = house.client("s3", signature_version=version)
    house.client("s3").put_object(Bucket="data", Key="k", Body=b"x")
    overrides = {
        "ResponseCacheControl": "no-cache",
        "ResponseContentDisposition": 'attachment; filename="a b.txt"',
        "ResponseContentEncoding": "identity",
        "ResponseContentLanguage": "de",
        "ResponseContentType": "text/x-a",
    }
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "data", "Key": "k", **overrides})
    status, headers, body = fetch(house, url)
    assert (status, body) == (200, b"x")
    wires = ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type")
    assert [headers[name] for name in wires] == list(overrides.values())
    status, _, body = fetch(house, url.replace("text%2Fx-a", "text%2Fhtml"))
    assert (status, b"SignatureDoesNotMatch" in body) == (403, True)


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_put_and_its_end(house: InProcess, version: str) -> None:
    s3 = house.client("s3", signature_version=version)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "data", "Key": "up"})
    assert fetch(house, url, "PUT", b"hello")[0] == 200
    assert house.client("s3").get_object(Bucket="data", Key="up")["Body"].read() == b"hello"
    assert fetch(house, url, "GET")[0] == 403


def test_a_presigned_url_of_the_older_signature_lapses(house: InProcess) -> None:
    house.client("s3").put_object(Bucket="data", Key="k", Body=b"hello")
    s3 = house.client("s3", signature_version="s3")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "data", "Key": "k"}, ExpiresIn=-5)
    status, _, body = fetch(house, url)
    assert (status, b"Request has expired" in body) == (403, True)
