"""How values compare: strings, numbers, dates, networks, ARNs. Each makes the test of one list of policy values.

A value of the request that is not of the kind (no number, no date, no address) matches nothing.
"""

import base64
import binascii
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final

from clary.aws.policy.errors import Malformed
from clary.aws.policy.wildcard import Lookup, Pattern

Test = Callable[[str, Lookup], bool]
"""Does this value of the request match one of the policy's values?"""

_NUMBER: Final = re.compile(r"[+-]?\d{1,40}(?:\.\d{0,40})?")
_DATE: Final = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:?\d\d)?)?)?)?"
)
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def strings(*, wild: bool, fold: bool = False) -> Callable[[list[str], bool], Test]:
    def make(values: list[str], variables: bool) -> Test:
        patterns = [Pattern(value, variables=variables, wild=wild, fold=fold) for value in values]
        return lambda given, lookup: any(one.matches(given, lookup) for one in patterns)

    return make


def numbers(sign: str) -> Callable[[list[str], bool], Test]:
    return _ordered(sign, number, "a number")


def dates(sign: str) -> Callable[[list[str], bool], Test]:
    return _ordered(sign, instant, "a date such as 2026-01-31T00:00:00Z")


def _ordered(sign: str, read: Callable[[str], Any], what: str) -> Callable[[list[str], bool], Test]:
    compare = _COMPARE[sign]

    def make(values: list[str], variables: bool) -> Test:
        bounds = [read(value) for value in values]
        for value, bound in zip(values, bounds, strict=True):
            if bound is None:
                raise Malformed(f"The condition value {value!r} is not {what}.")

        def test(given: str, lookup: Lookup) -> bool:
            found = read(given)
            return found is not None and any(compare(found, bound) for bound in bounds)

        return test

    return make


def booleans(values: list[str], variables: bool) -> Test:
    wanted = {value.lower() for value in values}
    return lambda given, lookup: given.lower() in wanted


def binary(values: list[str], variables: bool) -> Test:
    wanted = {_bytes(value) for value in values}
    if None in wanted:
        raise Malformed("The values of BinaryEquals must be base64.")
    return lambda given, lookup: _bytes(given) in wanted


def networks(values: list[str], variables: bool) -> Test:
    found: list[IPv4Network | IPv6Network] = []
    for value in values:
        try:
            found.append(ip_network(value, strict=False))
        except ValueError:
            raise Malformed(f"The condition value {value!r} is no IP address or range of them.") from None

    def test(given: str, lookup: Lookup) -> bool:
        try:
            address = ip_address(given)
        except ValueError:
            return False
        return any(address in one for one in found)

    return test


def arns(values: list[str], variables: bool) -> Test:
    """Both ArnEquals and ArnLike: part by part, so that a star does not reach over a colon; the sixth part may hold
    colons of its own."""
    patterns = [
        [Pattern(part, variables=variables) for part in _arn_parts(value, variables)]
        for value in values
        if value.count(":") >= 5 or value == "*" or "${" in value
    ]

    def test(given: str, lookup: Lookup) -> bool:
        parts = given.split(":", 5)
        for one in patterns:
            if len(one) == 1:
                if one[0].matches(given, lookup):
                    return True
            elif len(parts) == 6 and all(p.matches(part, lookup) for p, part in zip(one, parts, strict=True)):
                return True
        return False

    return test


def _arn_parts(value: str, variables: bool) -> list[str]:
    """The six parts of an ARN's pattern. The colon of a variable (`${aws:username}`) parts nothing."""
    if not variables or "${" not in value:
        return value.split(":", 5) if value.count(":") >= 5 else [value]
    parts: list[str] = []
    depth, start = 0, 0
    for place, letter in enumerate(value):
        depth += (letter == "{") - (letter == "}")
        if letter == ":" and depth == 0 and len(parts) < 5:
            parts.append(value[start:place])
            start = place + 1
    parts.append(value[start:])
    return parts if len(parts) == 6 else [value]


def number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def instant(text: str) -> float | None:
    """Epoch seconds of an ISO 8601 date, or of a number of epoch seconds; None: neither. Without a zone it is UTC."""
    found = _DATE.fullmatch(text)
    if found is None or (len(text) == 4 and int(text) > 2200):
        return float(text) if re.fullmatch(r"\d{1,12}(?:\.\d{1,9})?", text) else None
    year, month, day, hour, minute, second = (int(part) if part else None for part in found.groups()[:6])
    try:
        at = datetime(year or 1, month or 1, day or 1, hour or 0, minute or 0, second or 0, tzinfo=UTC).timestamp()
    except ValueError:
        return None
    if found[7]:
        at += float(f"0.{found[7]}")
    zone = found[8]
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "")
        away = int(digits[:2]) * 3600 + int(digits[2:]) * 60
        at += -away if zone[0] == "+" else away
    return at


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
