"""Instance profiles: a name under which a machine is given a role. Clary starts no machines by them; they are kept for
the programs that make and name them."""

from collections.abc import Mapping
from typing import Any

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.iam.api import DeleteConflictException, NoSuchEntityException, service
from clary.services.iam.entities import (
    HOLDER,
    PROFILE,
    ROLE,
    change,
    create,
    limit,
    named,
    path_of,
    referring,
    remove,
    tags,
)
from clary.services.iam.pages import of_family, of_names
from clary.services.iam.roles import brief
from clary.services.iam.tagging import merged


@service.operation("CreateInstanceProfile", stored=True)
async def create_instance_profile(ctx: Context, req: Doc) -> Doc:
    """The profile is there, without a role. Errors: EntityAlreadyExists, InvalidInput, LimitExceeded."""
    status = {"Path": req.get("Path", "/"), "Tags": merged([], req.get("Tags", []))}
    return {"InstanceProfile": described(ctx, create(ctx, PROFILE, req, status))}


@service.operation("GetInstanceProfile", stored=True)
async def get_instance_profile(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity."""
    return {"InstanceProfile": described(ctx, named(ctx, PROFILE, req["InstanceProfileName"]))}


@service.operation("ListInstanceProfiles", stored=True)
async def list_instance_profiles(ctx: Context, req: Doc) -> Doc:
    """Profiles by name, without tags. Errors: ValidationError."""
    found, answer = of_family(ctx, req, PROFILE)
    return {"InstanceProfiles": [brief_profile(ctx, one) for one in found], **answer}


@service.operation("ListInstanceProfilesForRole", stored=True)
async def list_instance_profiles_for_role(ctx: Context, req: Doc) -> Doc:
    """Profiles by name. Errors: NoSuchEntity, ValidationError."""
    role = named(ctx, ROLE, req["RoleName"])
    found = {one.name: one for one in profiles_of(ctx, role)}
    names, answer = of_names(req, sorted(found), page.digest("profiles-of", role.uid))
    return {"InstanceProfiles": [brief_profile(ctx, found[name]) for name in names], **answer}


@service.operation("AddRoleToInstanceProfile", stored=True)
async def add_role_to_instance_profile(ctx: Context, req: Doc) -> Doc:
    """The profile holds the role: one at most. Errors: NoSuchEntity, LimitExceeded."""
    role = named(ctx, ROLE, req["RoleName"])

    def changed(profile: Resource) -> Mapping[str, Any]:
        if _role(ctx, profile) is not None:
            raise limit("InstanceSessionsPerInstanceProfile", 1)
        return {"_role": role.uid}

    change(ctx, PROFILE, req["InstanceProfileName"], changed)
    return {}


@service.operation("RemoveRoleFromInstanceProfile", stored=True)
async def remove_role_from_instance_profile(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity, also when the profile does not hold the role."""
    role = named(ctx, ROLE, req["RoleName"])

    def changed(profile: Resource) -> Mapping[str, Any]:
        if profile.status.get("_role") != role.uid:
            raise NoSuchEntityException(f"The role {role.name} is not in the instance profile {profile.name}.")
        return {"_role": None}

    change(ctx, PROFILE, req["InstanceProfileName"], changed)
    return {}


@service.operation("DeleteInstanceProfile", stored=True)
async def delete_instance_profile(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity, DeleteConflict."""

    def check(profile: Resource) -> None:
        if _role(ctx, profile) is not None:
            raise DeleteConflictException("Cannot delete entity, must remove roles from instance profile first.")

    remove(ctx, PROFILE, req["InstanceProfileName"], check)
    return {}


def profiles_of(ctx: Context, role: Resource) -> list[Resource]:
    return referring(ctx, PROFILE, HOLDER + role.uid)


def brief_profile(ctx: Context, profile: Resource) -> Doc:
    """As lists tell it."""
    role = _role(ctx, profile)
    return {
        "Path": path_of(profile),
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.status["InstanceProfileId"],
        "Arn": profile.arn,
        "CreateDate": int(profile.created),
        "Roles": [brief(role)] if role is not None else [],
    }


def described(ctx: Context, profile: Resource) -> Doc:
    told = brief_profile(ctx, profile)
    if tags(profile):
        told["Tags"] = tags(profile)
    return told


def _role(ctx: Context, profile: Resource) -> Resource | None:
    try:
        return ctx.store.find(ROLE.kind, profile.status.get("_role", ""))
    except Missing:
        return None
