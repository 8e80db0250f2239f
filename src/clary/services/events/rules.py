"""Rules: which events of a bus, or which moments, matter; and TestEventPattern."""

import math
from collections.abc import Callable
from typing import Any, Final

import orjson

from clary.aws.errors import NotImplementedHere
from clary.aws.event_patterns import EventPattern, Malformed, compile_pattern
from clary.aws.service import Context
from clary.kernel import ids, schedule
from clary.kernel.errors import BadToken, Exists, Missing, Stale
from clary.kernel.page import decode, digest, encode
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.events import listing, tagged
from clary.services.events.api import (
    DEFAULT,
    RULE,
    InvalidEventPatternException,
    LimitExceededException,
    ValidationException,
    asked_bus,
    find_bus,
    find_rule,
    row_name,
    rule_arn,
    service,
)

MOST_OF_BUS: Final = 300
"""Rules of one bus, as AWS's quota is at first."""
_NOTHING: Final[Doc] = {}
_SAID: Final = ("ScheduleExpression", "EventPattern", "Description", "RoleArn")
_SHOWN: Final = ("Name", "Arn", "EventPattern", "ScheduleExpression", "State", "Description", "RoleArn", "EventBusName")


@service.operation("PutRule", ignores=("RoleArn",))
async def put_rule(ctx: Context, req: Doc) -> Doc:
    """The rule is as the request says, and keeps its targets if it was there; its tags are those of its first request.
    Errors: InvalidEventPatternException, ValidationException, ResourceNotFoundException, LimitExceededException."""
    bus = asked_bus(ctx, req)
    find_bus(ctx, bus)
    _check(req, bus)
    state = req.get("State", "ENABLED")
    spec: Doc = {"Name": req["Name"], "EventBusName": bus, **{member: req[member] for member in _SAID if member in req}}
    arn = rule_arn(ctx, bus, req["Name"])
    tags: dict[str, str] = tagged.checked(req.get("Tags", ()))
    while True:
        try:
            try:
                old = ctx.store.get(ctx.account, ctx.region, RULE, row_name(bus, req["Name"]))
            except Missing:
                _check_room(ctx, bus)
                ctx.store.create(_made(ctx, arn, spec, state, tags))
            else:
                same = old.spec.get("ScheduleExpression") == spec.get("ScheduleExpression") and old.phase == state
                due, status = (old.due, _NOTHING) if same else _first(ctx, spec, state)
                ctx.store.update(old, phase=state, due=due, spec=spec, emit=True, **status)
        except (Stale, Exists):  # Written since it was read: look again.
            continue
        return {"RuleArn": arn}


@service.operation("DescribeRule")
async def describe_rule(ctx: Context, req: Doc) -> Doc:
    """The rule as it is. Errors: ResourceNotFoundException."""
    rule = _asked(ctx, req)
    return {**described(rule), "CreatedBy": rule.account}


@service.operation("ListRules")
async def list_rules(ctx: Context, req: Doc) -> Doc:
    """The rules of a bus by name. Errors: ResourceNotFoundException, ValidationException."""
    bus = asked_bus(ctx, req)
    find_bus(ctx, bus)
    found, more = listing.page(ctx, RULE, req, row_name(bus, req.get("NamePrefix", "")), parent=bus)
    return {"Rules": [described(one) for one in found], **more}


@service.operation("EnableRule")
async def enable_rule(ctx: Context, req: Doc) -> Doc:
    """Events that come from now on matter, and so does its schedule. Errors: ResourceNotFoundException."""
    return _turn(ctx, req, "ENABLED")


@service.operation("DisableRule")
async def disable_rule(ctx: Context, req: Doc) -> Doc:
    """Nothing matches it any more. Errors: ResourceNotFoundException."""
    return _turn(ctx, req, "DISABLED")


@service.operation("DeleteRule", ignores=("Force",))
async def delete_rule(ctx: Context, req: Doc) -> Doc:
    """The rule is gone; one that is not there is no error. Errors: ValidationException (it has targets)."""
    bus = asked_bus(ctx, req)
    find_bus(ctx, bus)
    while True:
        try:
            rule = ctx.store.get(ctx.account, ctx.region, RULE, row_name(bus, req["Name"]))
        except Missing:
            return {}
        if rule.status.get("_targets"):
            raise ValidationException("Rule can't be deleted since it has targets.")
        try:
            ctx.store.delete(rule)
        except Stale:
            continue
        return {}


@service.operation("ListRuleNamesByTarget")
async def list_rule_names_by_target(ctx: Context, req: Doc) -> Doc:
    """The rules of a bus that have this target, by name. Errors: ResourceNotFoundException, ValidationException."""
    bus, limit = asked_bus(ctx, req), req.get("Limit", 100)
    find_bus(ctx, bus)
    filters = digest("rules-by-target", ctx.account, ctx.region, bus, req["TargetArn"])
    try:
        last = str(decode(req["NextToken"], filters, str, str)[0]) if "NextToken" in req else ""
    except BadToken as error:
        raise ValidationException(f"Invalid NextToken: {error}.") from None
    names = [
        rule.spec["Name"]
        for rule in ctx.store.page(RULE, Where(ctx.account, ctx.region, parent=bus), limit=MOST_OF_BUS + 1)
        if any(one["Arn"] == req["TargetArn"] for one in rule.status.get("_targets", ()))
    ]
    names = [name for name in names if name > last]
    more = {"NextToken": encode([names[limit - 1], ""], filters)} if len(names) > limit else {}
    return {"RuleNames": names[:limit], **more}


