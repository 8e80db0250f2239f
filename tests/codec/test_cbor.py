"""rpc-v2-cbor: botocore's own serializer and parser on the other side, and bytes that are no document."""

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from clary.aws import cbor
from clary.aws.errors import ServiceError
from clary.aws.service import Context, Service
from clary.kernel.resource import Doc
from tests.inprocess import REGION, ROOT_KEYS, URL, InProcess, serving

PROTOCOL = "smithy-rpc-v2-cbor"
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=30)
    | st.binary(max_size=30)
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
)


@given(VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    assert cbor.loads(cbor.dumps(value)) == value


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with contextlib.suppress(cbor.BadCbor):
        cbor.loads(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x9b" + b"\xff" * 8,
        b"\xbb" + b"\xff" * 8,
        b"\x5b" + b"\xff" * 8,
        b"\x81" * 5000 + b"\x00",
        b"\x9f" * 5000,
        b"\xc1" * 5000 + b"\x00",
        b"\xff",
        b"\x00\x00",
        b"\xa1\x00\x00",
        b"\x61\xff",
        b"\xc2\x41\x01",
        b"\x1c",
        b"\x7f\x41a\xff",
    ],
)
def test_bombs_and_nonsense_are_refused(data: bytes) -> None:
    with pytest.raises(cbor.BadCbor):
        cbor.loads(data)


def test_other_ways_of_writing_the_same() -> None:
    assert cbor.loads(b"\x9f\x01\x02\xff") == [1, 2]
    assert cbor.loads(b"\xbf\x61a\x7f\x61b\x61c\xff\xff") == {"a": "bc"}
    assert cbor.loads(b"\x5f\x41a\x41b\xff") == b"ab"
    assert cbor.loads(b"\xf9\x3c\x00") == 1.0 and cbor.loads(b"\xfa" + struct.pack(">f", 0.5)) == 0.5
    assert cbor.loads(b"\xc1\x1a\x65\x53\xf1\x00") == 1_700_000_000


@pytest.fixture
def app(tmp_path: Path) -> Iterator[InProcess]:
    service = Service("cloudwatch")

    @service.operation("PutMetricData")
    async def put(ctx: Context, req: Doc) -> Doc:
        seen.append(req)
        return {}

    @service.operation("GetMetricStatistics")
    async def get(ctx: Context, req: Doc) -> Doc:
        if req["MetricName"] == "none":
            raise ServiceError("No such metric.", code="ResourceNotFoundException")
        point = {"Timestamp": 1_700_000_000.5, "Sum": 2.0, "Unit": "Count", "ExtendedStatistics": {"p9": 1.5}}
        return {"Label": "é", "Datapoints": [point]}

    seen: list[Doc] = []
    with serving(tmp_path, [service]) as made:
        made.seen = seen  # type: ignore[attr-defined]
        yield made


def ask(app: InProcess, operation: str, params: dict[str, Any], **headers: str) -> tuple[int, dict[str, str], Any]:
    """As botocore would ask and read it, with the protocol that its model names first."""
    theirs = Session().get_service_model("cloudwatch").operation_model(operation)
    made = create_serializer(PROTOCOL, include_validation=False).serialize_to_request(params, theirs)
    return send(app, made["url_path"], {**made["headers"], **headers}, made["body"], theirs)


def send(
    app: InProcess, path: str, headers: dict[str, str], body: bytes, theirs: Any
) -> tuple[int, dict[str, str], Any]:
    request = AWSRequest("POST", URL + path, headers, body)
    SigV4Auth(Credentials(ROOT_KEYS.access_key_id, ROOT_KEYS.secret_access_key), "monitoring", REGION).add_auth(request)
    ready = request.prepare()
    status, said, answer = app.request("POST", path, dict(ready.headers), ready.body)
    assert said["smithy-protocol"] == "rpc-v2-cbor"
    shape = theirs.output_shape if theirs is not None else None
    parsed = create_parser(PROTOCOL).parse({"status_code": status, "headers": said, "body": answer}, shape)
    return status, said, parsed


def test_a_request_and_its_answer(app: InProcess) -> None:
    statistics = {"SampleCount": 3.0, "Sum": 6.0, "Minimum": 1.0, "Maximum": 3.0}
    datum = {"MetricName": "m", "Timestamp": 1_700_000_000, "StatisticValues": statistics, "StorageResolution": 60}
    status, _, _ = ask(app, "PutMetricData", {"Namespace": "n", "MetricData": [datum]})
    assert status == 200
    assert app.seen == [{"Namespace": "n", "MetricData": [datum]}]  # type: ignore[attr-defined]
    _, _, answer = ask(app, "GetMetricStatistics", _asked("m"))
    (point,) = answer["Datapoints"]
    assert point["Timestamp"].timestamp() == 1_700_000_000.5
    assert (answer["Label"], point["Sum"], point["ExtendedStatistics"]) == ("é", 2.0, {"p9": 1.5})


def _asked(metric: str) -> dict[str, Any]:
    return {"Namespace": "n", "MetricName": metric, "StartTime": 0, "EndTime": 9, "Period": 60}


def test_errors(app: InProcess) -> None:
    status, said, answer = ask(app, "GetMetricStatistics", _asked("none"), **{"x-amzn-query-mode": "true"})
    assert (status, answer["Error"]["Message"]) == (404, "No such metric.")
    assert said["x-amzn-query-error"].endswith(";Sender")
    status, _, answer = ask(app, "GetMetricStatistics", {**_asked("m"), "Period": -1})
    assert (status, answer["Error"]["Code"]) == (400, "ValidationError")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/service/GraniteServiceVersion20100801/operation/PutMetricData", b"\xff", 400),
        ("/service/GraniteServiceVersion20100801/operation/PutMetricData", b"\x80", 400),
        ("/service/GraniteServiceVersion20100801/operation/ListMetrics", b"\xa0", 501),
        ("/service/GraniteServiceVersion20100801/operation/Nonsense", b"\xa0", 501),
        ("/service/Nobody/operation/PutMetricData", b"\xa0", 501),
        ("/elsewhere", b"\xa0", 501),
    ],
)
def test_what_cannot_be_is_refused_in_cbor(app: InProcess, path: str, body: bytes, status: int) -> None:
    headers = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
    found, _, answer = send(app, path, headers, body, None)
    assert found == status and answer["Error"]["Message"]
