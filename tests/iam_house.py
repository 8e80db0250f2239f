"""IAM and STS in process, with users' keys that sign and policies that decide, for the tests of their families."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import HomeKeyRing, Keys, KeyUses, Principal, UserKeys
from clary.aws.service import Service
from clary.kernel.clock import ManualClock
from clary.services import iam, sts
from clary.services.iam.effective import StoredIdentities
from tests.inprocess import ACCOUNT, ROOT_KEYS, InProcess

TRUST = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]})
FULL = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"


def document(*actions: str, effect: str = "Allow", resource: str = "*") -> str:
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Users:
    """aws.credentials.UserKeys; what really answers comes once the store is open."""

    keys: UserKeys | None = None

    def find(self, access_key_id: str) -> Any:
        return self.keys.find(access_key_id) if self.keys is not None else None


@contextmanager
def iam_house(
    tmp_path: Path, more: Sequence[Service] = (), beside: Mapping[type, Any] | None = None
) -> Iterator[InProcess]:
    """A clock 14 minutes behind the time of day, with which botocore signs, may go on for 28."""
    clock, users, ports = ManualClock(time.time() - 840), Users(), {}
    ring = HomeKeyRing(ROOT_KEYS, ACCOUNT, b"\0" * 32, users)
    late = _Late()
    ports = {KeyUses: late, iam.Birth: iam.Birth(1_700_000_000.0), **(beside or {})}
    made = InProcess(tmp_path, [iam.service, sts.service, *more], ports=ports, clock=clock, ring=ring)
    try:
        users.keys = iam.StoredUserKeys(made.raw_store, ACCOUNT, ring.user_secret)
        late.uses = iam.StoredKeyUses(made.raw_store, clock, ACCOUNT)
        made.ports[IdentityPolicies] = StoredIdentities(made.raw_store, ACCOUNT)
        yield made
    finally:
        made.close()


class _Late:
    """aws.credentials.KeyUses; what really remembers comes once the store is open."""

    uses: KeyUses | None = None

    def used(self, principal: Principal, access_key_id: str, service: str, region: str) -> None:
        if self.uses is not None:
            self.uses.used(principal, access_key_id, service, region)


def refused(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    """(code, message) of the refusal."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def keys_of(wire: InProcess, user: str) -> Keys:
    """A new access key of the user."""
    made = wire.client("iam").create_access_key(UserName=user)["AccessKey"]
    return Keys(made["AccessKeyId"], made["SecretAccessKey"])


def session_keys(credentials: Any) -> Keys:
    return Keys(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
