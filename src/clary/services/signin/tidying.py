"""Rows of codes that could not be used any more anyway are removed."""

from clary.kernel.clock import Clock
from clary.kernel.store import Store, Where
from clary.services.signin.tokens import USED


def tidy(store: Store, clock: Clock) -> None:
    for row in store.page(USED, Where(), limit=10_000):
        if row.spec["until"] < clock.now():
            store.delete(row)
