"""What the SQLite store promises beyond the contract: how it reads, whose file it takes, what it costs."""

import re
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from clary.kernel.clock import ManualClock
from clary.kernel.errors import ForeignState
from clary.kernel.page import position
from clary.kernel.sqlite import SqliteStore
from clary.kernel.sqlite_file import FILE
from clary.kernel.sqlite_pages import after_prefix
from clary.kernel.sqlite_walk import Walk
from clary.kernel.store import Order, Where
from tests.kernel.making import ACCOUNT, REGION, job

HERE = Where(account=ACCOUNT, region=REGION)
ORDERS: tuple[Order, ...] = ("name", "created", "modified", "phase")


@pytest.fixture
def memory(clock: ManualClock) -> Iterator[SqliteStore]:
    store = SqliteStore(":memory:", clock)
    yield store
    store.close()


@contextmanager
def plans(store: SqliteStore) -> Iterator[list[str]]:
    """The query plan of every statement that runs inside, filled in at the end."""
    statements: list[str] = []
    store._db.set_trace_callback(statements.append)
    found: list[str] = []
    try:
        yield found
    finally:
        store._db.set_trace_callback(None)
    for statement in statements:
        if not statement.startswith(("BEGIN", "COMMIT", "--")):
            found += [row[3] for row in store._db.execute(f"EXPLAIN QUERY PLAN {statement}")]


def assert_walks_an_index(found: list[str]) -> None:
    assert found
    for line in found:
        assert "TEMP B-TREE" not in line, found
        if line.startswith("SCAN"):
            # The due and lease indexes hold only rows that wait, and of those the first is read.
            assert re.match(r"SCAN (\(|resource USING .*INDEX resource_(due|lease)$)", line), found


def test_reads_by_key_search_an_index(memory: SqliteStore) -> None:
    one = memory.create(job(arn="arn:a"))
    for read, index in (
        (lambda: memory.get(ACCOUNT, REGION, "job", "a"), "resource_name"),
        (lambda: memory.find("job", one.uid), "resource_uid"),
        (lambda: memory.by_arn("arn:a"), "resource_arn"),
        (lambda: memory.events(0, 10), "INTEGER PRIMARY KEY"),
        (lambda: memory.cursor("me"), "PRIMARY KEY"),
    ):
        with plans(memory) as found:
            read()
        assert_walks_an_index(found)
        assert all(line.startswith("SEARCH") and index in line for line in found), found


def test_writes_search_an_index(memory: SqliteStore, clock: ManualClock) -> None:
    one = memory.create(job(due=1.0))
    with plans(memory) as found:
        [held] = memory.claim(5, 30)
        memory.extend(held, 30)
        memory.retry(held, 5_000.0)
        memory.hasten(one.uid)
        memory.delete(memory.update(one, phase="Done"))
        memory.trim(clock.now(), 5)
        memory.next_due()
    assert_walks_an_index(found)
    assert any("resource_due (due<?)" in line for line in found), found
    assert any("USING COVERING INDEX resource_lease" in line for line in found), found


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ORDERS)
def test_every_page_walks_one_index_in_its_order(
    memory: SqliteStore, monkeypatch: pytest.MonkeyPatch, order: Order, descending: bool
) -> None:
    monkeypatch.setattr(Walk, "_narrowest", lambda _: None)
    one = memory.create(job("abc", parent="p"))
    wheres = [
        HERE,
        replace(HERE, phase="InProgress"),
        replace(HERE, parent="p"),
        replace(HERE, parent=""),
        replace(HERE, parent="p", phase="InProgress"),
        replace(HERE, name_contains="b"),
        replace(HERE, name_prefix="a"),
        replace(HERE, created_after=1.0, created_before=5_000.0),
        replace(HERE, modified_after=1.0, modified_before=5_000.0, phase="InProgress", name_contains="b"),
        Where(),
    ]
    for where, after in product(wheres, (None, position(one, order))):
        with plans(memory) as found:
            memory.page("job", where, order=order, descending=descending, after=after)
        assert_walks_an_index(found)
        assert all(line.startswith("SEARCH") for line in found), found
        assert all("kind=? AND account=? AND region=?" in line or "(account,region)>" in line for line in found), found
        if after is not None and where != Where():
            # The walk starts behind the last row seen, so the hundredth page costs what the first one does.
            behind = "<" if descending else ">"
            key = "name" if order == "name" or (order == "phase" and where.phase) else f"({order},name)"
            assert f"{key}{behind}" in found[0] or f"{order}{behind}" in found[0], (where, found)


