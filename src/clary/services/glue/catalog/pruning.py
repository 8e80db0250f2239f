"""Partitions of a table that an expression holds for, in the order of their values, without looking at all of them.

The store has them sorted by the list of their values. The walk reads a few rows; where the first values of a row
already say that the expression cannot hold, it leaps behind all that begin with the same, and where the expression
bounds a text key, in front of the next value that is within. The more it finds, the more it reads at once.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from typing import Final

from clary.kernel.resource import Resource
from clary.kernel.store import Store, Where
from clary.services.glue.catalog.expressions.bounds import Bound
from clary.services.glue.catalog.expressions.keys import UNKNOWN, Value
from clary.services.glue.catalog.expressions.syntax import Expression
from clary.services.glue.catalog.names import PARTITION, behind, from_value, partition_name, values_in

_FEWEST: Final = 4
_BITE: Final = 256
"""Rows read at once: a millisecond or two."""


async def matching(
    store: Store, table: Resource, keys: int, expression: Expression | None, after: str
) -> AsyncIterator[tuple[str, Resource | None]]:
    """(name, partition) of those behind the name `after` ("": from the first) for which the expression holds; and
    (name, None) where the walk stands after a bite that found nothing, so that the caller can stop there. Others run
    between bites."""
    where = Where(account=table.account, region=table.region, parent=table.uid)
    place = after or f"{table.uid}/"
    size = _FEWEST if expression else _BITE
    while True:
        rows = store.page(PARTITION, where, after=[place, place], limit=size)
        leapt, found = False, False
        for row in rows:
            if row.name <= place:
                continue  # leapt over
            place = row.name
            if expression is None:
                found = True
                yield place, row
                continue
            holds, beyond = _judged(table, keys, values_in(table, place), expression)
            if holds:
                found = True
                yield place, row
            elif beyond is not None:
                place, leapt = beyond, True
        if len(rows) < size:
            return
        if not found:
            yield place, None
        size = _FEWEST if leapt and place >= rows[-1].name else min(size * 2, _BITE)
        await asyncio.sleep(0)


def _judged(table: Resource, keys: int, values: Sequence[str], expression: Expression) -> tuple[bool, str | None]:
    """Whether the expression holds, and where to go on when it does not; None: with the next one."""
    for depth in range(1, keys):
        known: list[Value] = [*values[:depth], *[UNKNOWN] * (keys - depth)]
        if expression.truth(known) is False:
            return False, _leap(table, values[:depth], expression)
    if len(values) == keys and expression.truth(values):
        return True, None
    return False, _leap(table, values, expression) if expression.bounds else None


def _leap(table: Resource, values: Sequence[str], expression: Expression) -> str:
    """Behind all that begin with these values; further, where the bounds of a key say so."""
    for at, value in enumerate(values):
        before = values[:at]
        step = _next(value, [bound for bound in expression.bounds if bound.at == at])
        if step is None:
            # No value of this key is within any more: on behind all that share the values before it.
            return behind(partition_name(table, before)) if before else f"{table.uid}0"
        if step != value:
            return from_value(table, before, step)
    return behind(partition_name(table, values))


def _next(value: str, bounds: Sequence[Bound]) -> str | None:
    """The first text not before `value` that the bounds let through; None: there is none."""
    for bound in bounds:
        if bound.sign == "<=" and value > bound.values[0]:
            return None
        if bound.sign == ">=" and value < bound.values[0]:
            return _next(bound.values[0], bounds)
        if bound.sign == "in" and value not in bound.values:
            at = bisect_right(bound.values, value)
            return _next(bound.values[at], bounds) if at < len(bound.values) else None
    return value
