"""Model Monitor's baselines and QualityCheckSteps of the `sagemaker` SDK, unmodified, on 5000 customers."""

import csv
import random
import re
from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.algorithms.conftest import DATA
from tests.clients.sdk.environments import SDK2, SDK3
from tests.clients.sdk.house import ROLE, House

CHURN = DATA / "churn/churn.csv"
NUMBERS = ("Day Mins", "Eve Mins", "Night Mins", "Intl Mins", "VMail Message", "Day Calls", "Eve Calls")
Row = dict[str, str]

pytestmark = [
    *(pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(1500)),
    pytest.mark.skipif(not CHURN.exists(), reason="churn lies not beside the repository"),
]


def write(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3000 customers, 1000 others, the same 1000 who speak longer by day; what a model says of 1000, and what it says
    when its answers have become random for every third."""
    place = tmp_path_factory.mktemp("customers")
    with CHURN.open(newline="") as file:
        rows = list(csv.DictReader(file))
    random.Random(0).shuffle(rows)
    write(place / "base.csv", rows[:3000])
    write(place / "same.csv", rows[3000:4000])
    write(place / "drift.csv", [row | {"Day Mins": str(1.6 * float(row["Day Mins"]))} for row in rows[3000:4000]])
    known = [[float(row[name]) for name in NUMBERS] for row in rows]
    left = [row["Churn?"] == "True." for row in rows]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(known[:3000], left[:3000])
    chances = model.predict_proba(known[4000:])[:, 1].tolist()
    for name, broken in (("judged", False), ("worse", True)):
        shown = [random.Random(at).random() if broken and at % 3 == 0 else one for at, one in enumerate(chances)]
        judged = [
            {"label": str(int(truth)), "prediction": str(int(one >= 0.5)), "probability": repr(one)}
            for truth, one in zip(left[4000:], shown, strict=True)
        ]
        write(place / f"{name}.csv", judged)
    return place


def ends(run: dict[str, Any]) -> dict[str, str]:
    return {name: one["status"] for name, one in run["steps"].items()}


def test_baselines_and_quality_checks_of_a_pipeline(house: House, customers: Path) -> None:
    said = house.run(SDK2, "sdk2_quality.py", str(customers), options=("--role", ROLE))
    assert said["statistics"]["dataset"]["item_count"] == 3000
    assert len(said["statistics"]["features"]) == len(said["constraints"]["features"]) == 21
    assert said["saved"] == said["constraints"]
    assert said["judged"]["binary_classification_metrics"]["auc"]["value"] > 0.6
    assert set(said["limits"]["binary_classification_constraints"]) >= {"recall", "precision", "auc", "f1"}
    runs = said["runs"]
    assert runs["first"]["status"] == runs["same"]["status"] == "Succeeded"
    assert ends(runs["same"]) == {
        "CheckData": "Succeeded",
        "CheckModel": "Succeeded",
        "Register-RegisterModel": "Succeeded",
    }
    assert runs["drift"]["status"] == runs["worse"]["status"] == "Failed"
    assert runs["drift"]["steps"]["CheckModel"]["status"] == "Succeeded"
    reason = runs["drift"]["steps"]["CheckData"]["reason"]
    assert "found violations of the baseline in Day Mins; see s3://" in reason
    assert "Day Mins (baseline_drift_check: Baseline drift distance: " in reason
    assert {one["feature_name"] for one in said["violations"]} == {"Day Mins"}
    assert said["violations"] == said["read"]
    reason = runs["worse"]["steps"]["CheckModel"]["reason"]
    assert {"recall", "precision", "auc", "f1"} <= set(re.split("; see |,? ", reason))
    # The first run's own baseline is carried over by the second one, which found nothing.
    assert len(said["baselines"]) == 2
    assert said["baselines"][0] == said["baselines"][1]


def test_baselines_and_a_quality_check_by_the_third_version(house: House, customers: Path) -> None:
    said = house.run(SDK3, "sdk3_quality.py", str(customers), options=("--role", ROLE))
    assert said["statistics"]["dataset"]["item_count"] == 3000
    assert len(said["constraints"]["features"]) == 21
    assert said["judged"]["binary_classification_metrics"]["auc"]["value"] > 0.6
    assert "recall" in said["limits"]["binary_classification_constraints"]
    assert said["runs"]["same"] == {"status": "Succeeded", "reason": None}
    assert said["runs"]["drift"]["status"] == "Failed"
    assert "found violations of the baseline in Day Mins; see s3://" in said["runs"]["drift"]["reason"]
