"""Subscriptions of topics that are gone make room: a deletion may have been killed before it came to the last one."""

from contextlib import suppress
from typing import Final

from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Resource
from clary.kernel.store import Store, Where
from clary.services.sns.api import SUBSCRIPTION, TOPIC

_PAGE: Final = 1000


def tidy(store: Store) -> None:
    after: list[object] | None = None
    while found := store.page(SUBSCRIPTION, Where(), after=after, limit=_PAGE):
        for one in found:
            _look(store, one)
        last = found[-1]
        after = [last.name, last.name, last.account, last.region]


def _look(store: Store, one: Resource) -> None:
    try:
        store.find(TOPIC, one.parent)
    except Missing:
        with suppress(Stale):
            store.delete(one)
