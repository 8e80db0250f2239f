"""What is in a database or a table that was deleted goes too, a page at a time.

A removal is a row of its own, written before the row of what is deleted goes: killed in between, its reconciler goes
on. It deletes what still stands, then what stood in it, then itself. Nothing of that can be reached meanwhile: what is
inside is found by way of the uid of what it is in.
"""

from contextlib import suppress
from typing import Final

from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.reconcile import Step, again, gone
from clary.kernel.resource import Resource
from clary.kernel.store import Store, Where
from clary.services.glue.catalog.names import DATABASE, FUNCTION, PARTITION, STATISTICS, TABLE, VERSION

REMOVAL: Final = "glue-removal"
_INSIDE: Final = {
    DATABASE: (TABLE, FUNCTION),
    TABLE: (PARTITION, VERSION, STATISTICS),
    PARTITION: (STATISTICS,),
}
"""What a row of that kind can have in it, by kind."""
_BITE: Final = 100
"""Rows removed in one step: a few milliseconds."""
_RETRY_SECONDS: Final = 60.0


def remove(store: Store, one: Resource, operation: str, database: str = "", table: str = "") -> None:
    """`one` is gone, and what is in it will be. `operation`: what the event that tells of it says. Raises Stale."""
    removal = Resource(
        kind=REMOVAL,
        name=one.uid,
        account=one.account,
        region=one.region,
        uid=one.uid,
        spec={"Kind": one.kind, "Operation": operation, "DatabaseName": database, "TableName": table, "Arn": one.arn},
        due=0.0,
    )
    # First what remembers it: from here on it will be gone, however this ends.
    with suppress(Exists):
        store.create(removal)
    store.delete(one)


class Removing:
    """Wanted: nothing is left of what was deleted. Every step deletes some of it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, removal: Resource) -> Step:
        kind = removal.spec["Kind"]
        with suppress(Missing, Stale):
            self._store.delete(self._store.find(kind, removal.uid))
        where = Where(account=removal.account, region=removal.region, parent=removal.uid)
        for inner in _INSIDE[kind]:
            found = self._store.page(inner, where, limit=_BITE)
            for one in found:
                with suppress(Stale):
                    if inner in _INSIDE and (inner != PARTITION or one.status.get("_statistics")):
                        remove(self._store, one, "")
                    else:
                        self._store.delete(one)
            if found:
                return again(0.0)
        return gone()

    def give_up(self, removal: Resource, error: Exception) -> Step:
        return again(_RETRY_SECONDS)
