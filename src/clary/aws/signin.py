"""One-time codes: what the owner of a home prints, and whoever opens the link signs in with once.

Made by any process that holds the home's master key, and proven by arithmetic; that a code was used is a row.
"""

import secrets
from typing import Final, Protocol

CODE_SECONDS: Final = 600
"""How long a printed link may wait to be opened."""
_USE: Final = "signin-code"


class Warrants(Protocol):
    """The part of a KeyRing that makes codes."""

    def warrant(self, claims: dict[str, str]) -> str: ...


def code(ring: Warrants, arn: str, now: float, user_id: str = "") -> str:
    """A code that signs in once as `arn`: the root, or the user of that id."""
    claims = {"use": _USE, "arn": arn, "id": secrets.token_hex(8), "until": str(int(now) + CODE_SECONDS)}
    return ring.warrant({**claims, "user": user_id} if user_id else claims)


def is_code(claims: dict[str, str]) -> bool:
    """The claims are those of a one-time code, and of nothing else that was warranted."""
    return claims.get("use") == _USE


def link(base_url: str, one: str) -> str:
    """Where a browser signs in with the code. What follows # is never sent, so no server's log has it."""
    return f"{base_url}/console/#code={one}"
