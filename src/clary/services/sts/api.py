"""STS: who am I, and short-lived keys."""

import re
from typing import Final

import orjson

from clary.aws.credentials import KeyRing, Keys, Principal
from clary.aws.errors import NotImplementedHere, ServiceError
from clary.aws.service import Context, Service
from clary.kernel.resource import Doc

service = Service("sts")

_ROLE_ARN: Final = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/(?:[!-~]+/)?([\w+=,.@-]+)")
_UNSERVED: Final = {
    "SerialNumber": "multi-factor authentication",
    "TokenCode": "multi-factor authentication",
    "SourceIdentity": "source identities",
    "ProvidedContexts": "provided contexts",
}
_HOUR: Final = 3600
_HALF_DAY: Final = 43_200


class ValidationError(ServiceError):
    """A parameter does not satisfy a constraint, in the word of the query services."""


class AccessDenied(ServiceError):
    """The caller may not do this."""

    status = 403


class MalformedPolicyDocumentException(ServiceError):
    """The session policy is no JSON."""

    code = "MalformedPolicyDocument"


@service.operation("GetCallerIdentity")
async def get_caller_identity(ctx: Context, req: Doc) -> Doc:
    """Who signed this request."""
    return {"UserId": ctx.principal.user_id, "Account": ctx.principal.account, "Arn": ctx.principal.arn}


@service.operation(
    "AssumeRole", ignores=("Policy", "PolicyArns", "Tags", "TransitiveTagKeys", "ExternalId", "MinimumSessionTokenSize")
)
async def assume_role(ctx: Context, req: Doc) -> Doc:
    """Keys that act as the role until they expire. Any principal of the account may assume any of its roles, its root
    too: trust policies are kept but not decided on yet.

    Errors: AccessDenied (also for a role that is not there), ValidationError."""
    _refuse_what_is_not_served(req)
    if "Policy" in req:
        _check_policy(req["Policy"])
    role = await _role(ctx, req["RoleArn"])
    seconds = req.get("DurationSeconds", _HOUR)
    if seconds > role["MaxSessionDuration"]:
        raise ValidationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    if ctx.principal.kind == "assumed-role" and seconds > _HOUR:
        raise ValidationError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        )
    session = req["RoleSessionName"]
    principal = Principal(
        account=ctx.account,
        arn=f"arn:aws:sts::{ctx.account}:assumed-role/{role['RoleName']}/{session}",
        user_id=f"{role['RoleId']}:{session}",
        kind="assumed-role",
    )
    keys = ctx.port(KeyRing).issue(principal, int(ctx.clock.now()) + seconds)
    return {
        "AssumedRoleUser": {"AssumedRoleId": principal.user_id, "Arn": principal.arn},
        "Credentials": _credentials(keys),
    }


@service.operation("GetSessionToken", ignores=("MinimumSessionTokenSize",))
async def get_session_token(ctx: Context, req: Doc) -> Doc:
    """Keys that act as the caller until they expire, for the root after an hour at most. Errors: AccessDenied."""
    _refuse_what_is_not_served(req)
    if ctx.principal.kind == "assumed-role":
        raise AccessDenied("Cannot call GetSessionToken with session credentials")
    seconds = req.get("DurationSeconds", _HALF_DAY)
    if ctx.principal.kind == "root":
        seconds = min(seconds, _HOUR)
    return {"Credentials": _credentials(ctx.port(KeyRing).issue(ctx.principal, int(ctx.clock.now()) + seconds))}


async def _role(ctx: Context, arn: str) -> Doc:
    """The role of that ARN, as IAM describes it. Raises AccessDenied: AWS does not tell strangers what is not there."""
    match = _ROLE_ARN.fullmatch(arn)
    if match is None:
        raise ValidationError(f"{arn} is invalid")
    denied = AccessDenied(f"User: {ctx.principal.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}")
    if match[1] != ctx.account:
        raise denied
    try:
        role: Doc = (await ctx.call("iam", "GetRole", {"RoleName": match[2]}))["Role"]
    except ServiceError as error:
        if error.error_code == "NoSuchEntity":
            raise denied from None
        raise
    if role["Arn"] != arn:
        raise denied
    return role


def _refuse_what_is_not_served(req: Doc) -> None:
    for name, what in _UNSERVED.items():
        if name in req:
            raise NotImplementedHere(f"Clary does not serve {what}: leave {name} out.")


def _check_policy(document: str) -> None:
    try:
        policy = orjson.loads(document)
    except orjson.JSONDecodeError:
        policy = None
    if not isinstance(policy, dict):
        raise MalformedPolicyDocumentException("This policy contains invalid Json")


def _credentials(keys: Keys) -> Doc:
    return {
        "AccessKeyId": keys.access_key_id,
        "SecretAccessKey": keys.secret_access_key,
        "SessionToken": keys.session_token,
        "Expiration": keys.expires,
    }
