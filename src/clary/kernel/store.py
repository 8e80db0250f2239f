"""The port of the resource store: optimistic concurrency, leases, a transactional outbox."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from clary.kernel.resource import Doc, Resource

Order = Literal["name", "created", "modified", "phase"]


class _Keep:
    """The default of `due` in `update`: leave it as it is."""


KEEP: Final = _Keep()


@dataclass(frozen=True, slots=True)
class Where:
    """Filters of a page; all that are set must hold. Bounds are epoch seconds and exclusive, as AWS documents them."""

    account: str | None = None
    region: str | None = None
    phase: str | None = None
    parent: str | None = None
    name_contains: str | None = None
    """Case-insensitive, as SageMaker's NameContains is."""
    name_prefix: str | None = None
    created_after: float | None = None
    created_before: float | None = None
    modified_after: float | None = None
    modified_before: float | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the outbox, written in the transaction of the change that it tells of."""

    seq: int
    """Rises with commit order; handlers are idempotent on it."""
    type: Literal["created", "moved", "changed", "deleted", "told"]
    kind: str
    name: str
    uid: str
    account: str
    region: str
    old_phase: str
    phase: str
    at: float
    resource: Doc
    """`arn`, `spec` and `status` as they were right after the change."""
    created: float = 0.0
    """When the resource was made (epoch seconds); 0: no resource stands for it."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Something that happened and that no resource stands for, for example an event that a client put on a bus."""

    kind: str
    name: str
    uid: str
    """What makes duplicates of it recognisable."""
    account: str
    region: str
    spec: Doc


