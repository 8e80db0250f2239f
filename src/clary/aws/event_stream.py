"""Event streams in answers (application/vnd.amazon.eventstream): messages as bytes, and the events of a shape.

A message is a prelude (length of all, length of the headers, CRC32 of these eight bytes), headers, a payload, and the
CRC32 of everything before. A handler gives an async iterator of events, each a dict of one member of the stream's
shape: {"PayloadPart": {"Bytes": b"..."}}. A ServiceError that the iterator raises becomes the last event, as the
exception that the model knows of that name; anything else breaks the connection, so that no client takes a part for
the whole.
"""

import struct
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final
from zlib import crc32

from clary.aws.documents import Document, compile_document
from clary.aws.errors import NotImplementedHere, ServiceError
from clary.aws.http import Chunks
from clary.aws.model import Shape
from clary.kernel.resource import Doc

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
PAYLOAD_BYTES: Final = 16 * 2**20
"""The longest payload that clients take."""

Event = Callable[[Any], bytes]
Value = str | bytes | bool | int | float


def message(headers: Sequence[tuple[str, Value]], payload: bytes) -> bytes:
    """One message. Raises ValueError when the payload is longer than clients take."""
    if len(payload) > PAYLOAD_BYTES:
        raise ValueError(f"an event of {len(payload)} bytes: clients take {PAYLOAD_BYTES}")
    block = b"".join(_header(name, value) for name, value in headers)
    prelude = struct.pack("!II", len(block) + len(payload) + 16, len(block))
    whole = b"".join((prelude, struct.pack("!I", crc32(prelude)), block, payload))
    return whole + struct.pack("!I", crc32(whole))


def event(name: str, payload: bytes, kind: str = "application/octet-stream") -> bytes:
    """The message of one event."""
    return message([(":message-type", "event"), (":event-type", name), (":content-type", kind)], payload)


def exception(name: str, payload: bytes, kind: str = "application/json") -> bytes:
    """The message that ends a stream with a modelled error."""
    return message([(":message-type", "exception"), (":exception-type", name), (":content-type", kind)], payload)


def member_of(shape: Shape | None) -> str | None:
    """The member of an output that is an event stream; None: the output has none."""
    if shape is None:
        return None
    return next((name for name, member in shape.members.items() if member.traits.get("eventstream")), None)


Stream = Callable[[AsyncIterator[Doc], bytes], Chunks]
"""(events of the handler, the message that goes ahead of them) to bytes."""


def compile_stream(shape: Shape, kind: str) -> Stream:
    """The messages of a stream whose documents are JSON, of the content type `kind`."""
    events = {name: _compile_event(name, one, kind) for name, one in shape.members.items()}

    def refused(error: ServiceError) -> bytes:
        name = error.error_code
        if name not in events:
            raise error
        said = {"Message" if "Message" in shape.members[name].members else "message": error.message, **error.fields}
        return events[name](said)

    async def stream(source: AsyncIterator[Doc], first: bytes) -> Chunks:
        try:
            if first:
                yield first
            async for one in source:
                ((name, value),) = one.items()
                yield events[name](value)
        except ServiceError as error:
            yield refused(error)
        finally:
            # The client may have left in the middle: whatever feeds the stream must hear of it now.
            if (close := getattr(source, "aclose", None)) is not None:
                await close()

    return stream


def initial_response(doc: bytes, kind: str) -> bytes:
    """What the json protocols send first: the members of the output beside the stream."""
    return event("initial-response", doc, kind)


def _compile_event(name: str, shape: Shape, kind: str) -> Event:
    if shape.traits.get("exception"):
        document = compile_document(shape)
        return lambda value: exception(name, document(value), kind)
    headers = [one for one, member in shape.members.items() if member.traits.get("eventheader")]
    payload = next((one for one, member in shape.members.items() if member.traits.get("eventpayload")), None)
    write, inner = _payload_writer(shape, payload, headers, kind)

    def written(value: Doc) -> bytes:
        more = [(one, _given(shape.members[one], value[one])) for one in headers if one in value]
        fixed: list[tuple[str, Value]] = [(":message-type", "event"), (":event-type", name)]
        body = write(value)
        if inner and body:
            fixed.append((":content-type", inner))
        return message([*fixed, *more], body)

    return written


def _payload_writer(
    shape: Shape, payload: str | None, headers: Sequence[str], kind: str
) -> tuple[Callable[[Doc], bytes], str]:
    """How an event's payload is written, and its content type."""
    if payload is not None:
        member = shape.members[payload]
        if member.kind == "blob":
            return lambda value: value.get(payload, b""), "application/octet-stream"
        if member.kind == "string":
            return lambda value: value.get(payload, "").encode(), "text/plain"
        inner: Document = compile_document(member)
        return lambda value: inner(value.get(payload, {})), kind
    if len(headers) == len(shape.members):
        return lambda value: b"", ""
    document = compile_document(shape)
    if not headers:
        return document, kind
    return lambda value: document({one: item for one, item in value.items() if one not in headers}), kind


_INTEGERS: Final = {"byte": (2, "!b"), "short": (3, "!h"), "integer": (4, "!i"), "long": (5, "!q")}


class _Sized(int):
    """An integer that knows its type on the wire."""

    kind = "integer"


def _given(shape: Shape, value: Any) -> Value:
    """The value of an event's header."""
    if shape.kind in _INTEGERS and not isinstance(value, bool):
        sized = _Sized(value)
        sized.kind = shape.kind
        return sized
    if shape.kind in ("boolean", "string", "blob", "timestamp"):
        given: Value = float(value) if shape.kind == "timestamp" else value
        return given
    raise NotImplementedHere(f"A header of type {shape.kind} in an event is not served.")


def _header(name: str, value: Value) -> bytes:
    start = bytes((len(name),)) + name.encode()
    if isinstance(value, bool):
        return start + (b"\x00" if value else b"\x01")
    if isinstance(value, int):
        code, form = _INTEGERS[value.kind if isinstance(value, _Sized) else "integer"]
        return start + bytes((code,)) + struct.pack(form, value)
    if isinstance(value, float):
        return start + b"\x08" + struct.pack("!q", round(value * 1000))
    code, data = (7, value.encode()) if isinstance(value, str) else (6, value)
    return start + bytes((code,)) + struct.pack("!H", len(data)) + data
