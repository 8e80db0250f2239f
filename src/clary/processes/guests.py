"""Who is not root, as a front sees them: users' keys and everybody's policies, read from the home's state file.

The file is opened, and IAM imported, when the first of them comes: a front that only serves root is as small and as
fast as if there were no users. What was read is kept for as long as nobody writes to the file.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from clary.aws.access import Ask
from clary.aws.credentials import Known, Principal
from clary.aws.sigv4 import Signed
from clary.aws.uses import Uses
from clary.kernel import ids
from clary.kernel.clock import Clock
from clary.kernel.resource import Doc

if TYPE_CHECKING:
    from clary.aws.service import Context
    from clary.home import Home


class Guests:
    """Lives on the thread that first asks it."""

    def __init__(self, state_file: Path, owner: "Home", clock: Clock) -> None:
        self._state_file = state_file
        self._owner = owner
        self._clock = clock
        self._open: _Open | None = None
        self.uses = Uses(clock)
        """Whom it let in lately: the control process asks for it, and writes it down."""

    def find(self, access_key_id: str) -> Known | None:
        """clary.aws.credentials.UserKeys."""
        return self._opened().keys.find(access_key_id)

    def require(self, signed: Signed, ask: Ask, origin: dict[str, str]) -> None:
        """Raises clary.aws.errors.AccessDenied unless the policies allow it."""
        self._opened().context(signed.principal, signed.region, origin).require(ask)
        self.uses.note(signed.principal, signed.access_key_id, signed.service, signed.region)

    def _opened(self) -> "_Open":
        if self._open is None:
            self._open = _Open(self._state_file, self._owner, self._clock)
        return self._open

    def close(self) -> None:
        if self._open is not None:
            self._open.store.close()


class _Open:
    """The state file, opened to read."""

    def __init__(self, state_file: Path, owner: "Home", clock: Clock) -> None:
        from clary.aws.authorize import Authorizer, IdentityPolicies
        from clary.kernel.sqlite import SqliteStore
        from clary.services.iam.effective import KeptUserKeys, StoredIdentities
        from clary.services.iam.keyring import StoredUserKeys

        self.store = SqliteStore(state_file, clock, read_only=True)
        self.keys = KeptUserKeys(self.store, StoredUserKeys(self.store, owner.account, owner.user_secret))
        ports: dict[type, Any] = {IdentityPolicies: StoredIdentities(self.store, owner.account)}
        self._authorizer = Authorizer(ports, owner.account)
        self._account = owner.account
        self._clock = clock

    def context(self, principal: Principal, region: str, origin: dict[str, str]) -> "Context":
        from clary.aws.service import Context

        return Context(
            self._account,
            region,
            principal,
            ids.request_id(),
            self.store,
            self._clock,
            {},
            _calls_nobody,
            origin=origin,
            authority=self._authorizer,
        )


async def _calls_nobody(ctx: "Context", service: str, operation: str, params: Doc) -> NoReturn:
    raise AssertionError(f"a front calls no operation, and this is {service} {operation}")
