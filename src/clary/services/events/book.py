"""The rules of every bus, compiled: read once, and read again when the outbox tells that one was written."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clary.aws.delivery import Acting, Counted, Retry
from clary.aws.event_patterns import EventPattern, Path, compile_pattern, values_at
from clary.aws.targets import TargetKind, kind_of
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.kernel.telemetry import LogStreamName
from clary.services.events.api import ARCHIVE, DEFAULT, PRINCIPAL, RULE
from clary.services.events.archives import place_of
from clary.services.events.inputs import Input, compile_input

NAMESPACE: Final = "AWS/Events"
_MOST: Final = 100_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BoundTarget:
    """A target, and all that does not change from event to event."""

    target: Doc
    kind: TargetKind
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


class BoundBus:
    """The rules of one bus. Each stands under one text that its pattern needs somewhere in an event, the one that it
    shares with the fewest others: of many rules an event meets few."""

    def __init__(self, rules: Sequence[BoundRule], archives: Sequence[BoundArchive]) -> None:
        self.named = {rule.name: rule for rule in rules}
        self.archives = tuple(archives)
        self._others: list[BoundRule] = []
        self._under: dict[Path, dict[str, list[BoundRule]]] = {}
        matching = [rule for rule in rules if rule.pattern is not None]
        shared = Counter((path, text) for rule in matching for path, texts in _needs(rule).items() for text in texts)
        for rule in matching:
            needs = _needs(rule)
            if not needs:
                self._others.append(rule)
                continue
            path = min(needs, key=lambda one: max(shared[one, text] for text in needs[one]))
            for text in needs[path]:
                self._under.setdefault(path, {}).setdefault(text, []).append(rule)

    def matching(self, event: Doc) -> list[BoundRule]:
        """Each once."""
        found = {rule.arn: rule for rule in self._others if _matches(rule, event)}
        for path, under in self._under.items():
            for value in values_at(event, path):
                for rule in under.get(value, ()) if value.__class__ is str else ():
                    if rule.arn not in found and _matches(rule, event):
                        found[rule.arn] = rule
        return list(found.values())


def _needs(rule: BoundRule) -> Mapping[Path, frozenset[str]]:
    return {} if rule.pattern is None else rule.pattern.needs


def _matches(rule: BoundRule, event: Doc) -> bool:
    return rule.pattern is not None and rule.pattern.matches(event)


class RuleBook:
    """Enabled rules by (region, bus). `forget` drops what an outbox line made old: the lines of events stand behind
    those of the rules that were written before them, so no event misses a rule that was there when it was put."""

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account
        self._buses: dict[tuple[str, str], BoundBus] = {}
        self._empty: bool | None = None

    def forget(self, region: str, bus: str) -> None:
        self._buses.pop((region, bus), None)
        self._empty = None

    def forget_all(self) -> None:
        self._buses.clear()
        self._empty = None

    def empty(self) -> bool:
        """There is no rule and no archive at all, so nobody hears anything."""
        if self._empty is None:
            where = Where(self._account)
            self._empty = not any(self._store.page(kind, where, limit=1) for kind in (RULE, ARCHIVE))
        return self._empty

    def of(self, region: str, bus: str) -> BoundBus:
        found = self._buses.get((region, bus))
        if found is None:
            found = self._buses[region, bus] = self._read(region, bus)
        return found

    def _read(self, region: str, bus: str) -> BoundBus:
        where = Where(self._account, region, parent=bus, phase="ENABLED")
        rules: list[BoundRule] = []
        for row in self._store.page(RULE, where, limit=_MOST):
            try:
                rules.append(_bound(row))
            except Exception:
                # Written by another version, perhaps. The other rules must not wait for somebody to mend it.
                log.exception("a rule cannot be read and matches nothing", extra={"rule": row.arn})
        archives = []
        for row in self._store.page(ARCHIVE, Where(self._account, region, parent=bus), limit=_MOST):
            text = row.spec.get("EventPattern")
            archives.append(BoundArchive(place_of(row), compile_pattern(text) if text else None))
        return BoundBus(rules, archives)


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
