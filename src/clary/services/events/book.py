"""The rules of every bus, compiled: read once, and read again when the outbox tells that one was written."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from clary.aws.delivery import Acting, Counted, Retry
from clary.aws.event_patterns import EventPattern, compile_pattern
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.kernel.telemetry import LogStreamName
from clary.services.events.api import ARCHIVE, DEFAULT, PRINCIPAL, RULE
from clary.services.events.archives import place_of
from clary.services.events.inputs import Input, compile_input
from clary.services.events.kinds import Kind, kind_of

NAMESPACE: Final = "AWS/Events"
_MOST: Final = 100_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BoundTarget:
    """A target, and all that does not change from event to event."""

    target: Doc
    kind: Kind
    region: str
    make: Input
    acting: Acting
    retry: Retry
    counted: Counted
    dead: str
    """The ARN of the queue of dead letters; ""."""


@dataclass(frozen=True, slots=True)
class BoundRule:
    arn: str
    name: str
    dimensions: dict[str, str]
    pattern: EventPattern | None
    targets: tuple[BoundTarget, ...]


@dataclass(frozen=True, slots=True)
class BoundArchive:
    place: LogStreamName
    pattern: EventPattern | None

    def wants(self, event: Doc) -> bool:
        return self.pattern is None or self.pattern.matches(event)


@dataclass(frozen=True, slots=True)
class BoundBus:
    """The rules of one bus, those that name the source of their events by that source."""

    of_source: dict[str, list[BoundRule]] = field(default_factory=lambda: defaultdict(list))
    others: list[BoundRule] = field(default_factory=list)
    named: dict[str, BoundRule] = field(default_factory=dict)
    archives: list[BoundArchive] = field(default_factory=list)

    def matching(self, event: Doc) -> Iterator[BoundRule]:
        for rules in (self.of_source.get(event["source"], ()), self.others):
            for rule in rules:
                if rule.pattern is not None and rule.pattern.matches(event):
                    yield rule


class RuleBook:
    """Enabled rules by (region, bus). `forget` drops what an outbox line made old: the lines of events stand behind
    those of the rules that were written before them, so no event misses a rule that was there when it was put."""

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account
        self._buses: dict[tuple[str, str], BoundBus] = {}

    def forget(self, region: str, bus: str) -> None:
        self._buses.pop((region, bus), None)

    def forget_all(self) -> None:
        self._buses.clear()

    def of(self, region: str, bus: str) -> BoundBus:
        found = self._buses.get((region, bus))
        if found is None:
            found = self._buses[region, bus] = self._read(region, bus)
        return found

    def _read(self, region: str, bus: str) -> BoundBus:
        where = Where(self._account, region, parent=bus, phase="ENABLED")
        bound = BoundBus()
        for row in self._store.page(RULE, where, limit=_MOST):
            try:
                rule = _bound(row)
            except Exception:
                # Written by another version, perhaps. The other rules must not wait for somebody to mend it.
                log.exception("a rule cannot be read and matches nothing", extra={"rule": row.arn})
                continue
            bound.named[rule.name] = rule
            if rule.pattern is None:
                continue
            sources = rule.pattern.needs.get("source")
            for source in sources or ():
                bound.of_source[source].append(rule)
            if sources is None:
                bound.others.append(rule)
        for row in self._store.page(ARCHIVE, Where(self._account, region, parent=bus), limit=_MOST):
            text = row.spec.get("EventPattern")
            bound.archives.append(BoundArchive(place_of(row), compile_pattern(text) if text else None))
        return bound


def _bound(row: Resource) -> BoundRule:
    """What was checked when it was put compiles."""
    text = row.spec.get("EventPattern")
    name, bus = row.spec["Name"], row.spec["EventBusName"]
    dimensions = {"RuleName": name} if bus == DEFAULT else {"EventBusName": bus, "RuleName": name}
    targets: Sequence[Doc] = row.status["_targets"]
    return BoundRule(
        row.arn,
        name,
        dimensions,
        compile_pattern(text) if text else None,
        tuple(_target(row, one, dimensions) for one in targets),
    )


def _target(row: Resource, target: Doc, dimensions: dict[str, str]) -> BoundTarget:
    policy = target.get("RetryPolicy", {})
    return BoundTarget(
        target,
        kind_of(target["Arn"]),
        target["Arn"].split(":")[3] or row.region,
        compile_input(target),
        Acting(PRINCIPAL, row.arn, target.get("RoleArn", ""), "EventBridge"),
        Retry(policy.get("MaximumRetryAttempts", 185), float(policy.get("MaximumEventAgeInSeconds", 86_400))),
        Counted(
            NAMESPACE,
            dimensions,
            ended="Invocations",
            failed="FailedInvocations",
            dead="InvocationsSentToDlq",
            undead="InvocationsFailedToBeSentToDlq",
        ),
        target.get("DeadLetterConfig", {}).get("Arn", ""),
    )
