"""What a message holds: its limits, its attributes, and what of it each protocol gets."""

import base64
import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from clary.kernel.resource import Doc
from clary.services.sns.errors import InvalidParameterException, InvalidParameterValueException

_ATTRIBUTE: Final = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_TYPE: Final = re.compile(r"(String\.Array|String|Number|Binary)(\..+)?", re.DOTALL)
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_SUBJECT_MAX: Final = 100
_GROUP_MAX: Final = 128
_DEFAULT: Final = "default"

Attributes = Mapping[str, Doc]


def check(one: Doc) -> None:
    """Raises InvalidParameterException, InvalidParameterValueException: no message as a topic takes it."""
    if not one["Message"]:
        raise InvalidParameterException("Empty message")
    structure = one.get("MessageStructure")
    if structure == "json":
        _structured(one["Message"])
    elif structure is not None:
        raise InvalidParameterException("MessageStructure Reason: it can only be json")
    if "Subject" in one:
        _check_subject(one["Subject"])
    for name, value in one.get("MessageAttributes", {}).items():
        _check_attribute(name, value)
    if "MessageDeduplicationId" in one:
        raise InvalidParameterException(
            "The request includes MessageDeduplicationId parameter that is not valid for this topic type"
        )
    group = one.get("MessageGroupId")
    if group is not None and not (1 <= len(group) <= _GROUP_MAX and group.isascii() and group.isprintable()):
        raise InvalidParameterException("MessageGroupId Reason: 1 to 128 alphanumeric or punctuation characters")


def _check_subject(subject: str) -> None:
    if not subject or len(subject) > _SUBJECT_MAX or not subject.isprintable() or subject.startswith(" "):
        raise InvalidParameterException(
            f"Subject Reason: it is 1 to {_SUBJECT_MAX} characters long, has no line breaks or control characters, and"
            " does not begin with a space"
        )


def _check_attribute(name: str, value: Doc) -> None:
    if not _ATTRIBUTE.fullmatch(name) or name.startswith(".") or name.endswith(".") or ".." in name:
        raise InvalidParameterValueException(
            f"The message attribute name '{name}' is invalid: it can hold letters, digits, '_', '-' and '.', up to 256,"
            " and must not start or end with '.' or have periods in succession"
        )
    if name.lower().startswith(("aws.", "amazon.")):
        raise InvalidParameterValueException(f"The message attribute name '{name}' starts with a reserved prefix")
    match = _TYPE.fullmatch(value["DataType"])
    if match is None:
        raise InvalidParameterValueException(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes"
            " is Binary, Number, and String."
        )
    wanted = "BinaryValue" if match[1] == "Binary" else "StringValue"
    if not value.get(wanted) or len(value) != 2:
        raise InvalidParameterValueException(
            f"The message attribute '{name}' with type '{match[1]}' must use field '{wanted[:-5]}', and it must not"
            " be empty"
        )
    if match[1] == "Number" and not _NUMBER.fullmatch(value["StringValue"]):
        raise InvalidParameterValueException(f"Could not cast message attribute '{name}' value to number.")
    if match[1] == "String.Array":
        _check_array(name, value["StringValue"])


def _check_array(name: str, text: str) -> None:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, list) or any(isinstance(one, list | dict) for one in found):
        raise InvalidParameterValueException(
            f"The message attribute '{name}' of type String.Array must be a JSON array of strings, numbers, true, false"
            " and null"
        )


def size_of(one: Doc) -> int:
    """Bytes of the message and its attributes, as they count against the topic's limit."""
    total = len(one["Message"].encode())
    for name, value in one.get("MessageAttributes", {}).items():
        held = value["BinaryValue"] if "BinaryValue" in value else value["StringValue"].encode()
        total += len(name.encode()) + len(value["DataType"].encode()) + len(held)
    return total


def message_for(protocol: str, message: str, structure: str | None) -> str:
    """What subscriptions of that protocol are told."""
    if structure != "json":
        return message
    said = _structured(message)
    found = said.get(protocol, said[_DEFAULT])
    return found if isinstance(found, str) else str(said[_DEFAULT])


def _structured(message: str) -> Doc:
    try:
        said = orjson.loads(message)
    except orjson.JSONDecodeError as error:
        raise InvalidParameterException(f"Message Structure - JSON message body failed to parse: {error}") from None
    if not isinstance(said, dict) or not isinstance(said.get(_DEFAULT), str):
        raise InvalidParameterException("Message Structure - No default entry in JSON message body")
    return said


def shown(attributes: Attributes) -> Doc:
    """As the JSON of a notification has them."""
    return {name: {"Type": value["DataType"], "Value": _text(value)} for name, value in attributes.items()}


def _text(value: Doc) -> str:
    if "BinaryValue" in value:
        return base64.b64encode(value["BinaryValue"]).decode()
    text: str = value["StringValue"]
    return text


def packed(attributes: Attributes) -> Doc:
    """As the outbox keeps them."""
    return {
        name: {key: base64.b64encode(item).decode() if key == "BinaryValue" else item for key, item in value.items()}
        for name, value in attributes.items()
    }


def unpacked(kept: Mapping[str, Mapping[str, Any]]) -> dict[str, Doc]:
    return {
        name: {key: base64.b64decode(item) if key == "BinaryValue" else item for key, item in value.items()}
        for name, value in kept.items()
    }
