"""Who used its keys lately: each caller once a minute, so that remembering costs a request next to nothing."""

from dataclasses import asdict, dataclass
from typing import Final

from clary.aws.credentials import Principal
from clary.kernel.clock import Clock
from clary.kernel.resource import Doc

EXACT_SECONDS: Final = 60.0
"""How exactly the last use is remembered."""
_MOST: Final = 4096


@dataclass(frozen=True, slots=True)
class Use:
    """A key of a user, or keys of a role's session, signed a request that was let in."""

    kind: str
    """user or assumed-role."""
    name: str
    """The access key's id, or the role's name."""
    role_id: str
    """Of a role: a later role of that name is another."""
    at: float
    service: str
    """By its signing name."""
    region: str


class Uses:
    """The latest use of each caller that is remembered."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: dict[tuple[str, str], Use] = {}

    def note(self, principal: Principal, access_key_id: str, service: str, region: str) -> Use | None:
        """The use, if it is to be remembered: it is a user's or role's, and none was noted within the minute."""
        role_id = ""
        if principal.kind == "assumed-role":
            # arn:aws:sts::<account>:assumed-role/<role>/<session>, <role id>:<session>
            name, role_id = principal.arn.split("/", 2)[1], principal.user_id.partition(":")[0]
        elif principal.kind == "user":
            name = access_key_id
        else:
            return None
        now, key = self._clock.now(), (principal.kind, role_id or name)
        last = self._last.get(key)
        if last is not None and 0 <= now - last.at < EXACT_SECONDS:
            return None
        if last is None and len(self._last) >= _MOST:
            self._last.clear()  # at worst, some are remembered twice within the minute
        self._last[key] = use = Use(principal.kind, name, role_id, now, service, region)
        return use

    def docs(self) -> list[Doc]:
        """All of them; `use_of` makes them uses again."""
        return [asdict(use) for use in self._last.values()]


def use_of(doc: Doc) -> Use:
    return Use(**doc)
