"""The formats of schemas: what is a definition of each, which say the same, and which can read what others wrote."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson

from clary.aws.errors import NotImplementedHere
from clary.services.glue.errors import InvalidInputException
from clary.services.glue.registry import avro, json_schema

_UNCHECKED: Final = ("NONE", "DISABLED")
_PROTOBUF: Final = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[{}]|[\w.]+|\S", re.DOTALL
)

Reads = Callable[[Any, Any], str]
"""(reader, writer) -> why the reader cannot read what the writer wrote; "": it can."""


def check_rule(format_: str, rule: str) -> None:
    """Raises NotImplementedHere for a rule that is not checked."""
    if format_ == "PROTOBUF" and rule not in _UNCHECKED:
        raise NotImplementedHere(
            f"Compatibility {rule} of PROTOBUF is not served by Clary: use NONE, and check with buf or protoc"
        )


def check(format_: str, definition: str) -> None:
    """Raises InvalidInputException, with the reason, for what is no definition of that format."""
    try:
        if format_ == "PROTOBUF":
            _check_protobuf(definition)
        else:
            (avro if format_ == "AVRO" else json_schema).check(_loaded(definition))
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidInputException(f"Schema definition of {format_} data format is invalid: {why}") from None


def canonical(format_: str, definition: str) -> str:
    """The same for definitions that say the same, but for spaces and the order of members."""
    if format_ == "PROTOBUF":
        return " ".join(_tokens(definition))
    return orjson.dumps(_loaded(definition), option=orjson.OPT_SORT_KEYS).decode()


def lines(format_: str, definition: str) -> list[str]:
    """For people who compare two."""
    if format_ == "PROTOBUF":
        return definition.splitlines()
    return orjson.dumps(_loaded(definition), option=orjson.OPT_INDENT_2).decode().splitlines()


def incompatible(format_: str, rule: str, definition: str, before: Sequence[str]) -> str:
    """Why the definition breaks the rule with those that were before it, oldest first; "": it does not."""
    if rule in _UNCHECKED or not before:
        return ""
    reads: Reads = avro.unreadable if format_ == "AVRO" else json_schema.unreadable
    new = _loaded(definition)
    direction = rule.removesuffix("_ALL")
    others = list(reversed(before)) if rule.endswith("_ALL") else [before[-1]]
    for other in map(_loaded, others):
        why = ""
        try:
            if direction in ("BACKWARD", "FULL"):
                why = reads(new, other)
            if not why and direction in ("FORWARD", "FULL"):
                why = reads(other, new)
        except RecursionError:
            why = "it is nested too deeply"
        if why:
            return why
    return ""


def _loaded(definition: str) -> Any:
    try:
        return orjson.loads(definition)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error}") from None


def _tokens(definition: str) -> list[str]:
    return [one for one in _PROTOBUF.findall(definition) if not one.startswith(("//", "/*"))]


def _check_protobuf(definition: str) -> None:
    """Braces are balanced, and there is a message or an enum. What is in them is protoc's to judge."""
    depth, found = 0, False
    for token in _tokens(definition):
        depth += (token == "{") - (token == "}")
        if depth < 0:
            raise ValueError("a closing brace has no opening one")
        found = found or token in ("message", "enum")
    if depth:
        raise ValueError("an opening brace has no closing one")
    if not found:
        raise ValueError("it has neither a message nor an enum")
