"""From a tree of metric math to its value."""

import operator
from collections.abc import Callable
from typing import Final, Protocol

from clary.aws.errors import NotImplementedHere
from clary.services.cloudwatch.expressions.functions import FUNCTIONS, Arguments
from clary.services.cloudwatch.expressions.syntax import (
    Array,
    BadExpression,
    Binary,
    Call,
    Name,
    Negative,
    Node,
    Number,
    Text,
)
from clary.services.cloudwatch.expressions.values import Series, Value, attempt, joined

_ABSENT: Final = {
    "ANOMALY_DETECTION_BAND": "anomaly detection",
    "INSIGHT_RULE_METRIC": "Contributor Insights",
    "SERVICE_QUOTA": "the list of quotas",
    "DB_PERF_INSIGHTS": "Performance Insights",
    "LAMBDA": "querying other data sources",
}
_OPERATORS: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "AND": lambda a, b: float(bool(a) and bool(b)),
    "OR": lambda a, b: float(bool(a) or bool(b)),
}
NOTHING: Final = float("nan")
"""A scalar that is not defined, as 1 / 0."""


class Scope(Protocol):
    """What an expression may refer to."""

    def value(self, name: str) -> Value | None:
        """Of the query with that id; None: there is none. Raises BadExpression."""
        ...

    def metrics(self) -> list[tuple[str, Series]]:
        """The metrics of the request, with their ids."""
        ...

    def search(self, text: str, stat: str, period: int | None) -> list[Series]:
        """Raises BadExpression."""
        ...

    def grid(self, period: int | None) -> range:
        """The times of all periods of the request; None: the period of the expression."""
        ...


def evaluate(node: Node, scope: Scope) -> Value:
    """Raises BadExpression, NotImplementedHere."""
    # A long sum is a long spine to the left: it is walked, not descended.
    spine: list[Binary] = []
    while isinstance(node, Binary):
        spine.append(node)
        node = node.left
    value = _single(node, scope)
    for one in reversed(spine):
        value = _apply(one, value, evaluate(one.right, scope))
    return value


def _single(node: Node, scope: Scope) -> Value:
    match node:
        case Number(value):
            return value
        case Text(value):
            return value
        case Name(name, position):
            found = scope.value(name)
            if found is None:
                raise BadExpression(f"Undefined variable {name!r}", position)
            return found
        case Array(items, position):
            return _array([evaluate(one, scope) for one in items], position)
        case Negative(operand, position):
            return _apply(Binary("*", Number(-1.0, position), operand, position), -1.0, evaluate(operand, scope))
        case Call(function, _, position):
            return _call(node, function, position, scope)
    raise TypeError(f"no {type(node).__name__} here")


def _array(items: list[Value], position: int) -> list[Series]:
    flat: list[Series] = []
    for one in items:
        if isinstance(one, list):
            flat += one
        elif isinstance(one, Series):
            flat.append(one)
        else:
            raise BadExpression("An array holds time series only", position)
    return flat


def _call(node: Call, function: str, position: int, scope: Scope) -> Value:
    if function in _ABSENT:
        raise NotImplementedHere(
            f"The function {function} of metric math is not served: {_ABSENT[function]} is not here."
        )
    known = FUNCTIONS.get(function)
    if known is None:
        hint = " (functions are written in upper case)" if function.upper() in FUNCTIONS else ""
        raise BadExpression(f"There is no function {function!r}{hint}", position)
    values: list[Value] = []
    for number, one in enumerate(node.arguments):
        word = isinstance(one, Name) and one.value in known.words and scope.value(one.value) is None
        values.append(one.value if word and isinstance(one, Name) else evaluate(one, scope))
        if not word and isinstance(values[-1], str) and number not in known.texts:
            raise BadExpression(f"A text is no argument of {function}", one.position)
    return known.compute(Arguments(function, values, [one.position for one in node.arguments], position), scope)


def _apply(node: Binary, left: Value, right: Value) -> Value:
    function = _OPERATORS[node.operator]
    if isinstance(left, str) or isinstance(right, str):
        raise BadExpression(f"A text is no operand of {node.operator}", node.position)
    if isinstance(left, list) and isinstance(right, list):
        raise BadExpression(f"The operator {node.operator} does not take two arrays", node.position)
    if isinstance(left, list):
        return [_pair(function, one, right) for one in left]  # type: ignore[arg-type, misc]
    if isinstance(right, list):
        # What is computed of a member goes by the name of that member.
        return [_named(_pair(function, left, one), one) for one in right]
    return _pair(function, left, right)


def _pair(function: Callable[[float, float], float], left: Series | float, right: Series | float) -> Series | float:
    if isinstance(left, Series) and isinstance(right, Series):
        return joined(function, left, right)
    if isinstance(left, Series):
        return left.mapped(lambda value: function(value, right))  # type: ignore[arg-type]
    if isinstance(right, Series):
        return right.mapped(lambda value: function(left, value))
    made = attempt(function, left, right)
    return NOTHING if made is None else made


def _named(made: Series | float, after: Series) -> Series:
    if not isinstance(made, Series):
        raise TypeError("a time series makes a time series")
    return Series(made.times, made.values, made.period, after.label, after.metric, after.stat)
