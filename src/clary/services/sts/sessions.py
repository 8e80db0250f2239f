"""Short-lived keys: of a role, of the caller itself, of somebody whom the caller vouches for."""

import re
from typing import Final, Literal

from clary.aws.access import Ask
from clary.aws.authorize import IdentityPolicies, Role
from clary.aws.credentials import KeyRing, Principal
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.sts.api import (
    HALF_DAY,
    HOUR,
    AccessDenied,
    ValidationError,
    credentials,
    refuse_unserved,
    service,
)
from clary.services.sts.bounds import Bounds, bounds_of

Kind = Literal["assumed-role", "federated-user"]
_ROLE_ARN: Final = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/(?:[!-~]+/)?([\w+=,.@-]+)")


@service.operation("AssumeRole", ignores=("MinimumSessionTokenSize",))
async def assume_role(ctx: Context, req: Doc) -> Doc:
    """Keys that act as the role until they expire, within the session's policies, with its tags. The role's trust
    policy must allow it, and the caller's own where the trust policy only names the account. Root of the home may
    assume every role.

    Errors: AccessDenied (also for a role that is not there), MalformedPolicyDocument, PackedPolicyTooLarge,
    ValidationError."""
    refuse_unserved(req)
    bounds = bounds_of(req, ctx.principal)
    role = _trusting(ctx, req)
    seconds = req.get("DurationSeconds", HOUR)
    if seconds > role.longest_session:
        raise ValidationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    if ctx.principal.kind == "assumed-role" and seconds > HOUR:
        raise ValidationError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        )
    session = req["RoleSessionName"]
    principal = _bounded(
        ctx,
        bounds,
        arn=f"arn:aws:sts::{ctx.account}:assumed-role/{role.name}/{session}",
        user_id=f"{role.role_id}:{session}",
        kind="assumed-role",
    )
    return {
        "AssumedRoleUser": {"AssumedRoleId": principal.user_id, "Arn": principal.arn},
        "Credentials": _issued(ctx, principal, seconds),
        **_packed(bounds),
    }


@service.operation("GetSessionToken", ignores=("MinimumSessionTokenSize",))
async def get_session_token(ctx: Context, req: Doc) -> Doc:
    """Keys that act as the caller until they expire, for the root after an hour at most. They may not call IAM, and of
    STS only AssumeRole and GetCallerIdentity. Errors: AccessDenied from within a session."""
    refuse_unserved(req)
    _refuse_sessions(ctx, "GetSessionToken")
    who = ctx.principal
    principal = Principal(who.account, who.arn, who.user_id, who.kind, issued=ctx.clock.now())
    return {"Credentials": _issued(ctx, principal, _seconds(ctx, req))}


@service.operation("GetFederationToken", ignores=("MinimumSessionTokenSize",))
async def get_federation_token(ctx: Context, req: Doc) -> Doc:
    """Keys of somebody of that name, who may what the caller may, as far as the session's policies allow it too;
    without them only what policies of resources allow. For the root after an hour at most. They may not call IAM, and
    of STS only GetCallerIdentity.

    Errors: AccessDenied from within a session, MalformedPolicyDocument, PackedPolicyTooLarge, ValidationError."""
    _refuse_sessions(ctx, "GetFederationToken")
    bounds = bounds_of(req, ctx.principal)
    name = req["Name"]
    principal = _bounded(
        ctx,
        bounds,
        arn=f"arn:aws:sts::{ctx.account}:federated-user/{name}",
        user_id=f"{ctx.account}:{name}",
        kind="federated-user",
        issuer=ctx.principal.arn,
    )
    return {
        "Credentials": _issued(ctx, principal, _seconds(ctx, req)),
        "FederatedUser": {"FederatedUserId": principal.user_id, "Arn": principal.arn},
        **_packed(bounds),
    }


def _trusting(ctx: Context, req: Doc) -> Role:
    """The role, which trusts the caller. Raises AccessDenied: AWS does not tell strangers what is not there."""
    arn = req["RoleArn"]
    match = _ROLE_ARN.fullmatch(arn)
    if match is None:
        raise ValidationError(f"{arn} is invalid")
    denied = AccessDenied(f"User: {ctx.principal.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}")
    role = ctx.port(IdentityPolicies).role(arn) if match[1] == ctx.account else None
    if role is None:
        raise denied
    keys = {"sts:RoleSessionName": req["RoleSessionName"], "sts:ExternalId": req.get("ExternalId")}
    tags = {tag["Key"]: tag["Value"] for tag in req.get("Tags", ())}
    asked = Ask("sts:AssumeRole", arn, {name: value for name, value in keys.items() if value}, tags)
    if not ctx.trusted_by(role.trust, asked).allowed:
        raise denied
    if tags:
        transitive = {"sts:TransitiveTagKeys": req.get("TransitiveTagKeys") or None}
        tagging = Ask("sts:TagSession", arn, {**asked.keys, **transitive}, tags)
        if not ctx.trusted_by(role.trust, tagging).allowed:
            raise AccessDenied(
                f"User: {ctx.principal.arn} is not authorized to perform: sts:TagSession on resource: {arn}"
            )
    return role


def _refuse_sessions(ctx: Context, operation: str) -> None:
    if ctx.principal.issued is not None or ctx.principal.kind not in ("root", "user"):
        raise AccessDenied(f"Cannot call {operation} with session credentials")


def _seconds(ctx: Context, req: Doc) -> int:
    seconds: int = req.get("DurationSeconds", HALF_DAY)
    return min(seconds, HOUR) if ctx.principal.kind == "root" else seconds


def _bounded(ctx: Context, bounds: Bounds, kind: Kind, arn: str, user_id: str, issuer: str = "") -> Principal:
    return Principal(
        ctx.account,
        arn,
        user_id,
        kind,
        issued=ctx.clock.now(),
        tags=bounds.tags,
        transitive=bounds.transitive,
        policies=bounds.policies,
        policy_arns=bounds.policy_arns,
        issuer=issuer,
    )


def _issued(ctx: Context, principal: Principal, seconds: int) -> Doc:
    return credentials(ctx.port(KeyRing).issue(principal, int(ctx.clock.now()) + seconds))


def _packed(bounds: Bounds) -> Doc:
    return {} if bounds.packed_percent is None else {"PackedPolicySize": bounds.packed_percent}
