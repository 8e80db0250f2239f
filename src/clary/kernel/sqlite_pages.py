"""The SQL of a page: which index it walks, where it starts, what it lets through. Pure: text and parameters."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from clary.kernel.store import Order, Where

_BY_PARENT = {"name": "resource_parent", "created": "resource_parent_created"}
_BY_PHASE = {"name": "resource_phase", "phase": "resource_phase", "created": "resource_phase_created"}
_PLAIN = {
    "name": "resource_name",
    "created": "resource_created",
    "modified": "resource_modified",
    "phase": "resource_phase",
}


_ESCAPED = re.compile("[%_!]")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a page goes on: behind this (sort value, name), or at it where `including`."""

    value: Any
    name: str
    including: bool = False


@dataclass(slots=True)
class _Terms:
    texts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, text: str, *values: Any) -> None:
        self.texts.append(text)
        self.values.extend(values)


def page_sql(
    columns: str,
    space: tuple[str, str, str],
    where: Where,
    order: Order,
    descending: bool,
    spot: Spot | None,
    limit: int,
    until: Spot | None = None,
) -> tuple[str, list[Any]]:
    """One page of one (kind, account, region) as a walk along one index from `spot` on, to `until` and not beyond."""
    order = _walked(where, order)
    index = _index(where, order)
    terms = _terms(space, where, order, descending, spot, until)
    by = _by(order, descending)
    text = f"SELECT {columns} FROM resource INDEXED BY {index} WHERE {' AND '.join(terms.texts)} ORDER BY {by} LIMIT ?"
    return text, [*terms.values, limit]


def narrow_sql(
    columns: str,
    space: tuple[str, str, str],
    where: Where,
    order: Order,
    descending: bool,
    spot: Spot | None,
    limit: int,
    index: str,
) -> tuple[str, list[Any]]:
    """The same page, by sorting the few rows that a filter leaves: `index` is the filter's."""
    order = _walked(where, order)
    terms = _terms(space, where, order, descending, spot)
    by = _by(order, descending)
    found = f"SELECT id FROM resource INDEXED BY {index} WHERE {' AND '.join(terms.texts)} ORDER BY {by} LIMIT ?"
    # Only the ids are sorted; whole rows are read for the page alone.
    return f"SELECT {columns} FROM resource WHERE id IN ({found}) ORDER BY {by}", [*terms.values, limit]


def probes(space: tuple[str, str, str], where: Where, order: Order, most: int) -> Iterator[tuple[str, str, list[Any]]]:
    """For each filter that the page's own walk cannot use but another index can: that index, and a look at it, alone,
    that counts what the filter leaves, to `most` + 1."""
    if where.parent:
        return
    order = _walked(where, order)
    only = Where(phase=where.phase)
    alone: list[tuple[Order, Where]] = []
    if order != "created" and (where.created_after is not None or where.created_before is not None):
        alone.append(("created", replace(only, created_after=where.created_after, created_before=where.created_before)))
    if order != "modified" and (where.modified_after is not None or where.modified_before is not None):
        alone.append(("modified", Where(modified_after=where.modified_after, modified_before=where.modified_before)))
    if order == "modified" and where.phase is not None:
        alone.append(("name", only))
    for by, alike in alone:
        index = _index(alike, by)
        terms = _terms(space, alike, by, False, None)
        looked = f"SELECT 1 FROM resource INDEXED BY {index} WHERE {' AND '.join(terms.texts)} LIMIT ?"
        yield index, f"SELECT count(*) FROM ({looked})", [*terms.values, most + 1]


def walks(where: Where, order: Order) -> tuple[Where, Order]:
    """Of the filters, those that say where the page's walk begins and ends; the others are held against each row. And
    the order in which it is walked."""
    order = _walked(where, order)
    index = _index(where, order)
    created, modified = order == "created", order == "modified"
    created_before, modified_after = where.created_before, where.modified_after
    if created_before is None:
        created_before = where.modified_before  # as `_implied` has it
    if modified_after is None:
        modified_after = where.created_after
    kept = replace(
        where,
        phase=where.phase if index.startswith("resource_phase") else None,
        parent=where.parent if index.startswith("resource_parent") else None,
        name_contains=None,
        name_prefix=where.name_prefix if order == "name" else None,
        created_after=where.created_after if created else None,
        created_before=created_before if created else None,
        modified_after=modified_after if modified else None,
        modified_before=where.modified_before if modified else None,
    )
    return kept, order


