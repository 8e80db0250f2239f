"""CreateOAuth2Token: a one-time code, or a proof that one holds keys, becomes a session; a session is renewed."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import orjson

from clary.aws import signin
from clary.aws.credentials import BadSessionToken, KeyRing, Principal, packed, unpacked
from clary.aws.service import Context
from clary.aws.sigv4 import EMPTY, Refused, Verifier
from clary.kernel import ids
from clary.kernel.errors import Exists
from clary.kernel.resource import Doc, Resource
from clary.services.signin.api import (
    KEY_SECONDS,
    SESSION_SECONDS,
    AccessDeniedException,
    ValidationException,
    service,
)

USED: Final = "signin-code"
"""The kind of the rows that say which codes were used."""
_REFRESH: Final = "signin-refresh"
_PROOF_SECONDS: Final = 300


@service.operation(
    "CreateOAuth2Token", ignores=("tokenInput.clientId", "tokenInput.redirectUri", "tokenInput.codeVerifier")
)
async def create_oauth2_token(ctx: Context, req: Doc) -> Doc:
    """Keys of 15 minutes, and a token that renews them for half a day. The keys may all that their owner may, IAM too.

    `code` is one of two: a one-time code as `clary up` and `clary console` print it; or the query string of a presigned
    STS GetCallerIdentity, which proves that its maker holds long-lived keys and is good once. A code is bound to no
    client, so `codeVerifier` proves nothing here.

    Errors: AccessDeniedException (AUTHCODE_EXPIRED, TOKEN_EXPIRED, USER_CREDENTIALS_CHANGED), ValidationException."""
    asked = req["tokenInput"]
    claims = _renewable(ctx, asked) if asked["grantType"] == "refresh_token" else _begun(ctx, asked)
    principal = unpacked(orjson.loads(claims["principal"]))
    return {"tokenOutput": _tokens(ctx, principal, claims), "_principal": principal}


def _begun(ctx: Context, asked: Mapping[str, Any]) -> dict[str, str]:
    code = asked.get("code")
    if not code:
        raise ValidationException("An authorization code is needed: code.")
    if "X-Amz-Signature=" in code:
        principal, key, used = _by_proof(ctx, code)
    else:
        principal, key, used = _by_code(ctx, code)
    _use(ctx, used)
    now = ctx.clock.now()
    whole = Principal(principal.account, principal.arn, principal.user_id, principal.kind, issued=now, via="signin")
    return {
        "use": _REFRESH,
        "principal": orjson.dumps(packed(whole)).decode(),
        "key": key,
        "until": str(int(now) + SESSION_SECONDS),
    }


def _by_code(ctx: Context, code: str) -> tuple[Principal, str, str]:
    claims = _claims(ctx, code)
    if not signin.is_code(claims) or float(claims["until"]) < ctx.clock.now():
        raise _expired()
    user = claims.get("user", "")
    # A user who is gone meanwhile, or was made anew, signs in to nothing: no policy is found for that id.
    who = Principal(ctx.account, claims["arn"], user or ctx.account, "user" if user else "root")
    return who, "", claims["id"]


def _by_proof(ctx: Context, code: str) -> tuple[Principal, str, str]:
    """Who presigned that GetCallerIdentity. The host that it was signed for is the one that was asked now."""
    query = code.encode()
    named = {name: values[0] for name, values in parse_qs(code).items()}
    wanted = {"Action": "GetCallerIdentity", "Version": "2011-06-15", "X-Amz-SignedHeaders": "host"}
    if any(named.get(name) != value for name, value in wanted.items()) or "X-Amz-Security-Token" in named:
        raise ValidationException("The code is no presigned GetCallerIdentity of long-lived keys.")
    if not named.get("X-Amz-Expires", "").isdecimal() or int(named["X-Amz-Expires"]) > _PROOF_SECONDS:
        raise ValidationException(f"A presigned code may be valid for {_PROOF_SECONDS} seconds at most.")
    verifier = Verifier(ctx.port(KeyRing), ctx.clock)
    try:
        signed = verifier.verify_read("GET", b"/", query, {"host": ctx.headers.get("host", "")}, EMPTY)
    except Refused as refused:
        raise AccessDeniedException("INSUFFICIENT_PERMISSIONS", f"These keys do not sign in. {refused}") from None
    if signed.service != "sts" or signed.principal.kind not in ("root", "user"):
        raise AccessDeniedException("INSUFFICIENT_PERMISSIONS", "Only keys of the root or of a user sign in.")
    return signed.principal, signed.access_key_id, signed.signature


def _use(ctx: Context, code: str) -> None:
    """From now on the code is used, also after a crash. Raises AccessDeniedException: it was before."""
    now = ctx.clock.now()
    row = Resource(
        USED, code, ctx.account, "", ids.new(), spec={"until": now + max(signin.CODE_SECONDS, _PROOF_SECONDS)}
    )
    try:
        ctx.store.create(row)
    except Exists:
        raise _expired() from None


def _renewable(ctx: Context, asked: Mapping[str, Any]) -> dict[str, str]:
    token = asked.get("refreshToken")
    if not token:
        raise ValidationException("A refresh token is needed: refreshToken.")
    claims = _claims(ctx, token)
    if claims.get("use") != _REFRESH:
        raise _expired()
    if float(claims["until"]) <= ctx.clock.now():
        raise AccessDeniedException("TOKEN_EXPIRED", "The session has ended. Sign in again.")
    if claims["key"] and ctx.port(KeyRing).find(claims["key"], None) is None:
        changed = "The access key that this session began with is no longer active. Sign in with another."
        raise AccessDeniedException("USER_CREDENTIALS_CHANGED", changed)
    return claims


def _claims(ctx: Context, warrant: str) -> dict[str, str]:
    try:
        return ctx.port(KeyRing).claims(warrant)
    except (BadSessionToken, UnicodeEncodeError):
        raise _expired() from None


def _expired() -> AccessDeniedException:
    return AccessDeniedException(
        "AUTHCODE_EXPIRED",
        "This sign-in link was used before, has expired, or is not from here. Print a new one with: clary console",
    )


def _tokens(ctx: Context, principal: Principal, claims: dict[str, str]) -> Doc:
    ring, now = ctx.port(KeyRing), ctx.clock.now()
    seconds = int(min(KEY_SECONDS, float(claims["until"]) - now)) or 1
    keys = ring.issue(principal, int(now) + seconds)
    return {
        "accessToken": {
            "accessKeyId": keys.access_key_id,
            "secretAccessKey": keys.secret_access_key,
            "sessionToken": keys.session_token,
        },
        "tokenType": "aws_sigv4",
        "expiresIn": seconds,
        "refreshToken": ring.warrant(claims),
    }
