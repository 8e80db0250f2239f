"""What is in something that was deleted goes too, a page at a time.

A removal is a row of its own, written before the row of what is deleted goes: killed in between, its reconciler goes
on. It deletes what still stands, then what stood in it, then itself. Nothing of that can be reached meanwhile: what is
inside is found by way of the uid of what it is in.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.reconcile import Step, again, gone
from clary.kernel.resource import Resource
from clary.kernel.store import Store, Where

_BITE: Final = 100
"""Rows removed in one step: a few milliseconds."""
_RETRY_SECONDS: Final = 60.0


def _always(one: Resource) -> bool:
    return True


class Removals:
    """Of the kinds of one family."""

    def __init__(
        self, kind: str, inside: Mapping[str, Sequence[str]], holds: Callable[[Resource], bool] = _always
    ) -> None:
        """`kind`: of the rows that remember removals; `inside`: what a row can have in it, by kind; `holds`: whether
        this one, of such a kind, may have something in it."""
        self.kind = kind
        self.inside = inside
        self.holds = holds

    def remove(self, store: Store, one: Resource, **said: str) -> None:
        """`one` is gone, and what is in it will be. `said`: more for the row of the removal. Raises Stale."""
        removal = Resource(
            kind=self.kind,
            name=one.uid,
            account=one.account,
            region=one.region,
            uid=one.uid,
            spec={"Kind": one.kind, **said},
            due=0.0,
        )
        # First what remembers it: from here on it will be gone, however this ends.
        with suppress(Exists):
            store.create(removal)
        store.delete(one)


class Removing:
    """Wanted: nothing is left of what was deleted. Every step deletes some of it."""

    def __init__(self, store: Store, removals: Removals) -> None:
        self._store = store
        self._removals = removals

    async def __call__(self, removal: Resource) -> Step:
        kind = removal.spec["Kind"]
        with suppress(Missing, Stale):
            self._store.delete(self._store.find(kind, removal.uid))
        where = Where(account=removal.account, region=removal.region, parent=removal.uid)
        for inner in self._removals.inside[kind]:
            found = self._store.page(inner, where, limit=_BITE)
            for one in found:
                with suppress(Stale):
                    if inner in self._removals.inside and self._removals.holds(one):
                        self._removals.remove(self._store, one)
                    else:
                        self._store.delete(one)
            if found:
                return again(0.0)
        return gone()

    def give_up(self, removal: Resource, error: Exception) -> Step:
        return again(_RETRY_SECONDS)
