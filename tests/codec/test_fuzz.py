"""Every served operation, over the real wire and real engines, under requests that are right, nearly right and wrong.

Whatever arrives, the answer is an answer: never a 500, never a stack, always a document that a client can read. Many
requests name resources that are there, so that what lies behind the checks is reached too.
"""

import contextlib
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clary import config
from clary.aws import model
from clary.aws.gateway import Gateway
from clary.aws.model import Shape
from clary.engines.serving.base import Serving
from clary.home import Home
from clary.world import SERVICES, World
from tests.codec.generate import to_botocore, values
from tests.codec.test_round_trip import served, theirs
from tests.inprocess import ACCOUNT, REGION, ROOT_KEYS, URL, InProcess
from tests.memory_serving import MemoryServing
from tests.sagemaker_house import ROLE as JOB_ROLE
from tests.sagemaker_house import processing_request, training_request

SOME = settings(
    max_examples=20, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
CREDENTIALS = Credentials(ROOT_KEYS.access_key_id, ROOT_KEYS.secret_access_key)
THERE = "there"
"""What every resource is called that is there before each operation's turn."""
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{THERE}"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/{THERE}"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})
TRUSTING = json.dumps({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}})
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{THERE}"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:{THERE}"
ALARM = {
    **{"AlarmName": THERE, "Namespace": THERE, "MetricName": THERE, "Statistic": "Sum", "Period": 60},
    **{"EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"},
}
METRIC_FILTER = {
    **{"logGroupName": THERE, "filterName": THERE, "filterPattern": "there"},
    "metricTransformations": [{"metricName": THERE, "metricNamespace": THERE, "metricValue": "1"}],
}
KNOWN: dict[str, list[str]] = {
    "QueueUrl": [f"{URL}/{ACCOUNT}/{THERE}", "http://x", "/"],
    "QueueName": [THERE],
    "TopicArn": [TOPIC],
    "Endpoint": [QUEUE, "http://127.0.0.1:1/", "a@b"],
    "EventBusName": [THERE, "default"],
    "EventPattern": ['{"source": ["there"]}', '{"a": [{"prefix": 1}]}', "{", "[]"],
    "ScheduleExpression": ["rate(1 day)", "cron(0 0 ? * 1 *)", "rate(0 days)"],
    "AlarmRule": [f'ALARM("{THERE}")', "ALARM(", "TRUE AND NOT FALSE"],
    "Expression": ["m1 * 2", "SEARCH('{there} there', 'Sum', 60)", "m1 +", "RATE(m1)"],
    "filterPattern": ["there", "{ $.a = 1 }", "{ $.a = ", "[a, b]", "%x+%"],
    "FilterPolicy": ['{"a": ["b"]}', "{"],
    "Bucket": ["lake"],
    "CopySource": ["lake/there", "/lake/there", "lake", "lake/%00", "?", "lake/there?versionId=null"],
    "Key": [THERE, "gone", "a/../b", "\0", "\uffff", "é" * 600],
    "UploadId": ["UPLOAD", "../../x"],
    "ResourceArn": [f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model/{THERE}"],
    "resourceArn": [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{THERE}"],
    "RoleArn": [ROLE],
    "ExecutionRoleArn": [ROLE],
    "PolicyArn": [POLICY, ADMIN],
    "PolicySourceArn": [ROLE, ROLE.replace("role", "user"), ROLE.replace("role", "group")],
    "CallerArn": [ROLE],
    "PermissionsBoundary": [POLICY, ADMIN],
    "PolicyDocument": [DOCUMENT],
    "PolicyInputList": [DOCUMENT],
    "ResourcePolicy": [TRUSTING],
    "AssumeRolePolicyDocument": [TRUSTING],
    "S3Uri": ["s3://lake/there", "s3://lake", "https://[x/y", "https://s3.amazonaws.com/lake/there"],
    "S3OutputPath": ["s3://lake/out", "https://[x/y"],
    "ModelDataUrl": ["s3://lake/there", "https://[x/y"],
}
NAMES = (
    *("TrainingJobName", "ProcessingJobName", "ModelName", "EndpointConfigName", "EndpointName", "RoleName"),
    *("UserName", "GroupName", "InstanceProfileName", "PolicyName"),
    *("AlarmName", "Namespace", "MetricName", "DashboardName", "Rule", "filterName"),
    *("logGroupName", "logGroupIdentifier", "logStreamName", "logGroupNamePrefix"),
)
TOKENS = ("NextToken", "nextToken", "Marker", "ContinuationToken")
KNOWN |= {name: [THERE] for name in NAMES}
KNOWN |= {name: ["f/" + "9" * 56 + "/s", "b/" + "0" * 56 + "/s", "WzEsMiwzXQ", "W10", "é", "====="] for name in TOKENS}
ODD_TEXTS = (
    "",
    " ",
    "\0",
    "é語",
    "../../etc/passwd",
    "a" * 5000,
    "9" * 5000,
    "-1",
    "1e400",
    "NaN",
    "inf",
    "%",
    "<&>",
    "::",
)
ODD_VALUES = (
    None,
    True,
    -1,
    0,
    2**63 - 1,
    -(2**63),
    2**70,
    1e308,
    -0.5,
    "Infinity",
    [],
    {},
    [None],
    {"": None},
    *ODD_TEXTS,
)
BREAKS = ("", "x", "/", "%00", "%ff", "%", "?", "&", "<", "</", "<!DOCTYPE x>", "é")


@contextlib.contextmanager
def furnished(directory: Path) -> Iterator[InProcess]:
    """The gateway of a whole world, in which no one runs anything and no one waits for anything."""
    made = InProcess(directory, [])
    home = Home(ACCOUNT, ROOT_KEYS, b"\0" * 32, 0.0)
    settings = config.read({}, home=directory / "home")
    for place in (settings.state_file.parent, settings.runs_dir):
        place.mkdir(parents=True)
    world = made.thread.call(World, settings, home)
    ports = {**world.ports, Serving: MemoryServing(directory / "serving")}
    made.gateway = Gateway(
        SERVICES, ring=world.ring, store=world.store, clock=world.clock, ports=ports, account=ACCOUNT, strict=True
    )
    made.thread.call(world.signals.let_go)  # long polls and live tails end at once
    try:
        yield made
    finally:
        made.thread.call(world.close)
        made.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with furnished(tmp_path_factory.mktemp("fuzz")) as made:
        yield made


def furnish(house: InProcess) -> None:
    """The resources called THERE are there, whatever the operations before have left."""
    jobs = JOB_ROLE.rpartition("/")[2]
    model_of_role = {"ModelName": THERE, "ExecutionRoleArn": ROLE}
    container = {"Image": "sagemaker-xgboost:1.7-1", "ModelDataUrl": f"s3://lake/{THERE}"}
    variant = {"VariantName": "v", "ModelName": THERE, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    for service, name, params in (
        ("iam", "CreateRole", {"RoleName": THERE, "AssumeRolePolicyDocument": TRUSTING}),
        ("iam", "CreateRole", {"RoleName": jobs, "AssumeRolePolicyDocument": TRUSTING}),
        ("iam", "AttachRolePolicy", {"RoleName": THERE, "PolicyArn": ADMIN}),
        ("iam", "AttachRolePolicy", {"RoleName": jobs, "PolicyArn": ADMIN}),
        ("iam", "CreateUser", {"UserName": THERE}),
        ("iam", "CreateGroup", {"GroupName": THERE}),
        ("iam", "CreatePolicy", {"PolicyName": THERE, "PolicyDocument": DOCUMENT}),
        ("iam", "CreateInstanceProfile", {"InstanceProfileName": THERE}),
        ("s3", "CreateBucket", {"Bucket": "lake"}),
        ("s3", "PutObject", {"Bucket": "lake", "Key": THERE, "Body": b"0123456789"}),
        ("logs", "CreateLogGroup", {"logGroupName": THERE}),
        ("logs", "CreateLogStream", {"logGroupName": THERE, "logStreamName": THERE}),
        ("sqs", "CreateQueue", {"QueueName": THERE}),
        ("sns", "CreateTopic", {"Name": THERE}),
        ("sns", "Subscribe", {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": QUEUE, "ReturnSubscriptionArn": True}),
        ("events", "CreateEventBus", {"Name": THERE}),
        ("events", "PutRule", {"Name": THERE, "EventPattern": '{"source": ["there"]}'}),
        ("events", "PutTargets", {"Rule": THERE, "Targets": [{"Id": THERE, "Arn": QUEUE}]}),
        ("cloudwatch", "PutMetricData", {"Namespace": THERE, "MetricData": [{"MetricName": THERE, "Value": 1.0}]}),
        ("cloudwatch", "PutDashboard", {"DashboardName": THERE, "DashboardBody": '{"widgets": []}'}),
        ("cloudwatch", "PutMetricAlarm", ALARM),
        ("logs", "PutMetricFilter", METRIC_FILTER),
        ("sagemaker", "CreateModel", {**model_of_role, "PrimaryContainer": container}),
        ("sagemaker", "CreateEndpointConfig", {"EndpointConfigName": THERE, "ProductionVariants": [variant]}),
        ("sagemaker", "CreateEndpoint", {"EndpointName": THERE, "EndpointConfigName": THERE}),
        ("sagemaker", "CreateTrainingJob", training_request(THERE)),
        ("sagemaker", "CreateProcessingJob", processing_request(THERE)),
    ):
        try:
            house.call(service, name, params)
        except Exception as error:
            assert re.search("exist|InUse", str(error) + type(error).__name__), error
    upload = house.call("s3", "CreateMultipartUpload", {"Bucket": "lake", "Key": THERE})["UploadId"]
    KNOWN["UploadId"][0] = upload


@pytest.mark.parametrize(("service", "name"), sorted(set(served())), ids=lambda one: one)
def test_whatever_arrives_gets_an_answer(
    house: InProcess, caplog: pytest.LogCaptureFixture, service: str, name: str
) -> None:
    operation = model.load(service).operation(name)
    protocol = next(one for one in operation.model.protocols if one in ("json", "query", "rest-json", "rest-xml"))
    furnish(house)

    @SOME
    @given(values(operation.input, xml=True) if operation.input else st.just({}), st.data())
    def check(value: Any, data: st.DataObject) -> None:
        if operation.input:
            value = _at_home(operation.input, value, data)
        request = _request(service, name, protocol, to_botocore(operation.input, value) if value else {})
        if data.draw(st.integers(0, 3)):
            _break(request, protocol, data)
        caplog.clear()
        _answered(house, request, service, protocol, caplog)

    check()


def _at_home(shape: Shape, value: Any, data: st.DataObject) -> Any:
    """The value with names of what is there, more often than not."""
    match shape.kind:
        case "structure":
            found = {}
            for name, one in value.items():
                known = KNOWN.get(name)
                if known and isinstance(one, str) and data.draw(st.integers(0, 3)):
                    found[name] = known[0] if data.draw(st.booleans()) else data.draw(st.sampled_from(known))
                else:
                    found[name] = _at_home(shape.members[name], one, data)
            return found
        case "list":
            return [_at_home(shape.member, one, data) for one in value]
    return value


def _request(service: str, name: str, protocol: str, params: dict[str, Any]) -> dict[str, Any]:
    """The parts of the request as botocore would send it, before the signature."""
    operation = theirs(service).operation_model(name)
    made = create_serializer(protocol, include_validation=False).serialize_to_request(params, operation)
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(body, doseq=True)
    if operation.has_streaming_input:
        body = b"some bytes"
    made["body"] = body.encode() if isinstance(body, str) else body or b""
    return made


def _break(request: dict[str, Any], protocol: str, data: st.DataObject) -> None:
    """One to three things about the request are not as they should be."""
    places = data.draw(st.lists(st.sampled_from(("body", "query", "header", "path", "splice")), min_size=1, max_size=3))
    for where in sorted(places):  # "splice" comes last: the body can be read no more after it
        if where == "body" and protocol in ("json", "rest-json") and request["body"].startswith(b"{"):
            document = json.loads(request["body"])
            request["body"] = json.dumps(_spoilt(document, data)).encode()
        elif where == "body" and protocol == "query":
            request["body"] = _spoilt_form(request["body"], data)
        elif where == "header":
            named = [one for one in request["headers"] if one.lower() not in ("x-amz-target", "content-type")]
            if named:
                odd = data.draw(st.sampled_from([one for one in ODD_TEXTS if one.isascii() and "\0" not in one]))
                request["headers"][data.draw(st.sampled_from(sorted(named)))] = odd
        elif where == "query" and request["query_string"]:
            name = data.draw(st.sampled_from(sorted(request["query_string"])))
            request["query_string"][name] = data.draw(st.sampled_from(ODD_TEXTS))
        elif where == "path" and protocol.startswith("rest-"):
            request["url_path"] += data.draw(st.sampled_from(("/", "%00", "%ff", "/../..", "//", "?x")))
        elif where == "splice" and request["body"]:
            at = data.draw(st.integers(0, len(request["body"])))
            cut = data.draw(st.integers(0, 20))
            request["body"] = (
                request["body"][:at] + data.draw(st.sampled_from(BREAKS)).encode() + request["body"][at + cut :]
            )


def _spoilt(value: Any, data: st.DataObject) -> Any:
    """One leaf or branch of the document is something else."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 4)):
        name = data.draw(st.sampled_from(sorted(value)))
        return {**value, name: _spoilt(value[name], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 4)):
        return [_spoilt(value[0], data), *value[1:]]
    return data.draw(st.sampled_from(ODD_VALUES))


def _spoilt_form(body: bytes, data: st.DataObject) -> bytes:
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    named = [at for at, (name, _) in enumerate(pairs) if name not in ("Action", "Version")]
    if named:
        at = data.draw(st.sampled_from(named))
        name, value = pairs[at]
        odd = (f"{name}.", f"{name}.member.1", f".{name}", f"{name}.{'9' * 5000}", name)
        pairs.insert(at + data.draw(st.integers(0, 1)), (data.draw(st.sampled_from(odd)), value))
        pairs[at] = (pairs[at][0], data.draw(st.sampled_from((value, *ODD_TEXTS))))
    return urlencode(pairs).encode()


def _answered(
    house: InProcess, made: dict[str, Any], service: str, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    if not made["url_path"].isascii():
        made["url_path"] = "/"
    request = AWSRequest(made["method"], URL + made["url_path"], made["headers"], made["body"], made["query_string"])
    if protocol == "query":
        del request.headers["content-type"]  # else there would be two
        request.headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(CREDENTIALS, model.load(service).signing_name, REGION).add_auth(request)
    ready = request.prepare()
    with caplog.at_level(logging.ERROR):
        status, headers, body = house.request(
            ready.method, ready.url.removeprefix(URL), dict(ready.headers), ready.body
        )
    assert status < 500 or status == 501, (status, body, made, _stack(caplog))
    assert b"Traceback" not in body
    if status >= 400 and ready.method != "HEAD":
        _readable(headers.get("content-type", ""), body)


def _readable(kind: str, body: bytes) -> None:
    """The error document has a code and a message."""
    if "json" in kind:
        document = json.loads(body)
        assert document["__type"] and (document.get("message") or document.get("Message"))
        return
    root = ElementTree.fromstring(body)
    assert root.tag.rpartition("}")[2] in ("Error", "ErrorResponse")
    assert root.findtext(".//{*}Code") and root.findtext(".//{*}Message")


def _stack(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(str(record.exc_text or record.exc_info) for record in caplog.records)[-3000:]
