"""What follows from a change of an alarm: its history, and its actions.

At least once: the bus's cursor passes a line when all of that is done or durably queued. Killed before, it is done
again, as the same items of the history and the same deliveries under the same ids. A change of state is one line of the
outbox, written in the transaction of the change, so none is lost and none is made up.
"""

from typing import Final

from clary.aws.delivery import Deliverer
from clary.kernel.events import Event
from clary.kernel.store import Store
from clary.services.cloudwatch import actions, history
from clary.services.cloudwatch.alarm_messages import change_in

SUBSCRIBER: Final = "alarms"


class AlarmFollower:
    """The subscriber of the bus that remembers and acts."""

    def __init__(self, store: Store, deliverer: Deliverer) -> None:
        self._store = store
        self._deliverer = deliverer

    async def __call__(self, event: Event) -> None:
        history.heard(self._store, event)
        change = change_in(event)
        if change is None or not change.act:
            return
        for number, (arn, one) in enumerate(actions.deliveries(change), 1):
            outcome = await self._deliverer.deliver(one)
            history.acted(self._store, event, number, arn, change, outcome)
