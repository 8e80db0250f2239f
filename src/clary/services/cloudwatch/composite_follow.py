"""Composite alarms as they become true: hastened when an alarm that they look at changes, through the bus.

While a suppressor is in ALARM, the actions of a composite alarm wait. A change to ALARM waits for the suppressor first
(WaitPeriod), and for a while after it has left ALARM (ExtensionPeriod). When that is over, the actions of the state
that the alarm is in then are done, unless it is the state whose actions were done last.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import orjson

from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.events import Event
from clary.kernel.reconcile import Step, again, move
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.cloudwatch import composite
from clary.services.cloudwatch.alarm_rows import ALARM, INSUFFICIENT, KIND, OK, name_in, numbered, stamp, transition
from clary.services.cloudwatch.composite_rules import holds, parse

SUBSCRIBER: Final = "composite-alarms"
LOOK_SECONDS: Final = 3600.0
WAITING, EXTENDED, SUPPRESSED = "WaitPeriod", "ExtensionPeriod", "Alarm"
_LONGEST_DATA: Final = 4000


class Hold(NamedTuple):
    """Why the actions wait."""

    by: str
    until: float | None
    """Epoch seconds; None: as long as the suppressor is in ALARM."""


class CompositeAlarms:
    """Desired: the state is the one that the rule makes of the other alarms' states, and its actions are suppressed as
    asked. Every look may be repeated: it writes nothing but the row."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def __call__(self, row: Resource) -> Step:
        now, rule = self._clock.now(), parse(row.spec["AlarmRule"])
        children = alarms_named(self._store, row, rule.children)
        state = ALARM if holds(rule.node, {one.name: one.phase for one in children}) else OK
        hold, act = held(self._store, row, state, now)
        after = LOOK_SECONDS if hold is None or hold.until is None else min(max(hold.until - now, 0.0), LOOK_SECONDS)
        kept = suppression(row, hold)
        if state != row.phase:
            reason, data = _reason(row, state, children)
            # One write: the state, why, and whether its actions are due.
            return move(state, after=after, **{**transition(row, reason, data, now, act=act), **kept})
        if row.status.get("ActionsSuppressedBy") != (None if hold is None else hold.by):
            changes = {**numbered(row, "suppression", act), "StateUpdatedTimestamp": now, **kept}
            return again(after, emit=True, **changes)
        return again(after)

    def give_up(self, row: Resource, error: Exception) -> Step:
        """Never: it is looked at again."""
        return again(60.0)


class CompositeWaker:
    """The subscriber of the bus that makes composite alarms look when what they look at has changed. Its memory only
    saves work: it is filled from the store, and let go when a composite alarm changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, str], dict[str, list[str]]] = {}
        """Uids of composite alarms by the names of those that they look at, by account and region."""

    async def __call__(self, event: Event) -> None:
        place = (event.account, event.region)
        if "AlarmRule" in event.resource["spec"] and event.type in ("created", "changed", "deleted"):
            self._known.pop(place, None)
        if event.type == "created":
            return  # nobody could look at it before
        for uid in self._followers(place).get(event.name, ()):
            self._store.hasten(uid)

    def _followers(self, place: tuple[str, str]) -> Mapping[str, Sequence[str]]:
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = {}
            for one in composite.composites(self._store, *place):
                for name in composite.depends_on(one.spec):
                    known.setdefault(name, []).append(one.uid)
        return known


def alarms_named(store: Store, row: Resource, names: Sequence[str]) -> list[Resource]:
    """Those of them that are there."""
    found = []
    for name in names:
        try:
            found.append(store.get(row.account, row.region, KIND, name))
        except Missing:
            continue
    return found


def held(store: Store, row: Resource, state: str, now: float) -> tuple[Hold | None, bool]:
    """(why the actions wait when the alarm is in `state` now; whether they are due now)."""
    before = row.status.get("ActionsSuppressedBy")
    changed = state != row.phase
    if before is None and not changed:
        return None, False
    acted = row.phase if before is None else row.status.get("_acted")
    hold = None if state == acted else _hold(store, row, state, now, before)
    return hold, hold is None and state != acted


def _hold(store: Store, row: Resource, state: str, now: float, before: str | None) -> Hold | None:
    if "ActionsSuppressor" not in row.spec:
        return None
    suppressors = alarms_named(store, row, [name_in(row.spec["ActionsSuppressor"])])
    if any(one.phase == ALARM for one in suppressors):
        return Hold(SUPPRESSED, None)
    if before == SUPPRESSED:
        until = now + row.spec["ActionsSuppressorExtensionPeriod"]
        return Hold(EXTENDED, until) if until > now else None
    if before is not None:
        until = row.status.get("_until") or now
        return Hold(before, until) if until > now else None
    until = now + row.spec["ActionsSuppressorWaitPeriod"]
    return Hold(WAITING, until) if until > now and state == ALARM else None


def suppression(row: Resource, hold: Hold | None) -> Doc:
    """What the status says of it."""
    if hold is None:
        return dict.fromkeys(("ActionsSuppressedBy", "ActionsSuppressedReason", "_until", "_acted"))
    return {
        "ActionsSuppressedBy": hold.by,
        "ActionsSuppressedReason": f"Actions suppressed by {hold.by}",
        "_until": hold.until,
        "_acted": row.status.get("_acted") or row.phase,
    }


def _reason(row: Resource, state: str, children: Sequence[Resource]) -> tuple[str, str]:
    what = row.status.get("_last", {}).get("what")
    if what in ("create", "update") or row.phase == INSUFFICIENT or not children:
        done = "updated" if what == "update" else "created"
        return f"{row.arn} was {done} and its alarm rule evaluates to {state}", _data(children)
    newest = max(children, key=lambda one: float(one.status["StateTransitionedTimestamp"]))
    at = datetime.fromtimestamp(newest.status["StateTransitionedTimestamp"], UTC)
    reason = f"{newest.arn} transitioned to {newest.phase} at {at:%A %d %B, %Y %H:%M:%S} UTC"
    return reason[:1023], _data([newest])


def _data(children: Sequence[Resource]) -> str:
    told = [
        {
            "arn": one.arn,
            "state": {"value": one.phase, "timestamp": stamp(one.status["StateTransitionedTimestamp"])},
        }
        for one in children
    ]
    while len(text := orjson.dumps({"triggeringAlarms": told}).decode()) > _LONGEST_DATA:
        told.pop()
    return text
