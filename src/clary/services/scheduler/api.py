"""EventBridge Scheduler: the service, its errors, and how a request names a schedule or a group."""

from contextlib import suppress
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context, Service
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing
from clary.kernel.resource import Doc, Resource

service = Service("scheduler")

PRINCIPAL: Final = "scheduler.amazonaws.com"
"""What the service is called in trust policies."""
SCHEDULE: Final = "schedule"
GROUP: Final = "schedule-group"
DEFAULT: Final = "default"


class ValidationException(ServiceError):
    """The input fails to satisfy the constraints specified by an AWS service."""


class ConflictException(ServiceError):
    """Updating or deleting the resource can cause an inconsistent state."""

    status = 409


class ResourceNotFoundException(ServiceError):
    """The request references a resource which does not exist."""

    status = 404


class ServiceQuotaExceededException(ServiceError):
    """The request exceeds a service quota."""

    status = 402


def schedule_arn(ctx: Context, group: str, name: str) -> str:
    return ctx.arn("scheduler", f"schedule/{group}/{name}")


def group_arn(ctx: Context, name: str) -> str:
    return ctx.arn("scheduler", f"schedule-group/{name}")


def row_name(group: str, name: str) -> str:
    """What a schedule's row is called: neither name has a slash in it."""
    return f"{group}/{name}"


def group_of(req: Doc) -> str:
    """The group that the request is about; the default one where it names none."""
    found: str = req.get("GroupName", DEFAULT)
    return found


def find_schedule(ctx: Context, req: Doc) -> Resource:
    """Raises ResourceNotFoundException."""
    try:
        return ctx.store.get(ctx.account, ctx.region, SCHEDULE, row_name(group_of(req), req["Name"]))
    except Missing:
        raise ResourceNotFoundException(f"Schedule {req['Name']} does not exist.") from None


def find_group(ctx: Context, name: str) -> Resource:
    """Raises ResourceNotFoundException. The default group is there from its first use on."""
    try:
        return ctx.store.get(ctx.account, ctx.region, GROUP, name)
    except Missing:
        if name != DEFAULT:
            raise ResourceNotFoundException(f"Schedule group {name} does not exist.") from None
    with suppress(Exists):  # somebody else asked for it at the same moment
        ctx.store.create(new_group(ctx, DEFAULT, {}))
    return ctx.store.get(ctx.account, ctx.region, GROUP, DEFAULT)


def new_group(ctx: Context, name: str, tags: dict[str, str], token: str | None = None) -> Resource:
    return Resource(
        GROUP,
        name,
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=group_arn(ctx, name),
        phase="ACTIVE",
        spec={"Name": name},
        status={"_tags": tags, **({} if token is None else {"_token": token})},
    )
