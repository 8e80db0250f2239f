"""The queue of one machine: jobs wait their turn for its CPUs and memory, fairly between users, priorities first.

Order among those who wait: priority (the tag `clary:priority`, -100 to 100), then the user who holds the least of the
machine, then age. It is kept strictly: a small job does not overtake a large one that is first, or that one would
starve. What is held is rebuilt from the rows of running jobs by the first question after a start.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from clary.jobs.turns import BY, GRANTED, PRIORITY_TAG, Demand, priority
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.page import position
from clary.kernel.resource import Resource
from clary.kernel.store import Store, Where

SILENT_SECONDS: Final = 60.0
"""Who has not asked for so long waits no more: a job that waits asks every few seconds until it is settled."""
CHECK_SECONDS: Final = 15.0
"""How often it is looked whether those who hold something still run."""
_LIVE: Final = ("InProgress", "Stopping", "STARTING", "RUNNING", "STOPPING")
"""The phases in which a job may hold something, in the words of SageMaker and of Glue."""
_SLACK: Final = 1e-6

Tags = Callable[[Store, Resource], Mapping[str, str]]
"""The tags that a job has now."""


@dataclass(slots=True)
class _Held:
    kind: str
    user: str
    demand: Demand


@dataclass(slots=True)
class _Waiting:
    user: str
    priority: int
    since: float
    demand: Demand
    asked: float


class Queue:
    """The Turns of this machine, of which `capacity` is given out. `kinds`: the kinds of resources that are jobs. With
    `clamps`, a job that asks for more than all of it waits for all of it; without, it is not accepted. `tags`
    tells a job's priority; None: all have the same."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        capacity: Demand,
        kinds: Iterable[str],
        *,
        clamps: bool = True,
        tags: Tags | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._capacity = capacity
        self._kinds = tuple(kinds)
        self._clamps = clamps
        self._tags = tags
        self._held: dict[str, _Held] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._checked: float | None = None
        self._next: str | None = None
        """Who is next, as long as nobody comes or goes."""
        self._line: dict[str, int] = {}
        self._drawn = 0.0
        """How many stand before each, as of then: to count them anew at every question would cost the square."""

    def ask(self, job: Resource, demand: Demand) -> str | None:
        now = self._clock.now()
        self._remember(now)
        fits = demand.within(self._capacity)
        if job.uid in self._held or GRANTED in job.status:
            self._hold(job, fits)
            return None
        known = self._waiting.get(job.uid)
        # The tags are read once: to look them up at each of thousands of questions would cost more than the rest.
        if known is None:
            rank = priority(self._tags(self._store, job).get(PRIORITY_TAG)) if self._tags is not None else 0
            self._waiting[job.uid] = _Waiting(_user(job), rank, job.created, fits, now)
            self._next = None
        else:
            known.asked, known.demand = now, fits
        first = self._first()
        if first == job.uid and self._room(fits):
            del self._waiting[job.uid]
            self._hold(job, fits)
            self._call_next()
            return None
        self._call_next()
        return self._why(job.uid, fits, now)

    def check(self, demand: Demand) -> str | None:
        if self._clamps or demand == demand.within(self._capacity):
            return None
        return (
            f"The job asks for {_amount(demand.cpus, demand.memory_bytes)}, and all that jobs may use here is "
            f"{_amount(self._capacity.cpus, self._capacity.memory_bytes)}. Ask for fewer or smaller instances, or let "
            "the server clamp what is too large (CLARY_OVERSIZE=clamp)."
        )

    def leave(self, job: Resource) -> None:
        left = self._held.pop(job.uid, None) is not None
        if self._waiting.pop(job.uid, None) is not None or left:
            self._next = None
            self._call_next()

    def _hold(self, job: Resource, demand: Demand) -> None:
        self._waiting.pop(job.uid, None)
        self._held[job.uid] = _Held(job.kind, _user(job), demand)
        self._next = None

    def _remember(self, now: float) -> None:
        """What is held is what running jobs hold: read from their rows by the first question, and looked after, since a
        job may have ended in a way that never said so."""
        if self._checked is None:
            self._checked = now
            for kind in self._kinds:
                for phase in _LIVE:
                    for job in _all(self._store, kind, phase):
                        if granted := job.status.get(GRANTED):
                            self._hold(job, Demand(granted["cpus"], granted["memory_bytes"]).within(self._capacity))
        elif not 0 <= now - self._checked < CHECK_SECONDS:
            self._checked = now
            for uid, held in list(self._held.items()):
                try:
                    job = self._store.find(held.kind, uid)
                    # One that has ended and whose row still has it keeps it on purpose: a warm pool.
                    live = job.phase in _LIVE or GRANTED in job.status
                except Missing:
                    live = False
                if not live:
                    del self._held[uid]
            for uid, one in list(self._waiting.items()):
                if not abs(now - one.asked) < SILENT_SECONDS:
                    del self._waiting[uid]
            self._next = None

    def _first(self) -> str | None:
        """Who is next."""
        if self._next is None and self._waiting:
            shares = self._shares()
            self._next = min(self._waiting, key=lambda uid: self._order(uid, shares))
        return self._next

    def _order(self, uid: str, shares: dict[str, float]) -> tuple[int, float, float, str]:
        one = self._waiting[uid]
        return -one.priority, shares.get(one.user, 0.0), one.since, uid

    def _shares(self) -> dict[str, float]:
        """The dominant share of the machine that each user holds."""
        cpus: dict[str, float] = {}
        memory: dict[str, float] = {}
        for held in self._held.values():
            cpus[held.user] = cpus.get(held.user, 0.0) + held.demand.cpus
            memory[held.user] = memory.get(held.user, 0.0) + held.demand.memory_bytes
        return {
            user: max(cpus[user] / self._capacity.cpus, memory[user] / self._capacity.memory_bytes) for user in cpus
        }

    def _free(self) -> tuple[float, float]:
        cpus = self._capacity.cpus - sum(held.demand.cpus for held in self._held.values())
        return cpus, self._capacity.memory_bytes - sum(held.demand.memory_bytes for held in self._held.values())

    def _room(self, demand: Demand) -> bool:
        cpus, memory = self._free()
        return demand.cpus <= cpus + _SLACK and demand.memory_bytes <= memory

    def _call_next(self) -> None:
        """Whoever is next and has room looks now, not at its next look."""
        first = self._first()
        if first is not None and self._room(self._waiting[first].demand):
            self._store.hasten(first)

    def _why(self, uid: str, demand: Demand, now: float) -> str:
        if uid not in self._line or not 0 <= now - self._drawn < 1.0:
            shares = self._shares()
            line = sorted(self._waiting, key=lambda one: self._order(one, shares))
            self._line, self._drawn = {one: number for number, one in enumerate(line)}, now
        cpus, memory = self._free()
        ahead = self._line[uid]
        before = f", behind {ahead} other{'s' if ahead > 1 else ''}" if ahead else ""
        return (
            f"Waiting for this machine{before}: the job asks for {_amount(demand.cpus, demand.memory_bytes)}, "
            f"of which {_amount(max(0.0, cpus), max(0.0, memory))} are free"
        )


def _amount(cpus: float, memory_bytes: float) -> str:
    return f"{cpus:.2f} CPUs and {memory_bytes / (1 << 30):.1f} GiB"


def _user(job: Resource) -> str:
    return str(job.status.get(BY) or f"{job.account}")


def _all(store: Store, kind: str, phase: str) -> Iterable[Resource]:
    after = None
    while found := store.page(kind, Where(phase=phase), after=after, limit=500):
        yield from found
        after = position(found[-1], "name")
