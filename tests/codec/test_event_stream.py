"""Event streams, read by botocore: its own decoder proves lengths, checksums, headers and shapes."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import EventStreamError
from hypothesis import given
from hypothesis import strategies as st

from clary.aws.errors import ServiceError
from clary.aws.event_stream import PAYLOAD_BYTES, exception, message
from clary.aws.service import Context, Service
from clary.kernel.resource import Doc
from tests.inprocess import InProcess, serving

NAMES = st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=20)
VALUES = st.text(max_size=50) | st.binary(max_size=50) | st.booleans() | st.integers(-(2**31), 2**31 - 1)


@given(headers=st.dictionaries(NAMES, VALUES, max_size=5), payload=st.binary(max_size=300), cut=st.integers(0, 400))
def test_a_message_is_what_botocore_reads(headers: dict[str, Any], payload: bytes, cut: int) -> None:
    data = message(list(headers.items()), payload)
    buffer = EventStreamBuffer()
    buffer.add_data(data[:cut])
    buffer.add_data(data[cut:])
    (found,) = list(buffer)
    assert (found.headers, found.payload) == (headers, payload)


def test_a_message_that_no_client_takes_is_not_made() -> None:
    with pytest.raises(ValueError, match="clients take"):
        message([], b"x" * (PAYLOAD_BYTES + 1))


def test_an_exception_is_marked_as_one() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(exception("ModelStreamError", b"{}"))
    (found,) = list(buffer)
    assert found.headers[":message-type"] == "exception" and found.headers[":exception-type"] == "ModelStreamError"


class Streams:
    """Two operations whose events a test decides: one in rest-json, one in json."""

    def __init__(self) -> None:
        self.events: list[Doc] = []
        self.error: Exception | None = None
        self.closed = 0
        self.runtime = Service("sagemaker-runtime")
        self.logs = Service("logs")
        self.runtime.operation("InvokeEndpointWithResponseStream")(self.invoke)
        self.logs.operation("StartLiveTail")(self.tail)

    async def source(self) -> AsyncIterator[Doc]:
        try:
            for one in self.events:
                yield one
            if self.error is not None:
                raise self.error
        finally:
            self.closed += 1

    async def invoke(self, ctx: Context, req: Doc) -> Doc:
        return {"Body": self.source(), "ContentType": "text/plain", "InvokedProductionVariant": "blue"}

    async def tail(self, ctx: Context, req: Doc) -> Doc:
        return {"responseStream": self.source()}


@pytest.fixture
def streams() -> Streams:
    return Streams()


@pytest.fixture
def app(tmp_path: Path, streams: Streams) -> Iterator[InProcess]:
    with serving(tmp_path, [streams.runtime, streams.logs]) as made:
        yield made


def _invoke(app: InProcess) -> Any:
    client = app.client("sagemaker-runtime")
    return client.invoke_endpoint_with_response_stream(EndpointName="cars", Body=b"1")


def test_payloads_arrive_in_rest_json(app: InProcess, streams: Streams) -> None:
    streams.events = [{"PayloadPart": {"Bytes": one}} for one in (b"a", b"", b"\x00\xff" * 9)]
    answer = _invoke(app)
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("text/plain", "blue")
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/vnd.amazon.eventstream"
    assert [one["PayloadPart"].get("Bytes") for one in answer["Body"]] == [b"a", b"", b"\x00\xff" * 9]
    assert streams.closed == 1


def test_a_modelled_error_ends_the_stream(app: InProcess, streams: Streams) -> None:
    streams.events = [{"PayloadPart": {"Bytes": b"a"}}]
    streams.error = ServiceError("It broke.", code="ModelStreamError", ErrorCode="StreamBroken")
    body = iter(_invoke(app)["Body"])
    assert next(body) == {"PayloadPart": {"Bytes": b"a"}}
    with pytest.raises(EventStreamError) as caught:
        next(body)
    assert caught.value.response["Error"] == {"Code": "ModelStreamError", "Message": "It broke."}


def test_an_error_that_the_model_does_not_know_is_no_answer(app: InProcess, streams: Streams) -> None:
    streams.error = ServiceError("Nobody has heard of it.", code="Odd")
    with pytest.raises(ServiceError):
        _invoke(app)
    assert streams.closed == 1


def test_documents_arrive_in_json(app: InProcess, streams: Streams) -> None:
    streams.events = [
        {"sessionStart": {"requestId": "r", "logGroupIdentifiers": ["arn:aws:logs:us-east-1:123456789012:g"]}},
        {"sessionUpdate": {"sessionResults": [{"message": "hello", "timestamp": 5, "ingestionTime": 6}]}},
    ]
    streams.error = ServiceError("Three hours are over.", code="SessionTimeoutException")
    client = app.client("logs", inject_host_prefix=False)
    answer = client.start_live_tail(logGroupIdentifiers=["arn:aws:logs:us-east-1:123456789012:log-group:g"])
    events = iter(answer["responseStream"])
    assert next(events) == streams.events[0]
    assert next(events) == streams.events[1]
    with pytest.raises(EventStreamError, match="Three hours"):
        next(events)
