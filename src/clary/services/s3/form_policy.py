"""The policy of a form: what whoever signed it allows a browser to upload."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clary.aws import times
from clary.aws.errors import ServiceError

_UNASKED: Final = frozenset({"awsaccesskeyid", "file", "policy", "signature", "x-amz-signature"})
_IGNORED: Final = "x-ignore-"
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


class InvalidPolicyDocument(ServiceError):
    def __init__(self, why: str) -> None:
        super().__init__(f"Invalid Policy: {why}")


class AccessDenied(ServiceError):
    status = 403

    def __init__(self, why: str) -> None:
        super().__init__(f"Invalid according to Policy: {why}")


@dataclass(frozen=True, slots=True)
class Allowed:
    """How many bytes the file may have."""

    least: int = 0
    most: int | None = None


def check(encoded: str, fields: Mapping[str, str], bucket: str, now: float) -> Allowed:
    """The form is one that the policy allows. `fields` by names in lower case. Raises AccessDenied,
    InvalidPolicyDocument."""
    said = _document(encoded)
    if now > _expiration(said):
        raise AccessDenied("Policy expired.")
    conditions = said.get("conditions")
    if not isinstance(conditions, list):
        raise InvalidPolicyDocument("Policy is missing conditions.")
    given = {**fields, "bucket": bucket}
    named: set[str] = set()
    allowed = Allowed()
    for one in conditions:
        if isinstance(one, list) and len(one) == 3 and str(one[0]).lower() == "content-length-range":
            allowed = _range(one)
            continue
        for operator, name, value in _comparisons(one):
            named.add(name)
            if not _holds(operator, given.get(name, ""), value):
                shown = json.dumps([operator, f"${name}", value])
                raise AccessDenied(f"Policy Condition failed: {shown}")
    extra = [name for name in fields if name not in named | _UNASKED and not name.startswith(_IGNORED)]
    if extra:
        raise AccessDenied(f"Extra input fields: {extra[0]}")
    return allowed


def _document(encoded: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.b64decode(encoded, validate=False))
    except (ValueError, RecursionError):
        raise InvalidPolicyDocument("Invalid JSON.") from None
    if not isinstance(found, dict):
        raise InvalidPolicyDocument("Invalid JSON.")
    return found


def _expiration(said: dict[str, Any]) -> float:
    text = said.get("expiration")
    if not isinstance(text, str):
        raise InvalidPolicyDocument("Policy missing expiration.")
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError(text)
        return times.parse(text)
    except ValueError:
        raise InvalidPolicyDocument(f"Invalid 'expiration' value: '{text}'") from None


def _range(one: list[Any]) -> Allowed:
    try:
        return Allowed(int(one[1]), int(one[2]))
    except (TypeError, ValueError):
        raise InvalidPolicyDocument("Invalid content-length-range.") from None


def _comparisons(one: Any) -> list[tuple[str, str, str]]:
    if isinstance(one, dict) and one:
        return [("eq", name.lower(), _text(value)) for name, value in one.items()]
    if isinstance(one, list) and len(one) == 3 and isinstance(one[1], str) and one[1].startswith("$"):
        operator = str(one[0]).lower()
        if operator in ("eq", "starts-with"):
            return [(operator, one[1][1:].lower(), _text(one[2]))]
    raise InvalidPolicyDocument("Invalid Simple-Condition: " + json.dumps(one))


def _text(value: Any) -> str:
    if not isinstance(value, str | int):
        raise InvalidPolicyDocument("Invalid Simple-Condition: value must be a string.")
    return str(value)


def _holds(operator: str, given: str, value: str) -> bool:
    return given == value if operator == "eq" else given.startswith(value)
