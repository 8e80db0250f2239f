"""Triggers fire: by schedule, each moment once; and by the ends of what they watch, each end heard once and in order.

What ended is read from the rows of runs and crawls behind a place that the trigger's own row keeps. The row is written
after the actions were taken; a crash in between takes them again, under the same ids, which changes nothing."""

from typing import Final

from clary.aws.credentials import service_principal
from clary.aws.service import Context
from clary.kernel import schedule
from clary.kernel.errors import Missing
from clary.kernel.moments import LOOK_SECONDS, looked
from clary.kernel.page import position
from clary.kernel.reconcile import Step, again, rest
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.glue.api import PRINCIPAL
from clary.services.glue.crawlers.rows import CRAWL, CRAWLER, OUTCOMES
from clary.services.glue.engines import Engines
from clary.services.glue.jobs.rows import JOB, RUN
from clary.services.glue.jobs.rows import MACHINE as RUN_MACHINE
from clary.services.glue.triggers import actions
from clary.services.glue.triggers.rows import conditions, target

WATCH_SECONDS: Final = 5.0
"""How often a trigger looks for what no hint has told it."""
_AT_ONCE: Final = 200

Ended = tuple[float, str, str, str]
"""(when, its id, what has ended ("job/NAME"), how)."""


class TriggerReconciler:
    """Desired: for every moment and every fulfilled predicate since it became active, its actions were taken once."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def __call__(self, trigger: Resource) -> Step:
        if trigger.phase != "ACTIVATED":
            return rest()
        if trigger.spec["Type"] == "SCHEDULED":
            return await self._scheduled(trigger)
        return await self._conditional(trigger)

    def give_up(self, trigger: Resource, error: Exception) -> Step:
        """Never: the trigger goes on."""
        return again(60.0)

    async def _scheduled(self, trigger: Resource) -> Step:
        due: float | None = trigger.status.get("_next")
        if due is None:
            return rest()
        now = self._engines.clock.now()
        fires, following = looked(due, now, schedule.parse(trigger.spec["Schedule"]))
        if fires:
            await actions.fire(self._ctx(trigger), trigger, f"at {due:.0f}")
        if following is None:
            return rest(_next=None)
        return again(min(max(0.0, following - now), LOOK_SECONDS), _next=following)

    async def _conditional(self, trigger: Resource) -> Step:
        passed, met = dict(trigger.status["_passed"]), dict(trigger.status["_met"])
        ended = self._ended(trigger, passed)
        if not ended:
            return again(WATCH_SECONDS)
        _, one, what, how = ended[0]
        met[what] = how
        fires = _holds(trigger, met)
        if fires:
            await actions.fire(self._ctx(trigger), trigger, f"after {one}")
            met = {}
        # One end a look: each is written down before the next one counts.
        return again(0.0, _passed={**passed, what: [ended[0][0], one]}, _met=met)

    def _ended(self, trigger: Resource, passed: Doc) -> list[Ended]:
        """The first end of each that the trigger has not heard of, the earliest first."""
        found: list[Ended] = []
        for what in {target(one): None for one in conditions(trigger)}:
            first = self._first(trigger, what, passed.get(what))
            if first is not None:
                found.append(first)
        return sorted(found)

    def _first(self, trigger: Resource, what: str, place: list[float | str] | None) -> Ended | None:
        """The first end of `what` since the trigger became active, behind that place. A run that is to be tried again
        has not come to its end."""
        store = self._engines.store
        kind, _, name = what.partition("/")
        try:
            parent = store.get(trigger.account, trigger.region, JOB if kind == "job" else CRAWLER, name)
        except Missing:
            return None
        where = Where(account=trigger.account, region=trigger.region, parent=parent.uid)
        after: list[float | str] = [*(place or [trigger.status["_since"], ""]), trigger.account, trigger.region]
        rows = RUN if kind == "job" else CRAWL
        while found := store.page(rows, where, order="modified", after=after, limit=_AT_ONCE):
            for one in found:
                if kind == "job" and RUN_MACHINE.settled(one.phase) and not one.status.get("_retry"):
                    return one.modified, one.name, what, one.phase
                if kind != "job" and one.phase in OUTCOMES:
                    return one.modified, one.name, what, OUTCOMES[one.phase]
            after = position(found[-1], "modified")
        return None

    def _ctx(self, trigger: Resource) -> Context:
        return self._engines.inside(service_principal(trigger.account, PRINCIPAL), trigger.region)


def _holds(trigger: Resource, met: Doc) -> bool:
    """The predicate is true of the latest ends since it was last true."""
    true = [met.get(target(one)) == one.get("State", one.get("CrawlState")) for one in conditions(trigger)]
    return all(true) if trigger.spec["Predicate"].get("Logical", "AND") == "AND" else any(true)
