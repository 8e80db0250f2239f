"""The `sagemaker` SDK 3, unmodified: endpoints of every kind, made by ModelBuilder and by the resources of its core."""

import io
from pathlib import Path

import joblib
import numpy as np
import pytest
import xgboost
from sklearn.preprocessing import StandardScaler

from tests.clients.sdk.environments import SDK3
from tests.clients.sdk.house import ROLE, House
from tests.jobs_house import archive

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(900)]


def test_endpoints_of_every_kind(house: House, tmp_path: Path) -> None:
    """Update, data capture, events, asynchronous, serverless, inference pipeline, multi-model."""
    rows = np.random.default_rng(5).random((300, 3))
    labels = rows @ np.array([1.0, 2.0, 3.0])
    fitted, scaler = io.BytesIO(), StandardScaler().fit(rows)
    joblib.dump(scaler, fitted)
    artifacts = [
        _archive(tmp_path / "scaler.tar.gz", "model.joblib", fitted.getvalue()),
        _archive(tmp_path / "scaled.tar.gz", "xgboost-model", _trees(scaler.transform(rows), labels)),
        _archive(tmp_path / "trees.tar.gz", "xgboost-model", _trees(rows, labels)),
        _archive(tmp_path / "twice.tar.gz", "xgboost-model", _trees(rows, 2 * labels)),
    ]
    said = house.run(SDK3, "sdk3_endpoints.py", *artifacts, options=("--role", ROLE))
    once, twice = pytest.approx([3.0, 2.4], abs=0.5), pytest.approx([6.0, 4.8], abs=0.5)
    assert said["before"] == once
    assert said["updating"] == "Updating"
    assert said["after"] == said["parts"] == twice
    assert said["asynchronous"] == said["serverless"] == said["before"]
    assert "Received client error (400)" in said["failure"]
    assert said["piped"] == pytest.approx(said["before"], abs=0.2)
    assert said["many"] == [said["before"], said["after"]]
    for name, (line,) in zip(("before", "after"), said["captured"], strict=True):
        inside = line["captureData"]
        assert line["eventMetadata"]["inferenceId"] == name
        assert inside["endpointInput"]["data"] == "0.5,0.5,0.5\n0.1,0.9,0.2"
        assert [float(one) for one in inside["endpointOutput"]["data"].split()] == said[name]
    assert said["shown"].pop("results").startswith(f"s3://sagemaker-us-east-1-{house.account}/")
    assert said["shown"] == {"captures": "Started", "memory": 2048, "containers": 2, "mode": "MultiModel"}
    sagemaker = house.clary.client("sagemaker")
    assert (sagemaker.list_endpoints()["Endpoints"], sagemaker.list_endpoint_configs()["EndpointConfigs"]) == ([], [])


def _trees(rows: np.ndarray, labels: np.ndarray) -> bytes:
    return bytes(xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, label=labels), 20).save_raw("json"))


def _archive(path: Path, member: str, content: bytes) -> str:
    path.write_bytes(archive((member, content)))
    return str(path)
