"""Who is not root, as a front sees them: users' keys and everybody's policies, read from the home's state file.

The file is opened, and IAM imported, when the first of them comes: a front that only serves root is as small and as
fast as if there were no users. What was read, and what was decided, is kept for as long as nobody writes to the file,
and a decision for a second at most. One that looked at the circumstances of its request (where it came from, for
example) is used again under the same circumstances only, and one that looked at the clock never.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

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


KEPT_SECONDS: Final = 1.0
"""A decision is made anew after that time, whatever has or has not been written."""
_MOST_KEPT: Final = 4096


class Guests:
    """Lives on the thread that first asks it."""

    def __init__(self, state_file: Path, owner: "Home", clock: Clock) -> None:
        self._state_file = state_file
        self._owner = owner
        self._clock = clock
        self._open: _Open | None = None
        self._allowed: dict[_Question, _Allowed] = {}
        self.uses = Uses(clock)
        """Whom it let in lately: the control process asks for it, and writes it down."""

    def find(self, access_key_id: str) -> Known | None:
        """clary.aws.credentials.UserKeys."""
        return self._opened().keys.find(access_key_id)

    def require(self, signed: Signed, ask: Ask, origin: dict[str, str]) -> None:
        """Raises clary.aws.errors.AccessDenied unless the policies allow it."""
        opened = self._opened()
        stamp, now = opened.store.stamp(), self._clock.ticks()
        question = (signed.principal, signed.region, ask.action, ask.resource, tuple(ask.keys.items()))
        known = self._allowed.get(question)
        if known is not None and known.stamp == stamp and now < known.until and known.holds(origin):
            return
        told, watch = _Told(origin), _Watch(self._clock)
        opened.context(signed.principal, signed.region, told, watch).require(ask)
        if len(self._allowed) >= _MOST_KEPT:
            self._allowed.clear()
        if not watch.asked:
            seen = tuple((key, origin.get(key)) for key in told.asked)
            self._allowed[question] = _Allowed(stamp, now + KEPT_SECONDS, seen)
        self.uses.note(signed.principal, signed.access_key_id, signed.service, signed.region)

    def _opened(self) -> "_Open":
        if self._open is None:
            self._open = _Open(self._state_file, self._owner, self._clock)
        return self._open

    def close(self) -> None:
        if self._open is not None:
            self._open.store.close()


_Question = tuple[Principal, str, str, str, tuple[Any, ...]]
"""(who, region, action, resource, condition keys of the service)."""


class _Allowed(NamedTuple):
    """What the policies allowed."""

    stamp: object
    """Of the state that was read."""
    until: float
    """Of the clock's ticks."""
    seen: tuple[tuple[str, str | None], ...]
    """The circumstances that the policies looked at."""

    def holds(self, origin: Mapping[str, str]) -> bool:
        return all(origin.get(key) == value for key, value in self.seen)


class _Told(dict[str, str]):
    """Circumstances of a request that remember which of them were looked at."""

    def __init__(self, origin: Mapping[str, str]) -> None:
        super().__init__(origin)
        self.asked: list[str] = []

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.append(key)
        return super().get(key, default)


class _Watch:
    """A clock that remembers whether anybody looked at it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.asked = False

    def now(self) -> float:
        self.asked = True
        return self._clock.now()

    def ticks(self) -> float:
        self.asked = True
        return self._clock.ticks()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


class _Open:
    """The state file, opened to read."""

    def __init__(self, state_file: Path, owner: "Home", clock: Clock) -> None:
        from clary.aws.authorize import Authorizer, IdentityPolicies
        from clary.processes.state import WatchedState
        from clary.services.iam.effective import KeptUserKeys, StoredIdentities
        from clary.services.iam.keyring import StoredUserKeys

        self.store = WatchedState(state_file, clock)
        self.keys = KeptUserKeys(self.store, StoredUserKeys(self.store, owner.account, owner.user_secret))
        ports: dict[type, Any] = {IdentityPolicies: StoredIdentities(self.store, owner.account)}
        self._authorizer = Authorizer(ports, owner.account)
        self._account = owner.account

    def context(self, principal: Principal, region: str, origin: Mapping[str, str], clock: Clock) -> "Context":
        from clary.aws.service import Context

        return Context(
            self._account,
            region,
            principal,
            ids.request_id(),
            self.store,
            clock,
            {},
            _calls_nobody,
            origin=origin,
            authority=self._authorizer,
        )


async def _calls_nobody(ctx: "Context", service: str, operation: str, params: Doc) -> NoReturn:
    raise AssertionError(f"a front calls no operation, and this is {service} {operation}")
