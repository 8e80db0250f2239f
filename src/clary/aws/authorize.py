"""May this principal do this? An honest start: everybody of the home's account may do everything, nobody else anything.

Policies that users attach are stored and given back, but they decide nothing yet.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from clary.aws.access import Ask
from clary.aws.credentials import Principal
from clary.aws.http import Request
from clary.aws.policy.decision import Decision
from clary.aws.service import Context


def origin_of(request: Request) -> Mapping[str, str]:
    """Where a request came from, as condition keys in lower case.

    Loopback counts as secure transport: what is sent there cannot be read on the way, and the usual bucket policies
    that deny plain HTTP would otherwise shut out every job on this machine."""
    loopback = request.client in ("127.0.0.1", "::1")
    said = {
        "aws:securetransport": "true" if loopback or request.scheme == "https" else "false",
        "aws:sourceip": request.client,
        "aws:useragent": request.headers.get("user-agent", ""),
        "aws:referer": request.headers.get("referer", ""),
    }
    return {key: value for key, value in said.items() if value}


class ResourcePolicies(Protocol):
    """The port of policies that resources carry, for example those of buckets."""

    def of(self, resource: str) -> str | None:
        """The policy document (JSON) that governs the resource of that ARN; None when there is none. For an object,
        its bucket's."""
        ...


class Authorizer:
    """Decides what callers other than root may do."""

    def __init__(self, ports: Mapping[type, Any], account: str) -> None:
        self._ports = ports
        self._account = account

    def decide(self, ctx: Context, ask: Ask) -> Decision:
        if self.trusted(ctx.principal) or ctx.principal.account == self._account:
            return Decision("allowed")
        return Decision("implicitDeny", f"because it is not of the account {self._account}")

    def trusted(self, principal: Principal) -> bool:
        """It may do everything, and nothing needs to be asked: the root of this home."""
        return principal.kind == "root" and principal.account == self._account

    def check(self, ctx: Context, asks: Sequence[Ask]) -> None:
        """Raises AccessDenied, under the code of the family, unless every ask is allowed."""
        ctx.require(*asks)
