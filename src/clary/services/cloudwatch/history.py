"""What happened to alarms, kept for 30 days: written from the outbox, so that nothing that happened is missing in it.

An item is a row of the kind "alarm-history"; its name begins with its time, so that rows stand in order. Written twice
(after a kill), it is the same row.
"""

import asyncio
from contextlib import suppress
from typing import Any, Final

import orjson

from clary.aws.delivery import Outcome
from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.clock import Clock
from clary.kernel.errors import BadToken, Exists, Stale
from clary.kernel.events import Event
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.cloudwatch.alarm_messages import Change, change_in
from clary.services.cloudwatch.alarm_rows import COMPOSITE, METRIC, stamp
from clary.services.cloudwatch.api import InvalidNextToken, ValidationError, service

KIND: Final = "alarm-history"
KEEP_SECONDS: Final = 30 * 86_400.0
MOST: Final = 100_000
"""Items that are kept, at most: then the oldest go."""
_BITE: Final = 1000
_LONGEST_DATA: Final = 4095
_LONGEST_SUMMARY: Final = 255
_UPDATED: Final = "AlarmConfigurationUpdatedTimestamp"
_DONE: Final = {"Create": "created", "Update": "updated", "Delete": "deleted"}


def heard(store: Store, event: Event) -> None:
    """What the line tells is in the history."""
    change = change_in(event)
    if change is not None:
        if change.state["value"] != change.previous["value"]:
            old, new = change.previous["value"], change.state["value"]
            _write(store, event, 0, "StateUpdate", f"Alarm updated from {old} to {new}", _state_data(change))
        return
    type_ = {"created": "Create", "changed": "Update", "deleted": "Delete"}.get(event.type)
    if type_ is not None:
        summary = f'Alarm "{event.name}" {_DONE[type_]}'
        _write(store, event, 0, "ConfigurationUpdate", summary, _configuration_data(event, type_))


def acted(store: Store, event: Event, number: int, arn: str, change: Change, outcome: Outcome) -> None:
    """What became of the change's action `number` is in the history."""
    state = {"delivered": "Succeeded", "queued": "InProgress", "failed": "Failed"}[outcome.state]
    summary = {
        "Succeeded": f"Successfully executed action {arn}",
        "InProgress": f"Action {arn} is tried again. Reason: {outcome.message}",
        "Failed": f"Failed to execute action {arn}. Reason: {outcome.message}",
    }[state]
    data: Doc = {
        "actionState": state,
        "stateUpdateTimestamp": int(change.state["timestamp"] * 1000),
        "notificationResource": arn,
    }
    if outcome.state != "delivered":
        data["error"] = outcome.message[:1000]
    _write(store, event, number, "Action", summary, data)


def _write(store: Store, event: Event, number: int, type_: str, summary: str, data: Doc) -> None:
    name = f"{_place(event.at)}{event.seq:014d}{number:02d}"
    spec = {
        "AlarmName": event.name,
        "AlarmType": COMPOSITE if "AlarmRule" in event.resource["spec"] else METRIC,
        "Timestamp": event.at,
        "HistorySummary": summary[:_LONGEST_SUMMARY],
        "HistoryData": _short(data),
    }
    item = Resource(KIND, name, event.account, event.region, ids.new(), phase=type_, parent=event.name, spec=spec)
    with suppress(Exists):  # told again, by one that was killed before it could remember that
        store.create(item)


def _place(at: float) -> str:
    return f"{int(at * 1000 + 0.5):014d}"


def _short(data: Doc) -> str:
    """As JSON that is no longer than the model allows: what says least goes first."""
    for path in (
        (),
        ("oldState", "stateReasonData"),
        ("newState", "stateReasonData", "evaluatedDatapoints"),
        ("newState", "stateReasonData"),
        ("alarm", "metrics"),
        ("alarm", "alarmRule"),
        ("alarm",),
    ):
        _drop(data, path)
        text = orjson.dumps(data).decode()
        if len(text) <= _LONGEST_DATA:
            return text
    return orjson.dumps({"version": "1.0"}).decode()


