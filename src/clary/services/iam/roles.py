"""Roles: CreateRole, GetRole, ListRoles, UpdateRole, DeleteRole, tags."""

import secrets
from typing import Final

from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Exists, Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.iam.api import (
    REGION,
    ROLE,
    DeleteConflictException,
    EntityAlreadyExistsException,
    InvalidInputException,
    LimitExceededException,
    NoSuchEntityException,
    ValidationError,
    attached,
    change_role,
    inline,
    role_named,
    service,
    tags,
)
from clary.services.iam.documents import check_trust, on_the_wire

_PAGE: Final = 100
_MOST_TAGS: Final = 50
_ID_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@service.operation("CreateRole", ignores=("PermissionsBoundary",))
async def create_role(ctx: Context, req: Doc) -> Doc:
    """The role is there, in every region. Errors: EntityAlreadyExists, MalformedPolicyDocument, InvalidInput."""
    name, path = req["RoleName"], req.get("Path", "/")
    check_trust(req["AssumeRolePolicyDocument"])
    merged = _merged([], req.get("Tags", []))
    role = Resource(
        kind=ROLE,
        name=name,
        account=ctx.account,
        region=REGION,
        uid=ids.new(),
        arn=f"arn:aws:iam::{ctx.account}:role{path}{name}",
        spec=req,
        status={
            "RoleId": "AROA" + "".join(secrets.choice(_ID_LETTERS) for _ in range(17)),
            "AssumeRolePolicyDocument": req["AssumeRolePolicyDocument"],
            "MaxSessionDuration": req.get("MaxSessionDuration", 3600),
            "Description": req.get("Description", ""),
            "Tags": merged,
        },
    )
    try:
        role = ctx.store.create(role)
    except Exists:
        raise EntityAlreadyExistsException(f"Role with name {name} already exists.") from None
    return {"Role": _described(role)}


