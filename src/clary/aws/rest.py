"""What rest-json and rest-xml share: members that stand in the path, the query string, headers and the status."""

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final

from clary.aws import times
from clary.aws.http import Answer, Request
from clary.aws.model import Shape
from clary.aws.scalars import bad_type
from clary.kernel.resource import Doc

Read = Callable[[str], Any]
Located = Callable[[Request, Mapping[str, str], Doc], None]


def compile_located(shape: Shape) -> Located:
    """Puts the members that stand outside the body into a document, in handler form."""
    labels: list[tuple[str, str, Read]] = []
    headers: list[tuple[str, str, Read]] = []
    prefixes: list[tuple[str, str]] = []
    args: list[tuple[str, str, Shape]] = []
    every: str | None = None
    for name, member in shape.members.items():
        match member.location:
            case "uri":
                labels.append((name, member.wire(name), reader(member, "iso8601")))
            case "header":
                headers.append((name, member.wire(name).lower(), _header_reader(member)))
            case "headers":
                prefixes.append((name, member.wire("").lower()))
            case "querystring" if member.kind == "map":
                every = name
            case "querystring":
                args.append((name, member.wire(name), member))
    readers = {name: _arg_reader(member) for name, _, member in args}
    by_wire: dict[str, list[tuple[str, Read]]] = {}
    for name, wire, read in headers:
        by_wire.setdefault(wire, []).append((name, read))

    def located(request: Request, found: Mapping[str, str], doc: Doc) -> None:
        for name, wire, read in labels:
            if wire in found:
                doc[name] = read(found[wire])
        # A request has a dozen headers, PutObject knows forty: what came is looked up among what is known.
        for wire, text in request.headers.items():
            if wire in by_wire:
                for name, read in by_wire[wire]:
                    doc[name] = read(text)
        for name, prefix in prefixes:
            start = len(prefix)
            given = {key[start:]: _utf8(text) for key, text in request.headers.items() if key.startswith(prefix)}
            if given:
                doc[name] = given
        if request.query:
            for name, wire, _ in args:
                if wire in request.args:
                    doc[name] = readers[name](request.args[wire])
            if every is not None:
                doc[every] = {key: values[0] for key, values in request.args.items()}

    return located


def compile_headers(shape: Shape) -> Callable[[Doc, Answer], None]:
    """Writes the members that stand in headers, or in the status, into an answer."""
    headers: dict[str, tuple[bytes, Callable[[Any], str]]] = {}
    prefixes: dict[str, bytes] = {}
    statuses: list[str] = []
    for name, member in shape.members.items():
        match member.location:
            case "header":
                headers[name] = (member.wire(name).lower().encode(), writer(member, "rfc822"))
            case "headers":
                prefixes[name] = member.wire("").lower().encode()
            case "statusCode":
                statuses.append(name)

    def write(doc: Doc, answer: Answer) -> None:
        for name, value in doc.items():
            if name in headers and value is not None:
                wire, text = headers[name]
                answer.headers.append((wire, _header(text(value))))
            elif name in prefixes:
                for key, item in value.items():
                    answer.headers.append((prefixes[name] + key.lower().encode(), _header(str(item))))
        for name in statuses:
            if name in doc:
                answer.status = int(doc[name])

    return write


_BREAKS: Final = str.maketrans("\r\n\0", "   ")


def _header(text: str) -> bytes:
    """As a header's value: a line break in it (from a response-content-type, say) would begin another header."""
    return text.translate(_BREAKS).encode()


def reader(shape: Shape, time_style: str) -> Read:
    """What a text of the wire becomes. Raises SerializationException."""
    kind = shape.kind

    def read(text: str) -> Any:
        try:
            match kind:
                case "string" | "character":
                    return text
                case "integer" | "long" | "short" | "byte":
                    return int(text)
                case "float" | "double" | "bigdecimal":
                    return float(text)
                case "boolean":
                    return {"true": True, "false": False}[text.strip().lower()]
                case "timestamp":
                    return times.parse(text)
                case "blob":
                    return base64.b64decode(text, validate=True)
        except (ValueError, KeyError):
            pass
        raise bad_type(text, kind.capitalize(), None)

    return (lambda text: text) if kind == "string" else read


def writer(shape: Shape, time_style: str) -> Callable[[Any], str]:
    """The text of a scalar on the wire."""
    match shape.kind:
        case "boolean":
            return lambda value: "true" if value else "false"
        case "timestamp":
            style = shape.traits.get("timestampFormat", time_style)
            return lambda value: times.render(value, style)
        case "blob":
            return lambda value: base64.b64encode(value).decode()
        case "list":
            one = writer(shape.member, time_style)
            return lambda value: ",".join(one(item) for item in value)
        case "float" | "double":
            return _float
    return str


def _float(value: float) -> str:
    text = repr(float(value))
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text, text)


def _header_reader(shape: Shape) -> Read:
    if shape.kind == "list":
        one = reader(shape.member, "rfc822")
        return lambda text: [one(part.strip()) for part in text.split(",") if part.strip()]
    if shape.kind == "string":
        return _utf8
    read = reader(shape, "rfc822")
    return lambda text: read(text.strip())


def _arg_reader(shape: Shape) -> Callable[[list[str]], Any]:
    if shape.kind == "list":
        one = reader(shape.member, "iso8601")
        return lambda values: [one(value) for value in values]
    read = reader(shape, "iso8601")
    return lambda values: read(values[0])


def _utf8(text: str) -> str:
    """Header bytes come as latin-1; AWS reads them as UTF-8 where they are."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeDecodeError:
        return text
