"""Who wakes a target: an alarm that calls a policy, and an endpoint that has changed. Only hints: what is true, the
target's own look finds out."""

import logging
from typing import Final

from clary.aws.acting import NotAssumable
from clary.aws.attempts import Refused
from clary.aws.delivery import Carrier
from clary.aws.errors import ServiceError
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.events import Event
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.application_autoscaling import policies, targets
from clary.services.application_autoscaling.api import POLICY, TARGET, target_of, wake

SUBSCRIBER: Final = "application-autoscaling"
_MOST_VARIANTS: Final = 1000

log = logging.getLogger(__name__)


def carrier(store: Store, clock: Clock) -> Carrier:
    """Takes the call of an alarm (params PolicyARN) to the target of the policy."""

    async def carry(params: Doc) -> None:
        try:
            policy = store.by_arn(params["PolicyARN"])
            if policy.kind != POLICY:
                raise Missing
            target = target_of(store, policy)
        except Missing:
            raise Refused(f"There is no scaling policy {params['PolicyARN']}.") from None
        wake(store, target, clock.now())

    return carry


class EndpointFollower:
    """Hears what happens to endpoints: one that has come into service can be scaled on, and one that is gone takes its
    targets along."""

    def __init__(self, store: Store, clock: Clock, acting: policies.Acting) -> None:
        self._store = store
        self._clock = clock
        self._acting = acting

    async def __call__(self, event: Event) -> None:
        if event.type not in ("moved", "deleted"):
            return
        for target in self._targets(event):
            if event.type == "moved":
                wake(self._store, target, self._clock.now())
            elif target.created <= event.at:  # else it belongs to an endpoint that was made anew under the name
                await self._forget(target)

    def _targets(self, event: Event) -> list[Resource]:
        start = f"endpoint/{event.name}/variant/"
        where = Where(event.account, event.region, name_prefix=start)
        return self._store.page(TARGET, where, limit=_MOST_VARIANTS)

    async def _forget(self, target: Resource) -> None:
        try:
            await targets.forget(self._acting(target), target)
        except (NotAssumable, ServiceError) as error:
            # Nobody would be helped by a target of nothing: its alarms stay, for whoever keeps them from going.
            log.warning("alarms of a target stay", extra={"target": target.arn, "why": str(error)})
            targets.drop(self._store, target)
