"""The protocol rest-xml, which is S3's: bodies that are streams or XML, everything else in path, query and headers."""

import base64
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from clary.aws.codec import Codec, Encode, error_shape, error_status, take_reserved, without_reserved
from clary.aws.errors import ServiceError
from clary.aws.http import Answer, Request
from clary.aws.model import Operation, Shape
from clary.aws.rest import compile_headers, compile_located
from clary.aws.rest_json import raw_body
from clary.aws.scalars import SerializationException
from clary.aws.shapes import Invalid, compile_check
from clary.aws.xml import MalformedXML, escape, parse, readable
from clary.aws.xml_shapes import compile_content, compile_read
from clary.kernel.resource import Doc

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def compile_codec(operation: Operation) -> Codec:
    """The operation in rest-xml."""

    def refuse(error: ServiceError, request: Request, request_id: str) -> Answer:
        return encode_error(error, operation, request, request_id)

    return Codec("s3", _decoder(operation), _encoder(operation), refuse)


def _decoder(operation: Operation) -> Callable[[Request], Doc]:
    shape = operation.input
    if shape is None:
        return lambda request: {}
    located, check = compile_located(shape), compile_check(shape, wire=False)
    payload = shape.members[shape.payload] if shape.payload else None
    read = compile_read(payload) if payload is not None and payload.kind == "structure" else None
    whole = compile_read(shape) if payload is None and any(m.location is None for m in shape.members.values()) else None

    def decode(request: Request) -> Doc:
        doc: Doc = {}
        if shape.payload and payload is not None:
            if payload.streaming:
                doc[shape.payload] = request.stream
            elif read is None:
                doc[shape.payload] = request.body if payload.kind == "blob" else request.body.decode("utf-8", "replace")
            elif request.body:
                doc[shape.payload] = _read_body(read, request.body)
        elif whole is not None and request.body:
            doc.update(_read_body(whole, request.body))
        try:
            located(request, request.labels, doc)
            return check(doc)
        except Invalid as error:
            code = "InvalidArgument" if "enum value set" in error.message else "InvalidRequest"
            raise ServiceError(error.message, code="MalformedXML" if request.body else code) from None
        except SerializationException as error:
            raise ServiceError(error.message, code="InvalidArgument") from None

    return decode


def _read_body(read: Callable[[Any], Any], body: bytes) -> Any:
    try:
        return read(parse(body))
    except SerializationException as error:
        raise MalformedXML(error.message) from None


def _encoder(operation: Operation) -> Encode:
    shape, status = operation.output, operation.status
    if shape is None:
        return lambda doc, request_id: _start(status, request_id, doc)
    headers = compile_headers(shape)
    document = _document(operation, shape)

    def encode(doc: Doc, request_id: str) -> Answer:
        answer = Answer(status, _ids(request_id))
        headers(doc, answer)
        take_reserved(doc, answer)
        document(doc, answer)
        return answer

    return encode


def _document(operation: Operation, shape: Shape) -> Callable[[Doc, Answer], None]:
    """Puts the body into an answer."""
    payload = shape.members[shape.payload] if shape.payload else None
    name = shape.payload or ""
    if payload is not None and payload.kind in ("blob", "string"):
        return lambda doc, answer: setattr(answer, "body", raw_body(doc.get(name)))
    patch = operation.model.patch
    space = f' xmlns="{escape(patch["xmlns"])}"' if "xmlns" in patch else ""
    if payload is not None:
        root = payload.traits.get("locationName") or payload.name
    else:
        root = patch.get("roots", {}).get(shape.name, shape.name)
    if not any(member.location is None for member in shape.members.values()):
        return lambda doc, answer: None
    content = compile_content(payload or shape)
    bare = shape.name in patch.get("bare_root", ())

    def put(doc: Doc, answer: Answer) -> None:
        value = doc.get(name) if name else without_reserved(doc)
        if value is None or answer.status in (204, 304):
            return
        if bare:
            inner = [escape(str(item)) for item in value.values()]
        else:
            inner = []
            content(value, inner)
        answer.body = f"{DECLARATION}<{root}{space}>{''.join(inner)}</{root}>".encode()
        answer.headers.append((b"content-type", b"application/xml"))

    return put


def encode_error(error: ServiceError, operation: Operation | None, request: Request, request_id: str) -> Answer:
    """<Error> with S3's own members, and headers that the error brings as `_headers`. An answer to HEAD has no body, so
    only its status and headers tell."""
    shape = error_shape(operation, error.error_code)
    code = (shape.traits.get("error", {}).get("code") or shape.name) if shape else error.error_code
    answer = Answer(error_status(error, shape), _ids(request_id))
    for name, value in error.fields.get("_headers", {}).items():
        answer.headers.append((name.encode(), value.encode()))
    if request.method == "HEAD" or answer.status == 304:
        return answer
    resource = unquote(request.path.decode("latin-1"))
    more = "".join(
        f"<{name}>{readable(str(value))}</{name}>" for name, value in error.fields.items() if not name.startswith("_")
    )
    answer.body = (
        f"{DECLARATION}<Error><Code>{readable(code)}</Code><Message>{readable(error.message)}</Message>{more}"
        f"<Resource>{readable(resource)}</Resource><RequestId>{request_id}</RequestId>"
        f"<HostId>{_host_id(request_id)}</HostId></Error>"
    ).encode()
    answer.headers.append((b"content-type", b"application/xml"))
    return answer


def _start(status: int, request_id: str, doc: Doc) -> Answer:
    answer = Answer(status, _ids(request_id))
    take_reserved(doc, answer)
    return answer


def _ids(request_id: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-amz-request-id", request_id.encode()), (b"x-amz-id-2", _host_id(request_id).encode())]


def _host_id(request_id: str) -> str:
    return base64.b64encode(sha256(request_id.encode()).digest()).decode()
