"""The worked examples that are written with the SageMaker SDK run as a user would copy them."""

from pathlib import Path

import pytest

from tests.clients.sdk.environments import SDK2
from tests.clients.sdk.house import ROLE, House
from tests.clients.sdk.sets import ABSENT, FILES
from tests.examples_house import EXAMPLES, made_up

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(1500)]


@pytest.fixture
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The published file where it lies beside the repository, else made-up rows like it."""
    name = request.param
    if name not in ABSENT:
        return str(FILES[name])
    file = tmp_path / f"{name}.csv"
    file.write_text(made_up(name))
    return str(file)


@pytest.mark.parametrize("rows", ["abalone"], indirect=True)
def test_abalone(house: House, rows: str) -> None:
    said = house.run(SDK2, str(EXAMPLES / "abalone/sdk.py"), rows, options=("--role", ROLE))
    assert said["status"] == ["Succeeded", "Succeeded", "Failed"]
    assert set(said["cached"]) == {"prepare", "train", "evaluate"}
    assert said["metrics"]["regression_metrics"]["mse"]["value"] <= 6.0
    assert said["metrics"]["regression_metrics"]["mse_of_the_mean"]["value"] > 8.0
    assert "the squared error" in said["reason"] and "is over 0.5" in said["reason"]
    assert said["version"] == ["abalone-sdk", "Approved"]
    known, answer = said["answer"]
    assert abs(known - answer) < 8


@pytest.mark.parametrize("rows", ["churn"], indirect=True)
def test_churn(house: House, rows: str) -> None:
    """A better model takes the place of a modest one; a worse one and one that learns nothing are held by the gate."""
    said = house.run(SDK2, str(EXAMPLES / "churn/sdk.py"), rows, options=("--role", ROLE))
    assert said["status"] == ["Succeeded", "Succeeded", "Failed", "Failed"]
    assert [set(one) for one in said["cached"]] == [set(), {"prepare"}, {"prepare", "train", "evaluate"}, {"prepare"}]
    assert "does not beat the version in service" in said["reasons"][2]
    assert "must be at least 0.8 and above the majority class's" in said["reasons"][3]
    assert said["metrics"]["accuracy"] >= 0.91
    assert said["metrics"]["auc"] >= 0.965
    known, answer = said["answer"]
    assert known in (0.0, 1.0) and 0.0 < answer < 1.0
