"""SearchExpression: does a record match? Values of filters are texts; they are compared as what the property is."""

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from clary.aws.errors import ValidationException
from clary.kernel.resource import Doc
from clary.services.sagemaker.errors import require

MOST: Final = 20
"""Filters, nested filters and subexpressions of one expression, all told."""

_ORDERED: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def passes(record: Doc, expression: Doc) -> bool:
    """The record matches; an empty expression matches all. Raises ValidationException."""
    _count(expression)
    return _passes(record, expression)


def found_at(record: Any, path: str) -> list[Any]:
    """All values of the property: dots lead inwards, also into every item of a list; "Tags.k" is the value of tag k."""
    values = [record]
    steps = path.split(".")
    for place, step in enumerate(steps):
        inner: list[Any] = []
        for value in values:
            if isinstance(value, dict) and ".".join(steps[place:]) in value:
                return _flat([value[".".join(steps[place:])]])  # keys of a map may hold dots
            for one in value if isinstance(value, list) else [value]:
                if not isinstance(one, dict):
                    continue
                if step in one:
                    inner.append(one[step])
                elif one.get("Key") == ".".join(steps[place:]) and "Value" in one:
                    return [one["Value"]]
        values = inner
    return _flat(values)


def _flat(values: list[Any]) -> list[Any]:
    return [one for value in values for one in (value if isinstance(value, list) else [value])]


def _count(expression: Doc) -> int:
    parts = expression.get("SubExpressions") or []
    nested = expression.get("NestedFilters") or []
    count = len(expression.get("Filters") or []) + sum(1 + len(one["Filters"]) for one in nested)
    count += len(parts) + sum(_count(one) for one in parts)
    require(count <= MOST, f"A SearchExpression has at most {MOST} filters and subexpressions")
    return count


def _passes(record: Doc, expression: Doc) -> bool:
    told = [_holds(record, one) for one in expression.get("Filters") or []]
    told += [_nested(record, one) for one in expression.get("NestedFilters") or []]
    told += [_passes(record, one) for one in expression.get("SubExpressions") or []]
    if not told:
        return True
    return any(told) if expression.get("Operator") == "Or" else all(told)


def _nested(record: Doc, nested: Doc) -> bool:
    """One item of the list satisfies all the filters, which name their properties in full."""
    name = nested["NestedPropertyName"]
    inner = [{**one, "Name": one["Name"].removeprefix(f"{name}.")} for one in nested["Filters"]]
    return any(all(_holds(item, one) for one in inner) for item in found_at(record, name))


def _holds(record: Doc, wanted: Doc) -> bool:
    how: str = wanted.get("Operator", "Equals")
    text = wanted.get("Value")
    values = found_at(record, wanted["Name"])
    if how in ("Exists", "NotExists"):
        require(text is None, f"The operator {how} takes no Value")
        return bool(values) == (how == "Exists")
    if text is None:
        raise ValidationException(f"The operator {how} needs a Value")
    if how == "NotEquals":
        return all(not _equal(value, text) for value in values)
    if how == "In":
        return any(_equal(value, one.strip()) for value in values for one in text.split(","))
    if how == "Contains":
        return any(text.lower() in str(value).lower() for value in values)
    if how in _ORDERED:
        return any(_ordered(how, value, text) for value in values)
    return any(_equal(value, text) for value in values)


def _equal(value: Any, text: str) -> bool:
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, int | float):
        number = _number(text)
        return number is not None and float(value) == number
    return str(value) == text


def _ordered(how: str, value: Any, text: str) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = _number(text)
        if number is None:
            raise ValidationException(f"{text!r} is neither a number nor a time, which {how} compares here")
        return bool(_ORDERED[how](float(value), number))
    return bool(_ORDERED[how](str(value), text))


def _number(text: str) -> float | None:
    """A number, or a time (ISO 8601) as epoch seconds."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