def _drop(data: Doc, path: tuple[str, ...]) -> None:
    for step in path[:-1]:
        name = next((one for one in data if one == step or (step == "alarm" and one.endswith("Alarm"))), None)
        if name is None or not isinstance(data[name], dict):
            return
        data = data[name]
    if path:
        for name in [one for one in data if one == path[-1] or (path == ("alarm",) and one.endswith("Alarm"))]:
            del data[name]


def _state_data(change: Change) -> Doc:
    return {"version": "1.0", "oldState": _state(change.previous), "newState": _state(change.state)}


def _state(state: Doc) -> Doc:
    said: Doc = {"stateValue": state["value"], "stateReason": state["reason"]}
    if "reasonData" in state:
        try:
            said["stateReasonData"] = orjson.loads(state["reasonData"])
        except ValueError:
            said["stateReasonData"] = state["reasonData"]
    return said


def _configuration_data(event: Event, type_: str) -> Doc:
    spec, status = event.resource["spec"], event.resource["status"]
    alarm = {
        **_camel(spec),
        "alarmArn": event.resource["arn"],
        "alarmConfigurationUpdatedTimestamp": stamp(status[_UPDATED]),
        "stateValue": event.phase,
        "stateUpdatedTimestamp": stamp(status["StateUpdatedTimestamp"]),
    }
    return {"version": "1.0", "type": type_, f"{_DONE[type_]}Alarm": alarm}


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {_first_small(name): _camel(one) for name, one in value.items()}
    return [_camel(one) for one in value] if isinstance(value, list) else value


def _first_small(name: str) -> str:
    return "okActions" if name == "OKActions" else name[0].lower() + name[1:]


async def tidy(store: Store, clock: Clock) -> None:
    """Items past their time are gone, and the oldest beyond MOST; a bite at a time: others run in between."""
    left = 1
    while left:
        left = _bite(store, _place(clock.now() - KEEP_SECONDS))
        await asyncio.sleep(0)


def _bite(store: Store, limit: str) -> int:
    """Some of the items whose place is before `limit` are gone; returns how many."""
    gone, over = 0, store.count(KIND, Where()) - MOST
    for number, one in enumerate(store.page(KIND, Where(), limit=_BITE)):  # the oldest first, of all regions
        if one.name >= limit and number >= over:
            break
        with suppress(Stale):
            store.delete(one)
        gone += 1
    return gone


@service.operation("DescribeAlarmHistory")
async def describe_alarm_history(ctx: Context, req: Doc) -> Doc:
    """What happened to an alarm, or to all of the types that are asked for, the newest first unless asked otherwise;
    also to those that are gone. Without AlarmTypes: metric alarms only. Errors: InvalidNextToken, ValidationError."""
    if "AlarmContributorId" in req:
        raise NotImplementedHere("Contributors of alarms are not served by Clary: leave AlarmContributorId out.")
    start, end = req.get("StartDate", 0.0), req.get("EndDate", 99_999_999_999.0)
    if start > end:
        raise ValidationError("The parameter StartDate must not be later than EndDate.")
    limit, types = req.get("MaxRecords", 100), req.get("AlarmTypes") or [METRIC]
    descending = req.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    filters = page.digest("alarm-history", ctx.account, ctx.region, {**req, "NextToken": "", "MaxRecords": 0})
    first = f"{_place(end)}~" if descending else _place(start)
    try:
        place = str(page.decode(req["NextToken"], filters, str, str)[0]) if "NextToken" in req else first
    except BadToken as error:
        raise InvalidNextToken(f"{error}.") from None
    where = Where(ctx.account, ctx.region, phase=req.get("HistoryItemType"), parent=req.get("AlarmName"))
    found: list[Resource] = []
    while len(found) <= limit:
        rows = ctx.store.page(KIND, where, descending=descending, after=[place, place], limit=limit + 1)
        inside = [one for one in rows if start <= one.spec["Timestamp"] <= end]
        found += [one for one in inside if one.spec["AlarmType"] in types]
        if len(rows) <= limit or len(inside) < len(rows):
            break
        place = rows[-1].name
    more = {"NextToken": page.encode([found[limit - 1].name, ""], filters)} if len(found) > limit else {}
    return {"AlarmHistoryItems": [{**one.spec, "HistoryItemType": one.phase} for one in found[:limit]], **more}
