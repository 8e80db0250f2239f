"""PutCompositeAlarm: an alarm on the states of other alarms."""

from collections.abc import Iterator
from typing import Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.cloudwatch import actions, alarm_checks, alarm_rows
from clary.services.cloudwatch.alarm_rows import COMPOSITE, KIND, MOST_ALARMS, name_in
from clary.services.cloudwatch.api import MissingRequiredParameterException, ValidationError, service
from clary.services.cloudwatch.composite_rules import BadRule, Rule, parse

MOST_PARENTS: Final = 150
"""Composite alarms that one alarm may be named in."""
_PERIODS: Final = ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")


@service.operation("PutCompositeAlarm")
async def put_composite_alarm(ctx: Context, req: Doc) -> Doc:
    """The alarm follows its rule from now on, and is evaluated at once; one that was there keeps state and tags.

    Errors: ValidationError (with the position in a rule that does not parse, and the path of a cycle),
    MissingParameter, LimitExceeded."""
    if "ActionConfiguration" in req:
        raise NotImplementedHere(
            "The parameter ActionConfiguration is not served by Clary: notifications carry no tags of the alarm."
        )
    name = req["AlarmName"]
    alarm_checks.check_name(name)
    actions.check(ctx, req, COMPOSITE)
    tags = alarm_rows.checked_tags(req.get("Tags", []))
    rule = _rule(req["AlarmRule"])
    _check_children(ctx, name, rule)
    _check_suppressor(ctx, req)
    spec = {"ActionsEnabled": True, **{member: value for member, value in req.items() if member != "Tags"}}
    alarm_rows.put(ctx, COMPOSITE, spec, tags)
    return {}


def parents(store: Store, account: str, region: str, name: str) -> list[Resource]:
    """The composite alarms whose rules name that alarm, by name."""
    return [one for one in composites(store, account, region) if name in parse(one.spec["AlarmRule"]).children]


def dependants(store: Store, account: str, region: str, name: str) -> list[Resource]:
    """The composite alarms whose rule or suppressor is that alarm, by name."""
    return [one for one in composites(store, account, region) if name in depends_on(one.spec)]


def depends_on(spec: Doc) -> tuple[str, ...]:
    """The names of all alarms that a composite alarm looks at."""
    suppressor = (name_in(spec["ActionsSuppressor"]),) if "ActionsSuppressor" in spec else ()
    return (*parse(spec["AlarmRule"]).children, *suppressor)


def composites(store: Store, account: str, region: str) -> list[Resource]:
    return store.page(KIND, Where(account, region, parent=COMPOSITE), limit=MOST_ALARMS)


def _rule(text: str) -> Rule:
    try:
        return parse(text)
    except BadRule as error:
        raise ValidationError(f"Error in AlarmRule: {error}.") from None


def _check_children(ctx: Context, name: str, rule: Rule) -> None:
    for arn in rule.arns:
        _check_here(ctx, arn)
    missing = [one for one in rule.children if one != name and not _there(ctx, one)]
    if missing:
        raise ValidationError(
            f"Could not save the composite alarm as alarms [{', '.join(missing)}] in the alarm rule do not exist."
        )
    path = next(_cycles(ctx, name, rule.children), None)
    if path is not None:
        raise ValidationError(f"The alarm rule makes a cycle, which is not allowed: {' -> '.join(path)}.")
    for child in rule.children:
        others = [one for one in parents(ctx.store, ctx.account, ctx.region, child) if one.name != name]
        if len(others) >= MOST_PARENTS:
            raise ValidationError(f"The alarm {child} is in the rules of {MOST_PARENTS} alarms, which is the most.")


def _cycles(ctx: Context, name: str, children: tuple[str, ...]) -> Iterator[list[str]]:
    """Paths from the alarm to itself."""
    rules = {one.name: parse(one.spec["AlarmRule"]).children for one in composites(ctx.store, ctx.account, ctx.region)}
    rules[name] = children
    waiting, seen = [[name]], set[str]()
    while waiting:
        path = waiting.pop()
        for child in rules.get(path[-1], ()):
            if child == name:
                yield [*path, name]
            elif child not in seen:
                seen.add(child)
                waiting.append([*path, child])


def _check_here(ctx: Context, arn: str) -> None:
    if arn != ctx.arn("cloudwatch", f"alarm:{name_in(arn)}"):
        raise ValidationError(f"The alarm {arn} is of another account or region than the composite alarm.")


def _there(ctx: Context, name: str) -> bool:
    try:
        ctx.store.get(ctx.account, ctx.region, KIND, name)
    except Missing:
        return False
    return True


def _check_suppressor(ctx: Context, req: Doc) -> None:
    if "ActionsSuppressor" not in req:
        for member in _PERIODS:
            if member in req:
                raise ValidationError(f"The parameter {member} goes with ActionsSuppressor only.")
        return
    for member in _PERIODS:
        if member not in req:
            raise MissingRequiredParameterException(f"The parameter {member} is required with ActionsSuppressor.")
        if req[member] < 0:
            raise ValidationError(f"The value {req[member]} for parameter {member} is invalid: use 0 or more seconds.")
    suppressor = name_in(req["ActionsSuppressor"])
    if suppressor != req["ActionsSuppressor"]:
        _check_here(ctx, req["ActionsSuppressor"])
    if suppressor == req["AlarmName"]:
        raise ValidationError("An alarm cannot suppress its own actions.")
    if not _there(ctx, suppressor):
        raise ValidationError(f"The ActionsSuppressor {suppressor} does not exist.")
