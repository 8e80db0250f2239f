"""What EventBridge asks of the policies: which bus or rule, and what its condition keys are told."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from clary.aws.access import Ask, Asks
from clary.aws.event_patterns import Malformed
from clary.aws.event_patterns.read import read
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.events import tagged
from clary.services.events.api import DEFAULT, PRINCIPAL, RULE, row_name, service

_OF_RULE: Final = {
    "DeleteRule": "Name",
    "DescribeRule": "Name",
    "DisableRule": "Name",
    "EnableRule": "Name",
    "ListTargetsByRule": "Rule",
    "PutRule": "Name",
    "PutTargets": "Rule",
    "RemoveTargets": "Rule",
}
"""Operations on a rule, and the member that names it."""
_OF_BUS: Final = {
    "CreateEventBus": "Name",
    "DeleteEventBus": "Name",
    "DescribeEventBus": "Name",
    "ListRules": "",
    "ListRuleNamesByTarget": "",
    "PutPermission": "EventBusName",
    "RemovePermission": "EventBusName",
    "UpdateEventBus": "Name",
}
_OF_ARCHIVE: Final = {
    "CreateArchive": "ArchiveName",
    "DeleteArchive": "ArchiveName",
    "DescribeArchive": "ArchiveName",
    "UpdateArchive": "ArchiveName",
    "CancelReplay": "ReplayName",
    "DescribeReplay": "ReplayName",
    "StartReplay": "ReplayName",
}
_TAGGING: Final = ("ListTagsForResource", "TagResource", "UntagResource")
_FIELDS: Final = {
    "events:source": ("source",),
    "events:detail-type": ("detail-type",),
    "events:detail.service": ("detail", "service"),
    "events:detail.eventTypeCode": ("detail", "eventTypeCode"),
    "events:detail.userIdentity.principalId": ("detail", "userIdentity", "principalId"),
}
"""Condition keys of PutRule, and which values of the pattern they hold."""


def _of_rule(operation: str, member: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        bus = req.get("EventBusName", DEFAULT).rpartition("event-bus/")[2]
        name = req[member]
        arn = ctx.arn("events", f"rule/{name}" if bus == DEFAULT else f"rule/{bus}/{name}")
        keys: dict[str, Any] = {"events:creatorAccount": lambda: _creator(ctx, bus, name)}
        found = []
        if operation == "PutRule":
            keys |= {key: _field(req.get("EventPattern", ""), path) for key, path in _FIELDS.items()}
            found += [_pass_role(ctx, req["RoleArn"], arn)] if "RoleArn" in req else []
        if operation == "PutTargets":
            keys["events:TargetArn"] = [one["Arn"] for one in req["Targets"]]
            roles = sorted({one["RoleArn"] for one in req["Targets"] if "RoleArn" in one})
            found += [_pass_role(ctx, role, arn) for role in roles]
        tags = _wanted(req)
        if operation == "PutRule" and tags:
            found.append(Ask("events:TagResource", arn, {}, tags, lambda: tagged.of_arn(ctx, arn)))
        return [Ask(f"events:{operation}", arn, keys, tags, lambda: tagged.of_arn(ctx, arn)), *found]

    return asks


def _of_bus(operation: str, member: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        given = req.get(member or "EventBusName", DEFAULT)
        arn = given if given.startswith("arn:") else ctx.arn("events", f"event-bus/{given}")
        tags = _wanted(req)
        found = [Ask(f"events:{operation}", arn, {}, tags, lambda: tagged.of_arn(ctx, arn))]
        if tags:
            found.append(Ask("events:TagResource", arn, {}, tags, lambda: tagged.of_arn(ctx, arn)))
        return found

    return asks


def _put_events(ctx: Context, req: Doc) -> Sequence[Ask]:
    """One ask for each bus, source and detail-type."""
    wanted = {
        (one.get("EventBusName", DEFAULT), one.get("Source", ""), one.get("DetailType", "")) for one in req["Entries"]
    }
    invoked = "true" if ctx.principal.kind == "service" else "false"
    return [
        Ask(
            "events:PutEvents",
            bus if bus.startswith("arn:") else ctx.arn("events", f"event-bus/{bus}"),
            {"events:source": source, "events:detail-type": kind, "events:eventBusInvocation": invoked},
        )
        for bus, source, kind in sorted(wanted)
    ]


def _of_archive(operation: str, member: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        kind = "archive" if member == "ArchiveName" else "replay"
        arns = [ctx.arn("events", f"{kind}/{req[member]}")]
        if operation in ("CreateArchive", "StartReplay"):
            arns.append(req["EventSourceArn"])  # the bus whose events are kept, the archive that is replayed
        return [Ask(f"events:{operation}", arn) for arn in arns]

    return asks


def _of_arn(operation: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        arn = req["ResourceARN"]
        tags = _wanted(req) or dict.fromkeys(req.get("TagKeys", ()), "") or None
        return [Ask(f"events:{operation}", arn, {}, tags, lambda: tagged.of_arn(ctx, arn))]

    return asks


def _pass_role(ctx: Context, role: str, rule: str) -> Ask:
    """What is no ARN is refused later: until then it is asked for as a role of that name."""
    arn = role if role.startswith("arn:aws:iam::") else f"arn:aws:iam::{ctx.account}:role/{role}"
    return Ask("iam:PassRole", arn, {"iam:PassedToService": PRINCIPAL, "iam:AssociatedResourceArn": rule})


def _wanted(req: Doc) -> Mapping[str, str] | None:
    return {one["Key"]: one["Value"] for one in req["Tags"]} if req.get("Tags") else None


def _creator(ctx: Context, bus: str, name: str) -> str | None:
    """The account that made the rule; None: there is none."""
    try:
        return ctx.store.get(ctx.account, ctx.region, RULE, row_name(bus, name)).account
    except Missing:
        return None


def _field(pattern: str, path: tuple[str, ...]) -> Callable[[], list[str] | None]:
    """The plain texts that a pattern wants at `path`; None: it wants nothing there."""

    def found() -> list[str] | None:
        try:
            node = read(pattern)
        except Malformed:
            return None
        for name in path:
            if not isinstance(node.value, dict) or name not in node.value:
                return None
            node = node.value[name]
        listed = node.value if isinstance(node.value, list) else []
        return [one.value for one in listed if isinstance(one.value, str)] or None

    return found


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for operation in service.handlers:
        if operation in _OF_RULE:
            service.access(operation, _of_rule(operation, _OF_RULE[operation]))
        elif operation in _OF_BUS:
            service.access(operation, _of_bus(operation, _OF_BUS[operation]))
        elif operation in _OF_ARCHIVE:
            service.access(operation, _of_archive(operation, _OF_ARCHIVE[operation]))
        elif operation in _TAGGING:
            service.access(operation, _of_arn(operation))
        elif operation == "PutEvents":
            service.access(operation, _put_events)
        else:
            service.access(operation)
