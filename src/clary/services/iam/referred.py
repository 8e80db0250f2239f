"""Homes from before rows said under `_refers` what they refer to: each row says it, once and for all."""

from typing import Final

from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Resource
from clary.kernel.store import Store, Where
from clary.services.iam.api import REGION
from clary.services.iam.entities import ALL, GROUP, PROFILE, ROLE, USER, refers

_DONE: Final = "iam-references"


def bring_up(store: Store, account: str) -> None:
    """Every row of IAM refers to what it names. The first start on a home looks at all of them; later ones only at the
    note that it was done. May be interrupted and repeated."""
    try:
        store.get(account, REGION, _DONE, _DONE)
        return
    except Missing:
        pass
    for family in (USER, GROUP, ROLE, PROFILE):
        for one in store.page(family.kind, Where(account=account, region=REGION), limit=ALL):
            _refer(store, one)
    # Last: a crash before this line looks at all of them again, and a row that refers already is left as it is.
    try:
        store.create(Resource(kind=_DONE, name=_DONE, account=account, region=REGION, uid=ids.new()))
    except Exists:
        return  # another process did the same at the same time


def _refer(store: Store, one: Resource) -> None:
    while one.status.get("_refers") != refers(one.status):
        try:
            store.update(one, _refers=refers(one.status))
            return
        except Stale:  # somebody changed it in between: look again
            one = store.find(one.kind, one.uid)
