"""Which pages there are, and as whom each acts: the role of the page, read anew for each request."""

import hmac
import re
from dataclasses import dataclass
from typing import Final

from clary import app_roles
from clary.aws.acting import Acting, NotAssumable, session_of
from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import Principal
from clary.aws.service import Context

_ENDPOINT: Final = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_SESSION: Final = "page"
_SESSION_SECONDS: Final = 60
"""Requests of one minute share a session: what is known of a caller is kept by the session."""


@dataclass(frozen=True, slots=True)
class App:
    """A page, as its role says it."""

    endpoint: str
    region: str
    role: str
    """The ARN of its role."""
    actor: Principal
    """The session on the role: whoever uses the page is this, and nothing more."""
    public: bool
    token_sha256: str
    rate: int
    """Requests a minute and client address."""
    document: str
    """s3://bucket/key; "": it has none."""

    def opens(self, token: str) -> bool:
        """That token opens it. Takes as long for a wrong one as for the right one."""
        return hmac.compare_digest(app_roles.digest(token).encode(), self.token_sha256.encode())


def find(ctx: Context, endpoint: str) -> App | None:
    """The page of the endpoint; None: there is none, or its role does not let pages act as it."""
    if not _ENDPOINT.fullmatch(endpoint):
        return None
    identities, role = ctx.port(IdentityPolicies), app_roles.role_arn(ctx.account, endpoint)
    now = ctx.clock.now()
    # The condition keys of a trust policy are asked before the tags are known that say the region.
    acting = Acting(app_roles.SERVICE, role, role, _SESSION)
    try:
        actor = session_of(acting, identities, ctx.account, now - now % _SESSION_SECONDS)
    except NotAssumable:
        return None
    tags = identities.of(actor).tags
    if tags.get(app_roles.TAG_ENDPOINT) != endpoint or not tags.get(app_roles.TAG_REGION):
        return None
    return App(
        endpoint,
        tags[app_roles.TAG_REGION],
        role,
        actor,
        tags.get(app_roles.TAG_ACCESS) == "public",
        tags.get(app_roles.TAG_TOKEN, ""),
        _rate(tags.get(app_roles.TAG_RATE, "")),
        tags.get(app_roles.TAG_DOCUMENT, ""),
    )


def _rate(text: str) -> int:
    """What cannot be read is no rate of nothing, and none without bound."""
    if not text.isascii() or not text.isdecimal():
        return app_roles.DEFAULT_RATE
    return min(max(int(text[:9]), 1), app_roles.MOST_RATE)