@pytest.mark.parametrize("descending", [False, True])
def test_a_filter_that_leaves_few_rows_is_walked_itself(memory: SqliteStore, descending: bool) -> None:
    one = memory.create(job("abc"))
    times: list[tuple[Where, Order, str]] = [
        (replace(HERE, created_after=1.0), "name", "resource_created"),
        (replace(HERE, created_after=1.0), "phase", "resource_created"),
        (replace(HERE, created_after=1.0, phase="InProgress"), "phase", "resource_phase_created"),
        (replace(HERE, modified_after=1.0), "created", "resource_modified"),
        (replace(HERE, phase="InProgress"), "modified", "resource_phase"),
    ]
    for where, order, index in times:
        for after in (None, position(one, order)):
            with plans(memory) as found:
                memory.page("job", where, order=order, descending=descending, after=after)
            searches = [line for line in found if line.startswith("SEARCH")]
            assert not any(line.startswith("SCAN resource") for line in found), found
            assert all(f"INDEX {index} (" in line or "PRIMARY KEY" in line for line in searches), found


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ORDERS)
def test_a_bounded_look_ends_where_it_says(
    memory: SqliteStore, monkeypatch: pytest.MonkeyPatch, order: Order, descending: bool
) -> None:
    """Its first statement finds the end in the index alone; the second begins and ends inside it."""
    monkeypatch.setattr(Walk, "_narrowest", lambda _: None)
    for name in "abcdef":
        memory.create(job(name))
    for where in (replace(HERE, name_contains="x"), replace(HERE, name_contains="x", phase="InProgress")):
        with plans(memory) as found:
            memory.look("job", where, order=order, descending=descending, most=3)
        assert_walks_an_index(found)
        assert "USING COVERING INDEX" in found[0], found
        by = {"name": "name", "phase": "name" if where.phase else "phase,name"}.get(order, f"{order},name")
        end = ">" if descending else "<"
        assert (f"({by}){end}(?,?)" if "," in by else f"name{end}?") in found[1], found


def test_counts_walk_an_index(memory: SqliteStore) -> None:
    for where in (HERE, Where(), replace(HERE, phase="x"), replace(HERE, parent="p"), replace(HERE, created_after=1.0)):
        with plans(memory) as found:
            memory.count("job", where)
        assert all(line.startswith("SEARCH") for line in found), found


