"""The protocol rest-json: the operation in method and path, documents in JSON, the rest wherever the model says."""

from typing import Any

from clary.aws import event_stream, json
from clary.aws.codec import Codec, take_reserved, without_reserved
from clary.aws.documents import compile_document, compile_members
from clary.aws.errors import ServiceError
from clary.aws.http import Answer, Chunks, Request
from clary.aws.model import Operation, Shape
from clary.aws.rest import compile_headers, compile_located
from clary.aws.shapes import compile_check
from clary.kernel.objects import Held
from clary.kernel.resource import Doc


def compile_codec(operation: Operation) -> Codec:
    """The operation in rest-json."""

    def refuse(error: ServiceError, request: Request, request_id: str) -> Answer:
        return json.encode_error(error, operation, request, request_id)

    return Codec("json", _decoder(operation), _encoder(operation), refuse)


def _decoder(operation: Operation) -> Any:
    shape = operation.input
    check = compile_check(shape, wire=True)
    if shape is None:
        return lambda request: {}
    located = compile_located(shape)
    payload = shape.members[shape.payload] if shape.payload else None
    in_body = {member.wire(name) for name, member in shape.members.items() if member.location is None}

    def decode(request: Request) -> Doc:
        doc: Doc = {}
        if shape.payload and payload is not None:
            value = _payload(payload, request)
            if value is not None:
                doc[shape.payload] = value
        elif in_body and request.body:
            found = json.loads(request.body)
            if type(found) is not dict:
                return check(found)
            doc.update((name, value) for name, value in found.items() if name in in_body)
        located(request, request.labels, doc)
        return check(doc)

    return decode


def _payload(shape: Shape, request: Request) -> Any:
    if shape.streaming:
        return request.stream
    if shape.kind == "blob":
        return request.body
    if shape.kind == "string":
        return request.body.decode("utf-8", "replace")
    return json.loads(request.body) if request.body else None


def raw_body(value: Any) -> bytes | Chunks:
    """A payload that is no document: text, bytes or an async iterator of bytes, as the handler gave it."""
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, Held):
        return value.data  # goes out in the same write as the head
    ready: bytes | Chunks = value
    return ready


def _encoder(operation: Operation) -> Any:
    shape = operation.output
    status = operation.status
    if shape is None:
        return lambda doc, request_id: Answer(status, [(b"x-amzn-requestid", request_id.encode())])
    headers = compile_headers(shape)
    payload = shape.members[shape.payload] if shape.payload else None
    if payload is not None and payload.traits.get("eventstream"):
        return _stream_encoder(operation, shape, payload)
    raw = payload is not None and payload.kind in ("blob", "string")
    document = compile_document(payload) if payload is not None else compile_members(shape)
    has_body = payload is not None or any(one.location is None for one in shape.members.values())

    def encode(doc: Doc, request_id: str) -> Answer:
        answer = Answer(status, [(b"x-amzn-requestid", request_id.encode())])
        headers(doc, answer)
        take_reserved(doc, answer)
        value = doc.get(shape.payload) if shape.payload else without_reserved(doc)
        if raw:
            answer.body = raw_body(value)
        elif has_body:
            answer.body = document(value) if value is not None else b"{}"
            answer.headers.append((b"content-type", b"application/json"))
        return answer

    return encode


def _stream_encoder(operation: Operation, shape: Shape, payload: Shape) -> Any:
    """An answer whose body is a stream of events; all other members stand in headers."""
    headers = compile_headers(shape)
    stream = event_stream.compile_stream(payload, "application/json")

    def encode(doc: Doc, request_id: str) -> Answer:
        answer = Answer(operation.status, [(b"x-amzn-requestid", request_id.encode())])
        headers(doc, answer)
        take_reserved(doc, answer)
        answer.headers.append((b"content-type", event_stream.CONTENT_TYPE.encode()))
        answer.body = stream(doc[shape.payload or ""], b"")
        return answer

    return encode
