"""The metric store: what is put is read, by period, by unit, across restarts; what is bad is refused."""

import errno
import math
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from clary.engines.metrics import store as store_module
from clary.engines.metrics.store import SqliteMetrics
from clary.kernel.clock import ManualClock
from clary.kernel.errors import ForeignState
from clary.kernel.metrics import MetricMatch, MetricName, Points, Sample, Statistic, Summary, dimensions

NOW = 1_700_000_040  # a full minute
SUM, COUNT, AVERAGE = Statistic("Sum"), Statistic("SampleCount"), Statistic("Average")
LOW, HIGH, P50 = Statistic("Minimum"), Statistic("Maximum"), Statistic("percentile", 50.0)
CPU = MetricName("1", "r", "N", "cpu", dimensions(host="a"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def metrics(tmp_path: Path, clock: ManualClock) -> Iterator[SqliteMetrics]:
    made = SqliteMetrics(tmp_path, clock, background=False)
    yield made
    made.close()


def reopened(metrics: SqliteMetrics, tmp_path: Path, clock: ManualClock) -> SqliteMetrics:
    metrics.close()
    return SqliteMetrics(tmp_path, clock, background=False)


def table(points: Points) -> dict[int, tuple[float | None, ...]]:
    return {at: tuple(column[i] for column in points.values) for i, at in enumerate(points.times)}


def test_nothing_is_made_before_something_is_written(metrics: SqliteMetrics, tmp_path: Path) -> None:
    assert metrics.read(CPU, (SUM,), 0, NOW, 60) == Points([], [[]])
    assert list(metrics.names("1", "r", MetricMatch())) == [] and metrics.units(CPU) == []
    assert not metrics.roll()
    assert list(tmp_path.iterdir()) == []


def test_values_of_one_period_are_summed_up(metrics: SqliteMetrics) -> None:
    metrics.put([Sample(CPU, NOW + 1, (1.0, 3.0)), Sample(CPU, NOW + 59.9, (8.0,)), Sample(CPU, NOW + 60, (5.0,))])
    found = metrics.read(CPU, (SUM, COUNT, AVERAGE, LOW, HIGH, P50), NOW, NOW + 120, 60)
    assert table(found) == {NOW: (12.0, 3.0, 4.0, 1.0, 8.0, 3.0), NOW + 60: (5.0, 1.0, 5.0, 5.0, 5.0, 5.0)}


def test_counts_say_how_often_a_value_was_seen(metrics: SqliteMetrics) -> None:
    metrics.put([Sample(CPU, NOW, (1.0, 10.0, 7.0), (3.0, 1.0, 0.0))])
    assert table(metrics.read(CPU, (SUM, COUNT, P50, HIGH), NOW, NOW + 60, 60)) == {NOW: (13.0, 4.0, 1.0, 10.0)}


def test_what_was_added_is_seen_at_once(metrics: SqliteMetrics) -> None:
    metrics.add([Sample(CPU, NOW, (1.0,)), Sample(CPU, NOW, (2.0,))])
    assert list(metrics.names("1", "r", MetricMatch())) == [CPU]
    metrics.add([Sample(CPU, NOW, (4.0,))])
    assert table(metrics.read(CPU, (SUM,), NOW, NOW + 60, 60)) == {NOW: (7.0,)}


@pytest.mark.parametrize("spilled", [False, True])
def test_everything_is_there_after_a_restart(
    metrics: SqliteMetrics, tmp_path: Path, clock: ManualClock, spilled: bool
) -> None:
    metrics.put([Sample(CPU, NOW, tuple(float(i) for i in range(200)))])
    if spilled:
        metrics.spill()
    metrics.put([Sample(CPU, NOW, (1000.0,)), Summary(CPU, NOW + 60, 4.0, 8.0, 2.0, 2.0)])
    before = metrics.read(CPU, (SUM, COUNT, LOW, HIGH, P50), NOW, NOW + 120, 60)
    again = reopened(metrics, tmp_path, clock)
    assert again.read(CPU, (SUM, COUNT, LOW, HIGH, P50), NOW, NOW + 120, 60) == before
    again.close()


def test_seconds_are_kept_for_metrics_of_high_resolution(metrics: SqliteMetrics) -> None:
    metrics.put([Sample(CPU, NOW + i, (float(i),), resolution=1) for i in range(30)])
    assert table(metrics.read(CPU, (SUM,), NOW, NOW + 30, 1)) == {NOW + i: (float(i),) for i in range(30)}
    assert table(metrics.read(CPU, (SUM,), NOW, NOW + 30, 10)) == {NOW: (45.0,), NOW + 10: (145.0,), NOW + 20: (245.0,)}
    slow = MetricName("1", "r", "N", "slow")
    metrics.put([Sample(slow, NOW + 17, (1.0,))])
    assert table(metrics.read(slow, (SUM,), NOW, NOW + 60, 10)) == {NOW: (1.0,)}


@pytest.mark.parametrize("spilled", [False, True])
def test_periods_begin_where_the_reader_begins(metrics: SqliteMetrics, spilled: bool) -> None:
    metrics.put([Sample(CPU, NOW + 60 * i, (1.0,)) for i in range(12)])
    if spilled:
        metrics.spill()
    start = NOW + 180
    found = table(metrics.read(CPU, (COUNT,), start, start + 301, 300))
    assert found == {start: (5.0,), start + 300: (4.0,)}
    assert table(metrics.read(CPU, (COUNT,), start, start + 300, 300)) == {start: (5.0,)}


def test_late_values_join_their_period_wherever_it_lies(metrics: SqliteMetrics, clock: ManualClock) -> None:
    for _ in range(3):
        metrics.put([Sample(CPU, NOW + 60 * i, (float(i),)) for i in range(0, 10, 2)])
        metrics.spill()
        metrics.put([Sample(CPU, NOW + 60 * i, (float(i),)) for i in range(1, 10, 2)])
    found = table(metrics.read(CPU, (SUM, COUNT), NOW, NOW + 600, 60))
    assert found == {NOW + 60 * i: (3.0 * i, 3.0) for i in range(10)}


def test_units_are_kept_apart_and_read_together_or_alone(metrics: SqliteMetrics) -> None:
    metrics.put([Sample(CPU, NOW, (1.0,), unit="Seconds"), Sample(CPU, NOW, (2.0,), unit="Count")])
    assert metrics.units(CPU) == ["Count", "Seconds"]
    assert table(metrics.read(CPU, (SUM,), NOW, NOW + 60, 60)) == {NOW: (3.0,)}
    assert table(metrics.read(CPU, (SUM,), NOW, NOW + 60, 60, "Seconds")) == {NOW: (1.0,)}
    assert table(metrics.read(CPU, (SUM,), NOW, NOW + 60, 60, "Bytes")) == {}


def test_a_summary_has_percentiles_only_where_they_are_certain(metrics: SqliteMetrics) -> None:
    metrics.put([Summary(CPU, NOW, 4.0, 10.0, 1.0, 4.0), Summary(CPU, NOW + 60, 4.0, 8.0, 2.0, 2.0)])
    found = table(metrics.read(CPU, (P50, AVERAGE, HIGH), NOW, NOW + 120, 60))
    assert found == {NOW: (None, 2.5, 4.0), NOW + 60: (2.0, 2.0, 2.0)}
    # One unknown makes the whole period unknown.
    assert table(metrics.read(CPU, (P50,), NOW, NOW + 120, 120)) == {NOW: (None,)}
    metrics.put([Sample(CPU, NOW, (7.0,))])
    metrics.spill()
    assert table(metrics.read(CPU, (P50, HIGH), NOW, NOW + 60, 60)) == {NOW: (None, 7.0)}


def test_metrics_are_listed_by_what_they_are_called(metrics: SqliteMetrics, clock: ManualClock) -> None:
    names = [
        MetricName("1", "r", namespace, name, dimensions(**dims))
        for namespace in ("A", "B")
        for name in ("x", "y")
        for dims in ({}, {"host": "a"}, {"host": "b", "zone": "1"})
    ]
    metrics.put([Sample(one, NOW, (1.0,), unit=unit) for one in names for unit in ("None", "Count")])
    metrics.put(
        [Sample(MetricName("2", "r", "A", "x"), NOW, (1.0,)), Sample(MetricName("1", "s", "A", "x"), NOW, (1.0,))]
    )

    def listed(match: MetricMatch, after: MetricName | None = None) -> list[MetricName]:
        return list(metrics.names("1", "r", match, after))

    everything = listed(MetricMatch())
    assert sorted(everything, key=repr) == sorted(names, key=repr)
    for i, one in enumerate(everything):
        assert listed(MetricMatch(), one) == everything[i + 1 :]
    assert {one.name for one in listed(MetricMatch(namespace="A", name="x"))} == {"x"}
    assert len(listed(MetricMatch(dimensions=(("host", None),)))) == 8
    assert len(listed(MetricMatch(dimensions=(("host", "b"), ("zone", "1"))))) == 4
    assert listed(MetricMatch(dimensions=(("host", "c"),))) == []
    assert len(listed(MetricMatch(exactly=("host",)))) == 4 and len(listed(MetricMatch(exactly=()))) == 4
    clock.advance(1000)
    metrics.spill()
    metrics.put([Sample(names[3], NOW + 1000, (1.0,))])
    assert listed(MetricMatch(active_since=NOW + 500)) == [names[3]]


def test_lists_longer_than_a_page_are_whole(metrics: SqliteMetrics) -> None:
    names = [MetricName("1", "r", "N", f"m{i:04d}") for i in range(1203)]
    metrics.put([Sample(one, NOW, (1.0,), unit=unit) for one in names for unit in ("None", "Count")])
    assert list(metrics.names("1", "r", MetricMatch())) == names


def test_a_put_is_whole_or_not_at_all(metrics: SqliteMetrics) -> None:
    other = MetricName("1", "r", "N", "other")
    for bad in (math.nan, math.inf, object()):
        with pytest.raises(ValueError, match="a metric's value must be"):
            metrics.put([Sample(CPU, NOW, (1.0,)), Sample(other, NOW, (bad,))])  # type: ignore[arg-type]
    assert (
        list(metrics.names("1", "r", MetricMatch())) == [] and metrics.read(CPU, (SUM,), NOW, NOW + 60, 60).times == []
    )
    metrics.put([Sample(other, NOW, (1.0,))])
    assert list(metrics.names("1", "r", MetricMatch())) == [other]


def test_one_bad_value_does_not_cost_the_others_theirs(metrics: SqliteMetrics) -> None:
    metrics.add([Sample(CPU, NOW, (1.0,))])
    metrics.add([Sample(CPU, NOW, (math.nan,))])
    metrics.add([Sample(CPU, NOW, (2.0,))])
    assert table(metrics.read(CPU, (SUM, COUNT), NOW, NOW + 60, 60)) == {NOW: (3.0, 2.0)}


def test_a_full_disk_refuses_and_loses_nothing(metrics: SqliteMetrics, tmp_path: Path) -> None:
    metrics.put([Sample(CPU, NOW, (1.0,))])
    db = metrics._db
    assert db is not None
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages}")
    long = [Sample(MetricName("1", "r", "N", "m" * 200 + str(i)), NOW, (1.0,) * 50) for i in range(500)]
    with pytest.raises(OSError, match="metric store") as caught:
        metrics.put(long)
    assert caught.value.errno == errno.ENOSPC
    metrics.add(long)
    with pytest.raises(OSError, match="metric store"):
        metrics.flush()
    db.execute("PRAGMA max_page_count = 1000000")
    metrics.flush()
    metrics.spill()
    assert table(metrics.read(CPU, (SUM,), NOW, NOW + 60, 60)) == {NOW: (1.0,)}
    assert table(metrics.read(long[7].metric, (COUNT,), NOW, NOW + 60, 60)) == {NOW: (50.0,)}


def test_a_spill_that_the_disk_refuses_is_made_later(metrics: SqliteMetrics) -> None:
    metrics.put([Sample(MetricName("1", "r", "N", f"m{i}"), NOW, (1.0, 2.0)) for i in range(2000)])
    db = metrics._db
    assert db is not None
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OSError, match="metric store"):
        metrics.spill()
    one = MetricName("1", "r", "N", "m7")
    assert table(metrics.read(one, (SUM,), NOW, NOW + 60, 60)) == {NOW: (3.0,)}
    db.execute("PRAGMA max_page_count = 1000000")
    metrics.put([Sample(one, NOW, (5.0,))])
    metrics.spill()
    metrics.spill()
    assert table(metrics.read(one, (SUM,), NOW, NOW + 60, 60)) == {NOW: (8.0,)}


