"""For every operation that Clary serves: botocore's serializer into our decoder, our encoder into botocore's parser."""

import importlib
import io
import pkgutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from botocore.awsrequest import HeadersDict, prepare_request_dict
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import clary.services
from clary.aws import json, model, query, rest_json, rest_xml, rpc_cbor
from clary.aws.http import Answer, Request
from clary.aws.model import Operation
from clary.aws.strict import Strict
from clary.aws.templates import Templates
from tests.codec.generate import from_botocore, pruned, to_botocore, values

COMPILERS = {
    "json": json.compile_codec,
    "rest-json": rest_json.compile_codec,
    "query": query.compile_codec,
    "rest-xml": rest_xml.compile_codec,
    "smithy-rpc-v2-cbor": rpc_cbor.compile_codec,
}
# Beside what is served: shapes that other operations of the same protocols are made of.
SAMPLE = {
    "codebuild": ["BatchGetBuilds"],
    "sagemaker": ["CreateHyperParameterTuningJob", "CreatePipeline", "DescribeModelPackage"],
    "s3": ["PutBucketLifecycleConfiguration", "GetObjectAcl", "PutBucketTagging", "ListObjectVersions"],
    "sts": ["AssumeRoleWithSAML", "GetFederationToken"],
    "iam": ["SimulatePrincipalPolicy", "GetAccountSummary", "ListUsers"],
    "logs": ["PutMetricFilter", "PutLogEvents"],
    "sagemaker-runtime": ["InvokeEndpointAsync"],
    "cloudwatch": ["PutMetricData", "GetMetricData", "DescribeAlarms"],
    "lambda": ["CreateFunction", "ListFunctions", "GetFunction"],
    "kinesis": ["PutRecords", "GetRecords"],
    "sns": ["Publish", "GetTopicAttributes"],
}
FEW = settings(max_examples=8, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


def served() -> Iterator[tuple[str, str]]:
    """(service, operation) of every handler in the product."""
    for found in pkgutil.iter_modules(clary.services.__path__):
        service = importlib.import_module(f"clary.services.{found.name}").service
        for name in service.handlers:
            yield service.name, name


def cases() -> list[Any]:
    pairs = [*served(), *((service, name) for service, names in SAMPLE.items() for name in names)]
    return [
        pytest.param(service, name, protocol, id=f"{service}-{name}-{protocol}")
        for service, name in sorted(set(pairs))
        for protocol in model.load(service).protocols
        if protocol in COMPILERS
    ]


_models: dict[str, ServiceModel] = {}


def theirs(service: str) -> ServiceModel:
    """botocore's own reading of the model."""
    if service not in _models:
        _models[service] = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    return _models[service]


@pytest.mark.parametrize(("service", "name", "protocol"), cases())
def test_what_botocore_sends_is_what_the_handler_gets(service: str, name: str, protocol: str) -> None:
    operation = model.load(service).operation(name)
    shape = operation.input
    codec = COMPILERS[protocol](operation)
    if shape is None:
        assert codec.decode(_request(service, name, protocol, {})) == {}
        return

    @FEW
    @given(values(shape, xml=protocol in ("query", "rest-xml")))
    def check(value: Any) -> None:
        request = _request(service, name, protocol, to_botocore(shape, value))
        got = codec.decode(request)
        got.pop(shape.payload, None) if operation.streams_in else None
        # A payload that is left out is an empty one.
        if operation.body_is_blob and not operation.streams_in:
            value.setdefault(shape.payload, type(got[shape.payload])())
        assert pruned(got) == pruned(value)

    check()


@pytest.mark.parametrize(("service", "name", "protocol"), cases())
def test_what_the_handler_answers_is_what_botocore_reads(service: str, name: str, protocol: str) -> None:
    operation = model.load(service).operation(name)
    shape = operation.output
    codec = COMPILERS[protocol](operation)
    if shape is None:
        assert _parsed(service, name, protocol, codec.encode({}, "id")) == {}
        return
    if any(member.traits.get("eventstream") for member in shape.members.values()):
        pytest.skip("an answer in events: see test_event_stream.py")

    @FEW
    @given(values(shape, xml=True))
    def check(value: Any) -> None:
        Strict().check(operation, value)
        answer = codec.encode(value, "some-id")
        got = from_botocore(shape, _parsed(service, name, protocol, answer))
        if shape.payload and shape.members[shape.payload].kind in ("blob", "string"):
            value.setdefault(shape.payload, got[shape.payload])
            assert value[shape.payload] or not got[shape.payload]
        assert pruned(got) == pruned(value)

    check()


def _request(service: str, name: str, protocol: str, params: dict[str, Any]) -> Request:
    """The request as botocore would send it, up to the signature."""
    made = create_serializer(protocol, include_validation=True).serialize_to_request(
        params, theirs(service).operation_model(name)
    )
    prepare_request_dict(made, "http://127.0.0.1:4810")
    path, _, in_path = made["url"].removeprefix("http://127.0.0.1:4810").partition("?")
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(body, doseq=True)
    body = body.encode() if isinstance(body, str) else body or b""
    scope = {
        "method": made["method"],
        "path": path,
        "raw_path": path.encode(),
        "query_string": in_path.encode(),
        "headers": [(key.lower().encode(), str(value).encode()) for key, value in made["headers"].items()],
    }
    request = Request(scope, _never)
    request.body = body
    if protocol.startswith("rest-"):
        found = Templates(model.load(service)).find(request, request.path)
        assert found is not None
        assert found[0] == name
        request.labels = found[1]
    return request


def _parsed(service: str, name: str, protocol: str, answer: Answer) -> Any:
    wanted = theirs(service).operation_model(name)
    body: Any = answer.body
    if wanted.has_streaming_output:
        body = io.BytesIO(body)
    headers = HeadersDict({key.decode(): value.decode() for key, value in answer.headers})
    parsed = create_parser(protocol).parse(
        {"headers": headers, "status_code": answer.status, "body": body}, wanted.output_shape
    )
    parsed.pop("ResponseMetadata", None)
    if name == "GetBucketLocation":
        # Its answer is a bare root, which botocore's client reads in a hook of its own.
        assert isinstance(answer.body, bytes)
        text = ElementTree.fromstring(answer.body).text
        return {"LocationConstraint": text} if text else {}
    return parsed


@given(st.binary(max_size=200))
@settings(deadline=None, database=None, derandomize=True)
def test_no_bytes_break_a_decoder(body: bytes) -> None:
    """Whatever arrives is decoded or refused, and never an unexpected exception."""
    from clary.aws.errors import ServiceError

    for service, name, protocol in (
        ("sagemaker", "CreateTrainingJob", "json"),
        ("sts", "AssumeRole", "query"),
        ("s3", "DeleteObjects", "rest-xml"),
    ):
        operation: Operation = model.load(service).operation(name)
        request = Request({"method": "POST", "path": "/b", "raw_path": b"/b", "headers": []}, _never)
        request.body = body
        request.labels = {"Bucket": "b"}
        try:
            COMPILERS[protocol](operation).decode(request)
        except ServiceError as error:
            assert error.http_status == 400


async def _never() -> dict[str, Any]:
    raise AssertionError("the body has been read")
