"""Filter policies: which messages a subscription wants. The rules are those of event patterns, within SNS's bounds."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal

import orjson

from clary.aws.event_patterns import EventPattern, Malformed, compile_pattern
from clary.kernel.resource import Doc
from clary.services.sns.errors import InvalidParameterException

Scope = Literal["MessageAttributes", "MessageBody"]
SCOPES: Final = ("MessageAttributes", "MessageBody")
_MOST_BYTES: Final = 262_144
_MOST_KEYS: Final = 5
_MOST_COMBINATIONS: Final = 150
_OR: Final = "$or"


def check(text: str, scope: str) -> None:
    """Raises InvalidParameterException, which names the place, unless it is a filter policy of that scope."""
    if len(text.encode()) > _MOST_BYTES:
        raise _wrong(f"Filter policy is longer than {_MOST_BYTES} bytes")
    if _is_open(text):
        return
    try:
        compile_pattern(text)
    except Malformed as error:
        raise _wrong(f"{error.reason}, line: {error.line}, column: {error.column}") from None
    policy = orjson.loads(text)
    if scope == "MessageAttributes":
        _check_flat(policy)
    keys, combinations = _measure(policy, 1)
    if keys > _MOST_KEYS:
        raise _wrong(f"Filter policy can not have more than {_MOST_KEYS} keys")
    if combinations > _MOST_COMBINATIONS:
        raise _wrong(f"Filter policy is too complex: it stands for {combinations} combinations of values,"
                     f" {_MOST_COMBINATIONS} are allowed")  # fmt: skip


def matches(text: str, scope: str, message: str, attributes: Mapping[str, Doc]) -> bool:
    """The message passes the policy."""
    if _is_open(text):
        return True
    found = _of_body(message) if scope == "MessageBody" else _of_attributes(attributes)
    return found is not None and _compiled(text).matches(found)


def why_not(scope: str, message: str, attributes: Mapping[str, Doc]) -> str:
    """The metric that tells why a message did not pass."""
    if scope == "MessageBody":
        invalid = _of_body(message) is None
        return "NumberOfNotificationsFilteredOut-" + ("InvalidMessageBody" if invalid else "MessageBody")
    if not attributes:
        return "NumberOfNotificationsFilteredOut-NoMessageAttributes"
    return "NumberOfNotificationsFilteredOut-MessageAttributes"


@lru_cache(maxsize=1024)
def _compiled(text: str) -> EventPattern:
    return compile_pattern(text)


def _is_open(text: str) -> bool:
    """`{}` lets everything pass."""
    return text.strip().startswith("{") and text.strip().endswith("}") and not text.strip()[1:-1].strip()


def _of_body(message: str) -> Doc | None:
    try:
        found = orjson.loads(message)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _of_attributes(attributes: Mapping[str, Doc]) -> Doc:
    found: Doc = {}
    for name, value in attributes.items():
        kind = value["DataType"].partition(".")[0] if value["DataType"] != "String.Array" else "String.Array"
        if kind == "String.Array":
            found[name] = _array(value["StringValue"])
        elif kind == "Number":
            found[name] = _number(value["StringValue"])
        elif kind == "String":
            found[name] = value["StringValue"]
    return found


def _array(text: str) -> Any:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return found if isinstance(found, list) else [found]


def _number(text: str) -> float | int | str:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _check_flat(policy: Doc) -> None:
    for name, value in policy.items():
        if name == _OR and isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    _check_flat(one)
        elif isinstance(value, dict):
            raise _wrong(f"Filter policy scope MessageAttributes does not support nested filter policy: {name}")


def _measure(policy: Doc, depth: int) -> tuple[int, int]:
    """(how many keys hold values, how many combinations of values it stands for: nested values weigh more)."""
    keys, combinations = 0, 1
    for name, value in policy.items():
        if name == _OR and isinstance(value, list) and all(isinstance(one, dict) for one in value):
            inner = [_measure(one, depth) for one in value]
            keys += sum(one[0] for one in inner)
            combinations *= sum(one[1] for one in inner) or 1
        elif isinstance(value, dict):
            inner_keys, inner_combinations = _measure(value, depth + 1)
            keys, combinations = keys + inner_keys, combinations * inner_combinations
        else:
            keys, combinations = keys + 1, combinations * len(value) * depth
    return keys, combinations


def _wrong(why: str) -> InvalidParameterException:
    return InvalidParameterException(f"FilterPolicy: {why}")
