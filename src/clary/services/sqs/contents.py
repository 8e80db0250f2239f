"""What a message holds: its limits, its characters, its digests, and how its attributes are kept."""

import base64
import re
import struct
from hashlib import md5
from typing import Any, Final

import orjson

from clary.kernel.resource import Doc
from clary.services.sqs.errors import InvalidMessageContents, InvalidParameterValue, MissingParameter

_FOREIGN: Final = re.compile("[^\\t\\n\\r\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_ATTRIBUTE: Final = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_TYPE: Final = re.compile(r"(String|Number|Binary)(\..+)?", re.DOTALL)
_TYPE_MAX: Final = 256
_MOST_ATTRIBUTES: Final = 10
_NUMBER_DIGITS: Final = 38
_STRING_KIND: Final = b"\x01"
_BINARY_KIND: Final = b"\x02"
_ALLOWED: Final = "#x9 | #xA | #xD | [#x20 to #xD7FF] | [#xE000 to #xFFFD] | [#x10000 to #x10FFFF]"

Attributes = dict[str, Doc]


def check_body(body: str) -> None:
    """Raises MissingParameter, InvalidMessageContents."""
    if not body:
        raise MissingParameter("The request must contain the parameter MessageBody.")
    _check_text(body, "the message body")


def _check_text(text: str, where: str) -> None:
    if (found := _FOREIGN.search(text)) is not None:
        raise InvalidMessageContents(
            f"Invalid binary character '#x{ord(found[0]):X}' was found in {where} at position {found.start()}, the set"
            f" of allowed characters is {_ALLOWED}"
        )


def check_attributes(attributes: Attributes) -> None:
    """Raises InvalidParameterValue, InvalidMessageContents."""
    if len(attributes) > _MOST_ATTRIBUTES:
        raise InvalidParameterValue(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{_MOST_ATTRIBUTES}]."
        )
    for name, value in attributes.items():
        _check_name(name)
        _check_value(name, value)


def _check_name(name: str) -> None:
    if not _ATTRIBUTE.fullmatch(name) or name.startswith(".") or name.endswith(".") or ".." in name:
        raise InvalidParameterValue(
            f"Message (user) attribute name '{name}' is invalid. It can hold letters, digits, '_', '-' and '.', up to"
            " 256, and must not start or end with '.' or have periods in succession."
        )
    if name.lower().startswith(("aws.", "amazon.")):
        raise InvalidParameterValue(
            f"Message (user) attribute name '{name}' starts with a reserved prefix: 'AWS.' or 'Amazon.'."
        )


def _check_value(name: str, value: Doc) -> None:
    kind = value["DataType"]
    match = _TYPE.fullmatch(kind)
    if match is None or len(kind) > _TYPE_MAX:
        raise InvalidParameterValue(
            f"The type of message (user) attribute '{name}' is invalid. You must use only the following supported type"
            " prefixes: Binary, Number, String."
        )
    if value.keys() & {"StringListValues", "BinaryListValues"}:
        raise InvalidParameterValue("Message attribute list values in SendMessage operation are not supported.")
    wanted = "BinaryValue" if match[1] == "Binary" else "StringValue"
    if wanted not in value or len(value) != 2:
        raise InvalidParameterValue(
            f"The message (user) attribute '{name}' with type '{match[1]}' must use field '{wanted[:-5]}'."
        )
    if not value[wanted]:
        raise InvalidParameterValue(f"Message (user) attribute '{name}' must contain a non-empty value.")
    if wanted == "StringValue":
        _check_text(value["StringValue"], f"the message attribute '{name}'")
    if match[1] == "Number":
        _check_number(name, value["StringValue"])


def _check_number(name: str, text: str) -> None:
    match = re.fullmatch(r"[+-]?(\d*)(?:\.(\d*))?(?:[eE][+-]?\d{1,3})?", text)
    digits = (match[1] + (match[2] or "")) if match else ""
    if not digits or len(digits.strip("0")) > _NUMBER_DIGITS:
        raise InvalidParameterValue(
            f"Can't cast the value of message (user) attribute '{name}' to a number of up to {_NUMBER_DIGITS} digits."
        )


def check_system(attributes: Attributes) -> None:
    """Raises InvalidParameterValue."""
    for name, value in attributes.items():
        if name != "AWSTraceHeader":
            raise InvalidParameterValue(
                f"Message system attribute name '{name}' is invalid. The only one is AWSTraceHeader."
            )
        if value["DataType"] != "String" or not value.get("StringValue"):
            raise InvalidParameterValue(f"The message system attribute '{name}' must be a non-empty String.")


def size_of(body: str, attributes: Attributes) -> int:
    """Bytes, as SQS counts them against its limits."""
    total = len(body.encode())
    for name, value in attributes.items():
        total += len(name.encode()) + len(value["DataType"].encode()) + len(_raw(value)[1])
    return total


def md5_of_body(body: str) -> str:
    return md5(body.encode(), usedforsecurity=False).hexdigest()


def md5_of_attributes(attributes: Attributes) -> str:
    """As clients reckon it again: by name, every part behind its length, the value behind its kind."""
    found = md5(usedforsecurity=False)
    for name, value in sorted(attributes.items()):
        kind, raw = _raw(value)
        for part in (name.encode(), value["DataType"].encode()):
            found.update(struct.pack(">I", len(part)) + part)
        found.update(kind + struct.pack(">I", len(raw)) + raw)
    return found.hexdigest()


def _raw(value: Doc) -> tuple[bytes, bytes]:
    if "BinaryValue" in value:
        return _BINARY_KIND, value["BinaryValue"]
    return _STRING_KIND, value["StringValue"].encode()


def pack(about: Doc) -> bytes:
    """What is known of a message beside its body, as it is kept."""
    return orjson.dumps(about, default=_text_of_bytes)


def _text_of_bytes(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value).__name__)


def unpack(about: bytes) -> Doc:
    found: Doc = orjson.loads(about)
    for value in found.get("attributes", {}).values():
        if "BinaryValue" in value:
            value["BinaryValue"] = base64.b64decode(value["BinaryValue"])
    return found
