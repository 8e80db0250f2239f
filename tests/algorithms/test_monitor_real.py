"""The monitor's image on real data: it is quiet where nothing has changed, and names what has."""

import csv
import io
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.algorithms.conftest import DATA
from tests.monitor_house import Monitor

CHURN = DATA / "churn/churn.csv"
CAR = DATA / "car/car.data"
Row = dict[str, str]

pytestmark = [
    pytest.mark.skipif(not CHURN.exists(), reason="churn lies not beside the repository"),
    pytest.mark.slow,
]


@pytest.fixture
def monitor(tmp_path: Path) -> Monitor:
    return Monitor(tmp_path)


def churners() -> list[Row]:
    with CHURN.open(newline="") as file:
        rows = list(csv.DictReader(file))
    random.Random(0).shuffle(rows)
    return rows


def text(rows: list[Row]) -> str:
    made = io.StringIO()
    writer = csv.DictWriter(made, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return made.getvalue()


def test_batches_of_the_same_customers_are_quiet(monitor: Monitor) -> None:
    rows = churners()
    monitor.put("a.csv", text(rows[:3000]))
    baseline = monitor.analyze().baseline()
    loud = 0
    for start in range(3000, 5000, 500):
        monitor.put("a.csv", text(rows[start : start + 500]))
        monitor.analyze(**baseline)
        loud += bool(monitor.violations)
    assert loud == 0


def scaled(row: Row) -> Row:
    return row | {"Day Mins": str(float(row["Day Mins"]) * 1.6)}


def hours(row: Row) -> Row:
    return row | {"Night Mins": str(float(row["Night Mins"]) * 60)}


def lost(row: Row) -> Row:
    return row | ({"Intl Mins": ""} if int(row["Account Length"]) % 10 == 0 else {})


def moved(row: Row) -> Row:
    return row | ({"State": "CA"} if int(row["Account Length"]) % 3 == 0 else {})


def abroad(row: Row) -> Row:
    return row | ({"State": "ZZ"} if row["State"] == "PA" else {})


def halved(row: Row) -> Row:
    return row | {"VMail Message": str(int(row["VMail Message"]) / 2)}


@pytest.mark.parametrize(
    ("change", "feature", "check"),
    [
        (scaled, "Day Mins", "baseline_drift_check"),
        (hours, "Night Mins", "baseline_drift_check"),
        (lost, "Intl Mins", "completeness_check"),
        (moved, "State", "baseline_drift_check"),
        (abroad, "State", "categorical_values_check"),
        (halved, "VMail Message", "data_type_check"),
    ],
)
def test_a_change_of_one_column_is_found_there_and_nowhere_else(
    monitor: Monitor, change: Callable[[Row], Row], feature: str, check: str
) -> None:
    rows = churners()
    monitor.put("a.csv", text(rows[:3000]))
    baseline = monitor.analyze().baseline()
    monitor.put("a.csv", text([change(row) for row in rows[3000:4000]]))
    monitor.analyze(**baseline)
    found = {(one["feature_name"], one["constraint_check_type"]) for one in monitor.violations}
    assert (feature, check) in found
    assert {name for name, _ in found} == {feature}


def test_the_statistics_are_those_of_numpy(monitor: Monitor) -> None:
    rows = churners()
    monitor.put("a.csv", text(rows))
    monitor.analyze()
    for name in ("Day Mins", "Night Charge", "Account Length"):
        numbers = np.array([float(row[name]) for row in rows])
        said = monitor.feature(name)["numerical_statistics"]
        assert said["mean"] == pytest.approx(numbers.mean(), rel=1e-12)
        assert said["std_dev"] == pytest.approx(numbers.std(), rel=1e-12)
        assert (said["min"], said["max"]) == (numbers.min(), numbers.max())
        counts, _ = np.histogram(numbers, 10)
        told = [one["count"] for one in said["distribution"]["kll"]["buckets"]]
        assert sum(told) == len(rows)
        assert np.abs(np.cumsum(counts) - np.cumsum(told)).max() <= 0.005 * len(rows)
    assert monitor.feature("Phone")["string_statistics"]["distinct_count"] == len({row["Phone"] for row in rows})
    states = monitor.feature("State", "constraints")["string_constraints"]["domains"]
    assert states == sorted({row["State"] for row in rows})
    assert "string_constraints" not in monitor.feature("Phone", "constraints")


def test_columns_of_words_and_numbers_are_texts(monitor: Monitor) -> None:
    monitor.put("car.data", CAR.read_bytes())
    baseline = monitor.analyze({"csv": {"header": False}}).baseline()
    assert monitor.feature("_c2", "constraints")["string_constraints"]["domains"] == ["2", "3", "4", "5more"]
    monitor.put("car.data", b"vhigh,vhigh,2,2,small,low,unacc\n" * 3)
    monitor.analyze({"csv": {"header": False}}, **baseline)
    assert {one["constraint_check_type"] for one in monitor.violations} == set()


MEASURED = """
import os, resource, sys
from clary.algorithms.monitor import run
code = run.main(os.environ)
print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_rows(monitor: Monitor) -> None:
    """Eight times the rows, hardly any more memory: what it takes beyond is what Arrow reads ahead."""
    chance = np.random.default_rng(0)
    block = "\n".join(",".join(map(repr, row)) for row in chance.normal(size=(20_000, 12)).tolist()) + "\n"
    peaks = []
    for times in (10, 80):
        with (monitor.root / "data.csv").open("w") as file:
            file.writelines(block for _ in range(times))
        environ = monitor.environ({"csv": {"header": False}}, dataset_source=str(monitor.root / "data.csv"))
        done = subprocess.run(
            [sys.executable, "-c", MEASURED],
            env={**environ, "CLARY_ML_ROOT": str(monitor.root), "PATH": ""},
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )
        code, peak = map(int, done.stdout.splitlines()[-1].split())
        assert code == 0
        peaks.append(peak)
    assert peaks[1] < peaks[0] + 40, peaks
