"""Hosts: a bucket in front of any of them, AWS's own names for every service, and what an unsigned request is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from clary.aws.hosts import bucket_of, endpoint_prefix_of
from clary.aws.service import Context, Service
from clary.kernel.resource import Doc
from tests.inprocess import REGION, ROOT_KEYS, InProcess, serving


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("data.s3.amazonaws.com", "data"),
        ("data.s3.eu-central-1.amazonaws.com:443", "data"),
        ("data.s3-eu-west-1.amazonaws.com", "data"),
        ("data.s3.dualstack.us-gov-west-1.amazonaws.com", "data"),
        ("data.s3-accelerate.dualstack.amazonaws.com", "data"),
        ("DATA.S3.cn-north-1.amazonaws.com.cn", "data"),
        ("my.s3.logs.s3.us-east-1.amazonaws.com", "my.s3.logs"),
        ("a.b.localhost:4810", "a.b"),
        ("data.s3.localhost", "data"),
        ("data.s3.ml.example.com:4810", "data"),
        ("s3.amazonaws.com", ""),
        ("s3.us-east-1.amazonaws.com", ""),
        ("s3-us-west-2.amazonaws.com", ""),
        ("s3.dualstack.us-east-1.amazonaws.com", ""),
        ("logs.us-east-1.amazonaws.com", ""),
        ("s3.localhost:4810", ""),
        ("localhost:4810", ""),
        ("s3.ml.example.com", ""),
        ("ml.example.com", ""),
        ("127.0.0.1:4810", ""),
        ("[::1]:4810", ""),
        ("", ""),
    ],
)
def test_the_bucket_in_a_host(host: str, bucket: str) -> None:
    assert bucket_of(host) == bucket


@pytest.mark.parametrize(
    ("host", "prefix"),
    [
        ("api.sagemaker.us-east-1.amazonaws.com", "api.sagemaker"),
        ("api-fips.sagemaker.us-east-1.amazonaws.com", "api-fips.sagemaker"),
        ("sts.amazonaws.com", "sts"),
        ("sts-fips.us-east-1.amazonaws.com:443", "sts"),
        ("iam.amazonaws.com", "iam"),
        ("logs.cn-north-1.amazonaws.com.cn", "logs"),
        ("logs.us-east-1.api.aws", "logs"),
        ("127.0.0.1:4810", None),
        ("example.com", None),
    ],
)
def test_the_service_in_a_host(host: str, prefix: str | None) -> None:
    assert endpoint_prefix_of(host) == prefix


def _answering(name: str, operation: str, answer: Doc) -> Service:
    service = Service(name)

    @service.operation(operation)
    async def handle(ctx: Context, req: Doc) -> Doc:
        return answer

    return service


CALLS = {
    "sagemaker": "ListModels",
    "sagemaker-runtime": "InvokeEndpoint",
    "logs": "DescribeLogGroups",
    "sts": "GetCallerIdentity",
    "iam": "ListRoles",
    "s3": "ListBuckets",
}
ANSWERS: dict[str, Doc] = {"ListModels": {"Models": []}, "ListRoles": {"Roles": []}, "InvokeEndpoint": {"Body": b""}}
PARAMS: dict[str, Doc] = {"InvokeEndpoint": {"EndpointName": "cars", "Body": b""}}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[InProcess]:
    services = [_answering(name, operation, ANSWERS.get(operation, {})) for name, operation in CALLS.items()]
    with serving(tmp_path, services) as made:
        yield made


def _at_aws(app: InProcess, service: str, **config: Any) -> Any:
    """A client that was told of no endpoint: it signs for AWS's own host."""
    session = boto3.Session(ROOT_KEYS.access_key_id, ROOT_KEYS.secret_access_key, region_name=REGION)
    client = session.client(service, config=Config(retries={"total_max_attempts": 1}, **config))
    client.meta.events.register("before-send.*", app._send)
    return client


@pytest.mark.parametrize("config", [{}, {"use_dualstack_endpoint": True}, {"use_fips_endpoint": True}])
@pytest.mark.parametrize(("service", "operation"), CALLS.items())
def test_aws_own_hosts(
    app: InProcess, monkeypatch: pytest.MonkeyPatch, service: str, operation: str, config: dict[str, bool]
) -> None:
    for name in ("AWS_ENDPOINT_URL", f"AWS_ENDPOINT_URL_{service.upper()}"):
        monkeypatch.delenv(name, raising=False)
    client = _at_aws(app, service, **config)
    answer = client._make_api_call(operation, PARAMS.get(operation, {}))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("host", "path", "status", "code"),
    [
        ("sts.us-east-1.amazonaws.com", "/?Action=GetCallerIdentity", 403, b"<Code>MissingAuthenticationToken<"),
        (
            "runtime.sagemaker.us-east-1.amazonaws.com",
            "/endpoints/cars/invocations",
            403,
            b"MissingAuthenticationTokenE",
        ),
        ("data.s3.amazonaws.com", "/", 405, b"<Code>MethodNotAllowed<"),
    ],
)
def test_unsigned_requests_are_refused_in_their_services_words(
    app: InProcess, host: str, path: str, status: int, code: bytes
) -> None:
    found, _, body = app.request("POST", path, {"host": host})
    assert (found, code in body) == (status, True), body


def test_an_unsigned_form_is_refused_in_the_words_of_query(app: InProcess) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    status, _, body = app.request("POST", "/", kind, b"Action=GetCallerIdentity&Version=2011-06-15")
    assert (status, b"<Code>MissingAuthenticationToken<" in body) == (403, True), body