def test_a_torn_tail_is_cut(tmp_path: Path, clock: ManualClock) -> None:
    kept = tmp_path / "kept"
    metrics = SqliteMetrics(kept, clock, background=False)
    for i in range(20):
        metrics.put([Sample(CPU, NOW + 60 * i, (1.0,))])
    # What a power cut leaves: the files as they are on the medium, the log torn in the middle of its last commit.
    torn = tmp_path / "torn"
    torn.mkdir()
    for name in ("points.db", "points.db-wal"):
        data = (kept / name).read_bytes()
        (torn / name).write_bytes(data[:-1000] if name.endswith("wal") else data)
    metrics.close()
    again = SqliteMetrics(torn, clock, background=False)
    found = again.read(CPU, (COUNT,), NOW, NOW + 1200, 60)
    assert len(found.times) == 19
    again.put([Sample(CPU, NOW, (1.0,))])
    assert len(again.read(CPU, (COUNT,), NOW, NOW + 1200, 60).times) == 19
    again.close()


def test_a_file_of_another_program_is_left_alone(tmp_path: Path, clock: ManualClock) -> None:
    with sqlite3.connect(tmp_path / "points.db") as db:
        db.execute("CREATE TABLE theirs (id)")
    db.close()
    metrics = SqliteMetrics(tmp_path, clock, background=False)
    with pytest.raises(ForeignState, match="not a metric store"):
        metrics.put([Sample(CPU, NOW, (1.0,))])