def place_sql(
    space: tuple[str, str, str], where: Where, order: Order, descending: bool, spot: Spot | None, rows: int
) -> tuple[str, list[Any]]:
    """Where the walk stands after so many rows, as (sort value, name); nothing: it ended before. `where` and `order`
    are what `walks` gave, so this reads the index and no row."""
    text, values = page_sql(f"{order}, name", space, where, order, descending, spot, 1)
    return f"{text} OFFSET ?", [*values, rows - 1]


def _walked(where: Where, order: Order) -> Order:
    """All that pass a filter by phase are of one, and the index by phase goes on by name."""
    return "name" if order == "phase" and where.phase is not None else order


def _by(order: Order, descending: bool) -> str:
    way = "DESC" if descending else "ASC"
    return f"name {way}" if order == "name" else f"{order} {way}, name {way}"


def count_sql(space: tuple[str, str, str], where: Where) -> tuple[str, list[Any]]:
    order: Order = "created" if where.created_after is not None or where.created_before is not None else "name"
    terms = _terms(space, where, order, False, None)
    index = _index(where, order)
    return f"SELECT count(*) FROM resource INDEXED BY {index} WHERE {' AND '.join(terms.texts)}", terms.values


def _index(where: Where, order: Order) -> str:
    if where.parent and order in _BY_PARENT:
        return _BY_PARENT[order]
    if where.phase is not None and order in _BY_PHASE:
        return _BY_PHASE[order]
    return _PLAIN[order]


def _terms(
    space: tuple[str, str, str],
    where: Where,
    order: Order,
    descending: bool,
    spot: Spot | None,
    until: Spot | None = None,
) -> _Terms:
    terms = _Terms()
    terms.add("kind = ? AND account = ? AND region = ?", *space)
    if where.phase is not None:
        terms.add("phase = ?", where.phase)
    if where.parent is not None:
        # The second half is what lets SQLite use the partial indexes.
        terms.add("parent = ? AND parent <> ''" if where.parent else "parent = ?", where.parent)
    if spot is not None:
        terms.add(*_beyond(spot, order, descending))
    if until is not None:
        terms.add(*_beyond(until, order, not descending))
    # A unary plus keeps a bound out of the index: the walk must go from the spot to the end, which are always tighter.
    start, end = (until, spot) if descending else (spot, until)
    for column, low, high in (
        ("created", where.created_after, where.created_before),
        ("modified", where.modified_after, where.modified_before),
    ):
        walked = column == order
        if low is not None:
            terms.add(f"{'+' if walked and start is not None else ''}{column} > ?", low)
        if high is not None:
            terms.add(f"{'+' if walked and end is not None else ''}{column} < ?", high)
    _implied(terms, where, order, start is not None, end is not None)
    _names(terms, where, order, start is not None, end is not None)
    return terms


def _implied(terms: _Terms, where: Where, order: Order, started: bool, ended: bool) -> None:
    """Nothing is modified before it is created: a bound of one time may be one of the other, and shorten its walk."""
    if order == "created" and where.modified_before is not None and not ended and where.created_before is None:
        terms.add("created < ?", where.modified_before)
    if order == "modified" and where.created_after is not None and not started and where.modified_after is None:
        terms.add("modified > ?", where.created_after)


def _beyond(spot: Spot, order: Order, descending: bool) -> Sequence[Any]:
    sign = ("<" if descending else ">") + ("=" if spot.including else "")
    if order == "name":
        return f"name {sign} ?", spot.name
    return f"({order}, name) {sign} (?, ?)", spot.value, spot.name


def _names(terms: _Terms, where: Where, order: Order, started: bool, ended: bool) -> None:
    if where.name_prefix:
        walked = order == "name"
        terms.add(f"{'+' if walked and started else ''}name >= ?", where.name_prefix)
        after = after_prefix(where.name_prefix)
        if after is not None:
            terms.add(f"{'+' if walked and ended else ''}name < ?", after)
    if where.name_contains:
        # LIKE is without regard to case, and half the price of folding each name first.
        terms.add("name LIKE ? ESCAPE '!'", "%" + _ESCAPED.sub(r"!\g<0>", where.name_contains) + "%")


def after_prefix(prefix: str) -> str | None:
    """The first string, in UTF-8 byte order, behind all that start with `prefix`; None when there is none."""
    while prefix:
        last = ord(prefix[-1])
        if last < 0x10FFFF:
            # Surrogates are no characters: the next one after U+D7FF is U+E000.
            return prefix[:-1] + chr(0xE000 if last == 0xD7FF else last + 1)
        prefix = prefix[:-1]
    return None
