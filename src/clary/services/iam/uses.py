"""When keys and roles were last used, in the rows of the keys and roles."""

import asyncio
from typing import Final

from clary.aws.credentials import Principal
from clary.aws.uses import Use, Uses
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Resource
from clary.kernel.store import Store
from clary.services.iam.api import REGION
from clary.services.iam.entities import ACCESS_KEY, ROLE

_TRIES: Final = 3


class StoredKeyUses:
    """aws.credentials.KeyUses, for GetAccessKeyLastUsed and RoleLastUsed. A use is written once a minute a caller, when
    the request that it was for has had its turn; uses that others saw are written by `remember`."""

    def __init__(self, store: Store, clock: Clock, account: str) -> None:
        self._store = store
        self._account = account
        self._uses = Uses(clock)

    def used(self, principal: Principal, access_key_id: str, service: str, region: str) -> None:
        use = self._uses.note(principal, access_key_id, service, region)
        if use is not None:
            asyncio.get_running_loop().call_soon(self.remember, use)

    def remember(self, use: Use) -> None:
        """The use is written, unless a later one was. A key or role that is gone meanwhile is none, and a session's key
        is no user's. May be repeated."""
        for _ in range(_TRIES):
            try:
                row = self._row(use)
            except Missing:
                return
            last = row.status.get("_used")
            if last is not None and last["at"] >= use.at:
                return
            try:
                self._store.update(row, _used={"at": use.at, "service": use.service, "region": use.region})
                return
            except Stale:
                continue  # somebody changed it in this moment: look again

    def _row(self, use: Use) -> Resource:
        kind = ACCESS_KEY if use.kind == "user" else ROLE.kind
        row = self._store.get(self._account, REGION, kind, use.name)
        if use.role_id and row.status["RoleId"] != use.role_id:
            raise Missing(f"the role {use.name!r} is another")
        return row