def test_nobody_else_can_read_the_file(metrics: SqliteMetrics, tmp_path: Path) -> None:
    metrics.put([Sample(CPU, NOW, (1.0,))])
    assert (tmp_path / "points.db").stat().st_mode & 0o077 == 0


def test_the_thread_journals_what_was_added_and_spills_what_is_full(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "LINGER_SECONDS", 0.0)
    monkeypatch.setattr(store_module, "SPILL_BUCKETS", 10)
    spilled = threading.Event()

    class Watched(SqliteMetrics):
        def spill(self) -> None:
            super().spill()
            spilled.set()

    metrics = Watched(tmp_path, clock)
    metrics.add([Sample(CPU, NOW + 60 * i, (1.0,)) for i in range(12)])
    assert spilled.wait(30)
    with sqlite3.connect(tmp_path / "points.db") as db:
        assert db.execute("SELECT count(*) FROM journal").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM chunks").fetchone() == (1,)
    db.close()
    metrics.close()
    assert "clary-metrics" not in {one.name for one in threading.enumerate()}


def test_an_idle_store_has_nothing_to_wait_for(metrics: SqliteMetrics) -> None:
    assert metrics._patience() is None
    metrics.put([Sample(CPU, NOW, (1.0,))])
    assert metrics._patience() is not None
    metrics.spill()
    assert metrics._patience() is None


def test_many_threads_lose_nothing(tmp_path: Path, clock: ManualClock) -> None:
    metrics = SqliteMetrics(tmp_path, clock)

    def work(number: int) -> None:
        for i in range(50):
            (metrics.add if number % 2 else metrics.put)([Sample(CPU, NOW + 60 * (i % 5), (1.0,))])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for one in threads:
        one.start()
    for _ in range(5):
        metrics.spill()
        metrics.read(CPU, (SUM,), NOW, NOW + 300, 60)
    for one in threads:
        one.join()
    found = metrics.read(CPU, (COUNT,), NOW, NOW + 300, 60)
    assert math.fsum(value or 0 for value in found.values[0]) == 300
    metrics.close()
