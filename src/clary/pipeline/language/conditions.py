"""Conditions: comparisons, In, Not, Or, nested. A step's list of conditions holds when all of them do.

Numbers compare with numbers, whole or not; strings with strings, by their code points; booleans are equal or not.
Nothing else compares, since a guess here would send an execution the wrong way."""

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from clary.pipeline.language import expressions
from clary.pipeline.language.definition import Definition, Doc
from clary.pipeline.language.expressions import Scope, resolve
from clary.pipeline.language.findings import Findings, below, meant, told
from clary.pipeline.language.problems import Unresolved

COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(COMPARISONS, ("LeftValue", "RightValue")),
    "In": ("QueryValue", "Values"),
    "Not": ("Condition",),
    "Or": ("Conditions",),
}


def holds(condition: Doc, scope: Scope, definition: Definition) -> bool:
    """Whether the condition is true. Every value in it is read, also where the outcome is clear before. Raises
    Unresolved, with both values where they do not compare."""
    kind = condition["Type"]
    if kind == "Not":
        return not _inside("Condition", condition["Condition"], scope, definition)
    if kind == "Or":
        given = enumerate(condition["Conditions"])
        outcomes = [_inside(f"Conditions[{number}]", one, scope, definition) for number, one in given]
        return any(outcomes)
    found = {name: _value(condition[name], name, scope, definition) for name in MEMBERS[kind]}
    if kind == "In":
        return _among(found["QueryValue"], found["Values"])
    return _compare(kind, found["LeftValue"], found["RightValue"])


def all_hold(conditions: list[Doc], scope: Scope, definition: Definition) -> bool:
    """Whether every condition of a step is true. Raises Unresolved."""
    given = enumerate(conditions)
    outcomes = [_inside(f"Conditions[{number}]", one, scope, definition) for number, one in given]
    return all(outcomes)


def values(condition: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The values that stand in a condition that `check` has passed, with their paths."""
    for name in MEMBERS[condition["Type"]]:
        if name == "Condition":
            yield from values(condition[name], below(path, name))
        elif name == "Conditions":
            for number, one in enumerate(condition[name]):
                yield from values(one, below(below(path, name), number))
        else:
            yield below(path, name), condition[name]


def check(condition: Any, path: str, findings: Findings, step: str | None) -> None:
    """Tell what is wrong with the shape of a condition, expressions aside."""
    if not isinstance(condition, dict):
        findings.object(condition, path, None, step)
        return
    kind = condition.get("Type")
    if not isinstance(kind, str) or kind not in MEMBERS:
        what = f"{kind!r} is no kind of condition{meant(kind, MEMBERS)}" if isinstance(kind, str) else "is missing"
        findings.add(below(path, "Type"), what, step)
        return
    given = findings.object(condition, path, ("Type", *MEMBERS[kind]), step) or {}
    for name in MEMBERS[kind]:
        where = below(path, name)
        if name not in given:
            findings.add(where, f"is missing: a condition of type {kind} needs it", step)
        elif name == "Condition":
            check(given[name], where, findings, step)
        elif name in ("Conditions", "Values"):
            listed = findings.list(given[name], where, step)
            if given[name] == []:
                findings.add(where, "must not be empty", step)
            if name == "Conditions":
                for number, one in enumerate(listed):
                    check(one, below(where, number), findings, step)
        elif isinstance(given[name], list | dict) and expressions.operator(given[name]) is None:
            findings.add(where, f"must be one value or an expression, but is {told(given[name])}", step)


def _inside(where: str, condition: Doc, scope: Scope, definition: Definition) -> bool:
    try:
        return holds(condition, scope, definition)
    except Unresolved as error:
        raise Unresolved(f"{where}.{error.where}" if error.where else where, error.message) from None


def _value(value: Any, name: str, scope: Scope, definition: Definition) -> Any:
    try:
        return resolve(value, scope, definition)
    except Unresolved as error:
        # An index follows without a dot: Values[1].
        way = f"{'' if error.where.startswith('[') else '.'}{error.where}" if error.where else ""
        raise Unresolved(f"{name}{way}", error.message) from None


def _compare(kind: str, left: Any, right: Any) -> bool:
    family = _family(left)
    if family is None or family != _family(right) or (family == "boolean" and kind != "Equals"):
        raise Unresolved("", f"{kind} cannot compare {told(left)} with {told(right)}")
    return COMPARISONS[kind](left, right)


def _among(query: Any, values: Any) -> bool:
    family = _family(query)
    same = [one for one in values if _family(one) == family]
    if family is None or not same:
        raise Unresolved("", f"In cannot compare {told(query)} with any of {', '.join(map(told, values))}")
    return query in same


def _family(value: Any) -> str | None:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
    return None
