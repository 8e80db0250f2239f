"""What ages becomes coarser and loses nothing else; what is older than CloudWatch keeps goes; clocks may jump."""

import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clary.engines.metrics import upkeep as upkeep_module
from clary.engines.metrics.store import SqliteMetrics
from clary.engines.metrics.tiers import DAY, HOUR, TIERS, step_for
from clary.kernel.clock import ManualClock
from clary.kernel.metrics import MetricMatch, MetricName, Sample, Statistic

NOW = 1_700_000_000 // (28 * DAY) * (28 * DAY)
SUM, COUNT, LOW, HIGH = Statistic("Sum"), Statistic("SampleCount"), Statistic("Minimum"), Statistic("Maximum")
CPU = MetricName("1", "r", "N", "cpu")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def metrics(tmp_path: Path, clock: ManualClock) -> Iterator[SqliteMetrics]:
    made = SqliteMetrics(tmp_path, clock, background=False)
    yield made
    made.close()


def steps(metrics: SqliteMetrics) -> set[int]:
    db = metrics._db
    assert db is not None
    return {step for (step,) in db.execute("SELECT DISTINCT step FROM chunks")}


def age(metrics: SqliteMetrics) -> None:
    metrics.spill()
    while metrics.roll():
        pass


def test_the_edges_of_finer_blocks_are_edges_of_coarser_ones() -> None:
    for fine, coarse in pairwise(TIERS):
        assert coarse.span % fine.span == 0 and coarse.step % fine.step == 0 and fine.span % coarse.step == 0
        assert fine.span // fine.step < 2**16


def test_where_a_value_is_kept_follows_its_age() -> None:
    assert step_for(NOW, 1, NOW) == 1 and step_for(NOW, 60, NOW) == 60
    assert step_for(NOW - 3 * HOUR - 1, 1, NOW) == 60
    assert step_for(NOW - 15 * DAY - 1, 1, NOW) == 300
    assert step_for(NOW - 63 * DAY - 1, 60, NOW) == 3600
    assert step_for(NOW + 7200, 1, NOW) == 1


def test_seconds_become_minutes_then_five_then_hours_then_nothing(metrics: SqliteMetrics, clock: ManualClock) -> None:
    metrics.put([Sample(CPU, NOW + i, (float(i % 7),), resolution=1) for i in range(2 * HOUR)])

    def seen(period: int) -> list[tuple[float | None, ...]]:
        found = metrics.read(CPU, (SUM, COUNT, LOW, HIGH), NOW, NOW + 2 * HOUR, period)
        return list(zip(*found.values, strict=True))

    hours = seen(HOUR)
    for later, step in ((5 * HOUR + 1, 60), (17 * DAY, 300), (75 * DAY, 3600)):
        clock.advance(NOW + later - clock.now())
        age(metrics)
        assert steps(metrics) == {step}
        assert seen(HOUR) == hours
        assert len(seen(60)) == 2 * HOUR // step
    clock.advance(490 * DAY)
    age(metrics)
    assert steps(metrics) == set()
    assert list(metrics.names("1", "r", MetricMatch())) == [] and seen(HOUR) == []
    # A metric that is written to again begins anew.
    metrics.put([Sample(CPU, clock.now(), (1.0,))])
    assert list(metrics.names("1", "r", MetricMatch())) == [CPU]


def test_percentiles_survive_the_roll_up(metrics: SqliteMetrics, clock: ManualClock) -> None:
    values = [float((i * 7919) % 10_000) + 1 for i in range(HOUR)]
    metrics.put([Sample(CPU, NOW + i, (value,), resolution=1) for i, value in enumerate(values)])
    clock.advance(17 * DAY)
    age(metrics)
    assert steps(metrics) == {300}
    for percent in (1.0, 50.0, 99.0):
        found = metrics.read(CPU, (Statistic("percentile", percent),), NOW, NOW + HOUR, HOUR).values[0][0]
        assert found == pytest.approx(sorted(values)[math.ceil(HOUR * percent / 100) - 1], rel=0.01)


def test_a_bite_is_bounded(metrics: SqliteMetrics, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep_module, "BITE", 3)
    names = [MetricName("1", "r", "N", f"m{i}") for i in range(10)]
    metrics.put([Sample(one, NOW, (1.0,), resolution=1) for one in names])
    metrics.spill()
    clock.advance(DAY)
    assert [metrics.roll() for _ in range(5)] == [True, True, True, False, False]
    assert steps(metrics) == {60}


