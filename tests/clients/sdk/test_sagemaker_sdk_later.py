"""The `sagemaker` SDK, unmodified: endpoints that answer later, or sleep meanwhile."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import xgboost

from tests.clients.sdk.environments import SDK2
from tests.clients.sdk.house import ROLE, House

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(900)]


def test_an_asynchronous_and_a_serverless_endpoint(house: House, tmp_path: Path) -> None:
    rows = np.random.default_rng(5).random((300, 3))
    labels = rows @ np.array([1.0, 2.0, 3.0])
    trees = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, label=labels), 20)
    body = bytes(trees.save_raw("json"))
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        told = tarfile.TarInfo("xgboost-model")
        told.size = len(body)
        tar.addfile(told, io.BytesIO(body))
    said = house.run(SDK2, "sdk2_later.py", str(tmp_path / "model.tar.gz"), options=("--role", ROLE))
    assert [float(row[0]) for row in said["serverless"]] == pytest.approx([3.0, 2.4], abs=0.5)
    assert said["asynchronous"] == said["serverless"]
    assert said["output"].endswith(".out")
    assert "Received client error" in said["failure"]
    assert said["shown"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
