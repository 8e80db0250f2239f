"""The protocol query: a form in, with the operation in Action; XML out."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl

from clary.aws import packed
from clary.aws.codec import Codec, Encode, error_shape, error_status, take_reserved, without_reserved
from clary.aws.errors import ServiceError
from clary.aws.http import Answer, Request
from clary.aws.model import Operation, Shape
from clary.aws.rest import reader
from clary.aws.scalars import SerializationException
from clary.aws.shapes import Invalid, compile_check
from clary.aws.xml import readable
from clary.aws.xml_shapes import compile_content
from clary.kernel.resource import Doc

MAX_PARAMETERS: Final = 20_000
MAX_DEPTH: Final = 32
_DIGITS: Final = 10
"""More make no number of an item."""
Tree = dict[str, Any]
"""A form by the dots in its names; the text of a name itself stands under ""."""
ReadTree = Callable[[Tree], Any]


class MalformedQueryString(ServiceError):
    """The form cannot be read."""


def form_of(request: Request) -> dict[str, str]:
    """The parameters, from the body or, for a GET, the query string. Raises MalformedQueryString."""
    text = packed.document(request) if request.body else request.query
    try:
        pairs = parse_qsl(text.decode(), keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise MalformedQueryString(f"Send UTF-8 and at most {MAX_PARAMETERS} parameters.") from None
    return dict(pairs)


def compile_codec(operation: Operation) -> Codec:
    """The operation in the query protocol."""
    check = compile_check(operation.input, wire=False)
    read = compile_tree(operation.input) if operation.input is not None else (lambda tree: {})

    def decode(request: Request) -> Doc:
        try:
            return check(read(_tree(form_of(request))))
        except Invalid as error:
            raise ServiceError(error.message, code="ValidationError") from None
        except SerializationException as error:
            raise ServiceError(error.message, code="MalformedInput") from None

    def refuse(error: ServiceError, request: Request, request_id: str) -> Answer:
        return encode_error(error, operation, request, request_id)

    return Codec("query", decode, _encoder(operation), refuse)


def _tree(form: dict[str, str]) -> Tree:
    root: Tree = {}
    for name, value in form.items():
        node = root
        parts = name.split(".")
        if len(parts) > MAX_DEPTH:
            raise MalformedQueryString(f"The parameter name {name[:64]}... has too many parts.")
        if "" in parts:
            continue  # no member's name; "" is where a tree keeps its texts
        for part in parts:
            node = node.setdefault(part, {})
        node[""] = value
    return root


def compile_tree(shape: Shape) -> ReadTree:
    """A value in handler form out of a form. Compiled once a shape."""
    name = ("query", shape.name, bool(shape.traits.get("flattened")))
    compiled = shape.model.compiled
    if name not in compiled:
        compiled[name] = lambda tree: compiled[name](tree)
        compiled[name] = _reader(shape)
    found: ReadTree = compiled[name]
    return found


def _reader(shape: Shape) -> ReadTree:
    match shape.kind:
        case "structure":
            return _structure(shape)
        case "list":
            return _list(shape)
        case "map":
            return _map(shape)
    scalar = reader(shape, "iso8601")
    return lambda tree: scalar(tree.get("", ""))


def _structure(shape: Shape) -> ReadTree:
    members: dict[str, tuple[str, ReadTree]] = {}
    for name, member in shape.members.items():
        wire = member.wire(name)
        if member.kind == "list" and member.traits.get("flattened") and "locationName" in member.member.traits:
            # A flattened list goes by the name of its members.
            wire = member.member.wire(name)
        members[wire] = (name, compile_tree(member))

    def read(tree: Tree) -> Doc:
        found = {}
        for wire, (name, make) in members.items():
            if wire in tree:
                found[name] = make(tree[wire])
        return found

    return read


def _list(shape: Shape) -> ReadTree:
    make = compile_tree(shape.member)
    own = None if shape.traits.get("flattened") else shape.member.wire("member")

    def read(tree: Tree) -> list[Any]:
        items = tree if own is None else tree.get(own, {})
        return [make(items[key]) for key in _numbered(items)]

    return read


def _map(shape: Shape) -> ReadTree:
    key_name, value_name = shape.key.wire("key"), shape.value.wire("value")
    key, value = compile_tree(shape.key), compile_tree(shape.value)
    flattened = bool(shape.traits.get("flattened"))

    def read(tree: Tree) -> dict[str, Any]:
        items = tree if flattened else tree.get("entry", {})
        entries = [items[number] for number in _numbered(items)]
        return {key(one[key_name]): value(one.get(value_name, {})) for one in entries if key_name in one}

    return read


def _numbered(items: Tree) -> list[str]:
    """The numbers among the names, in their order; numbers may be missing."""
    return sorted((name for name in items if name.isdecimal() and len(name) < _DIGITS), key=int)


def _encoder(operation: Operation) -> Encode:
    name, space = operation.name, operation.model.metadata.get("xmlNamespace", "")
    shape = operation.output
    content = compile_content(shape) if shape is not None else None
    wrapper = shape.traits.get("resultWrapper") if shape is not None else None

    def encode(doc: Doc, request_id: str) -> Answer:
        out = [f'<{name}Response xmlns="{space}">']
        if content is not None:
            inner: list[str] = []
            content(without_reserved(doc), inner)
            body = "".join(inner)
            out.append(f"<{wrapper}>{body}</{wrapper}>" if wrapper else body)
        out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>")
        answer = Answer(200, _headers(request_id), "".join(out).encode())
        take_reserved(doc, answer)
        return answer

    return encode


def encode_error(error: ServiceError, operation: Operation | None, request: Request, request_id: str) -> Answer:
    """<ErrorResponse>: the modelled code, which is not always the shape's name."""
    denied = operation.model.patch.get("denied") if operation is not None else None
    shape = error_shape(operation, denied if denied and error.error_code == "AccessDenied" else error.error_code)
    code = (shape.traits.get("error", {}).get("code") or shape.name) if shape else error.error_code
    status = error_status(error, shape)
    space = operation.model.metadata.get("xmlNamespace", "") if operation else "http://webservices.amazon.com/"
    side = "Sender" if status < 500 else "Receiver"
    body = (
        f'<ErrorResponse xmlns="{space}"><Error><Type>{side}</Type><Code>{readable(code)}</Code>'
        f"<Message>{readable(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return Answer(status, _headers(request_id), body.encode())


def _headers(request_id: str) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", b"text/xml"), (b"x-amzn-requestid", request_id.encode())]
