"""Rules with a schedule: each is a row that is due at its next moment, by the store's clock, in UTC.

A moment that passed while nobody looked (a stop, a suspended machine, a clock that was put forward) fires once, with
the time that was missed first; then the schedule goes on from now. A clock that was put back is noticed at the next
look: the schedule is counted anew from the time that it is.
"""

from typing import Final
from uuid import NAMESPACE_URL, uuid5

from clary.aws.heralds import seconds
from clary.kernel.clock import Clock
from clary.kernel.moments import LOOK_SECONDS, looked
from clary.kernel.reconcile import Step, again, rest
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Store, Telling
from clary.services.events.api import EVENT
from clary.services.events.rules import scheduled

MACHINE: Final = StateMachine("State", "ENABLED", {"ENABLED": {"DISABLED"}, "DISABLED": {"ENABLED"}})


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
        now = self._clock.now()
        fires, following = looked(due, now, scheduled(expression))
        if fires:
            self._store.tell([self._moment(rule, due)])
        if following is None:
            return rest(_next=None)
        return again(min(following - now, LOOK_SECONDS), _next=following)

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