@service.operation("GetRole")
async def get_role(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity."""
    return {"Role": _described(role_named(ctx, req["RoleName"]))}


@service.operation("ListRoles")
async def list_roles(ctx: Context, req: Doc) -> Doc:
    """Roles by name. As in AWS, without what only GetRole tells (tags, boundary)."""
    prefix = req.get("PathPrefix", "/")
    limit = req.get("MaxItems", _PAGE)
    filters = page.digest("roles", ctx.account, prefix)
    after = _place(req, filters, str, str, str, str)
    found: list[Resource] = []
    while len(found) <= limit:
        batch = ctx.store.page(ROLE, Where(account=ctx.account, region=REGION), after=after, limit=limit + 1)
        found += [role for role in batch if role.spec.get("Path", "/").startswith(prefix)]
        if len(batch) <= limit:
            break
        after = page.position(batch[-1], "name")
    listed = [_described(role) for role in found[:limit]]
    for one in listed:
        one.pop("Tags", None)
        one.pop("PermissionsBoundary", None)
    answer: Doc = {"Roles": listed, "IsTruncated": len(found) > limit}
    if len(found) > limit:
        answer["Marker"] = page.encode(page.position(found[limit - 1], "name"), filters)
    return answer


@service.operation("UpdateRole")
async def update_role(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity."""
    given: Doc = {name: req[name] for name in ("Description", "MaxSessionDuration") if name in req}
    change_role(ctx, req["RoleName"], lambda _: given)
    return {}


@service.operation("UpdateRoleDescription")
async def update_role_description(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity."""
    role = change_role(ctx, req["RoleName"], lambda _: {"Description": req["Description"]})
    return {"Role": _described(role)}


@service.operation("UpdateAssumeRolePolicy", stored=True)
async def update_assume_role_policy(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity, MalformedPolicyDocument."""
    check_trust(req["PolicyDocument"])
    change_role(ctx, req["RoleName"], lambda _: {"AssumeRolePolicyDocument": req["PolicyDocument"]})
    return {}


@service.operation("DeleteRole")
async def delete_role(ctx: Context, req: Doc) -> Doc:
    """The role is gone; sessions that it gave out live on until they expire. Errors: NoSuchEntity, DeleteConflict."""
    role = role_named(ctx, req["RoleName"])
    if attached(role):
        raise DeleteConflictException("Cannot delete entity, must detach all policies first.")
    if inline(role):
        raise DeleteConflictException("Cannot delete entity, must delete policies first.")
    try:
        ctx.store.delete(role)
    except Missing:
        raise NoSuchEntityException(f"The role with name {role.name} cannot be found.") from None
    return {}


@service.operation("TagRole")
async def tag_role(ctx: Context, req: Doc) -> Doc:
    """The role has these tags beside its others. Errors: NoSuchEntity, InvalidInput, LimitExceeded."""
    change_role(ctx, req["RoleName"], lambda role: {"Tags": _merged(tags(role), req["Tags"])})
    return {}


@service.operation("UntagRole")
async def untag_role(ctx: Context, req: Doc) -> Doc:
    """The role has none of these tags. Errors: NoSuchEntity."""
    gone = set(req["TagKeys"])
    change_role(ctx, req["RoleName"], lambda role: {"Tags": [tag for tag in tags(role) if tag["Key"] not in gone]})
    return {}


@service.operation("ListRoleTags")
async def list_role_tags(ctx: Context, req: Doc) -> Doc:
    """Tags by key. Errors: NoSuchEntity."""
    role = role_named(ctx, req["RoleName"])
    by_key = {tag["Key"]: tag for tag in tags(role)}
    keys, answer = paged(req, sorted(by_key), page.digest("role-tags", role.uid))
    return {"Tags": [by_key[key] for key in keys], **answer}


def paged(req: Doc, names: list[str], filters: str) -> tuple[list[str], Doc]:
    """(the names of the page that `Marker` and `MaxItems` ask for, `IsTruncated` and perhaps `Marker`)."""
    after = _place(req, filters, str, str)
    limit = req.get("MaxItems", _PAGE)
    left = [name for name in names if after is None or name > after[0]]
    answer: Doc = {"IsTruncated": len(left) > limit}
    if len(left) > limit:
        answer["Marker"] = page.encode([left[limit - 1], ""], filters)
    return left[:limit], answer


def _place(req: Doc, filters: str, *types: type) -> list[str] | None:
    try:
        return page.decode(req["Marker"], filters, *types) if "Marker" in req else None
    except BadToken:
        raise ValidationError("Invalid Marker: it was not returned by this list with these filters.") from None


def _merged(old: list[Doc], new: list[Doc]) -> list[Doc]:
    keys = [tag["Key"].lower() for tag in new]
    if len(set(keys)) < len(keys):
        raise InvalidInputException("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    merged = {tag["Key"]: {"Key": tag["Key"], "Value": tag["Value"]} for tag in [*old, *new]}
    if len(merged) > _MOST_TAGS:
        raise LimitExceededException(f"The number of tags has reached the maximum limit of {_MOST_TAGS}.")
    return list(merged.values())


def _described(role: Resource) -> Doc:
    said = role.status
    described: Doc = {
        "Path": role.spec.get("Path", "/"),
        "RoleName": role.name,
        "RoleId": said["RoleId"],
        "Arn": role.arn,
        "CreateDate": int(role.created),
        "AssumeRolePolicyDocument": on_the_wire(said["AssumeRolePolicyDocument"]),
        "MaxSessionDuration": said["MaxSessionDuration"],
    }
    if said.get("Description"):
        described["Description"] = said["Description"]
    if "PermissionsBoundary" in role.spec:
        described["PermissionsBoundary"] = {
            "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
            "PermissionsBoundaryArn": role.spec["PermissionsBoundary"],
        }
    if said.get("Tags"):
        described["Tags"] = said["Tags"]
    return described
