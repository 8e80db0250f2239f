"""Groups of users, and who is in them."""

from collections.abc import Mapping
from typing import Any, Final

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.iam.api import (
    DeleteConflictException,
    NoSuchEntityException,
    service,
)
from clary.services.iam.entities import (
    GROUP,
    MEMBER,
    USER,
    change,
    create,
    groups,
    limit,
    named,
    path_of,
    referring,
    remove,
    rename,
)
from clary.services.iam.pages import of_family, of_names
from clary.services.iam.roles import check_bare
from clary.services.iam.users import brief

_MOST: Final = 10


@service.operation("CreateGroup")
async def create_group(ctx: Context, req: Doc) -> Doc:
    """The group is there, with nobody in it. Errors: EntityAlreadyExists, LimitExceeded."""
    return {"Group": described(create(ctx, GROUP, req, {"Path": req.get("Path", "/")}))}


@service.operation("GetGroup")
async def get_group(ctx: Context, req: Doc) -> Doc:
    """The group and its users by name. Errors: NoSuchEntity, ValidationError."""
    group = named(ctx, GROUP, req["GroupName"])
    inside = {user.name: user for user in members(ctx, group)}
    names, answer = of_names(req, sorted(inside), page.digest("members", group.uid))
    return {"Group": described(group), "Users": [brief(inside[name]) for name in names], **answer}


@service.operation("ListGroups")
async def list_groups(ctx: Context, req: Doc) -> Doc:
    """Groups by name. Errors: ValidationError."""
    found, answer = of_family(ctx, req, GROUP)
    return {"Groups": [described(group) for group in found], **answer}


@service.operation("UpdateGroup")
async def update_group(ctx: Context, req: Doc) -> Doc:
    """The group has another name or path, and so another ARN; its users and policies stay. Errors: NoSuchEntity,
    EntityAlreadyExists."""
    rename(ctx, GROUP, req["GroupName"], req.get("NewGroupName"), req.get("NewPath"))
    return {}


@service.operation("DeleteGroup")
async def delete_group(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity, DeleteConflict."""

    def check(group: Resource) -> None:
        if members(ctx, group):
            raise DeleteConflictException("Cannot delete entity, must remove users from group first.")
        check_bare(group)

    remove(ctx, GROUP, req["GroupName"], check)
    return {}


@service.operation("AddUserToGroup")
async def add_user_to_group(ctx: Context, req: Doc) -> Doc:
    """The user may what the group may; again changes nothing. Errors: NoSuchEntity, LimitExceeded."""
    group = named(ctx, GROUP, req["GroupName"])

    def changed(user: Resource) -> Mapping[str, Any]:
        # A group that was deleted in this moment leaves its uid behind, which nobody has again.
        uids = [uid for uid in groups(user) if _group(ctx, uid) is not None]
        if group.uid in uids:
            return {}
        if len(uids) >= _MOST:
            raise limit("GroupsPerUser", _MOST)
        return {"_groups": [*uids, group.uid]}

    change(ctx, USER, req["UserName"], changed)
    return {}


@service.operation("RemoveUserFromGroup")
async def remove_user_from_group(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity, also for a user who is not in the group."""
    group = named(ctx, GROUP, req["GroupName"])

    def changed(user: Resource) -> Mapping[str, Any]:
        uids = groups(user)
        if group.uid not in uids:
            raise NoSuchEntityException(f"The user with name {user.name} is not in the group {group.name}.")
        return {"_groups": [uid for uid in uids if uid != group.uid] or None}

    change(ctx, USER, req["UserName"], changed)
    return {}


@service.operation("ListGroupsForUser")
async def list_groups_for_user(ctx: Context, req: Doc) -> Doc:
    """Groups by name. Errors: NoSuchEntity, ValidationError."""
    user = named(ctx, USER, req["UserName"])
    found = {group.name: group for group in groups_of(ctx, user)}
    names, answer = of_names(req, sorted(found), page.digest("groups-of", user.uid))
    return {"Groups": [described(found[name]) for name in names], **answer}


def groups_of(ctx: Context, user: Resource) -> list[Resource]:
    """The groups that the user is in."""
    return [group for uid in groups(user) if (group := _group(ctx, uid)) is not None]


def members(ctx: Context, group: Resource) -> list[Resource]:
    """The users in the group, by name."""
    return referring(ctx, USER, MEMBER + group.uid)


def _group(ctx: Context, uid: str) -> Resource | None:
    try:
        return ctx.store.find(GROUP.kind, uid)
    except Missing:
        return None


def described(group: Resource) -> Doc:
    return {
        "Path": path_of(group),
        "GroupName": group.name,
        "GroupId": group.status["GroupId"],
        "Arn": group.arn,
        "CreateDate": int(group.created),
    }
