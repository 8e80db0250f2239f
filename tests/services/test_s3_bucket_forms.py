"""POST object: the presigned posts of boto3, policies of both signatures, and forms that are refused."""

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from clary.services.s3.form_parts import MalformedPOSTRequest, MaxPostPreDataLengthExceededError, read_form
from tests.inprocess import ROOT_KEYS, InProcess

BOUNDARY = "----a-boundary"
Answered = tuple[int, dict[str, str], bytes]


@pytest.fixture
def house(house: InProcess) -> InProcess:
    house.client("s3").create_bucket(Bucket="data")
    return house


def written(fields: Mapping[str, str], content: bytes | None = b"hello", filename: str = "a.txt") -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    if content is not None:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        parts.append(head.encode() + b"Content-Type: text/plain\r\n\r\n" + content + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def post(house: InProcess, fields: Mapping[str, str], path: str = "/data", **more: Any) -> Answered:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return house.request("POST", path, headers, written(fields, **more))


def read(house: InProcess, key: str) -> bytes:
    found: bytes = house.client("s3").get_object(Bucket="data", Key=key)["Body"].read()
    return found


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_the_presigned_post_of_boto3(house: InProcess, version: str) -> None:
    s3 = house.client("s3", signature_version=version)
    made = s3.generate_presigned_post(
        "data",
        "up/${filename}",
        Fields={"Content-Type": "text/plain", "x-amz-meta-from": "form", "success_action_status": "201"},
        Conditions=[
            {"Content-Type": "text/plain"},
            {"x-amz-meta-from": "form"},
            {"success_action_status": "201"},
            ["content-length-range", 1, 10],
        ],
    )
    status, headers, body = post(house, made["fields"], urlsplit(made["url"]).path)
    assert (status, headers["etag"]) == (201, '"5d41402abc4b2a76b9719d911017c592"')
    assert b"<Key>up/a.txt</Key>" in body
    assert b"<Bucket>data</Bucket>" in body
    head = house.client("s3").head_object(Bucket="data", Key="up/a.txt")
    assert (head["ContentType"], head["Metadata"], head["ContentLength"]) == ("text/plain", {"from": "form"}, 5)
    assert read(house, "up/a.txt") == b"hello"


def signed(policy: dict[str, Any], **fields: str) -> dict[str, str]:
    """Fields with a policy, signed in the older way."""
    encoded = base64.b64encode(json.dumps(policy).encode()).decode()
    digest = hmac.digest(ROOT_KEYS.secret_access_key.encode(), encoded.encode(), "sha1")
    return {
        **fields,
        "AWSAccessKeyId": ROOT_KEYS.access_key_id,
        "policy": encoded,
        "signature": base64.b64encode(digest).decode(),
    }


def policy(*conditions: Any, seconds: float = 3600.0) -> dict[str, Any]:
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    return {"expiration": expires, "conditions": [{"bucket": "data"}, ["starts-with", "$key", ""], *conditions]}


def test_answers_that_a_form_can_ask_for(house: InProcess) -> None:
    status, headers, body = post(house, signed(policy(), key="a"))
    assert (status, body) == (204, b"")
    assert headers["location"].endswith("/data/a")
    some = policy(["eq", "$success_action_redirect", "http://here/done?x=1"])
    status, headers, _ = post(house, signed(some, key="a", success_action_redirect="http://here/done?x=1"))
    assert status == 303
    assert headers["location"].startswith("http://here/done?x=1&bucket=data&key=a&etag=%22")
    status, _, _ = post(
        house, signed(policy(["eq", "$success_action_status", "200"]), key="a", success_action_status="200")
    )
    assert status == 200


def test_fields_that_become_headers_and_tags(house: InProcess) -> None:
    tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>1 + 2</Value></Tag></TagSet></Tagging>"
    some = policy({"Cache-Control": "no-store"}, ["starts-with", "$tagging", ""])
    status, _, _ = post(house, signed(some, key="t", tagging=tags, **{"Cache-Control": "no-store"}))
    assert status == 204
    s3 = house.client("s3")
    assert s3.head_object(Bucket="data", Key="t")["CacheControl"] == "no-store"
    assert s3.get_object_tagging(Bucket="data", Key="t")["TagSet"] == [{"Key": "a", "Value": "1 + 2"}]


@pytest.mark.parametrize(
    ("fields", "more", "status", "word"),
    [
        (signed(policy(seconds=-1), key="a"), {}, 403, "Policy expired"),
        (signed(policy(), key="a", acl="public-read"), {}, 403, "Extra input fields: acl"),
        (signed(policy({"acl": "private"}), key="a", acl="public-read"), {}, 403, "Policy Condition failed"),
        (signed(policy(["starts-with", "$key", "user/"]), key="a"), {}, 403, "starts-with"),
        (signed(policy({"bucket": "other"}), key="a"), {}, 403, "bucket"),
        (signed(policy(["content-length-range", 0, 4]), key="a"), {}, 400, "EntityTooLarge"),
        (signed(policy(["content-length-range", 6, 9]), key="a"), {}, 400, "EntityTooSmall"),
        (signed(policy(["between", "$key", "x"]), key="a"), {}, 400, "InvalidPolicyDocument"),
        (signed({"conditions": []}, key="a"), {}, 400, "InvalidPolicyDocument"),
        (signed({"expiration": "2099-01-01 00:00:00+00:00", "conditions": []}, key="a"), {}, 400, "expiration"),
        ({**signed(policy(), key="a"), "policy": "e30="}, {}, 403, "SignatureDoesNotMatch"),
        ({**signed(policy(), key="a"), "AWSAccessKeyId": "AKIANOBODY"}, {}, 403, "InvalidAccessKeyId"),
        (signed(policy()), {}, 400, "field named 'key'"),
        (signed(policy(), key="a"), {"content": None}, 400, "exactly one file"),
        ({"key": "a"}, {}, 403, "AccessDenied"),
        ({"key": "a", "signature": "x"}, {}, 400, "policy"),
        ({"key": "a", "policy": "e30="}, {}, 400, "X-Amz-Signature"),
        ({"key": "a", "pad": "x" * 21_000}, {}, 400, "MaxPostPreDataLengthExceeded"),
    ],
)
def test_forms_that_are_refused(
    house: InProcess, fields: dict[str, str], more: dict[str, Any], status: int, word: str
) -> None:
    answered, _, body = post(house, fields, **more)
    assert (answered, word in body.decode()) == (status, True), body
    assert house.client("s3").list_objects_v2(Bucket="data")["KeyCount"] == 0


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=a\tb"]
)
def test_a_form_without_a_boundary(house: InProcess, content_type: str) -> None:
    status, _, body = house.request("POST", "/data", {"Content-Type": content_type}, b"x")
    assert (status, b"MalformedPOSTRequest" in body) == (400, True)


