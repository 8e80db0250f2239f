"""The protocol smithy-rpc-v2-cbor: one POST, service and operation in the path, a CBOR document each way."""

from collections.abc import Callable
from typing import Any, Final

from clary.aws import cbor, json, packed
from clary.aws.codec import Codec, take_reserved, without_reserved
from clary.aws.errors import ServiceError
from clary.aws.http import Answer, Request
from clary.aws.model import Operation, Shape
from clary.aws.scalars import SerializationException
from clary.aws.shapes import compile_check

PATH: Final = b"/service/"
_Render = Callable[[Any], Any]


def compile_codec(operation: Operation) -> Codec:
    """The operation in rpc-v2-cbor. Documents are in handler form already, but for times."""
    check = compile_check(operation.input, wire=False)
    output = operation.output
    render = _render(output) if output is not None else None

    def decode(request: Request) -> Any:
        return check(_loads(packed.document(request)))

    def encode(doc: Any, request_id: str) -> Answer:
        answer = Answer(200, [(b"smithy-protocol", b"rpc-v2-cbor"), (b"x-amzn-requestid", request_id.encode())])
        take_reserved(doc, answer)
        if output is not None:
            said = without_reserved(doc)
            answer.headers.append((b"content-type", b"application/cbor"))
            answer.body = cbor.dumps(render(said) if render else said)
        return answer

    def refuse(error: ServiceError, request: Request, request_id: str) -> Answer:
        return json.encode_error(error, operation, request, request_id)

    return Codec("json", decode, encode, refuse)


def named(path: bytes) -> str | None:
    """`Service.Operation` of a path `/service/Service/operation/Operation`, as X-Amz-Target says it; None: another."""
    parts = path.decode("latin-1").split("/")
    if len(parts) == 5 and (parts[1], parts[3]) == ("service", "operation"):
        return f"{parts[2].rpartition('.')[2]}.{parts[4]}"
    return None


def _loads(body: bytes) -> Any:
    if not body:
        return {}
    try:
        return cbor.loads(body)
    except cbor.BadCbor as error:
        raise SerializationException(f"The request body is not valid CBOR: {error}.") from None


def _render(shape: Shape) -> _Render | None:
    """Times get their tag; None: there are none inside."""
    name = ("cbor", shape.name)
    compiled = shape.model.compiled
    if name in compiled:
        found: _Render | None = compiled[name]
        return found
    if shape.kind in ("structure", "list", "map"):
        # A shape that holds itself is rendered through its own name.
        compiled[name] = lambda value: compiled[name](value) if compiled[name] else value
    compiled[name] = made = _compile(shape)
    return made


def _compile(shape: Shape) -> _Render | None:
    match shape.kind:
        case "timestamp":
            return lambda value: cbor.Tagged(1, value)
        case "structure":
            inner = {name: one for name, member in shape.members.items() if (one := _render(member)) is not None}
            if not inner:
                return None
            return lambda value: {name: inner[name](it) if name in inner else it for name, it in value.items()}
        case "list":
            one = _render(shape.member)
            return None if one is None else lambda value: [one(item) for item in value]
        case "map":
            each = _render(shape.value)
            return None if each is None else lambda value: {name: each(item) for name, item in value.items()}
    return None
