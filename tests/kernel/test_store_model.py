"""The store against a dict: whatever is called in whatever order, both say the same."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from clary.kernel.clock import ManualClock
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Resource
from clary.kernel.store import Store, Where
from tests.kernel.conftest import STORES
from tests.kernel.making import ACCOUNT, REGION, job

LEASE = 30.0

names = st.sampled_from("abcd")
phases = st.sampled_from(["InProgress", "Stopping", "Done"])
moments = st.one_of(st.none(), st.floats(-20, 60))
documents = st.dictionaries(
    st.sampled_from("xyz"), st.one_of(st.none(), st.integers(0, 3), st.text(max_size=3)), max_size=3
)


class Row:
    """What the model knows of a resource beyond the resource itself."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.lease = 0.0
        self.hinted = False
        self.attempts = 0


class StoreModel(RuleBasedStateMachine):
    kind = "sqlite"
    seen: Bundle[Resource] = Bundle("seen")

    @initialize()
    def open(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.clock = ManualClock(1_000.0)
        self.store: Store = STORES[self.kind](self.root, self.clock)
        self.rows: dict[str, Row] = {}
        self.told: list[tuple[str, str, str, str]] = []

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.root)

    def moment(self, offset: float | None) -> float | None:
        return None if offset is None else self.clock.now() + offset

    def row_of(self, one: Resource) -> Row | None:
        row = self.rows.get(one.name)
        same = row is not None and (row.resource.uid, row.resource.version) == (one.uid, one.version)
        return row if same else None

    @rule(target=seen, name=names, due=moments, swap=st.booleans(), spec=documents)
    def create(self, name: str, due: float | None, swap: bool, spec: dict[str, Any]) -> Resource:
        new = job(name, due=self.moment(due), spec=spec)
        if name in self.rows and not swap:
            with pytest.raises(Exists):
                self.store.create(new)
            return self.rows[name].resource
        if name in self.rows:
            old = self.rows[name].resource
            self.told.append(("deleted", old.uid, old.phase, old.phase))
        made = self.store.create(new, replace=swap)
        self.told.append(("created", made.uid, "", made.phase))
        assert made == replace(new, version=1, created=self.clock.now(), modified=self.clock.now())
        self.rows[name] = Row(made)
        return made

    @rule(target=seen, old=seen, phase=phases, offset=moments, keep=st.booleans(), status=documents, emit=st.booleans())
    def update(
        self, old: Resource, phase: str, offset: float | None, keep: bool, status: dict[str, Any], emit: bool
    ) -> Resource:
        due = {} if keep else {"due": self.moment(offset)}
        row = self.row_of(old)
        if row is None:
            with pytest.raises(Stale):
                self.store.update(old, phase=phase, emit=emit, **due, **status)
            return old
        new = self.store.update(old, phase=phase, emit=emit, **due, **status)
        merged = {name: value for name, value in {**old.status, **status}.items() if value is not None}
        asked = row.resource.due if keep else due["due"]
        if row.hinted and not keep and asked is not None:
            asked = min(asked, self.clock.now())
        shows = phase != old.phase or merged != old.status
        assert new == replace(
            old,
            phase=phase,
            status=merged,
            due=asked,
            version=old.version + 1,
            attempts=0,
            modified=self.clock.now() if shows else old.modified,
        )
        if phase != old.phase or emit:
            self.told.append(("moved" if phase != old.phase else "changed", old.uid, old.phase, phase))
        self.rows[old.name] = Row(new)
        return new

    @rule(old=consumes(seen))
    def delete(self, old: Resource) -> None:
        if self.row_of(old) is None:
            with pytest.raises(Stale):
                self.store.delete(old)
            return
        self.store.delete(old)
        self.told.append(("deleted", old.uid, old.phase, old.phase))
        del self.rows[old.name]

    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        now = self.clock.now()
        free = [row for row in self.rows.values() if row.lease <= now and (row.resource.due or now + 1) <= now]
        claimed = self.store.claim(limit, LEASE)
        assert [one.due for one in claimed] == sorted(row.resource.due or 0.0 for row in free)[:limit]
        for one in claimed:
            row = self.rows[one.name]
            assert row in free and one == replace(row.resource, attempts=row.attempts)
            row.lease, row.hinted = now + LEASE, False

    @rule(one=seen)
    def extend(self, one: Resource) -> None:
        row = self.row_of(one)
        held = row is not None and row.lease > 0
        assert self.store.extend(one, LEASE) == held
        if held and row is not None:
            row.lease = self.clock.now() + LEASE

    @rule(one=seen, offset=st.floats(0, 20))
    def retry(self, one: Resource, offset: float) -> None:
        row = self.row_of(one)
        attempts = self.store.retry(one, self.clock.now() + offset)
        if row is None:
            assert attempts == 0
            return
        row.attempts += 1
        assert attempts == row.attempts
        row.lease, row.hinted = 0.0, False
        row.resource = replace(row.resource, due=self.clock.now() + offset)

    @rule(one=seen)
    def hasten(self, one: Resource) -> None:
        self.store.hasten(one.uid)
        row = self.rows.get(one.name)
        if row is None or row.resource.uid != one.uid or row.resource.due is None:
            return
        row.resource = replace(row.resource, due=min(row.resource.due, self.clock.now()))
        row.hinted = row.lease > 0

    @rule(seconds=st.sampled_from([0.5, 5.0, 31.0]))
    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = STORES[self.kind](self.root, self.clock)

    @invariant()
    def says_the_same(self) -> None:
        if not hasattr(self, "store"):
            return
        for name in "abcd":
            if name in self.rows:
                row = self.rows[name]
                assert self.store.get(ACCOUNT, REGION, "job", name) == replace(row.resource, attempts=row.attempts)
            else:
                with pytest.raises(Missing):
                    self.store.get(ACCOUNT, REGION, "job", name)
        assert self.store.count("job", Where()) == len(self.rows)
        waits = [max(row.resource.due, row.lease) for row in self.rows.values() if row.resource.due is not None]
        soonest = self.store.next_due()
        assert soonest == min(waits, default=None)
        told = [(event.type, event.uid, event.old_phase, event.phase) for event in self.store.events(0, 10_000)]
        assert told == self.told


StoreModel.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestSqliteAgainstADict = StoreModel.TestCase