async def _pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
async def test_a_form_in_pieces_of_any_size(size: int) -> None:
    content = b"\r\n--\r\n----a-boundar\r\n--" + BOUNDARY.encode()[:-1] + b"\r\n" * 3
    data = b"preamble\r\n" + written({"Key": "a", "x": ""}, content, 'C:\\dir\\na"me'.replace('"', ""))
    form = await read_form(f'multipart/form-data; boundary="{BOUNDARY}"', _pieces(data, size))
    assert (form.fields, form.filename) == ({"key": "a", "x": ""}, "name")
    assert form.content is not None
    assert b"".join([piece async for piece in form.content]) == content


@pytest.mark.parametrize("cut", [10, 60, 90, 200])
async def test_a_form_that_breaks_off(cut: int) -> None:
    data = written({"key": "a"}, b"x" * 200)[:cut]
    with pytest.raises(MalformedPOSTRequest):
        form = await read_form(f"multipart/form-data; boundary={BOUNDARY}", _pieces(data, 9))
        assert form.content is not None
        async for _ in form.content:
            pass


async def test_a_head_without_end_is_refused() -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield f"--{BOUNDARY}\r\n".encode()
        while True:
            yield b"x" * 1000

    with pytest.raises(MalformedPOSTRequest):
        await read_form(f"multipart/form-data; boundary={BOUNDARY}", endless())


async def test_fields_without_end_are_refused() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="n"\r\n\r\nvalue\r\n'.encode()

    with pytest.raises(MaxPostPreDataLengthExceededError):
        await read_form(f"multipart/form-data; boundary={BOUNDARY}", endless())


def test_the_name_of_the_file_is_filled_in_before_the_policy_is_asked(house: InProcess) -> None:
    some = {
        **policy(),
        "conditions": [{"bucket": "data"}, ["starts-with", "$key", "foo"], {"x-amz-meta-of": "foo.txt"}],
    }
    fields = signed(some, key="${filename}", **{"x-amz-meta-of": "${filename}"})
    assert post(house, fields, filename="foo.txt")[0] == 204
    assert house.client("s3").head_object(Bucket="data", Key="foo.txt")["Metadata"] == {"of": "foo.txt"}
    status, _, body = post(house, fields, filename="bar.txt")
    assert (status, b"AccessDenied" in body) == (403, True)
