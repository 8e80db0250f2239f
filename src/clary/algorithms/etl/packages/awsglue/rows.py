"""Joining, comparing and sampling rows."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from . import choices, columns
from .gluetypes import is_choice

_COMPARISONS = {
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
    "=": lambda left, right: left == right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}


def joined(left: DataFrame, right: DataFrame, keys: Sequence[str], others: Sequence[str]) -> DataFrame:
    """The rows of both whose keys are equal, with all columns of both; one of the right whose name the left has too
    gets a dot before it, as with Glue."""
    mine, theirs = ([one] if isinstance(one, str) else list(one) for one in (keys, others))
    if len(mine) != len(theirs):
        raise ValueError(f"a join needs as many keys on both sides: {mine} and {theirs}")
    for frame, paths, side in ((left, mine, "first"), (right, theirs, "second")):
        for path in paths:
            field = columns.find(frame.schema, columns.segments(path, frame.schema))
            if field is None:
                raise ValueError(f"join: the {side} frame has no column {path!r}; it has {', '.join(frame.columns)}")
            if is_choice(field):
                raise ValueError(
                    f"join: {path!r} of the {side} frame has several types: resolve it first (resolveChoice)"
                )
    taken = set(left.columns)
    names: dict[str, str] = {}
    for one in right.columns:
        name = one
        while name in taken:
            name = f".{name}"
        taken.add(name)
        names[one] = name
    renamed = right.select(
        [
            F.col(columns.quoted(one.name)).alias(names[one.name], metadata=one.metadata or {})
            for one in right.schema.fields
        ]
    )
    # Both sides are named, as a frame may be joined with itself.
    first, second = left.alias("l"), renamed.alias("r")
    rules = []
    for path, other in zip(mine, theirs, strict=True):
        parts = columns.segments(other, right.schema)
        rules.append(_of("l", columns.segments(path, left.schema)) == _of("r", [names[parts[0]], *parts[1:]]))
    return first.join(second, reduce(lambda a, b: a & b, rules), "inner").select("l.*", "r.*")


def _of(side: str, parts: Sequence[str]) -> Column:
    found = F.col(f"{side}.{columns.quoted(parts[0])}")
    for part in parts[1:]:
        found = found.getField(part)
    return found


def compared(frame: DataFrame, rules: Mapping[str, Mapping[str, Any]]) -> Column:
    """All comparisons of `{"path": {">": 10, "<=": 20}}` together."""
    found: list[Column] = []
    for path, ones in rules.items():
        value = columns.at(columns.segments(path, frame.schema))
        for sign, bound in ones.items():
            if sign not in _COMPARISONS:
                raise ValueError(f"{sign!r} compares nothing: use one of {' '.join(_COMPARISONS)}")
            found.append(_COMPARISONS[sign](value, bound))
    if not found:
        raise ValueError("split_rows needs a comparison, such as {'age': {'>': 10}}")
    return reduce(lambda a, b: a & b, found)


def merged_by(frame: DataFrame, stage: DataFrame, keys: Sequence[str]) -> DataFrame:
    """All rows of `stage`, and those of `frame` whose keys are not among them."""
    known = stage.select([F.col(columns.quoted(one)) for one in keys]).distinct()
    old = frame.join(known, on=list(keys), how="left_anti").select([columns.plain(one) for one in frame.schema.fields])
    return choices.united(old, stage)


def sampled(frame: DataFrame, options: Mapping[str, Any]) -> DataFrame:
    """At most `topk` of the rows, each with the probability `prob`."""
    probability = float(options.get("prob", 1.0))
    if not 0 < probability <= 1:
        raise ValueError(f"prob must be above 0 and at most 1: {probability}")
    chosen = frame if probability == 1 else frame.sample(probability)
    return chosen.limit(int(options.get("topk", 10)))
