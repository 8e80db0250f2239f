"""The model registry and model cards of both major versions of the `sagemaker` SDK, unmodified."""

import pickle
import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import xgboost

from tests.clients.sdk.environments import SDK2, SDK3
from tests.clients.sdk.house import ROLE, House

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(1500)]


@pytest.fixture
def trees(tmp_path: Path) -> str:
    rows = np.random.default_rng(5).random((100, 3))
    model = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, label=rows.sum(axis=1)), 5)
    body = pickle.dumps(model)
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        told = tarfile.TarInfo("xgboost-model")
        told.size = len(body)
        tar.addfile(told, BytesIO(body))
    return str(path)


def test_register_approve_deploy_and_write_cards_with_v2(house: House, trees: str) -> None:
    said = house.run(SDK2, "sdk2_registry.py", trees, options=("--role", ROLE))
    assert said["values"] == [4.0, 3.0]  # each version has the metrics with which it was registered
    assert said["status"] == ["Approved", "better"]
    assert (said["properties"]["from"], said["properties"]["owner"]) == ("flow", "ada")
    assert said["specifications"] == ["other"]
    assert float(said["answer"][0][0]) == pytest.approx(1.5, abs=0.5)
    assert said["loaded"] == [2, "PendingReview", "more tests"]
    assert said["versions"] == [2, 1]
    assert said["exported"].endswith(".pdf")
    assert said["package"] is True
    assert set(said["cards"]) == {"registry2-package", "registry2-plain"}


def test_register_approve_and_write_cards_with_v3(house: House, trees: str) -> None:
    said = house.run(SDK3, "sdk3_registry.py", trees, options=("--role", ROLE))
    assert said["values"] == [4.0, 3.0]
    assert said["status"] == ["Approved", "better"]
    assert said["stage"] == "Staging"
    assert (said["properties"]["from"], said["properties"]["owner"]) == ("flow", "ada")
    assert len(said["listed"]) == 2
    assert said["model"] == said["arn"]
    assert said["card"] == [2, "Approved"]
    assert said["versions"] == [2]
    assert said["exported"].endswith("/registry3/cards/export.pdf")
