"""One page of one (kind, account, region): which way is the shortest to its rows.

Each order has an index, and each filter; a page that is both filtered and ordered can walk but one of them. It walks
its order's, unless a filter leaves so few rows that they are fetched and sorted.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

from clary.kernel import sqlite_rows as rows
from clary.kernel.resource import Resource
from clary.kernel.sqlite_pages import Spot, narrow_sql, page_sql, place_sql, probes, walks
from clary.kernel.store import Order, Where

NARROW: Final = 2_500
"""So few rows are sorted rather than looked for along the order."""
_FIRST: Final = 1_000
"""How far a bounded walk goes before it looks how far it may go: most pages are full by then."""

Run = Callable[[str, Sequence[Any]], sqlite3.Cursor]


class Walk:
    """The rows of one space that pass the filters, in order."""

    def __init__(self, run: Run, space: tuple[str, str, str], where: Where, order: Order, descending: bool) -> None:
        self._run = run
        self._list = (space, where, order, descending)
        self._narrow = self._narrowest()

    def page(self, spot: Spot | None, limit: int, until: Spot | None = None) -> list[Resource]:
        if self._narrow is not None:
            sql, values = narrow_sql(rows.COLUMNS, *self._list, spot, limit, self._narrow)
        else:
            sql, values = page_sql(rows.COLUMNS, *self._list, spot, limit, until)
        return [rows.resource(row) for row in self._run(sql, values)]

    def look(self, spot: Spot | None, limit: int, most: int) -> tuple[list[Resource], Spot | None]:
        """As `page`, along `most` rows and no more. The spot is where it stopped looking; None: at the end, or because
        the page is full."""
        space, where, order, descending = self._list
        walked, along = walks(where, order)
        if self._narrow is not None or walked == where:
            return self.page(spot, limit), None
        found: list[Resource] = []
        for stretch in (min(_FIRST, most), most - _FIRST):
            if stretch <= 0:
                break
            place = self._run(*place_sql(space, walked, along, descending, spot, stretch)).fetchone()
            until = None if place is None else Spot(place[0], place[1], including=True)
            found += self.page(spot, limit - len(found), until)
            if len(found) >= limit or place is None:
                return found, None
            spot = Spot(place[0], place[1])
        return found, spot

    def _narrowest(self) -> str | None:
        """The index of a filter that leaves few rows."""
        space, where, order, _ = self._list
        for index, sql, values in probes(space, where, order, NARROW):
            if self._run(sql, values).fetchone()[0] <= NARROW:
                return index
        return None
