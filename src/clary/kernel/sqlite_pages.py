"""The SQL of a page: which index it walks, where it starts, what it lets through. Pure: text and parameters."""

from collections.abc import Sequence
from dataclasses import dataclass, field
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
) -> tuple[str, list[Any]]:
    """One page of one (kind, account, region) as a walk along one index from `spot` on."""
    if order == "phase" and where.phase is not None:
        order = "name"  # All that pass are of one phase, and the index by phase goes on by name.
    index = _index(where, order)
    terms = _terms(space, where, order, descending, spot)
    way = "DESC" if descending else "ASC"
    by = f"name {way}" if order == "name" else f"{order} {way}, name {way}"
    text = f"SELECT {columns} FROM resource INDEXED BY {index} WHERE {' AND '.join(terms.texts)} ORDER BY {by} LIMIT ?"
    return text, [*terms.values, limit]


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


def _terms(space: tuple[str, str, str], where: Where, order: Order, descending: bool, spot: Spot | None) -> _Terms:
    terms = _Terms()
    terms.add("kind = ? AND account = ? AND region = ?", *space)
    if where.phase is not None:
        terms.add("phase = ?", where.phase)
    if where.parent is not None:
        # The second half is what lets SQLite use the partial indexes.
        terms.add("parent = ? AND parent <> ''" if where.parent else "parent = ?", where.parent)
    if spot is not None:
        terms.add(*_from(spot, order, descending))
    for column, low, high in (
        ("created", where.created_after, where.created_before),
        ("modified", where.modified_after, where.modified_before),
    ):
        # A unary plus keeps a bound out of the index: the walk must start at the spot, which is always the tighter one.
        walked = column == order and spot is not None
        if low is not None:
            terms.add(f"{'+' if walked and not descending else ''}{column} > ?", low)
        if high is not None:
            terms.add(f"{'+' if walked and descending else ''}{column} < ?", high)
    _names(terms, where, order, descending, spot)
    return terms


def _from(spot: Spot, order: Order, descending: bool) -> Sequence[Any]:
    sign = ("<" if descending else ">") + ("=" if spot.including else "")
    if order == "name":
        return f"name {sign} ?", spot.name
    return f"({order}, name) {sign} (?, ?)", spot.value, spot.name


def _names(terms: _Terms, where: Where, order: Order, descending: bool, spot: Spot | None) -> None:
    if where.name_prefix:
        walked = order == "name" and spot is not None
        terms.add(f"{'+' if walked and not descending else ''}name >= ?", where.name_prefix)
        after = after_prefix(where.name_prefix)
        if after is not None:
            terms.add(f"{'+' if walked and descending else ''}name < ?", after)
    if where.name_contains:
        terms.add("instr(lower(name), lower(?)) > 0", where.name_contains)


def after_prefix(prefix: str) -> str | None:
    """The first string, in UTF-8 byte order, behind all that start with `prefix`; None when there is none."""
    while prefix:
        last = ord(prefix[-1])
        if last < 0x10FFFF:
            # Surrogates are no characters: the next one after U+D7FF is U+E000.
            return prefix[:-1] + chr(0xE000 if last == 0xD7FF else last + 1)
        prefix = prefix[:-1]
    return None
