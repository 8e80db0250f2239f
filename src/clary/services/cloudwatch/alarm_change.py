"""SetAlarmState, EnableAlarmActions, DisableAlarmActions, DeleteAlarms."""

import orjson

from clary.aws.service import Context
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.cloudwatch import composite, composite_follow
from clary.services.cloudwatch.alarm_rows import COMPOSITE, KIND, find, reconfigure, transition
from clary.services.cloudwatch.api import InvalidFormatFault, ValidationError, service


@service.operation("SetAlarmState")
async def set_alarm_state(ctx: Context, req: Doc) -> Doc:
    """The alarm is in that state, and does its actions, until it is evaluated next. Errors: ResourceNotFound,
    InvalidFormat (StateReasonData is no JSON)."""
    data = req.get("StateReasonData")
    if data:
        try:
            orjson.loads(data)
        except ValueError as error:
            raise InvalidFormatFault(f"StateReasonData is not valid JSON: {error}") from None
    while True:
        row, now = find(ctx, req["AlarmName"]), ctx.clock.now()
        state, reason = req["StateValue"], req["StateReason"]
        try:
            if state == row.phase:
                ctx.store.update(row, StateReason=reason, StateReasonData=data or None, StateUpdatedTimestamp=now)
                return {}
            hold, act = None, True
            if row.parent == COMPOSITE:
                hold, act = composite_follow.held(ctx.store, row, state, now)
            status = {**transition(row, reason, data or None, now, act=act), **composite_follow.suppression(row, hold)}
            # What waits is looked at when it need not wait any more.
            due = row.due if hold is None or hold.until is None else hold.until
            ctx.store.update(row, phase=state, due=due, **status)
        except Stale:  # written since it was read: look again
            continue
        return {}


@service.operation("EnableAlarmActions")
async def enable_alarm_actions(ctx: Context, req: Doc) -> Doc:
    """The alarms do their actions from their next change of state on. Names of none are passed over."""
    return _switch(ctx, req, True)


@service.operation("DisableAlarmActions")
async def disable_alarm_actions(ctx: Context, req: Doc) -> Doc:
    """The alarms change their states and do nothing. Names of none are passed over."""
    return _switch(ctx, req, False)


def _switch(ctx: Context, req: Doc, enabled: bool) -> Doc:
    for name in req["AlarmNames"]:
        while (row := _there(ctx, name)) is not None and row.spec["ActionsEnabled"] != enabled:
            try:
                reconfigure(ctx, row, {**row.spec, "ActionsEnabled": enabled}, look=False)
            except Stale:
                continue
            break
    return {}


@service.operation("DeleteAlarms")
async def delete_alarms(ctx: Context, req: Doc) -> Doc:
    """The alarms are gone; their history stays. Names of none are passed over; at most one of them is a composite
    alarm, and none is one that another composite alarm looks at. Errors: ValidationError."""
    rows = [row for name in dict.fromkeys(req["AlarmNames"]) if (row := _there(ctx, name)) is not None]
    composites = [row.name for row in rows if row.parent == COMPOSITE]
    if len(composites) > 1:
        raise ValidationError(f"One composite alarm can be deleted in a request, and not {', '.join(composites)}.")
    for row in rows:
        others = [one.name for one in composite.dependants(ctx.store, ctx.account, ctx.region, row.name)]
        if others:
            raise ValidationError(
                f"Cannot delete {row.name} as there are composite alarm(s) depending on it: {', '.join(others)}."
            )
    for row in rows:
        _delete(ctx, row)
    return {}


def _delete(ctx: Context, row: Resource) -> None:
    found: Resource | None = row
    while found is not None:
        try:
            ctx.store.delete(found)
        except Stale:  # evaluated since it was read: look again
            found = _there(ctx, row.name)
            continue
        return


def _there(ctx: Context, name: str) -> Resource | None:
    try:
        return ctx.store.get(ctx.account, ctx.region, KIND, name)
    except Missing:
        return None
