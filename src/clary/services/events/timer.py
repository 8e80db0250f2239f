"""Rules with a schedule: each is a row that is due at its next moment, by the store's clock, in UTC.

A moment that passed while nobody looked (a stop, a suspended machine, a clock that was put forward) fires once, with
the time that was missed first; then the schedule goes on from now. A clock that was put back is noticed at the next
look: the schedule is counted anew from the time that it is.
"""

from typing import Final
from uuid import NAMESPACE_URL, uuid5

from clary.aws.heralds import seconds
from clary.kernel.clock import Clock
from clary.kernel.reconcile import Step, again, rest
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Store, Telling
from clary.services.events.api import EVENT
from clary.services.events.rules import scheduled

MACHINE: Final = StateMachine("State", "ENABLED", {"ENABLED": {"DISABLED"}, "DISABLED": {"ENABLED"}})
LOOK_SECONDS: Final = 3600.0
"""A rule that is due later than this is looked at in between: the clock may have been put back."""


class RuleTimer:
    """Desired: every moment of a rule's schedule is told once. A crash between the telling and the row's update tells
    it again, under the same id."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def __call__(self, rule: Resource) -> Step:
        expression = rule.spec.get("ScheduleExpression")
        due: float | None = rule.status.get("_next")
        if expression is None or due is None or rule.phase != "ENABLED":
            return rest(_next=None)
        now, after = self._clock.now(), scheduled(expression)
        if now < due:
            counted = after(now)
            # Put back by more than the schedule's own step: the moment that was waited for is too far away.
            following = due if counted is None else min(due, counted)
            return again(min(following - now, LOOK_SECONDS), _next=following)
        self._store.tell([self._moment(rule, due)])
        # A rate goes on from the moment that it was due, so that it does not creep, unless that is past already.
        following_due = after(due) if (after(due) or now) > now else after(now)
        if following_due is None:
            return rest(_next=None)
        return again(min(following_due - now, LOOK_SECONDS), _next=following_due)

    def give_up(self, rule: Resource, error: Exception) -> Step:
        """Never: the schedule goes on."""
        return again(60.0)

    def _moment(self, rule: Resource, at: float) -> Telling:
        name = str(uuid5(NAMESPACE_URL, f"clary:{rule.uid}:{at}"))
        event: Doc = {
            "version": "0",
            "id": name,
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": rule.account,
            "time": seconds(at),
            "region": rule.region,
            "resources": [rule.arn],
            "detail": {},
        }
        spec = {"event": event, "hops": 0, "rule": rule.spec["Name"]}
        return Telling(EVENT, rule.spec["EventBusName"], name, rule.account, rule.region, spec)
