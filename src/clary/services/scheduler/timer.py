"""Schedules fire: each is a row that is due at its next moment, by the store's clock.

A moment that passed while nobody looked fires once, with the time that was missed first; then the schedule goes on from
now. Changing the clock does what `kernel.moments.looked` says.
"""

import logging
from typing import Final

from clary.aws.delivery import Deliverer
from clary.kernel.clock import Clock
from clary.kernel.moments import LOOK_SECONDS, looked
from clary.kernel.reconcile import Step, again, gone, rest
from clary.kernel.resource import Resource, StateMachine
from clary.services.scheduler import when
from clary.services.scheduler.sending import delivery

MACHINE: Final = StateMachine("State", "ENABLED", {"ENABLED": {"DISABLED"}, "DISABLED": {"ENABLED"}})

log = logging.getLogger(__name__)


class ScheduleTimer:
    """Desired: what is to be sent for every moment is at its target, or durably on its way. A crash between that and
    the row's update sends it again, under the same id."""

    def __init__(self, clock: Clock, deliverer: Deliverer) -> None:
        self._clock = clock
        self._deliverer = deliverer

    async def __call__(self, row: Resource) -> Step:
        due: float | None = row.status.get("_next")
        if row.phase != "ENABLED" or due is None:
            return rest(_next=None)
        now = self._clock.now()
        fires, following = looked(due, now, when.following(row.spec, row.status["_made"]), self._late(row, due))
        if fires:
            await self._send(row, due)
        if following is None:
            return gone() if row.spec.get("ActionAfterCompletion") == "DELETE" else rest(_next=None)
        wait = max(0.0, following + self._late(row, following) - now)
        return again(min(wait, LOOK_SECONDS), _next=following)

    async def _send(self, row: Resource, moment: float) -> None:
        try:
            one = delivery(row, moment)
        except Exception:
            # What cannot be written for its target now never could: the moments after it must not wait for it.
            log.exception("what a schedule sends could not be made", extra={"schedule": row.arn})
            return
        await self._deliverer.deliver(one)

    def give_up(self, row: Resource, error: Exception) -> Step:
        """Never: the schedule goes on."""
        return again(60.0)

    def _late(self, row: Resource, moment: float) -> float:
        return when.late(row.spec, row.uid, moment)
