"""Who stands behind a user's access key, and when it was last used."""

from collections.abc import Callable
from typing import Final, Protocol

from clary.aws.credentials import Known, Principal
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Resource
from clary.kernel.store import Store
from clary.services.iam.api import REGION
from clary.services.iam.entities import ACCESS_KEY, USER

_USE_SECONDS: Final = 900.0
"""How exactly the last use is remembered: a write for every request would cost more than the request."""


class Rows(Protocol):
    """What is asked of the state; a Store has it, and so may a reader of its file."""

    def get(self, account: str, region: str, kind: str, name: str) -> Resource: ...

    def find(self, kind: str, uid: str) -> Resource: ...


class StoredUserKeys:
    """aws.credentials.UserKeys over the rows of IAM. Every look-up asks the state anew, so a key that was deleted or
    made inactive, and a user that was deleted, are refused from the next request on. `secret` is the ring's
    `user_secret`."""

    def __init__(self, rows: Rows, account: str, secret: Callable[[str], str]) -> None:
        self._rows = rows
        self._account = account
        self._secret = secret

    def find(self, access_key_id: str) -> Known | None:
        try:
            key = self._rows.get(self._account, REGION, ACCESS_KEY, access_key_id)
            if key.phase != "Active":
                return None
            user = self._rows.find(USER.kind, key.parent)
        except Missing:
            return None
        return Known(self._secret(access_key_id), principal_of(user))


def principal_of(user: Resource) -> Principal:
    return Principal(user.account, user.arn, user.status["UserId"], "user")


class StoredKeyUses:
    """aws.credentials.KeyUses in the rows of the keys, for GetAccessKeyLastUsed."""

    def __init__(self, store: Store, clock: Clock, account: str) -> None:
        self._store = store
        self._clock = clock
        self._account = account

    def used(self, access_key_id: str, service: str, region: str) -> None:
        """The use is remembered, unless one was a short time ago. A key that is gone meanwhile is none."""
        try:
            key = self._store.get(self._account, REGION, ACCESS_KEY, access_key_id)
        except Missing:
            return  # deleted in this moment, or a session's
        now, last = self._clock.now(), key.status.get("_used")
        if last is not None and now - last["at"] < _USE_SECONDS:
            return
        try:
            self._store.update(key, _used={"at": now, "service": service, "region": region})
        except Stale:
            return  # Somebody changed the key in this moment; the next request is remembered.
