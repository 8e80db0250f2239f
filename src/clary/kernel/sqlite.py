"""The store on one SQLite file: WAL, one writer, every call a few tens of microseconds.

Crash safety rests on three things: each write is one transaction; a write is answered only after its COMMIT; and every
write to an existing row names the version that it was made from.
"""

import heapq
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from clary.kernel import sqlite_rows as rows
from clary.kernel import sqlite_sql as sql
from clary.kernel.clock import Clock
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.page import position
from clary.kernel.resource import Doc, Resource
from clary.kernel.sqlite_file import Checkpointer, open_state
from clary.kernel.sqlite_owned import transaction
from clary.kernel.sqlite_pages import after_prefix, count_sql
from clary.kernel.sqlite_walk import Walk
from clary.kernel.store import KEEP, Event, Order, Telling, Where, _Keep

TRIM_AT_ONCE = 5_000
FOREIGN_SECONDS = 0.001
"""So long may a commit of another process go unseen by the `stamp` of the only writer."""

log = logging.getLogger(__name__)


class SqliteStore:
    """kernel.store.Store on the file `path` (":memory:" for one that ends with the object). Belongs to the thread that
    made it: SQLite's Python module refuses any other. Other processes may read and write the file beside it.

    sync "normal": a write that was answered survives a killed process; "full": a power cut too. With read_only every
    write raises sqlite3.OperationalError. `only_writer`: hardly anybody else writes, so `stamp` may tell of others'
    commits a millisecond late, and costs a tenth. Raises ForeignState."""

    def __init__(
        self,
        path: Path | str,
        clock: Clock,
        *,
        sync: Literal["normal", "full"] = "normal",
        read_only: bool = False,
        only_writer: bool = False,
    ) -> None:
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []
        self._of_tellings: list[Callable[[], None]] = []
        """Those of the listeners that tellings matter to."""
        self._of_hints: list[Callable[[], None]] = []
        """Those to whom it matters that something is due."""
        self._db = open_state(path, sync)
        self._run = self._db.execute
        self._only_writer = only_writer
        self._foreign, self._foreign_asked = 0, -1.0
        if read_only:
            self._run("PRAGMA query_only = ON")
        self._checkpointer = None if str(path) == ":memory:" else Checkpointer(path)

    def create(self, new: Resource, *, replace: bool = False) -> Resource:
        now = self._clock.now()
        spec, status = rows.dump(new.spec), rows.dump(new.status)
        made = rows.made(new, now)
        with self._transaction():
            if replace:
                self._remove_key(new, now)
            try:
                self._run(sql.INSERT, (*rows.identity(made), spec, status, now, now, made.due))
            except sqlite3.IntegrityError:
                raise Exists(f"{new.kind} {new.name!r} exists already") from None
            self._refer(made, (), _refers(new.status))
            self._emit("created", made, "", spec, status, now)
        self._wake()
        return made

    def get(self, account: str, region: str, kind: str, name: str) -> Resource:
        return self._one("kind = ? AND account = ? AND region = ? AND name = ?", (kind, account, region, name))

    def find(self, kind: str, uid: str) -> Resource:
        return self._one("uid = ? AND kind = ?", (uid, kind))

    def by_arn(self, arn: str) -> Resource:
        return self._one("arn = ? AND arn <> ''", (arn,))

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
        if limit <= 0:
            return []
        pages = []
        for account, region in self._spaces(kind, where):
            spot = rows.spot_in(after, account, region, descending)
            walk = Walk(self._run, (kind, account, region), where, order, descending)
            pages.append(walk.page(spot, limit))
        if len(pages) == 1:
            return pages[0]
        merged = heapq.merge(*pages, key=lambda one: position(one, order), reverse=descending)
        return [one for one, _ in zip(merged, range(limit), strict=False)]

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
        spaces = self._spaces(kind, where)
        if len(spaces) != 1:
            return self.page(kind, where, order=order, descending=descending, after=after, limit=limit), None
        [(account, region)] = spaces
        spot = rows.spot_in(after, account, region, descending)
        found, stopped = Walk(self._run, (kind, account, region), where, order, descending).look(spot, limit, most)
        return found, None if stopped is None else [stopped.value, stopped.name, account, region]

    def count(self, kind: str, where: Where) -> int:
        total = 0
        for account, region in self._spaces(kind, where):
            total += self._run(*count_sql((kind, account, region), where)).fetchone()[0]
        return total

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
        now = self._clock.now()
        merged = rows.merge(old.status, status)
        new_phase = old.phase if phase is None else phase
        new_spec = old.spec if spec is None else spec
        visible = new_phase != old.phase or new_spec != old.spec or rows.public(merged) != rows.public(old.status)
        # Never before it was created, also where the clock was set back: lists rest on it.
        modified = max(now, old.created) if visible else old.modified
        packed_spec, packed_status = rows.dump(new_spec), rows.dump(merged)
        kept = isinstance(due, _Keep)
        asked = None if isinstance(due, _Keep) else due
        until = 0.0 if lease is None else now + lease
        emits = new_phase != old.phase or emit
        with self._transaction():
            # The version is compared and raised in one statement: of two writers from one version, one gets no row.
            row = self._run(
                sql.UPDATE,
                (new_phase, packed_spec, packed_status, modified, until, kept, asked, now, asked, *rows.held_by(old)),
            ).fetchone()
            if row is None:
                raise Stale(f"{old.kind} {old.name!r} was written since it was read")
            new = rows.next_version(old, new_phase, new_spec, merged, modified, row[0])
            # In the transaction of what it says: no crash leaves a count of what is not so.
            self._refer(new, _refers(old.status), _refers(merged))
            if new_phase != old.phase:
                self._emit("moved", new, old.phase, packed_spec, packed_status, now)
            elif emit:
                self._emit("changed", new, old.phase, packed_spec, packed_status, now)
            if hastens is not None:
                self._run(sql.HASTEN, (now, hastens, now))
        self._wake(self._listeners if emits else self._of_hints)
        return new

    def rename(self, old: Resource, name: str, arn: str, **status: Any) -> Resource:
        now = self._clock.now()
        merged = rows.merge(old.status, status)
        packed = rows.dump(merged)
        with self._transaction():
            try:
                row = self._run(sql.RENAME, (name, arn, packed, now, *rows.held_by(old))).fetchone()
            except sqlite3.IntegrityError:
                raise Exists(f"{old.kind} {name!r} exists already") from None
            if row is None:
                raise Stale(f"{old.kind} {old.name!r} was written since it was read")
            new = rows.next_version(replace(old, name=name, arn=arn), old.phase, old.spec, merged, now, row[0])
            self._refer(new, _refers(old.status), _refers(merged))
            self._emit("changed", new, old.phase, rows.dump(old.spec), packed, now)
        self._wake()
        return new

    def delete(self, old: Resource) -> None:
        with self._transaction():
            if self._run(sql.DELETE, rows.held_by(old)).rowcount == 0:
                raise Stale(f"{old.kind} {old.name!r} was written since it was read")
            self._refer(old, _refers(old.status), ())
            self._emit("deleted", old, old.phase, rows.dump(old.spec), rows.dump(old.status), self._clock.now())
        self._wake()

    def referring(self, account: str, region: str, kind: str, target: str) -> list[Resource]:
        uids = self._run(sql.REFERRING, (account, region, target, kind)).fetchall()
        return sorted((self.find(kind, uid) for (uid,) in uids), key=lambda one: one.name)

    def references(self, account: str, region: str, prefix: str) -> dict[str, int]:
        return dict(self._run(sql.REFERENCES, (account, region, prefix, after_prefix(prefix))).fetchall())

    def linked(self, account: str, region: str, kind: str, targets: Sequence[str]) -> list[tuple[str, str]]:
        return self._run(sql.LINKED, (rows.dump(list(targets)).decode(), account, region, kind)).fetchall()

    def several(self, arns: Sequence[str]) -> list[Resource]:
        # Each once: two rows of one answer would be the same resource.
        wanted = rows.dump(list(dict.fromkeys(arns))).decode()
        return [rows.resource(row) for row in self._run(sql.SEVERAL, (wanted,))]

    def glances(self, arns: Sequence[str]) -> list[tuple[str, str, float, float]]:
        return self._run(sql.GLANCES, (rows.dump(list(dict.fromkeys(arns))).decode(),)).fetchall()

    def claim(self, limit: int, lease: float) -> list[Resource]:
        now = self._clock.now()
        claimed = [rows.resource(row) for row in self._run(sql.CLAIM, (now + lease, now, now, limit)).fetchall()]
        claimed.sort(key=lambda one: one.due or 0.0)  # RETURNING promises no order.
        return claimed

    def extend(self, held: Resource, lease: float) -> bool:
        return self._run(sql.EXTEND, (self._clock.now() + lease, *rows.held_by(held))).rowcount > 0

    def retry(self, held: Resource, due: float) -> int:
        # Fetched to its end: a statement outside a transaction commits when its last row is taken.
        found = self._run(sql.RETRY, (due, *rows.held_by(held))).fetchall()
        if not found:
            return 0
        self._wake(self._of_hints)
        return int(found[0][0])

    def hasten(self, uid: str) -> None:
        now = self._clock.now()
        if self._run(sql.HASTEN, (now, uid, now)).rowcount > 0:
            self._wake(self._of_hints)

    def release(self) -> int:
        """No row is leased any more; returns how many were. Only for who knows that no other worker lives on this file,
        for example a control process that starts while it holds the home's lock: it need not wait for the leases of its
        killed predecessor."""
        released = self._run("UPDATE resource SET lease = 0 WHERE lease > 0").rowcount
        if released:
            self._wake(self._of_hints)
        return released

    def put_back(self, seconds: float) -> int:
        concerned = self._run(sql.PUT_BACK, (self._clock.now(), seconds)).rowcount
        if concerned:
            self._wake(self._of_hints)
        return concerned

    def next_due(self) -> float | None:
        at: float | None = self._run(sql.NEXT_DUE).fetchone()[0]
        return at

    def events(self, after: int, limit: int) -> list[Event]:
        return [rows.event(row) for row in self._run(sql.EVENTS, (after, limit))]

    def tell(self, tellings: Sequence[Telling]) -> None:
        now = self._clock.now()
        lines = [
            ("told", one.kind, one.name, one.uid, one.account, one.region, "", "", now, rows.told(one.spec))
            for one in tellings
        ]
        with self._transaction():
            self._db.executemany(sql.EVENT, lines)
        self._wake(self._of_tellings)

    def cursor(self, subscriber: str) -> int:
        row = self._run("SELECT seq FROM cursor WHERE subscriber = ?", (subscriber,)).fetchone()
        return int(row[0]) if row else 0

    def advance(self, subscriber: str, seq: int) -> None:
        self._run(sql.ADVANCE, (subscriber, seq))

    def trim(self, before: float, keep_after: int) -> int:
        return self._run(sql.TRIM, (keep_after, TRIM_AT_ONCE, before)).rowcount

    def listen(self, woken: Callable[[], None], *, told: bool = True, hints: bool = True) -> None:
        self._listeners.append(woken)
        if hints:
            self._of_hints.append(woken)
        if told:
            self._of_tellings.append(woken)

    def stamp(self) -> object:
        # total_changes tells of our own commits, at once; data_version of commits by other connections, at more than
        # what a decision costs. The only writer need not ask it of every request: the home's lock leaves no other but a
        # predecessor that ends. Who only reads (a front) has nothing else to tell it, and asks every time.
        now = monotonic()
        if not self._only_writer or now - self._foreign_asked >= FOREIGN_SECONDS:
            self._foreign_asked = now
            self._foreign = self._run("PRAGMA data_version").fetchone()[0]
        return self._foreign, self._db.total_changes

    @property
    def writes(self) -> int:
        """Rows that this connection has written or deleted."""
        return self._db.total_changes

    def close(self) -> None:
        if self._checkpointer is not None:
            self._checkpointer.close()
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with transaction(self._db):
            yield
        if self._checkpointer is not None:
            self._checkpointer.committed()

    def _wake(self, listeners: Sequence[Callable[[], None]] | None = None) -> None:
        for woken in self._listeners if listeners is None else listeners:
            try:
                woken()
            except Exception:
                # The write is committed and must be answered, whatever a listener makes of the hint.
                log.exception("a listener of the store raised")

    def _one(self, condition: str, values: tuple[str, ...]) -> Resource:
        row = self._run(f"SELECT {rows.COLUMNS} FROM resource WHERE {condition} LIMIT 1", values).fetchone()
        if row is None:
            raise Missing(f"nothing is stored under {values!r}")
        return rows.resource(row)

    def _remove_key(self, new: Resource, now: float) -> None:
        try:
            old = self.get(new.account, new.region, new.kind, new.name)
        except Missing:
            return
        self._run("DELETE FROM resource WHERE uid = ? AND kind = ?", (old.uid, old.kind))
        self._refer(old, _refers(old.status), ())
        self._emit("deleted", old, old.phase, rows.dump(old.spec), rows.dump(old.status), now)

    def _refer(self, one: Resource, old: Sequence[str], new: Sequence[str]) -> None:
        if old == new:
            return
        self._run(sql.UNREFER, (one.uid, one.kind))
        for target in new:
            self._run(sql.REFER, (one.account, one.region, target, one.kind, one.uid))

    def _emit(self, type_: str, one: Resource, old_phase: str, spec: bytes, status: bytes, now: float) -> None:
        body = rows.body(one.arn, spec, status, one.created)
        values = (type_, one.kind, one.name, one.uid, one.account, one.region, old_phase, one.phase, now, body)
        self._run(sql.EVENT, values)

    def _spaces(self, kind: str, where: Where) -> list[tuple[str, str]]:
        """The (account, region) pairs that the filter leaves open, found by hopping along the index of names."""
        if where.account is not None and where.region is not None:
            return [(where.account, where.region)]
        found: list[tuple[str, str]] = []
        last = ("", "") if where.account is None else (where.account, "")
        sign = ">="
        while row := self._run(
            "SELECT account, region FROM resource INDEXED BY resource_name"
            f" WHERE kind = ? AND (account, region) {sign} (?, ?) ORDER BY account, region LIMIT 1",
            (kind, *last),
        ).fetchone():
            last, sign = (row[0], row[1]), ">"
            if where.account is not None and last[0] != where.account:
                break
            if where.region is None or last[1] == where.region:
                found.append(last)
        return found


def _refers(status: Doc) -> Sequence[str]:
    found: Sequence[str] = status.get("_refers", ())
    return found
