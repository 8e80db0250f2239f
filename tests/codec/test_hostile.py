"""Requests that once broke something: each is refused, or served, in the words of its service."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest

from clary.aws import model
from clary.kernel import page
from tests.codec.test_fuzz import CREDENTIALS, THERE, furnish, furnished
from tests.inprocess import ACCOUNT, REGION, URL, InProcess

LONG = "9" * 5000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory: Path = tmp_path_factory.mktemp("hostile")
    with furnished(directory) as made:
        furnish(made)
        yield made


def send(
    house: InProcess, service: str, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, str]:
    """(status, body) of a signed request."""
    request = AWSRequest(method, URL + path, headers, body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(CREDENTIALS, model.load(service).signing_name, REGION).add_auth(request)
    ready = request.prepare()
    status, _, answer = house.request(ready.method, ready.url.removeprefix(URL), dict(ready.headers), ready.body)
    return status, answer.decode("utf-8", "replace")


def call(house: InProcess, service: str, operation: str, document: Any) -> tuple[int, str]:
    """(status, body) of a JSON request."""
    one = model.load(service)
    headers = {
        "x-amz-target": f"{one.target_prefix}.{operation}",
        "content-type": f"application/x-amz-json-{one.json_version}",
    }
    return send(house, service, "POST", "/", headers, json.dumps(document).encode())


@pytest.mark.parametrize(
    ("form", "status", "word"),
    [
        (f"Action=GetRole&RoleName={THERE}&RoleName.=y", 200, "GetRoleResult"),
        (f"Action=GetRole&RoleName={THERE}&=x&..=y&...=z", 200, "GetRoleResult"),
        (f"Action=UntagRole&RoleName={THERE}&TagKeys.member.{LONG}=x", 200, "UntagRoleResponse"),
        (f"Action=ListRoles&MaxItems={LONG}", 400, "MalformedInput"),
        ("Action=GetRole&RoleName=%01", 400, "ValidationError"),
    ],
)
def test_forms(house: InProcess, form: str, status: int, word: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answered = send(house, "iam", "POST", "/", headers, f"Version=2010-05-08&{form}".encode())
    assert answered[0] == status and word in answered[1]


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("range", f"bytes={LONG}-", 200),
        ("range", f"bytes=0-{LONG}", 200),
        ("range", f"bytes=-{LONG}", 200),
        ("range", f"bytes={'9' * 25}-", 416),
        ("if-modified-since", "1e308", 400),
        ("if-modified-since", "99999999999999", 400),
        ("if-unmodified-since", "nan", 400),
        ("if-modified-since", "0001-01-01T00:00:00+23:59", 400),
    ],
)
def test_headers_of_a_read(house: InProcess, header: str, value: str, status: int) -> None:
    assert send(house, "s3", "GET", f"/lake/{THERE}", {header: value})[0] == status


def test_an_object_cannot_be_given_a_time_that_nobody_can_write(house: InProcess) -> None:
    assert send(house, "s3", "PUT", "/lake/expires", {"expires": "1e308"}, b"x")[0] == 400
    assert send(house, "s3", "GET", f"/lake/{THERE}?response-expires=99999999999999", {})[0] == 400


@pytest.mark.parametrize("key", ["%01", "%EF%BF%BF", "%0B"])
def test_an_error_can_be_read_whatever_it_names(house: InProcess, key: str) -> None:
    from xml.etree import ElementTree

    status, body = send(house, "s3", "GET", f"/lake/{key}", {})
    assert status == 404
    assert ElementTree.fromstring(body).findtext("Code") == "NoSuchKey"


def test_a_form_without_fields_is_refused_as_a_bad_form(house: InProcess) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    status, _, body = house.request("POST", "/lake", headers, b"--x--")  # signed by the policy in the form, if at all
    assert status == 400 and b"<Code>InvalidArgument</Code>" in body


@pytest.mark.parametrize(
    ("service", "operation", "request_", "filters", "place"),
    [
        ("sagemaker", "ListModels", {}, None, [2**64 - 1, "a", "b", "c"]),
        ("sagemaker", "ListModels", {}, None, [1, 2, 3, 4]),
        ("logs", "DescribeLogStreams", {"logGroupName": THERE}, ("log-streams", "", False, False), [1, 2]),
        (
            "logs",
            "DescribeLogStreams",
            {"logGroupName": THERE, "orderBy": "LastEventTime"},
            ("log-streams", "", True, False),
            ["a", "b"],
        ),
        ("logs", "FilterLogEvents", {"logGroupName": THERE}, ("log-events", *[None] * 5), ["x", "y", "z", 0]),
    ],
)
def test_a_forged_token_is_refused(
    house: InProcess, service: str, operation: str, request_: Any, filters: Any, place: list[Any]
) -> None:
    if filters is None:
        from dataclasses import astuple

        from clary.kernel.store import Where

        digest = page.digest("model", astuple(Where(account=ACCOUNT, region=REGION)), "created", True)
    else:
        digest = page.digest(filters[0], ACCOUNT, REGION, THERE, *filters[1:])
    token = base64.urlsafe_b64encode(json.dumps([*place, digest]).encode()).decode().rstrip("=")
    member = "NextToken" if service == "sagemaker" else "nextToken"
    status, body = call(house, service, operation, {**request_, member: token})
    assert status == 400 and "oken" in body, body


@pytest.mark.parametrize(
    ("operation", "request_", "member"),
    [
        ("CreateLogGroup", {"logGroupName": "bad name!"}, "logGroupName"),
        ("CreateLogGroup", {}, "logGroupName"),
        ("DescribeLogGroups", {"limit": 51}, "limit"),
        ("PutLogEvents", {"logGroupName": "g", "logStreamName": "s", "logEvents": []}, "logEvents"),
    ],
)
def test_logs_has_its_own_word_for_a_broken_constraint(
    house: InProcess, operation: str, request_: Any, member: str
) -> None:
    status, body = call(house, "logs", operation, request_)
    said = json.loads(body)
    assert (status, said["__type"]) == (400, "InvalidParameterException")
    assert said["message"].startswith("1 validation error detected: Value ") and f"at '{member}'" in said["message"]