@service.operation("TestEventPattern")
async def test_event_pattern(ctx: Context, req: Doc) -> Doc:
    """Whether the pattern matches the event. Errors: InvalidEventPatternException, ValidationException (the event is
    no event)."""
    pattern = compiled(req["EventPattern"])
    try:
        event = orjson.loads(req["Event"])
    except orjson.JSONDecodeError as error:
        raise ValidationException(f"Parameter Event is not valid. Reason: it is not valid JSON: {error}.") from None
    if not isinstance(event, dict):
        raise ValidationException("Parameter Event is not valid. Reason: it must be a JSON object.")
    for member in ("id", "account", "source", "time", "region", "resources", "detail-type"):
        if member not in event:
            raise ValidationException(f"Parameter Event is not valid. Reason: the member '{member}' is missing.")
    return {"Result": pattern.matches(event)}


def described(rule: Resource) -> Doc:
    """A rule as the lists show it."""
    said = {**rule.spec, "Arn": rule.arn, "State": rule.phase}
    return {member: said[member] for member in _SHOWN if member in said}


def compiled(text: str) -> EventPattern:
    """Raises InvalidEventPatternException, which names the place."""
    try:
        return compile_pattern(text)
    except Malformed as error:
        raise InvalidEventPatternException(str(error)) from None


def scheduled(expression: str) -> Callable[[float], float | None]:
    """When it fires next after a moment. Raises ValidationException."""
    if not expression.lstrip().startswith(("rate(", "cron(")):
        raise ValidationException(
            "Parameter ScheduleExpression is not valid. A schedule is rate(value unit) or cron(minutes hours "
            "day-of-month month day-of-week year)."
        )
    try:
        return schedule.parse(expression)
    except ValueError as error:
        raise ValidationException(f"Parameter ScheduleExpression is not valid. {error}.") from None


def change_rule(ctx: Context, bus: str, name: str, change: Callable[[Resource], dict[str, Any]]) -> Resource:
    """The rule as `change` says: arguments of Store.update. Whoever keeps rules hears of it. Raises
    ResourceNotFoundException."""
    while True:
        rule = find_rule(ctx, bus, name)
        try:
            return ctx.store.update(rule, emit=True, **change(rule))
        except Stale:  # Written since it was read: look again.
            continue


def _asked(ctx: Context, req: Doc) -> Resource:
    bus = asked_bus(ctx, req)
    find_bus(ctx, bus)
    return find_rule(ctx, bus, req["Name"])


def _turn(ctx: Context, req: Doc, state: str) -> Doc:
    bus = asked_bus(ctx, req)
    find_bus(ctx, bus)

    def change(rule: Resource) -> dict[str, Any]:
        if rule.phase == state:
            return {}
        due, status = _first(ctx, rule.spec, state)
        return {"phase": state, "due": due, **status}

    change_rule(ctx, bus, req["Name"], change)
    return {}


def _made(ctx: Context, arn: str, spec: Doc, state: str, tags: dict[str, str]) -> Resource:
    due, status = _first(ctx, spec, state)
    return Resource(
        RULE,
        row_name(spec["EventBusName"], spec["Name"]),
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=arn,
        phase=state,
        parent=spec["EventBusName"],
        spec=spec,
        status={"_tags": tags, "_targets": [], **{name: one for name, one in status.items() if one is not None}},
        due=due,
    )


def _first(ctx: Context, spec: Doc, state: str) -> tuple[float | None, Doc]:
    """When the rule's schedule is due for the first time from now on, and what its status says of it."""
    expression = spec.get("ScheduleExpression")
    if state == "DISABLED" or expression is None:
        return None, {"_next": None}
    now = ctx.clock.now()
    # A rate counts whole minutes from when the rule is made: seconds would only spread.
    moment = scheduled(expression)(float(math.floor(now)))
    return moment, {"_next": moment}


def _check(req: Doc, bus: str) -> None:
    if req.get("State") == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS":
        raise NotImplementedHere(
            "Rules on management events are not served by Clary: API calls are no events here. Use the state ENABLED."
        )
    if not req.get("EventPattern") and not req.get("ScheduleExpression"):
        raise ValidationException("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if "EventPattern" in req:
        compiled(req["EventPattern"])
    if "ScheduleExpression" in req:
        if bus != DEFAULT:
            raise ValidationException("ScheduleExpression is supported only on the default event bus.")
        scheduled(req["ScheduleExpression"])


def _check_room(ctx: Context, bus: str) -> None:
    if ctx.store.count(RULE, Where(ctx.account, ctx.region, parent=bus)) >= MOST_OF_BUS:
        raise LimitExceededException(f"The requested resource exceeds the maximum number allowed: {MOST_OF_BUS} rules.")
