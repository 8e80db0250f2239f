"""A published message reaches every subscription that wants it.

The fan-out hears the outbox. Killed anywhere, it hears the same line again and delivers to all of them again, under the
same message id; what had been queued by then is queued once.
"""

from collections import Counter
from typing import Final

from clary.aws.delivery import Deliverer
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.metrics import MetricSink, Sample
from clary.kernel.resource import Resource
from clary.kernel.store import Event, Store, Where
from clary.services.sns import contents, counting, filters
from clary.services.sns.api import CONFIRMED, SUBSCRIPTION, TOPIC
from clary.services.sns.deliveries import delivery
from clary.services.sns.notices import Note, Notices

SUBSCRIBER: Final = "sns"
_PAGE: Final = 100
_FILTERED: Final = "NumberOfNotificationsFilteredOut"


class Fanout:
    """The subscriber of the bus; idempotent on the message."""

    def __init__(
        self, store: Store, clock: Clock, deliverer: Deliverer, notices: Notices, metrics: MetricSink | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._deliverer = deliverer
        self._notices = notices
        self._metrics = metrics

    async def __call__(self, event: Event) -> None:
        said = event.resource["spec"]
        try:
            topic = self._store.find(TOPIC, said["Topic"])
        except Missing:
            return  # deleted since: so are its subscriptions
        passed_over: Counter[str] = Counter()
        where = Where(account=event.account, region=event.region, parent=topic.uid, phase=CONFIRMED)
        after: list[str] | None = None
        while found := self._store.page(SUBSCRIPTION, where, after=after, limit=_PAGE):
            for one in found:
                await self._deliver(event, topic, one, passed_over)
            after = [found[-1].name, found[-1].name]
        self._count(topic, passed_over)

    async def _deliver(self, event: Event, topic: Resource, one: Resource, passed_over: Counter[str]) -> None:
        said = event.resource["spec"]
        attributes = contents.unpacked(said["MessageAttributes"])
        message = contents.message_for(one.spec["Protocol"], said["Message"], said["MessageStructure"])
        policy, scope = one.spec["Attributes"].get("FilterPolicy"), _scope(one)
        if policy is not None and not filters.matches(policy, scope, message, attributes):
            passed_over.update([_FILTERED, filters.why_not(scope, message, attributes)])
            return
        note = Note(event.uid, topic.arn, message, said["Subject"], attributes, said["At"])
        made = await delivery(self._notices, topic, one, note, said["MessageGroupId"], said["Led"])
        await self._deliverer.deliver(made)

    def _count(self, topic: Resource, counts: Counter[str]) -> None:
        if self._metrics is None or not counts:
            return
        now = self._clock.now()
        self._metrics.add(
            [
                Sample(
                    counting.metric(topic.account, topic.region, topic.name, name), now, (float(many),), unit="Count"
                )
                for name, many in counts.items()
            ]
        )


def _scope(one: Resource) -> str:
    found: str = one.spec["Attributes"].get("FilterPolicyScope", "MessageAttributes")
    return found
