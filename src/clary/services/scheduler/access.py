"""What EventBridge Scheduler asks of the policies."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.access import Ask, Asks
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.scheduler.api import PRINCIPAL, group_arn, group_of, schedule_arn, service
from clary.services.scheduler.groups import tags_of

_OF_SCHEDULE: Final = ("CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule")
_OF_GROUP: Final = ("CreateScheduleGroup", "DeleteScheduleGroup", "GetScheduleGroup")
_TAGGING: Final = ("ListTagsForResource", "TagResource", "UntagResource")


def _of_schedule(operation: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        group = group_of(req)
        arn, held_by = schedule_arn(ctx, group, req["Name"]), group_arn(ctx, group)
        found = [Ask(f"scheduler:{operation}", arn, resource_tags=lambda: tags_of(ctx, held_by))]
        if "Target" in req:
            keys = {"iam:PassedToService": PRINCIPAL, "iam:AssociatedResourceArn": arn}
            found.append(Ask("iam:PassRole", req["Target"]["RoleArn"], keys))
        return found

    return asks


def _of_group(operation: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        arn = group_arn(ctx, req["Name"])
        tags = {one["Key"]: one["Value"] for one in req["Tags"]} if req.get("Tags") else None
        found = [Ask(f"scheduler:{operation}", arn, {}, tags, lambda: tags_of(ctx, arn))]
        if tags:
            found.append(Ask("scheduler:TagResource", arn, {}, tags, lambda: tags_of(ctx, arn)))
        return found

    return asks


def _of_arn(operation: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        arn = req["ResourceArn"]
        tags: Mapping[str, str] | None = {one["Key"]: one["Value"] for one in req.get("Tags", ())} or None
        tags = tags or dict.fromkeys(req.get("TagKeys", ()), "") or None
        return [Ask(f"scheduler:{operation}", arn, {}, tags, lambda: tags_of(ctx, arn))]

    return asks


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for operation in service.handlers:
        if operation in _OF_SCHEDULE:
            service.access(operation, _of_schedule(operation))
        elif operation in _OF_GROUP:
            service.access(operation, _of_group(operation))
        elif operation in _TAGGING:
            service.access(operation, _of_arn(operation))
        else:
            service.access(operation)
