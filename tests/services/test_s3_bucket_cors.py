"""S3 as browsers meet it: preflights, and headers on what they asked for."""

from typing import Any

import pytest

from tests.inprocess import InProcess

RULES = [
    {
        "AllowedMethods": ["PUT", "POST"],
        "AllowedOrigins": ["https://*.example.com"],
        "AllowedHeaders": ["content-type", "X-Amz-*"],
        "ExposeHeaders": ["ETag", "x-amz-request-id"],
        "MaxAgeSeconds": 3000,
    },
    {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]},
]


@pytest.fixture
def house(house: InProcess) -> InProcess:
    s3 = house.client("s3")
    s3.create_bucket(Bucket="data")
    s3.put_object(Bucket="data", Key="k", Body=b"x")
    s3.put_bucket_cors(Bucket="data", CORSConfiguration={"CORSRules": RULES})
    return house


def ask(house: InProcess, path: str = "/data/k", **headers: str) -> tuple[int, dict[str, str], bytes]:
    return house.request("OPTIONS", path, {name.replace("_", "-"): value for name, value in headers.items()})


def test_a_preflight_that_a_rule_allows(house: InProcess) -> None:
    status, headers, body = ask(
        house,
        Origin="https://app.example.com",
        Access_Control_Request_Method="PUT",
        Access_Control_Request_Headers="Content-Type, x-amz-meta-a",
    )
    assert (status, body) == (200, b"")
    assert {name: value for name, value in headers.items() if name.startswith("access-")} == {
        "access-control-allow-origin": "https://app.example.com",
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "PUT, POST",
        "access-control-allow-headers": "content-type, x-amz-meta-a",
        "access-control-expose-headers": "ETag, x-amz-request-id",
        "access-control-max-age": "3000",
    }
    assert "Origin" in headers["vary"]


def test_a_preflight_of_everybody(house: InProcess) -> None:
    status, headers, _ = ask(
        house, Origin="http://elsewhere", Access_Control_Request_Method="GET", Host="data.localhost"
    )
    assert (status, headers["access-control-allow-origin"]) == (200, "*")
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 400, b"BadRequest"),
        ({"Origin": "http://a"}, 400, b"BadRequest"),
        ({"Origin": "http://a", "Access_Control_Request_Method": "PATCH"}, 400, b"BadRequest"),
        ({"Origin": "http://a", "Access_Control_Request_Method": "DELETE"}, 403, b"AccessForbidden"),
        ({"Origin": "https://example.com", "Access_Control_Request_Method": "PUT"}, 403, b"AccessForbidden"),
        (
            {
                "Origin": "https://a.example.com",
                "Access_Control_Request_Method": "PUT",
                "Access_Control_Request_Headers": "authorization",
            },
            403,
            b"AccessForbidden",
        ),
    ],
)
def test_preflights_that_are_refused(house: InProcess, headers: dict[str, str], status: int, code: bytes) -> None:
    answered, given, body = ask(house, **headers)
    assert answered == status
    assert code in body
    assert not any(name.startswith("access-") for name in given)


def test_a_bucket_without_rules_allows_nobody(house: InProcess) -> None:
    house.client("s3").delete_bucket_cors(Bucket="data")
    for path in ("/data/k", "/nowhere/k"):
        status, _, body = ask(house, path, Origin="http://a", Access_Control_Request_Method="GET")
        assert (status, b"not enabled" in body) == (403, True)


def test_answers_say_who_may_read_them(house: InProcess) -> None:
    url = house.client("s3").generate_presigned_url("get_object", Params={"Bucket": "data", "Key": "k"})
    path = url.removeprefix("http://127.0.0.1:4810")
    status, headers, body = house.request("GET", path, {"Origin": "http://a"})
    assert (status, body, headers["access-control-allow-origin"]) == (200, b"x", "*")
    # An error too: the page must be able to read what went wrong.
    status, headers, _ = house.request("GET", path.replace("/k?", "/other?"), {"Origin": "http://a"})
    assert (status, headers["access-control-allow-origin"]) == (403, "*")
    _, headers, _ = house.request("GET", path)
    assert "access-control-allow-origin" not in headers


def test_a_line_break_in_an_origin_ends_no_header(house: InProcess) -> None:
    rule: dict[str, Any] = {"AllowedMethods": ["GET"], "AllowedOrigins": ["http://*"]}
    house.client("s3").put_bucket_cors(Bucket="data", CORSConfiguration={"CORSRules": [rule]})
    _, headers, _ = ask(house, Origin="http://a\r\nX-Evil: 1", Access_Control_Request_Method="GET")
    assert headers["access-control-allow-origin"] == "http://a  X-Evil: 1"
