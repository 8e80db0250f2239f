"""SearchExpression: does a record match? Values of filters are texts; they are compared as what the property is."""

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from clary.aws.errors import ValidationException
from clary.kernel.resource import Doc
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.search.paths import found_at, values_at
from clary.services.sagemaker.search.values import contains, number, whole_number

Passes = Callable[[Doc], bool]

MOST: Final = 50
"""Filters, nested filters and subexpressions of one request, all told."""
MOST_OF_ONE: Final = 20
"""Elements of one expression."""
OFTEN: Final = frozenset({"DisplayName", "Tags", "InputArtifacts", "OutputArtifacts"})
"""Properties, beside the names, that may be asked with Contains more than once."""
TEXTS: Final = ("HyperParameters", "Environment", "CustomerMetadataProperties", "Parameters", "Tags")
"""Maps whose values are texts that may be numbers, and are compared as such."""

_ORDERED: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


@dataclass(frozen=True, slots=True)
class Properties:
    """What is known of the properties of one resource."""

    members: Mapping[str, str]
    """Of its record, by their names in lower case."""
    aliases: Mapping[str, str]
    """Other names of members."""
    folded: frozenset[str]
    """Properties that are names without regard to case."""

    def written(self, name: str) -> str:
        """The property as the record has it. Raises ValidationException for what the resource has not."""
        first, dot, rest = name.partition(".")
        first = self.aliases.get(first.lower(), first)
        member = self.members.get(first.partition(".")[0].lower())
        if member is None:
            raise ValidationException(
                f"Unknown property name: {name}. The properties of this resource are {', '.join(self.members.values())}"
            )
        return f"{member}{first[len(member) :]}{dot}{rest}"


def compiled(expression: Doc, properties: Properties) -> Passes:
    """Tells whether a record matches; an empty expression matches all. Raises ValidationException."""
    require(sum(1 for _ in _elements(expression)) <= MOST, f"A SearchExpression has at most {MOST} conditions")
    often = [one for one in filters(expression) if one.get("Operator") == "Contains" and not _is_often(one["Name"])]
    require(len(often) <= 1, "'CONTAINS' operator usage limit of 1 exceeded.")
    return _expression(expression, properties)


def filters(expression: Doc) -> Iterator[Doc]:
    """Every filter, however deep."""
    yield from expression.get("Filters") or []
    for nested in expression.get("NestedFilters") or []:
        yield from nested["Filters"]
    for part in expression.get("SubExpressions") or []:
        yield from filters(part)


def named(expression: Doc) -> Iterator[str]:
    """Every property that the expression names."""
    for one in filters(expression):
        yield one["Name"]
    for nested in expression.get("NestedFilters") or []:
        yield nested["NestedPropertyName"]


def _elements(expression: Doc) -> Iterator[Doc]:
    own = [*(expression.get("Filters") or []), *(expression.get("NestedFilters") or [])]
    parts = expression.get("SubExpressions") or []
    require(len(own) + len(parts) <= MOST_OF_ONE, f"One expression has at most {MOST_OF_ONE} elements")
    yield from own
    for nested in expression.get("NestedFilters") or []:
        yield from nested["Filters"]
    for part in parts:
        yield part
        yield from _elements(part)


def _is_often(name: str) -> bool:
    first = name.partition(".")[0]
    return first in OFTEN or first.endswith("Name")


def _expression(expression: Doc, properties: Properties) -> Passes:
    parts = [_filter(properties.written(one["Name"]), one, properties) for one in expression.get("Filters") or []]
    parts += [_nested(one, properties) for one in expression.get("NestedFilters") or []]
    parts += [_expression(one, properties) for one in expression.get("SubExpressions") or []]
    if not parts:
        return lambda record: True
    if len(parts) == 1:
        return parts[0]
    if expression.get("Operator") == "Or":
        return lambda record: any(part(record) for part in parts)
    return lambda record: all(part(record) for part in parts)


def _nested(nested: Doc, properties: Properties) -> Passes:
    """One item of the list satisfies all the filters, which name their properties in full."""
    name = properties.written(nested["NestedPropertyName"])
    asked = nested["NestedPropertyName"]
    parts = []
    for one in nested["Filters"]:
        require(
            one["Name"].startswith(f"{asked}."),
            f"The filters of the nested property {asked} name properties in it: {asked}.<name>, not {one['Name']}",
        )
        parts.append(_filter(one["Name"][len(asked) + 1 :], one, properties))
    return lambda record: any(all(part(item) for part in parts) for item in _items(record, name))


def _items(record: Doc, name: str) -> list[Any]:
    *way, last = name.split(".")
    owners = values_at(record, tuple(way)) if way else [record]
    found = []
    for one in owners:
        value = one.get(last) if isinstance(one, dict) else None
        found += value if isinstance(value, list) else ([] if value is None else [value])
    return found


def _filter(name: str, wanted: Doc, properties: Properties) -> Passes:
    how: str = wanted.get("Operator", "Equals")
    text = wanted.get("Value")
    if how in ("Exists", "NotExists"):
        require(text is None, f"The operator {how} takes no Value")
        exists = how == "Exists"
        return lambda record: bool(found_at(record, name)) == exists
    if text is None:
        raise ValidationException(f"The operator {how} needs a Value")
    if how == "Contains":
        part = text.lower()
        return lambda record: any(contains(value, part) for value in found_at(record, name))
    if how in _ORDERED:
        test = _ordered(how, name, text)
        return lambda record: any(test(value) for value in found_at(record, name))
    several = [one.strip() for one in text.split(",")] if how == "In" else [text]
    tests = [_equal(name, one, name in properties.folded) for one in several]
    equals: Passes = lambda record: any(test(value) for value in found_at(record, name) for test in tests)  # noqa: E731
    if how == "NotEquals":
        return lambda record: not equals(record)
    return equals


def _equal(name: str, text: str, folds: bool) -> Callable[[Any], bool]:
    if folds:
        lowered = text.lower()
        return lambda value: str(value).lower() == lowered
    wanted, whole = number(text), whole_number(text)
    is_text = name.partition(".")[0] in TEXTS

    def equal(value: Any) -> bool:
        if isinstance(value, bool):
            return text.lower() == str(value).lower()
        if isinstance(value, int | float):
            return wanted is not None and float(value) == wanted
        if str(value) == text:
            return True
        told = number(value) if is_text and wanted is not None and isinstance(value, str) else None
        return told is not None and (_cut(told, whole) == wanted)

    return equal


def _ordered(how: str, name: str, text: str) -> Callable[[Any], bool]:
    wanted, whole, compare = number(text), whole_number(text), _ORDERED[how]
    is_text = name.partition(".")[0] in TEXTS

    def ordered(value: Any) -> bool:
        if isinstance(value, str) and not is_text:
            raise ValidationException(f"The operator {how} is not supported for text properties, as {name} is")
        told = number(value) if isinstance(value, str) else value
        if isinstance(told, bool) or not isinstance(told, int | float):
            return False
        if wanted is None:
            raise ValidationException(f"{text!r} is neither a number nor a time, which {how} compares here")
        return bool(compare(_cut(float(told), whole) if isinstance(value, str) else float(told), wanted))

    return ordered


def _cut(told: float, whole: bool) -> float:
    """Decimal hyperparameters are compared as integers with a Value that is one."""
    return float(math.trunc(told)) if whole and math.isfinite(told) else told
