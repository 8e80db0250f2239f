"""What the operations on alarms ask of the policies: which alarms, their tags and their actions."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.access import Ask, Asks
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.cloudwatch import alarm_tags
from clary.services.cloudwatch.alarm_rows import ACTIONS, COMPOSITE
from clary.services.cloudwatch.api import service

_OF_MANY: Final = ("DeleteAlarms", "DescribeAlarms", "DisableAlarmActions", "EnableAlarmActions")
_TAGGING: Final = ("ListTagsForResource", "TagResource", "UntagResource")


def _alarm(ctx: Context, name: str) -> str:
    return ctx.arn("cloudwatch", f"alarm:{name}")


def _of_names(operation: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        # As on AWS: what is about composite alarms in general needs a permission on everything.
        everything = COMPOSITE in req.get("AlarmTypes", ())
        arns = ["*"] if everything else [_alarm(ctx, one) for one in req.get("AlarmNames") or ["*"]]
        return [_ask(ctx, operation, arn, None) for arn in arns]

    return asks


def _put(operation: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        arn = _alarm(ctx, req["AlarmName"])
        tags = {one["Key"]: one["Value"] for one in req.get("Tags", ())} or None
        acts = [one for member in ACTIONS.values() for one in req.get(member, ())]
        resource = "*" if operation == "PutCompositeAlarm" else arn
        keys = {"cloudwatch:AlarmActions": acts} if acts else {}
        found = [Ask(f"cloudwatch:{operation}", resource, keys, tags, lambda: alarm_tags.of_arn(ctx, arn))]
        if tags:
            found.append(_ask(ctx, "TagResource", arn, tags))
        return found

    return asks


def _of_name(operation: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        if COMPOSITE in req.get("AlarmTypes", ()):
            return [Ask(f"cloudwatch:{operation}", "*")]
        return [_ask(ctx, operation, _alarm(ctx, req.get("AlarmName", "*")), None)]

    return asks


def _of_arn(operation: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        tags = {one["Key"]: one["Value"] for one in req.get("Tags", ())} or dict.fromkeys(req.get("TagKeys", ()), "")
        return [_ask(ctx, operation, req["ResourceARN"], tags or None)]

    return asks


def _ask(ctx: Context, operation: str, arn: str, tags: Mapping[str, str] | None) -> Ask:
    return Ask(f"cloudwatch:{operation}", arn, {}, tags, lambda: alarm_tags.of_arn(ctx, arn))


def register() -> None:
    """The operations on alarms say what they ask. To be called once all of them are registered."""
    for operation in ("PutMetricAlarm", "PutCompositeAlarm"):
        service.access(operation, _put(operation))
    for operation in _OF_MANY:
        service.access(operation, _of_names(operation))
    for operation in ("DescribeAlarmHistory", "SetAlarmState"):
        service.access(operation, _of_name(operation))
    for operation in _TAGGING:
        service.access(operation, _of_arn(operation))
