"""The password of the registry: session keys in one word, for clients that know user and password only.

It proves itself by arithmetic, as session keys do, and lasts twelve hours; what it may is what its caller may.
"""

import base64
import hmac
from typing import Final

import orjson

from clary.aws.credentials import BadSessionToken, KeyRing, Principal
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.ecr.api import host_of, service

USER: Final = "AWS"
SECONDS: Final = 12 * 3600.0


@service.operation("GetAuthorizationToken")
async def get_authorization_token(ctx: Context, req: Doc) -> Doc:
    """User and password for the registry, good for twelve hours."""
    expires = ctx.clock.now() + SECONDS
    keys = ctx.port(KeyRing).issue(ctx.principal, expires)
    said = orjson.dumps([keys.access_key_id, keys.secret_access_key, keys.session_token])
    password = base64.urlsafe_b64encode(said).decode()
    token = base64.b64encode(f"{USER}:{password}".encode()).decode()
    registries = req.get("registryIds") or [ctx.account]
    return {
        "authorizationData": [
            {
                "authorizationToken": token,
                "expiresAt": expires,
                "proxyEndpoint": f"https://{host_of(registry, ctx.region)}",
            }
            for registry in registries
        ]
    }


def caller(ring: KeyRing, authorization: str, now: float) -> Principal | None:
    """Who sends that Authorization header; None: nobody that is known, or not any more."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        access_key_id, secret, session = orjson.loads(base64.urlsafe_b64decode(password))
        known = ring.find(access_key_id, session) if session else None
    except (ValueError, TypeError, BadSessionToken):
        return None
    if user != USER or known is None or known.expires is None or known.expires <= now:
        return None
    # The session's name travels in the clear with every signed request; only its secret proves whose it is.
    return known.principal if hmac.compare_digest(known.secret_access_key, str(secret)) else None
