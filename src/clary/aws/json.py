"""The protocols json 1.0 and 1.1: one POST, the operation in X-Amz-Target, a JSON document each way."""

from typing import Any

import orjson

from clary.aws import cbor, event_stream, packed
from clary.aws.codec import Codec, error_shape, error_status, take_reserved, without_reserved
from clary.aws.documents import compile_document, compile_members
from clary.aws.errors import ServiceError
from clary.aws.http import Answer, Request
from clary.aws.model import Model, Operation, Shape
from clary.aws.scalars import SerializationException
from clary.aws.shapes import compile_check


def compile_codec(operation: Operation) -> Codec:
    """The operation in the json protocol of its model's version."""
    check = compile_check(operation.input, wire=True)
    document = compile_document(operation.output)
    empty = operation.output is None
    kind = content_type(operation.model)

    def decode(request: Request) -> Any:
        return check(loads(packed.document(request)))

    def encode(doc: Any, request_id: str) -> Answer:
        answer = Answer(200, [(b"content-type", kind), (b"x-amzn-requestid", request_id.encode())])
        take_reserved(doc, answer)
        answer.body = b"" if empty else document(without_reserved(doc))
        return answer

    def refuse(error: ServiceError, request: Request, request_id: str) -> Answer:
        return encode_error(error, operation, request, request_id)

    if operation.output is not None and (member := event_stream.member_of(operation.output)):
        return Codec("json", decode, _stream_encoder(operation.output, member, kind), refuse)
    return Codec("json", decode, encode, refuse)


def _stream_encoder(shape: Shape, member: str, kind: bytes) -> Any:
    """The members beside the stream go ahead of it, as the first event."""
    document, inner = compile_members(shape), kind.decode()
    stream = event_stream.compile_stream(shape.members[member], inner)

    def encode(doc: Any, request_id: str) -> Answer:
        answer = Answer(200, [(b"content-type", event_stream.CONTENT_TYPE.encode())])
        answer.headers.append((b"x-amzn-requestid", request_id.encode()))
        take_reserved(doc, answer)
        others = {name: item for name, item in without_reserved(doc).items() if name != member}
        answer.body = stream(doc[member], event_stream.initial_response(document(others), inner))
        return answer

    return encode


def content_type(model: Model) -> bytes:
    return f"application/x-amz-json-{model.json_version}".encode()


def loads(body: bytes) -> Any:
    """The document of a body; nothing at all counts as {}. Raises SerializationException."""
    if not body:
        return {}
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SerializationException(f"The request body is not valid JSON: {error}.") from None


def encode_error(error: ServiceError, operation: Operation | None, request: Request, request_id: str) -> Answer:
    """In the form of json and rest-json: the code in a header and in `__type`. Of rpc-v2-cbor, if that was asked."""
    shape = error_shape(operation, error.error_code)
    code = shape.name if shape else error.error_code
    kind = b"application/json"
    if "x-amz-target" in request.headers:
        kind = content_type(operation.model) if operation else b"application/x-amz-json-1.1"
    headers = [
        (b"content-type", kind),
        (b"x-amzn-requestid", request_id.encode()),
        (b"x-amzn-errortype", code.encode()),
    ]
    if operation and operation.model.query_compatible and request.headers.get("x-amzn-query-mode") == "true":
        old = error.query_code or (shape.traits.get("error", {}).get("code") if shape else None) or code
        side = "Sender" if error_status(error, shape) < 500 else "Receiver"
        headers.append((b"x-amzn-query-error", f"{old};{side}".encode()))
    said = {"__type": code, _message_member(shape): error.message, **error.fields}
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        headers[0] = (b"content-type", b"application/cbor")
        headers.append((b"smithy-protocol", b"rpc-v2-cbor"))
        return Answer(error_status(error, shape), headers, cbor.dumps(said))
    return Answer(error_status(error, shape), headers, orjson.dumps(said))


def _message_member(shape: Shape | None) -> str:
    if shape is not None and "Message" in shape.members:
        return "Message"
    return "message"
