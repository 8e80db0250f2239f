"""Answers of the front as bytes: a model's reply, or a fault in rest-json's form."""

import http
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import orjson

from clary.engines.serving.base import Reply
from clary.engines.serving.faults import NOT_SERVED, Fault, not_served

VARIANT = "x-Amzn-Invoked-Production-Variant"
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


def _reasons() -> dict[int, bytes]:
    known = {one.value: one.phrase for one in http.HTTPStatus}
    return {status: f"HTTP/1.1 {status} {known.get(status, '')}\r\n".encode() for status in range(200, 600)}


_LINES: Mapping[int, bytes] = _reasons()
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def _render(status: int, headers: Iterable[tuple[str, str]], body: bytes, date: bytes, close: bool) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    end = b"connection: close\r\n\r\n" if close else b"\r\n"
    length = b"content-length: %d\r\n" % len(body)
    return b"".join((_LINES[status], date, lines.encode("latin-1"), length, end, body))


def render_reply(reply: Reply, request_id: str, date: bytes, close: bool) -> bytes:
    """A model's good answer, as AWS passes it on: of its headers only the content type and the custom attributes."""
    found = reply.headers
    attributes = found.get("x-amzn-sagemaker-custom-attributes")
    said = _said(reply.variant, found.get("content-type", "application/octet-stream"))
    if attributes is not None:
        said += f"{ATTRIBUTES}: {attributes}\r\n".encode("latin-1")
    if close:
        said += b"connection: close\r\n"
    body = reply.body
    return _GOOD % (date, request_id.encode(), said, len(body), body)


_GOOD = _LINES[200] + b"%bx-amzn-RequestId: %b\r\n%bcontent-length: %d\r\n\r\n%b"


@lru_cache(maxsize=1024)
def _said(variant: str, content_type: str) -> bytes:
    """The headers that nearly all answers of a variant have. What a browser might run of a model's answer runs apart
    from the console, which is served at the same address."""
    said = f"{VARIANT}: {variant}\r\nContent-Type: {content_type}\r\n"
    if content_type.partition(";")[0].strip().lower() not in _INERT:
        said += "Content-Security-Policy: sandbox\r\nX-Content-Type-Options: nosniff\r\n"
    return said.encode("latin-1")


_INERT = frozenset(("text/csv", "application/json", "application/jsonlines", "application/octet-stream"))
"""What models answer nearly always, and browsers only show or save."""


PIECE_BYTES = 1024 * 1024
"""Of an answer that came in one piece. Clients take no event of more than 24 MB."""


def pieces(body: bytes) -> Iterator[bytes]:
    """The parts of an answer that came in one piece, as compiled models answer; none, if it is empty."""
    if len(body) <= PIECE_BYTES:
        return iter((body,) if body else ())
    return (body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES))


def render_stream_head(reply: Reply, request_id: str, date: bytes, close: bool) -> bytes:
    """The head of an answer in events; chunks follow."""
    headers = [
        ("x-amzn-RequestId", request_id),
        (VARIANT, reply.variant),
        ("X-Amzn-SageMaker-Content-Type", reply.headers.get("content-type", "application/octet-stream")),
        ("Content-Type", "application/vnd.amazon.eventstream"),
        ("Transfer-Encoding", "chunked"),
    ]
    attributes = reply.headers.get("x-amzn-sagemaker-custom-attributes")
    if attributes is not None:
        headers.append((ATTRIBUTES, attributes))
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    end = b"connection: close\r\n\r\n" if close else b"\r\n"
    return b"".join((_LINES[200], date, lines.encode("latin-1"), end))


def chunk(data: bytes) -> bytes:
    """One chunk of a body whose length nobody knows. `data` must not be empty."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def fault_document(fault: Fault) -> bytes:
    """The members of an error."""
    return orjson.dumps({**fault.fields, "Message": fault.message})


def render_fault(fault: Fault, request_id: str, date: bytes, close: bool) -> bytes:
    body = orjson.dumps({**fault.fields, "Message": fault.message, "message": fault.message})
    headers = [("x-amzn-RequestId", request_id), ("Content-Type", "application/json")]
    if fault.code:
        headers.append(("x-amzn-ErrorType", fault.code))
    if fault.retry_after is not None:
        headers.append(("Retry-After", str(fault.retry_after)))
    return _render(fault.status, headers, body, date, close)


_ASCII = re.compile(r"[\x00-\x7f]*")
_INFERENCE_ID = re.compile(r"\S[\x20-\x7e]*")
_VARIANT = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")
_CONSTRAINTS = (
    ("content-type", "contentType", 1024, _ASCII, r"\p{ASCII}*"),
    ("accept", "accept", 1024, _ASCII, r"\p{ASCII}*"),
    ("x-amzn-sagemaker-custom-attributes", "customAttributes", 1024, _ASCII, r"\p{ASCII}*"),
    ("x-amzn-sagemaker-inference-id", "inferenceId", 64, _INFERENCE_ID, r"\A\S[\p{Print}]*\z"),
    ("x-amzn-sagemaker-target-variant", "targetVariant", 63, _VARIANT, "^[a-zA-Z0-9](-*[a-zA-Z0-9])*"),
)
_NOT_SERVED = frozenset(name for name, _ in NOT_SERVED.values())
STREAM = "invocations-response-stream"
_ACCEPT = "x-amzn-sagemaker-accept"
"""What a request for a stream calls the Accept that is meant for the model."""


def model_headers(operation: str, headers: Mapping[str, str]) -> Mapping[str, str]:
    """The request's headers as those of an InvokeEndpoint."""
    if operation != STREAM:
        return headers
    found = {name: value for name, value in headers.items() if name not in ("accept", _ACCEPT)}
    return {**found, "accept": headers[_ACCEPT]} if _ACCEPT in headers else found


def check_request(operation: str, headers: Mapping[str, str]) -> Fault | None:
    """What the request asks for that cannot be, in AWS's words; None when it can go on. `headers`: `model_headers`."""
    name_of = "InvokeEndpointWithResponseStream" if operation == STREAM else "InvokeEndpoint"
    if not _NOT_SERVED.isdisjoint(headers):
        named = ((member, what) for member, (name, what) in NOT_SERVED.items() if name in headers)
        member, what = next(named)
        return not_served(f"the member {member} of {name_of} ({what})")
    errors = []
    for name, member, longest, pattern, written in _CONSTRAINTS:
        value = headers.get(name)
        if value is None:
            continue
        if len(value) <= longest and pattern.fullmatch(value):
            continue
        start = f"Value '{value}' at '{member}' failed to satisfy constraint: Member must "
        if len(value) > longest:
            errors.append(f"{start}have length less than or equal to {longest}")
        if not pattern.fullmatch(value):
            errors.append(f"{start}satisfy regular expression pattern: {written}")
    if not errors:
        return None
    plural = "error" if len(errors) == 1 else "errors"
    return Fault(400, "ValidationError", f"{len(errors)} validation {plural} detected: {'; '.join(errors)}")
