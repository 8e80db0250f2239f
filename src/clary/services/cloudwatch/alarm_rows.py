"""Alarms as they are stored, and as they are shown.

An alarm is one row of the kind "alarm"; its name is unique whatever its type, which `parent` holds. `spec` is the
accepted request, the phase is StateValue. Every write that others must hear of says in `_last` what it did:

    {"what": "create" | "update" | "state" | "suppression", "old": spec before, "previous": state before, "act": bool}
"""

from datetime import UTC, datetime
from typing import Any, Final

from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Where
from clary.services.cloudwatch.api import LimitExceededFault, ResourceNotFound, ValidationError

KIND: Final = "alarm"
METRIC: Final = "MetricAlarm"
COMPOSITE: Final = "CompositeAlarm"
OK: Final = "OK"
ALARM: Final = "ALARM"
INSUFFICIENT: Final = "INSUFFICIENT_DATA"
STATES: Final = (OK, ALARM, INSUFFICIENT)
MACHINE: Final = StateMachine("StateValue", INSUFFICIENT, {one: {*STATES} - {one} for one in STATES})
MOST_ALARMS: Final = 5000
"""Of one region, as AWS's quota is at first."""
ACTIONS: Final = {OK: "OKActions", ALARM: "AlarmActions", INSUFFICIENT: "InsufficientDataActions"}
MOST_TAGS: Final = 50
_UPDATED: Final = "AlarmConfigurationUpdatedTimestamp"


def find(ctx: Context, name: str) -> Resource:
    """Raises ResourceNotFound."""
    try:
        return ctx.store.get(ctx.account, ctx.region, KIND, name)
    except Missing:
        raise ResourceNotFound(f"Alarm {name} does not exist.") from None


def put(ctx: Context, type_: str, spec: Doc, tags: dict[str, str]) -> None:
    """The alarm is configured by `spec`, and is evaluated at once. A new one has these tags; one that is there keeps
    its own, and its state. Raises ValidationError, LimitExceededFault."""
    name, now = spec["AlarmName"], ctx.clock.now()
    while True:
        try:
            old = ctx.store.get(ctx.account, ctx.region, KIND, name)
        except Missing:
            if ctx.store.count(KIND, Where(ctx.account, ctx.region)) >= MOST_ALARMS:
                raise LimitExceededFault(f"There are {MOST_ALARMS} alarms, which is the most.") from None
            try:
                ctx.store.create(_made(ctx, type_, spec, tags, now))
            except Exists:
                continue
            return
        if old.parent != type_:
            raise ValidationError(f"The alarm name {name} is in use by an alarm of the type {old.parent}.")
        try:
            reconfigure(ctx, old, spec)
        except Stale:  # written since it was read: look again
            continue
        return


def reconfigure(ctx: Context, old: Resource, spec: Doc, *, look: bool = True) -> None:
    """`old` is configured by `spec`, and tells of it. Raises Stale."""
    now = ctx.clock.now()
    last = {"what": "update", "old": {**old.spec, _UPDATED: old.status[_UPDATED]}}
    due = now if look else old.due
    ctx.store.update(old, spec=spec, due=due, emit=True, _last=last, AlarmConfigurationUpdatedTimestamp=now)


def _made(ctx: Context, type_: str, spec: Doc, tags: dict[str, str], now: float) -> Resource:
    name = spec["AlarmName"]
    status: Doc = {
        "StateReason": "Unchecked: Initial alarm creation",
        "StateUpdatedTimestamp": now,
        "StateTransitionedTimestamp": now,
        _UPDATED: now,
        "_tags": tags,
        "_last": {"what": "create"},
    }
    return Resource(
        kind=KIND,
        name=name,
        account=ctx.account,
        region=ctx.region,
        uid=ids.new(),
        arn=ctx.arn("cloudwatch", f"alarm:{name}"),
        phase=INSUFFICIENT,
        parent=type_,
        spec=spec,
        status=status,
        due=now,
    )


def transition(row: Resource, reason: str, data: str | None, now: float, *, act: bool = True) -> Doc:
    """What the status says when `row` goes to another state for that reason. `act`: its actions are due."""
    return {
        "StateReason": reason,
        "StateReasonData": data,
        "StateUpdatedTimestamp": now,
        "StateTransitionedTimestamp": now,
        "EvaluationState": None,
        "_reason": None,
        **numbered(row, "state", act),
    }


def numbered(row: Resource, what: str, act: bool) -> Doc:
    """What tells this change of state from all others of the alarm: its actions are known by that number."""
    return {
        "_number": int(row.status.get("_number", 0)) + 1,
        "_last": {"what": what, "previous": state_of(row), "act": act},
    }


def state_of(row: Resource) -> Doc:
    """As events tell it, with the time in epoch seconds."""
    return state_in(row.phase, row.status)


def state_in(value: str, status: Doc) -> Doc:
    """The same, of a phase and a status."""
    found: Doc = {"value": value, "reason": status["StateReason"]}
    for member, name in (
        ("StateReasonData", "reasonData"),
        ("EvaluationState", "evaluationState"),
        ("ActionsSuppressedBy", "actionsSuppressedBy"),
        ("ActionsSuppressedReason", "actionsSuppressedReason"),
    ):
        if member in status:
            found[name] = status[member]
    return {**found, "timestamp": status["StateUpdatedTimestamp"]}


def described(row: Resource) -> Doc:
    """As DescribeAlarms shows it."""
    shown: Doc = {"OKActions": [], "AlarmActions": [], "InsufficientDataActions": []}
    if row.parent == METRIC:
        shown["Dimensions"] = []
    return {**shown, **row.public(), "AlarmArn": row.arn, "StateValue": row.phase}


def name_in(text: str) -> str:
    """The name of an alarm that is called by its name or its ARN."""
    parts = text.split(":", 6)
    return parts[6] if len(parts) == 7 and parts[0] == "arn" and parts[2] == "cloudwatch" else text


def stamp(at: float) -> str:
    """Epoch seconds as alarms write them: 2026-01-31T08:05:00.123+0000."""
    millis = int(at * 1000 + 0.5)
    return f"{datetime.fromtimestamp(millis // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{millis % 1000:03d}+0000"


def checked_tags(tags: list[Any]) -> dict[str, str]:
    """By key. Raises ValidationError."""
    found: dict[str, str] = {}
    for one in tags:
        if one["Key"] in found:
            raise ValidationError(f"The tag key {one['Key']!r} is given twice.")
        if one["Key"].lower().startswith("aws:"):
            raise ValidationError(f"Tag keys that start with 'aws:' are reserved: {one['Key']!r}.")
        found[one["Key"]] = one["Value"]
    if len(found) > MOST_TAGS:
        raise ValidationError(f"An alarm has at most {MOST_TAGS} tags; this request would make {len(found)}.")
    return found
