"""The metric store killed before each of its lines: what was answered is there, once, and never half."""

import json
import sqlite3
from pathlib import Path

import pytest

from clary.engines.metrics import store, upkeep
from clary.engines.metrics.store import SqliteMetrics
from clary.kernel.clock import ManualClock
from clary.kernel.metrics import MetricName, Sample, Statistic
from tests.crash.harness import crashes

NOW = 1_700_000_040
NAMES = [MetricName("1", "r", "N", name) for name in ("a", "b")]
ROUNDS = 3


def opened(directory: Path, clock: ManualClock) -> SqliteMetrics:
    return SqliteMetrics(directory / "metrics", clock, background=False)


async def scenario(directory: Path) -> None:
    """Puts of two metrics at once, a spill, more puts, a roll-up; every answer is written down."""
    clock = ManualClock(NOW)
    metrics = opened(directory, clock)
    for number in range(ROUNDS):
        metrics.put([Sample(name, NOW + number, (2.0**number,), resolution=1) for name in NAMES])
        # What was answered is told outside, by a write that the operating system has before the next line runs.
        with (directory / "answered").open("a") as told:
            told.write(json.dumps(number) + "\n")
        if number == 1:
            metrics.spill()
        if number == 2:
            clock.advance(6 * 3600)
            metrics.spill()
            while metrics.roll():
                pass
    metrics.close()


def answered(directory: Path) -> int:
    path = directory / "answered"
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.mark.slow
def test_what_was_answered_is_there_once_after_a_kill_at_any_line(tmp_path: Path) -> None:
    killed = 0
    for crash in crashes(scenario, tmp_path, lines_of=[store, upkeep], step=2):
        done = answered(crash.directory)
        metrics = opened(crash.directory, ManualClock(NOW + 6 * 3600))
        sums = []
        for name in NAMES:
            found = metrics.read(name, (Statistic("Sum"), Statistic("SampleCount")), NOW, NOW + 60, 60)
            sums.append((found.values[0] or [0.0])[0])
        # Of the put that was not answered, all or nothing; of the others, everything, once.
        assert sums[0] == sums[1], crash
        assert sums[0] in (2.0**done - 1, 2.0 ** (done + 1) - 1), crash
        metrics.put([Sample(name, NOW, (1000.0,)) for name in NAMES])
        metrics.spill()
        while metrics.roll():
            pass
        again = metrics.read(NAMES[0], (Statistic("Sum"),), NOW, NOW + 60, 60).values[0][0]
        assert again == sums[0] + 1000.0, crash
        metrics.close()
        with sqlite3.connect(crash.directory / "metrics" / "points.db") as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.close()
        killed += not crash.completed
    assert killed > 100
