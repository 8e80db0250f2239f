"""Who stands behind a user's access key."""

from collections.abc import Callable
from typing import Protocol

from clary.aws.credentials import Known, Principal
from clary.kernel.errors import Missing
from clary.kernel.resource import Resource
from clary.services.iam.api import REGION
from clary.services.iam.entities import ACCESS_KEY, USER


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