class Store(Protocol):
    """Calls are synchronous: one is tens of microseconds. Every write is one transaction, committed on return."""

    def create(self, new: Resource, *, replace: bool = False) -> Resource:
        """Stored at version 1 with `created` and `modified` set, a "created" event beside it.

        Raises Exists when the key is taken (with `replace`, the old row is deleted in the same transaction)."""
        ...

    def get(self, account: str, region: str, kind: str, name: str) -> Resource:
        """Raises Missing."""
        ...

    def find(self, kind: str, uid: str) -> Resource:
        """The resource of that uid. Raises Missing."""
        ...

    def by_arn(self, arn: str) -> Resource:
        """The resource of that ARN. Raises Missing."""
        ...

    def page(
        self,
        kind: str,
        where: Where,
        *,
        order: Order = "name",
        descending: bool = False,
        after: Sequence[Any] | None = None,
        limit: int = 100,
    ) -> list[Resource]:
        """Up to `limit` resources in keyset order: by (sort value, name). `after` is `[sort value, name]` of the last
        resource already seen, or what kernel.page.position makes of it.

        Where `account` or `region` is left open the order goes on by (account, region), and `after` needs all four."""
        ...

    def look(
        self,
        kind: str,
        where: Where,
        *,
        order: Order = "name",
        descending: bool = False,
        after: Sequence[Any] | None = None,
        limit: int = 100,
        most: int = 20_000,
    ) -> tuple[list[Resource], list[Any] | None]:
        """As `page`, but no more than `most` rows are held against filters that no index serves (a part of the name, a
        time other than the order's). With what was found comes where the looking stopped, as the next `after`; None:
        the page is full, or there is no more. So one list of a large store cannot hold up everybody else."""
        ...

    def count(self, kind: str, where: Where) -> int: ...

    def referring(self, account: str, region: str, kind: str, target: str) -> list[Resource]:
        """Resources of that kind whose `_refers` names the target, by name."""
        ...

    def references(self, account: str, region: str, prefix: str) -> dict[str, int]:
        """How many resources refer to each target that begins with `prefix`."""
        ...

    def linked(self, account: str, region: str, kind: str, targets: Sequence[str]) -> list[tuple[str, str]]:
        """(target, uid) of every resource of that kind whose `_refers` names one of the targets, in no order. No row is
        read: a step of a walk over many costs a microsecond or two for each of them."""
        ...

    def several(self, arns: Sequence[str]) -> list[Resource]:
        """The resources of those ARNs, in no order; those that are not there are left out."""
        ...

    def glances(self, arns: Sequence[str]) -> list[tuple[str, str, float, float]]:
        """As `several`, but (arn, phase, created, modified) of each: a third of the price, where that is enough."""
        ...

    def update(
        self,
        old: Resource,
        *,
        phase: str | None = None,
        due: float | _Keep | None = KEEP,
        spec: Doc | None = None,
        emit: bool = False,
        lease: float | None = None,
        hastens: str | None = None,
        **status: Any,
    ) -> Resource:
        """Write on top of `old` and give up its lease; with `lease`, go on holding it for so many seconds. Raises Stale
        when `old.version` is no longer the stored one, or the row is gone.

        `hastens`: as `hasten` of that uid, in the same transaction: no crash comes between the two. `status` members
        are merged, a None removes the member; `spec` replaces. A change of phase writes a "moved" event; `emit` writes
        a "changed" event where the phase stays. `modified` moves only when the phase, the spec or a public status
        member changes."""
        ...

    def rename(self, old: Resource, name: str, arn: str, **status: Any) -> Resource:
        """`old`, with all that is in it, stands under another name; in one transaction, with a "changed" event. What
        `status` says is merged as by `update`. Raises Stale, and Exists when the name is taken."""
        ...

    def delete(self, old: Resource) -> None:
        """Gone, with a "deleted" event. Raises Stale when `old.version` is no longer the stored one."""
        ...

    def claim(self, limit: int, lease: float) -> list[Resource]:
        """Up to `limit` resources that are due and not leased, oldest due first, now leased for `lease` seconds. A dead
        owner's come back when its lease lapses."""
        ...

    def extend(self, held: Resource, lease: float) -> bool:
        """Lengthen the lease of a claimed resource whose version still stands; False: it changed hands, stop."""
        ...

    def retry(self, held: Resource, due: float) -> int:
        """After a step that raised: give up the lease, due again at `due`, one more attempt counted. Returns the number
        of attempts since the last successful update. Does nothing (returns 0) when the row has moved on."""
        ...

    def hasten(self, uid: str) -> None:
        """A hint: if the resource of that uid waits for a later time, it is due now. No version is spent.

        When a worker holds it and its step asks for a later look, that look follows at once: what the hint tells of may
        have happened after the worker looked."""
        ...

    def put_back(self, seconds: float) -> int:
        """The clock was put back by `seconds`: whatever waits for a time is due now, to count anew, and leases last as
        long as they would have. No version is spent. Returns how many rows that concerned."""
        ...

    def next_due(self) -> float | None:
        """When the next claim could find something: the smallest max(due, lease end); None: nothing is due, ever."""
        ...

    def events(self, after: int, limit: int) -> list[Event]:
        """Outbox lines with seq > `after`, in order."""
        ...

    def tell(self, tellings: Sequence[Telling]) -> None:
        """Outbox lines of the type "told", in order, in one transaction: heard by the bus like any other, and forgotten
        when everybody has heard them. `resource` of the line is {"arn": "", "spec": spec, "status": {}}."""
        ...

    def cursor(self, subscriber: str) -> int:
        """The seq that `subscriber` has handled; 0 at first."""
        ...

    def advance(self, subscriber: str, seq: int) -> None:
        """`subscriber` has handled everything up to `seq`. Never goes back."""
        ...

    def trim(self, before: float, keep_after: int) -> int:
        """Forget outbox lines older than `before` that every subscriber has handled (seq <= `keep_after`), oldest
        first, so few at a time that nobody waits for it. Returns how many; 0: there is no more to forget."""
        ...

    def listen(self, woken: Callable[[], None], *, told: bool = True, hints: bool = True) -> None:
        """Call `woken` after every commit made through this store object that made something due or wrote an event;
        without `told`, not after those that only told something; without `hints`, only after those that wrote an event.
        Only a hint: correctness needs none."""
        ...

    def stamp(self) -> object:
        """Equal stamps say that nothing was written in between, by this process or another. A few microseconds: what
        was read under a stamp can be kept for as long as the stamp stands."""
        ...

    def close(self) -> None: ...
