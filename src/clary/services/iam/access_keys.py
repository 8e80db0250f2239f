"""Access keys of users. Only the id and whether it is active are stored: the secret is derived from the home's master
key whenever a signature is verified."""

import base64
import secrets
from typing import Final

from clary.aws.credentials import KeyRing
from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import KEEP
from clary.services.iam.api import REGION, ConcurrentModificationException, NoSuchEntityException, service
from clary.services.iam.entities import ACCESS_KEY, USER, limit
from clary.services.iam.pages import of_names
from clary.services.iam.users import keys_of, user_or_caller

_MOST: Final = 2
_TRIES: Final = 10


@service.operation("CreateAccessKey")
async def create_access_key(ctx: Context, req: Doc) -> Doc:
    """The user has one more active key. The secret is told this once. Without `UserName` it is the caller's.

    Errors: NoSuchEntity, LimitExceeded, ValidationError."""
    user = user_or_caller(ctx, req)
    if len(keys_of(ctx, user)) >= _MOST:
        raise limit("AccessKeysPerUser", _MOST)
    key = ctx.store.create(
        Resource(
            kind=ACCESS_KEY,
            name="AKIA" + base64.b32encode(secrets.token_bytes(10)).decode(),
            account=ctx.account,
            region=REGION,
            uid=ids.new(),
            phase="Active",
            parent=user.uid,
        )
    )
    told = _described(key, user)
    return {"AccessKey": {**told, "SecretAccessKey": ctx.port(KeyRing).user_secret(key.name)}}


@service.operation("ListAccessKeys")
async def list_access_keys(ctx: Context, req: Doc) -> Doc:
    """Keys by id, without secrets. Errors: NoSuchEntity, ValidationError."""
    user = user_or_caller(ctx, req)
    keys = {key.name: key for key in keys_of(ctx, user)}
    names, answer = of_names(req, sorted(keys), page.digest("keys", user.uid))
    return {"AccessKeyMetadata": [_described(keys[name], user) for name in names], **answer}


@service.operation("UpdateAccessKey")
async def update_access_key(ctx: Context, req: Doc) -> Doc:
    """With `Inactive` nobody can sign with it until it is made `Active` again. Errors: NoSuchEntity,
    ValidationError."""
    for _ in range(_TRIES):
        key = _key(ctx, req)
        try:
            ctx.store.update(key, phase=req["Status"], due=KEEP)
            return {}
        except Stale:
            continue
    raise ConcurrentModificationException("The access key is being changed by others. Try again.")


@service.operation("DeleteAccessKey")
async def delete_access_key(ctx: Context, req: Doc) -> Doc:
    """Nobody can sign with it any more, ever. Errors: NoSuchEntity, ValidationError."""
    for _ in range(_TRIES):
        key = _key(ctx, req)
        try:
            ctx.store.delete(key)
            return {}
        except Stale:
            continue
    raise ConcurrentModificationException("The access key is being changed by others. Try again.")


@service.operation("GetAccessKeyLastUsed")
async def get_access_key_last_used(ctx: Context, req: Doc) -> Doc:
    """When a request of the key was last let in, to the minute; and for which service in which region. An inference
    shows a minute later. Errors: NoSuchEntity."""
    try:
        key = ctx.store.get(ctx.account, REGION, ACCESS_KEY, req["AccessKeyId"])
        user = ctx.store.find(USER.kind, key.parent)
    except Missing:
        raise _missing(req["AccessKeyId"]) from None
    used = key.status.get("_used")
    if used is None:
        return {"UserName": user.name, "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
    told = {"LastUsedDate": int(used["at"]), "ServiceName": used["service"], "Region": used["region"]}
    return {"UserName": user.name, "AccessKeyLastUsed": told}


def _key(ctx: Context, req: Doc) -> Resource:
    """The key, if it is of the user that `UserName` names; without that of the caller, where the caller is a user."""
    wanted = req["AccessKeyId"]
    try:
        key = ctx.store.get(ctx.account, REGION, ACCESS_KEY, wanted)
    except Missing:
        raise _missing(wanted) from None
    if ("UserName" in req or ctx.principal.kind == "user") and user_or_caller(ctx, req).uid != key.parent:
        raise _missing(wanted)
    return key


def _missing(access_key_id: str) -> NoSuchEntityException:
    return NoSuchEntityException(f"The Access Key with id {access_key_id} cannot be found.")


def _described(key: Resource, user: Resource) -> Doc:
    return {
        "UserName": user.name,
        "AccessKeyId": key.name,
        "Status": key.phase,
        "CreateDate": int(key.created),
    }