def test_a_file_is_only_its_owners(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "new" / "clary.db"
    store = SqliteStore(path, clock)
    store.create(job())
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    store.close()


def test_a_newer_schema_is_refused_untouched(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "clary.db"
    SqliteStore(path, clock).close()
    raw = sqlite3.connect(path)
    raw.execute(f"PRAGMA user_version = {FILE.schema + 1}")
    raw.close()
    with pytest.raises(ForeignState, match="newer Clary"):
        SqliteStore(path, clock)


def test_files_of_others_are_refused(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "text").write_text("no database at all " * 100)
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    for name in ("text", "other"):
        with pytest.raises(ForeignState, match="not a state file"):
            SqliteStore(tmp_path / name, clock)


def test_an_existing_file_keeps_its_mark(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "clary.db"
    for _ in range(2):
        store = SqliteStore(path, clock, sync="full")
        assert store._db.execute("PRAGMA application_id").fetchone()[0] == FILE.application
        assert store._db.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert store._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        store.close()


def test_another_thread_is_refused(memory: SqliteStore) -> None:
    errors: list[Exception] = []

    def use() -> None:
        try:
            memory.next_due()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert "thread" in str(errors[0])


def test_release_frees_what_a_killed_process_held(memory: SqliteStore) -> None:
    memory.create(job(due=1.0))
    memory.claim(5, 1_000)
    assert memory.claim(5, 30) == []
    assert memory.release() == 1
    assert len(memory.claim(5, 30)) == 1


@pytest.mark.parametrize(
    ("prefix", "after"),
    [("a", "b"), ("az", "a{"), ("\ud7ff", "\ue000"), ("a\U0010ffff", "b"), ("\U0010ffff", None), ("", None)],
)
def test_after_prefix(prefix: str, after: str | None) -> None:
    assert after_prefix(prefix) == after


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of a few runs: what the machine does besides does not count."""
    times = []
    for _ in range(15):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


@pytest.mark.slow
def test_the_last_page_of_100_000_rows_costs_what_the_first_does(memory: SqliteStore, clock: ManualClock) -> None:
    number = 100_000
    memory._db.execute("BEGIN")
    memory._db.executemany(
        "INSERT INTO resource (kind, arn, parent, spec, status, version,"
        " account, region, name, uid, phase, created, modified, due)"
        " VALUES ('job', '', '', X'7B7D', X'7B7D', 1, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (ACCOUNT, REGION, f"job-{n:06d}", f"u{n}", "Done" if n % 2 else "InProgress", n / 2, n / 2, 5_000.0 + n)
            for n in range(number)
        ),
    )
    memory._db.execute("COMMIT")
    last = f"job-{number - 200:06d}"
    for order, value in (("name", last), ("created", (number - 200) / 2), ("modified", (number - 200) / 2)):
        for where in (HERE, replace(HERE, phase="Done"), replace(HERE, created_after=1.0)):
            first = best(lambda order=order, where=where: memory.page("job", where, order=order))
            after = [value, last]
            far = best(
                lambda order=order, where=where, after=after: memory.page("job", where, order=order, after=after)
            )
            assert far < first * 3, (order, where, first, far)
    assert best(lambda: memory.claim(10, 30)) < 0.001
    assert best(memory.next_due) < 0.001


def test_a_reader_sees_what_is_written_and_writes_nothing(tmp_path: Path, clock: ManualClock) -> None:
    store = SqliteStore(tmp_path / "clary.db", clock)
    reader = SqliteStore(tmp_path / "clary.db", clock, read_only=True)
    made = store.create(job())
    assert reader.find("job", made.uid) == made
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.create(job("b"))
    reader.close()
    store.close()


def test_a_stamp_tells_of_writes_by_this_store_at_once_and_of_others_in_time(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only writer asks after others' commits once a millisecond; everybody else hears of each."""
    now = 50.0
    monkeypatch.setattr("clary.kernel.sqlite.monotonic", lambda: now)
    ours, theirs = SqliteStore(tmp_path / "a.db", clock, only_writer=True), SqliteStore(tmp_path / "a.db", clock)
    reader = SqliteStore(tmp_path / "a.db", clock, read_only=True)
    try:
        old, read = ours.stamp(), reader.stamp()
        assert ours.stamp() == old and reader.stamp() == read
        ours.create(job("a"))
        own = ours.stamp()
        assert own != old and reader.stamp() != read
        read = reader.stamp()
        theirs.create(job("b"))
        assert reader.stamp() != read
        now += 0.002
        assert ours.stamp() != own
    finally:
        for one in (ours, theirs, reader):
            one.close()


def test_a_file_of_schema_1_is_brought_up(tmp_path: Path, clock: ManualClock) -> None:
    with closing(SqliteStore(tmp_path / "a.db", clock)) as store:
        old = store.create(job("a"))
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as raw:
        raw.execute("DROP TABLE reference")
        raw.execute("PRAGMA user_version = 1")
    for _ in range(2):
        with closing(SqliteStore(tmp_path / "a.db", clock)) as store:
            assert store.find("job", old.uid) == old
            assert store.references(ACCOUNT, REGION, "to:") == {}
    with closing(sqlite3.connect(tmp_path / "a.db")) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (FILE.schema,)


def test_references_search_an_index(memory: SqliteStore) -> None:
    memory.create(job("a", status={"_refers": ["to:x"]}))
    with plans(memory) as found:
        memory.references(ACCOUNT, REGION, "to:")
        memory.referring(ACCOUNT, REGION, "job", "to:x")
    assert_walks_an_index(found)
    assert all("PRIMARY KEY" in line or "resource_uid" in line for line in found), found


def test_links_and_several_search_an_index(memory: SqliteStore) -> None:
    memory.create(job("a", arn="arn:a", status={"_refers": ["to:x"]}))
    with plans(memory) as found:
        memory.linked(ACCOUNT, REGION, "job", ["to:x", "to:y"])
        memory.several(["arn:a", "arn:b"])
        memory.glances(["arn:a", "arn:b"])
    of_lists = [line for line in found if line.startswith("SCAN wanted")]
    others = [line for line in found if not line.startswith("SCAN wanted")]
    assert len(of_lists) == len(others) == 3, found
    assert all("PRIMARY KEY" in line or "resource_arn" in line for line in others), found
