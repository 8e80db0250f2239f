"""From the outbox to the targets: what was put, and what services tell, is matched and brought where rules say.

At least once: the bus's cursor passes a batch of lines when all their deliveries are made or durably queued. Killed
before that, the same lines are heard again and make the same deliveries, under the same ids.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from clary.aws import times
from clary.aws.delivery import Deliverer, Delivery
from clary.aws.heralds import Heralds
from clary.aws.targets import Sent, queue_url
from clary.kernel.clock import Clock
from clary.kernel.metrics import MetricName, MetricSink, Sample, of_mapping
from clary.kernel.resource import Doc
from clary.kernel.store import Event, Store
from clary.kernel.telemetry import LogSink, LogStreamName
from clary.services.events import archives, parameters
from clary.services.events.api import ARCHIVE, DEFAULT, EVENT, RULE
from clary.services.events.batches import together
from clary.services.events.book import NAMESPACE, BoundRule, BoundTarget, RuleBook
from clary.services.events.inputs import Matched

SUBSCRIBER: Final = "events"

log = logging.getLogger(__name__)

_Counts = Counter[tuple[str, str, tuple[tuple[str, str], ...]]]
"""By (region, metric, dimensions)."""
_Kept = dict[LogStreamName, list[tuple[int, str, int]]]
"""For each archive: (the event's time in milliseconds, its text, its line of the outbox)."""


class Flow:
    """The subscriber of the bus that makes events reach targets."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        account: str,
        heralds: Heralds,
        deliverer: Deliverer,
        metrics: MetricSink | None = None,
        archive: LogSink | None = None,
    ) -> None:
        self._clock = clock
        self._account = account
        self._heralds = heralds
        self._deliverer = deliverer
        self._metrics = metrics
        self._archive = archive
        self._book = RuleBook(store, account)

    async def __call__(self, events: Sequence[Event]) -> bool:
        """All that follows from these lines is delivered or queued; False: nothing followed. Raises what the store
        raises: then they are heard again."""
        wanted: dict[tuple[str, str], list[Delivery]] = defaultdict(list)
        kept: _Kept = defaultdict(list)
        counts: _Counts = Counter()
        for line in events:
            for place, one in self._deliveries(line, counts, kept):
                wanted[place].append(one)
        if kept and self._archive is not None:
            await asyncio.to_thread(_keep, self._archive, kept, events[-1].seq)
        # Targets do not wait for each other; what goes to one target goes in order.
        if len(wanted) == 1:
            [ones] = wanted.values()
            await self._deliver(ones)
        elif wanted:
            done = await asyncio.gather(*map(self._deliver, wanted.values()), return_exceptions=True)
            for result in done:
                if isinstance(result, BaseException):
                    raise result
        self._count(counts)
        # A rule's own line is passed for good: what was before it must not be heard again by a rule that came later.
        return bool(counts or wanted or kept) or any(line.kind in (RULE, ARCHIVE) for line in events)

    async def _deliver(self, ones: Sequence[Delivery]) -> None:
        if len(ones) > 1 and ones[0].service == "sqs" and not any(one.led for one in ones):
            for batch, whole in together(ones):
                await self._deliverer.deliver_together(batch, whole)
            return
        for one in ones:
            await self._deliverer.deliver(one)

    def _deliveries(self, line: Event, counts: _Counts, kept: _Kept) -> Iterator[tuple[tuple[str, str], Delivery]]:
        """By (rule, target); what goes to archives is added to `kept`."""
        if line.kind == RULE:
            self._book.forget(line.region, line.name.rpartition("/")[0])
            return
        if line.kind == ARCHIVE:
            self._book.forget_all()  # its bus does not stand in its name
            return
        for region, bus, event, spec in self._told(line):
            if "rule" not in spec and "replay" not in spec:
                for archive in self._book.of(region, bus).archives:
                    if archive.wants(event):
                        kept[archive.place].append((_milliseconds(event), orjson.dumps(event).decode(), line.seq))
            for rule in self._rules(region, bus, event, spec, counts):
                counts[region, "TriggeredRules", of_mapping(rule.dimensions)] += 1
                for target in rule.targets:
                    one = self._delivery(line, rule, target, event, spec)
                    if one is not None:
                        yield (rule.arn, target.target["Id"]), one

    def _told(self, line: Event) -> Iterator[tuple[str, str, Doc, Doc]]:
        """(region, bus, event, what else is known) of a line."""
        if line.kind == EVENT:
            spec = line.resource["spec"]
            yield line.region, line.name, spec["event"], spec
            return
        if self._book.empty():
            return
        try:
            told = self._heralds.told(line)
        except Exception:
            # A line that its service cannot read would be no more readable later: the others must not wait for it.
            log.exception("what happened to a resource could not be told", extra={"kind": line.kind, "seq": line.seq})
            return
        for event in told:
            yield event["region"], DEFAULT, event, {}  # lines of buckets are of no region, their events are

    def _rules(self, region: str, bus: str, event: Doc, spec: Doc, counts: _Counts) -> list[BoundRule]:
        found = self._book.of(region, bus)
        if "rule" in spec:  # a moment of its schedule concerns that rule alone
            rule = found.named.get(spec["rule"])
            return [] if rule is None else [rule]
        rules = found.matching(event)
        if "rules" in spec:  # a replay to some rules
            rules = [rule for rule in rules if rule.arn in spec["rules"]]
        if rules:
            counts[region, "MatchedEvents", _of_bus(bus)] += 1
        return rules

    def _delivery(self, line: Event, rule: BoundRule, bound: BoundTarget, event: Doc, spec: Doc) -> Delivery | None:
        target, kind = bound.target, bound.kind
        name = f"{event['id']}/{rule.arn}/{target['Id']}"
        if "replay" in spec:  # another delivery of the same event
            name = f"{name}/{spec['replay']}"
        try:
            payload = bound.make(Matched(event, rule.arn, rule.name, line.at))
            asked = parameters.of_event(target, event)
            sent = Sent(target["Arn"], asked, payload, lambda: _entry(event), name, rule.name, line.at)
            params = kind.params(sent)
        except Exception:
            # As above: an event that cannot be written for this target never will be.
            log.exception("a target's input could not be made", extra={"delivery": name})
            return None
        first = None if kind.first is None else kind.first(sent)._asdict()
        dead = _dead_letter(rule, bound, event) if bound.dead else None
        return Delivery(
            name,
            bound.region,
            bound.acting,
            kind.service,
            kind.operation,
            params,
            retry=bound.retry,
            dead=dead,
            counted=bound.counted,
            first=first,
            led=int(spec.get("hops", 0)),
        )

    def _count(self, counts: _Counts) -> None:
        if self._metrics is None or not counts:
            return
        now = self._clock.now()
        self._metrics.add(
            [
                Sample(MetricName(self._account, region, NAMESPACE, name, dimensions), now, (float(n),), unit="Count")
                for (region, name, dimensions), n in counts.items()
            ]
        )


def _keep(logs: LogSink, kept: _Kept, seq: int) -> None:
    """What is heard again after a crash is perhaps cut into other batches: only what is behind the archive's position
    is new."""
    for place, events in kept.items():
        passed = logs.position(place, archives.PRODUCER)
        new = [(at, text) for at, text, line in events if line > passed]
        if new:
            archives.keep(logs, place, new, seq)


def _milliseconds(event: Doc) -> int:
    return max(0, int(times.parse(event["time"]) * 1000))


def _of_bus(bus: str) -> tuple[tuple[str, str], ...]:
    return () if bus == DEFAULT else (("EventBusName", bus),)


def _entry(event: Doc) -> Doc:
    """The event as another bus gets it."""
    return {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": orjson.dumps(event["detail"]).decode(),
        "Resources": event["resources"],
        "Time": event["time"],
    }


def _dead_letter(rule: BoundRule, bound: BoundTarget, event: Doc) -> Doc:
    said: dict[str, Any] = {
        "RULE_ARN": rule.arn,
        "TARGET_ARN": bound.target["Arn"],
        "ERROR_CODE": "{error_code}",
        "ERROR_MESSAGE": "{error_message}",
        "RETRY_ATTEMPTS": "{retries}",
        "EXHAUSTED_RETRY_CONDITION": "{exhausted}",
    }
    return {
        "service": "sqs",
        "region": bound.dead.split(":")[3],
        "operation": "SendMessage",
        "params": {
            "QueueUrl": queue_url(bound.dead),
            "MessageBody": orjson.dumps(event).decode(),
            "MessageAttributes": {name: {"DataType": "String", "StringValue": text} for name, text in said.items()},
        },
    }
