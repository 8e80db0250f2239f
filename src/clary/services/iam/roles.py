"""Roles: CreateRole, GetRole, ListRoles, UpdateRole, DeleteRole."""

from typing import Final

from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.services.iam.api import DeleteConflictException, service
from clary.services.iam.attachments import check_boundary, described_boundary
from clary.services.iam.documents import check_trust, on_the_wire
from clary.services.iam.entities import (
    HOLDER,
    PROFILE,
    ROLE,
    attached,
    change,
    check_modifiable,
    create,
    inline,
    named,
    path_of,
    referring,
    remove,
    tags,
)
from clary.services.iam.pages import of_family
from clary.services.iam.tagging import merged

_HOUR: Final = 3600


@service.operation("CreateRole")
async def create_role(ctx: Context, req: Doc) -> Doc:
    """The role is there, in every region. Errors: EntityAlreadyExists, MalformedPolicyDocument, InvalidInput,
    LimitExceeded."""
    check_trust(req["AssumeRolePolicyDocument"])
    if "PermissionsBoundary" in req:
        check_boundary(ctx, req["PermissionsBoundary"])
    return {"Role": described(make_role(ctx, req))}


def make_role(ctx: Context, req: Doc, carried: list[str] | None = None) -> Resource:
    """There is a role as `req`, a checked CreateRole, says, with these policies attached; one write. Raises as
    `entities.create` does."""
    status = {
        "Path": req.get("Path", "/"),
        "AssumeRolePolicyDocument": req["AssumeRolePolicyDocument"],
        "MaxSessionDuration": req.get("MaxSessionDuration", _HOUR),
        "Description": req.get("Description"),
        "Tags": merged([], req.get("Tags", [])),
        "_boundary": req.get("PermissionsBoundary"),
        "_attached": carried,
    }
    return create(ctx, ROLE, req, status)


@service.operation("GetRole")
async def get_role(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity."""
    return {"Role": described(named(ctx, ROLE, req["RoleName"]))}


@service.operation("ListRoles")
async def list_roles(ctx: Context, req: Doc) -> Doc:
    """Roles by name. As in AWS, without what only GetRole tells (tags, boundary). Errors: ValidationError."""
    found, answer = of_family(ctx, req, ROLE)
    return {"Roles": [brief(role) for role in found], **answer}


@service.operation("UpdateRole")
async def update_role(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity, UnmodifiableEntity."""
    given: Doc = {name: req[name] for name in ("Description", "MaxSessionDuration") if name in req}

    def changed(role: Resource) -> Doc:
        check_modifiable(role)
        return given

    change(ctx, ROLE, req["RoleName"], changed)
    return {}


@service.operation("UpdateRoleDescription")
async def update_role_description(ctx: Context, req: Doc) -> Doc:
    """Also of a role that is linked to a service. Errors: NoSuchEntity."""
    role = change(ctx, ROLE, req["RoleName"], lambda _: {"Description": req["Description"]})
    return {"Role": described(role)}


@service.operation("UpdateAssumeRolePolicy")
async def update_assume_role_policy(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity, MalformedPolicyDocument, UnmodifiableEntity."""
    check_trust(req["PolicyDocument"])

    def changed(role: Resource) -> Doc:
        check_modifiable(role)
        return {"AssumeRolePolicyDocument": req["PolicyDocument"]}

    change(ctx, ROLE, req["RoleName"], changed)
    return {}


@service.operation("DeleteRole")
async def delete_role(ctx: Context, req: Doc) -> Doc:
    """The role is gone, and with it what its sessions may do. Errors: NoSuchEntity, DeleteConflict,
    UnmodifiableEntity."""

    def check(role: Resource) -> None:
        check_modifiable(role)
        if referring(ctx, PROFILE, HOLDER + role.uid):
            raise DeleteConflictException("Cannot delete entity, must remove roles from instance profile first.")
        check_bare(role)

    remove(ctx, ROLE, req["RoleName"], check)
    return {}


def check_bare(one: Resource) -> None:
    """Raises DeleteConflictException while policies are attached or inline."""
    if attached(one):
        raise DeleteConflictException("Cannot delete entity, must detach all policies first.")
    if inline(one):
        raise DeleteConflictException("Cannot delete entity, must delete policies first.")


def brief(role: Resource) -> Doc:
    """As lists tell it."""
    said = role.status
    told: Doc = {
        "Path": path_of(role),
        "RoleName": role.name,
        "RoleId": said["RoleId"],
        "Arn": role.arn,
        "CreateDate": int(role.created),
        "AssumeRolePolicyDocument": on_the_wire(said["AssumeRolePolicyDocument"]),
        "MaxSessionDuration": said["MaxSessionDuration"],
    }
    if said.get("Description"):
        told["Description"] = said["Description"]
    return told


def described(role: Resource) -> Doc:
    told = brief(role) | described_boundary(role) | last_used(role)
    if tags(role):
        told["Tags"] = tags(role)
    return told


def last_used(role: Resource) -> Doc:
    """The member `RoleLastUsed` of a role that was ever used: by any of its sessions, to the minute."""
    used = role.status.get("_used")
    if used is None:
        return {}
    return {"RoleLastUsed": {"LastUsedDate": int(used["at"]), "Region": used["region"]}}
