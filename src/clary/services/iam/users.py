"""Users: CreateUser, GetUser, ListUsers, UpdateUser, DeleteUser."""

from dataclasses import dataclass

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.iam.api import (
    REGION,
    DeleteConflictException,
    ValidationError,
    service,
)
from clary.services.iam.attachments import check_boundary, described_boundary
from clary.services.iam.entities import (
    ACCESS_KEY,
    USER,
    create,
    groups,
    named,
    path_of,
    remove,
    rename,
    tags,
)
from clary.services.iam.pages import of_family
from clary.services.iam.roles import check_bare
from clary.services.iam.tagging import merged


@dataclass(frozen=True, slots=True)
class Birth:
    """The port that tells when the account began, in epoch seconds."""

    at: float


@service.operation("CreateUser")
async def create_user(ctx: Context, req: Doc) -> Doc:
    """The user is there, with no keys and no permissions. Errors: EntityAlreadyExists, InvalidInput, LimitExceeded."""
    if "PermissionsBoundary" in req:
        check_boundary(ctx, req["PermissionsBoundary"])
    status = {
        "Path": req.get("Path", "/"),
        "Tags": merged([], req.get("Tags", [])),
        "_boundary": req.get("PermissionsBoundary"),
    }
    return {"User": described(create(ctx, USER, req, status))}


@service.operation("GetUser")
async def get_user(ctx: Context, req: Doc) -> Doc:
    """The user of that name; without a name the caller. Errors: NoSuchEntity, ValidationError."""
    if "UserName" not in req and ctx.principal.kind == "root":
        return {"User": _root(ctx)}
    return {"User": described(user_or_caller(ctx, req))}


@service.operation("ListUsers")
async def list_users(ctx: Context, req: Doc) -> Doc:
    """Users by name, without what only GetUser tells (tags, boundary). Errors: ValidationError."""
    found, answer = of_family(ctx, req, USER)
    return {"Users": [brief(user) for user in found], **answer}


@service.operation("UpdateUser")
async def update_user(ctx: Context, req: Doc) -> Doc:
    """The user has another name or path, and so another ARN; keys, groups and policies stay. Errors: NoSuchEntity,
    EntityAlreadyExists."""
    rename(ctx, USER, req["UserName"], req.get("NewUserName"), req.get("NewPath"))
    return {}


@service.operation("DeleteUser")
async def delete_user(ctx: Context, req: Doc) -> Doc:
    """The user is gone; sessions of it may do nothing any more. Errors: NoSuchEntity, DeleteConflict."""

    def check(user: Resource) -> None:
        if keys_of(ctx, user):
            raise DeleteConflictException("Cannot delete entity, must delete access keys first.")
        check_bare(user)
        if groups(user):
            raise DeleteConflictException("Cannot delete entity, must remove users from group first.")

    remove(ctx, USER, req["UserName"], check)
    return {}


def keys_of(ctx: Context, user: Resource) -> list[Resource]:
    """The user's access keys, by id."""
    return ctx.store.page(ACCESS_KEY, Where(account=ctx.account, region=REGION, parent=user.uid))


def user_or_caller(ctx: Context, req: Doc) -> Resource:
    """The user that `UserName` names; the caller without it. Raises NoSuchEntityException, ValidationError."""
    if "UserName" in req:
        return named(ctx, USER, req["UserName"])
    if ctx.principal.kind == "user":
        name = ctx.principal.arn.rpartition("/")[2]
        user = named(ctx, USER, name)
        # A session outlives a rename, and then another may have the name.
        if user.status["UserId"] != ctx.principal.user_id:
            raise USER.missing(name)
        return user
    raise ValidationError("Must specify userName when calling with non-User credentials")


def brief(user: Resource) -> Doc:
    """As lists tell it."""
    return {
        "Path": path_of(user),
        "UserName": user.name,
        "UserId": user.status["UserId"],
        "Arn": user.arn,
        "CreateDate": int(user.created),
    }


def described(user: Resource) -> Doc:
    told = brief(user) | described_boundary(user)
    if tags(user):
        told["Tags"] = tags(user)
    return told


def _root(ctx: Context) -> Doc:
    birth: Birth | None = ctx.ports.get(Birth)
    if birth is None:
        raise NotImplementedHere("Nobody here knows when the account began: name a user.")
    # AWS gives the root no name but requires one of its clients' models; the account stands for it.
    return {
        "Path": "/",
        "UserName": ctx.account,
        "UserId": ctx.account,
        "Arn": ctx.principal.arn,
        "CreateDate": int(birth.at),
    }