def test_many_small_chunks_become_one(metrics: SqliteMetrics) -> None:
    for i in range(upkeep_module.MANY):
        metrics.put([Sample(CPU, NOW + 60 * i, (1.0,))])
        metrics.spill()
    db = metrics._db
    assert db is not None and db.execute("SELECT count(*) FROM chunks").fetchone() == (1,)
    assert metrics.read(CPU, (COUNT,), NOW, NOW + HOUR, 60).values[0] == [1.0] * upkeep_module.MANY


def test_a_block_that_is_over_becomes_one_chunk(metrics: SqliteMetrics, clock: ManualClock) -> None:
    for i in range(3):
        metrics.put([Sample(CPU, NOW + i, (1.0,), resolution=1)])
        metrics.spill()
    db = metrics._db
    assert db is not None
    for seconds, chunks in ((HOUR - 1, 3), (1, 1)):
        clock.advance(seconds)
        metrics.roll()
        assert db.execute("SELECT count(*) FROM chunks").fetchone() == (chunks,)
    assert metrics.read(CPU, (COUNT,), NOW, NOW + 60, 60).values == [[3.0]]


def test_a_late_value_joins_what_was_rolled_up(metrics: SqliteMetrics, clock: ManualClock) -> None:
    metrics.put([Sample(CPU, NOW + 5, (1.0,), resolution=1)])
    clock.advance(6 * HOUR)
    age(metrics)
    metrics.put([Sample(CPU, NOW + 7, (2.0,), resolution=1)])
    assert metrics.read(CPU, (SUM, COUNT), NOW, NOW + 60, 60).values == [[3.0], [2.0]]
    age(metrics)
    assert metrics.read(CPU, (SUM, COUNT), NOW, NOW + 60, 60).values == [[3.0], [2.0]]


@pytest.mark.parametrize("jump", [-400 * DAY, -HOUR, HOUR, 10 * DAY, 100 * DAY])
def test_a_clock_that_jumps_loses_nothing_that_is_kept(
    metrics: SqliteMetrics, clock: ManualClock, tmp_path: Path, jump: float
) -> None:
    metrics.put([Sample(CPU, NOW + i, (1.0,), resolution=1) for i in range(HOUR)])
    clock.advance(jump)
    age(metrics)
    metrics.put([Sample(CPU, clock.now(), (5.0,), resolution=1)])
    clock.advance(-jump)
    metrics.put([Sample(CPU, NOW + i, (1.0,), resolution=1) for i in range(HOUR)])
    age(metrics)
    metrics.close()
    again = SqliteMetrics(tmp_path, clock, background=False)
    total = again.read(CPU, (SUM,), NOW, NOW + HOUR, HOUR).values[0][0]
    assert total == 2 * HOUR
    at = int(NOW + jump) // HOUR * HOUR
    assert again.read(CPU, (HIGH,), at, at + HOUR, HOUR).values[0] == [5.0]
    again.close()


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"),
            st.floats(0, 14 * DAY),
            st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5),
            st.sampled_from([1, 60]),
        ),
        st.tuples(st.just("spill")),
        st.tuples(st.just("age"), st.floats(0, 10 * DAY)),
        st.tuples(st.just("reopen")),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(OPERATIONS, st.sampled_from([HOUR, 6 * HOUR, DAY]))
def test_every_value_is_counted_once_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple], period: int
) -> None:
    directory, clock = tmp_path_factory.mktemp("model"), ManualClock(NOW)
    metrics = SqliteMetrics(directory, clock, background=False)
    model: dict[int, list[float]] = defaultdict(list)
    for one in operations:
        match one:
            case ("put", before, values, resolution):
                at = clock.now() - before
                metrics.put([Sample(CPU, at, values, resolution=resolution)])
                model[int(at // period) * period] += values
            case ("spill",):
                metrics.spill()
            case ("age", seconds):
                clock.advance(seconds)
                age(metrics)
            case ("reopen",):
                metrics.close()
                metrics = SqliteMetrics(directory, clock, background=False)
    start = NOW - 16 * DAY
    found = metrics.read(CPU, (COUNT, SUM, LOW, HIGH), start, int(clock.now()) + 1, period)
    assert found.times == sorted(model)
    for i, at in enumerate(found.times):
        values = model[at]
        assert found.values[0][i] == len(values)
        assert found.values[1][i] == pytest.approx(math.fsum(values), abs=1e-3)
        assert (found.values[2][i], found.values[3][i]) == (min(values), max(values))
    metrics.close()
