"""DescribeAlarms and DescribeAlarmsForMetric."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken, Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.cloudwatch import composite
from clary.services.cloudwatch.alarm_rows import ACTIONS, COMPOSITE, KIND, METRIC, MOST_ALARMS, described
from clary.services.cloudwatch.api import InvalidNextToken, ResourceNotFound, ValidationError, metric_of, service
from clary.services.cloudwatch.composite_rules import parse

_FAMILY: Final = ("ChildrenOfAlarmName", "ParentsOfAlarmName")
_LISTS: Final = {METRIC: "MetricAlarms", COMPOSITE: "CompositeAlarms"}


@service.operation("DescribeAlarms")
async def describe_alarms(ctx: Context, req: Doc) -> Doc:
    """Alarms by name, up to MaxRecords of all types together; without AlarmTypes metric alarms only. Of children and
    parents only what AWS shows of them. Errors: InvalidNextToken, ValidationError, ResourceNotFound."""
    _check(req)
    limit = req.get("MaxRecords", 100)
    filters = page.digest("alarms", ctx.account, ctx.region, {**req, "NextToken": "", "MaxRecords": 0})
    try:
        after = str(page.decode(req["NextToken"], filters, str, str)[0]) if "NextToken" in req else ""
    except BadToken as error:
        raise InvalidNextToken(f"{error}.") from None
    if any(member in req for member in _FAMILY):
        found, shown = _family(ctx, req, after)
    else:
        found, shown = _asked(ctx, req, after, limit), described
    answer: Doc = {one: [] for one in _LISTS.values()}
    for row in found[:limit]:
        answer[_LISTS[row.parent]].append(shown(row))
    if len(found) > limit:
        answer["NextToken"] = page.encode([found[limit - 1].name, ""], filters)
    return answer


@service.operation("DescribeAlarmsForMetric")
async def describe_alarms_for_metric(ctx: Context, req: Doc) -> Doc:
    """The alarms on that one metric, by name; not those on expressions that it is part of. Errors:
    InvalidParameterValue."""
    metric = metric_of(ctx, req["Namespace"], req["MetricName"], req.get("Dimensions", []))
    more = [member for member in ("Statistic", "ExtendedStatistic", "Period", "Unit") if member in req]

    def watches(spec: Doc) -> bool:
        if "MetricName" not in spec or any(spec.get(member) != req[member] for member in more):
            return False
        return metric_of(ctx, spec["Namespace"], spec["MetricName"], spec.get("Dimensions", [])) == metric

    rows = ctx.store.page(KIND, Where(ctx.account, ctx.region, parent=METRIC), limit=MOST_ALARMS)
    return {"MetricAlarms": [described(one) for one in rows if watches(one.spec)]}


def _check(req: Doc) -> None:
    if "AlarmNames" in req and "AlarmNamePrefix" in req:
        raise ValidationError("The parameters AlarmNames and AlarmNamePrefix exclude each other.")
    for member in _FAMILY:
        others = [one for one in req if one not in (member, "MaxRecords", "NextToken")]
        if member in req and others:
            raise ValidationError(f"With {member} only MaxRecords and NextToken can be given, and not {others[0]}.")
    if "LogAlarm" in req.get("AlarmTypes", ()):
        raise NotImplementedHere("Log alarms are not served by Clary: ask for MetricAlarm or CompositeAlarm.")


def _asked(ctx: Context, req: Doc, after: str, limit: int) -> list[Resource]:
    """One more than `limit`, if there are as many."""
    types = req.get("AlarmTypes") or [METRIC]
    state, prefix = req.get("StateValue"), req.get("ActionPrefix")

    def wanted(row: Resource) -> bool:
        if row.parent not in types or state not in (None, row.phase):
            return False
        given = (arn for member in ACTIONS.values() for arn in row.spec.get(member, ()))
        return prefix is None or any(arn.startswith(prefix) for arn in given)

    if "AlarmNames" in req:
        named = []
        for name in sorted(set(req["AlarmNames"])):
            with suppress(Missing):
                named.append(ctx.store.get(ctx.account, ctx.region, KIND, name))
        return [one for one in named if one.name > after and wanted(one)]
    only = types[0] if len(set(types)) == 1 else None
    where = Where(ctx.account, ctx.region, phase=state, parent=only, name_prefix=req.get("AlarmNamePrefix"))
    found: list[Resource] = []
    while len(found) <= limit:
        rows = ctx.store.page(KIND, where, after=[after, after] if after else None, limit=limit + 1)
        found += filter(wanted, rows)
        if len(rows) <= limit:
            break
        after = rows[-1].name
    return found


def _family(ctx: Context, req: Doc, after: str) -> tuple[list[Resource], Callable[[Resource], Doc]]:
    name = req.get("ChildrenOfAlarmName") or req["ParentsOfAlarmName"]
    try:
        row = ctx.store.get(ctx.account, ctx.region, KIND, name)
    except Missing:
        raise ResourceNotFound(f"Alarm {name} does not exist.") from None
    if "ParentsOfAlarmName" in req:
        found = composite.parents(ctx.store, ctx.account, ctx.region, name)
        return [one for one in found if one.name > after], lambda one: {"AlarmName": one.name, "AlarmArn": one.arn}
    if row.parent != COMPOSITE:
        raise ValidationError(f"ChildrenOfAlarmName must be the name of a composite alarm, and {name} is none.")
    children = sorted(parse(row.spec["AlarmRule"]).children)
    rows = []
    for child in children:
        with suppress(Missing):
            rows.append(ctx.store.get(ctx.account, ctx.region, KIND, child))
    return [one for one in rows if one.name > after], _child


def _child(one: Resource) -> Doc:
    return {
        "AlarmName": one.name,
        "AlarmArn": one.arn,
        "StateValue": one.phase,
        "StateUpdatedTimestamp": one.status["StateUpdatedTimestamp"],
    }
