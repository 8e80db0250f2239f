"""The `sagemaker` SDK, both major versions of it, unmodified, as a notebook would use it."""

import io
import pickle
import tarfile
from pathlib import Path

import joblib
import numpy as np
import pytest
import xgboost
from sklearn.preprocessing import StandardScaler

from clary.cli.demo import car
from tests.clients.sdk.environments import SDK2, SDK3, Environment
from tests.clients.sdk.house import ROLE, House
from tests.clients.sdk.sets import ABSENT, Sets

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(1500)]

AS_ROLE = ("--role", ROLE)
BOTH = pytest.mark.parametrize(("sdk", "digit"), [(SDK2, "2"), (SDK3, "3")], ids=["v2", "v3"])


@BOTH
def test_from_session_to_prediction(house: House, sdk: Environment, digit: str, sets: Sets) -> None:
    said = house.run(sdk, f"sdk{digit}_training.py", str(sets.place), options=AS_ROLE, own_defaults=False)
    assert said["version"].startswith(f"{digit}.")
    assert said["account"] == house.account
    assert said["role"] == house.role
    assert said["bucket"] == f"sagemaker-us-east-1-{house.account}"
    assert said["artifacts"]["iris"].endswith(f"/{said['job']}/output/model.tar.gz")
    assert "validation-mlogloss" in said["stdout"] + said["stderr"], "the log lines of the job were not shown"
    sets.holds_the_bar("iris", said["answers"])
    for name, artifact in said["artifacts"].items():
        sets.model_holds_the_bar(name, house, artifact)
    if ABSENT:
        pytest.skip(f"iris was learned and served, but {' and '.join(ABSENT)} lie not beside the repository")
    assert set(said["artifacts"]) == {"iris", "churn", "abalone"}


@BOTH
def test_processing_and_training_on_what_it_prepared(house: House, sdk: Environment, digit: str, sets: Sets) -> None:
    iris = sets.place / "iris"
    said = house.run(sdk, f"sdk{digit}_processing.py", str(iris / "iris.data"), options=AS_ROLE)
    assert said["held"] == (iris / "validation.csv").read_text()
    assert said["status"] == "Completed"
    assert "prepared 150 flowers" in said["stdout"] + said["stderr"]
    sets.model_holds_the_bar("iris", house, said["artifact"])
    if digit == "2":
        assert "objective" in said["failure"]
        assert said["words"] == ["ONE TWO!", "THREE!"]


@BOTH
def test_batch_transform_of_cars(house: House, sdk: Environment, digit: str, tmp_path: Path) -> None:
    cars = tmp_path / "car.csv"
    cars.write_text(car.csv())
    said = house.run(sdk, f"sdk{digit}_transform.py", str(cars), options=AS_ROLE)
    assert said["rows"] == 428
    assert said["accuracy"] > 0.95
    if digit == "2":
        assert "Bad HTTP status received from algorithm: 400" in said["failure"]
        assert said["attached"] == said["out"]
        assert "MaxConcurrentTransforms=" in said["stdout"] + said["stderr"], "the job's data-log was not shown"


@BOTH
def test_variables_alone_are_enough_for_the_default_bucket(house: House, sdk: Environment, digit: str) -> None:
    said = house.run(sdk, "sdk_bucket.py", options=("--no-proxy",), own_defaults=False)
    assert said["bucket"] == f"sagemaker-us-east-1-{house.account}"
    assert said["uri"] == f"s3://{said['bucket']}/alone/data.csv"
    assert said["body"] == "1,2\n"


def test_pipelines_many_models_and_approved_packages(house: House, tmp_path: Path) -> None:
    """PipelineModel, MultiDataModel, and register, approve, deploy."""
    rows = np.random.default_rng(5).random((300, 3))
    labels = rows @ np.array([1.0, 2.0, 3.0])
    fitted, scaled = io.BytesIO(), StandardScaler().fit(rows)
    joblib.dump(scaled, fitted)
    trees = xgboost.train({"nthread": 1}, xgboost.DMatrix(scaled.transform(rows), label=labels), 20)
    for name, member, content in (("scaler", "model.joblib", fitted.getvalue()), ("trees", "xgboost-model", trees)):
        (tmp_path / name).mkdir()
        body = content if isinstance(content, bytes) else pickle.dumps(content)
        with tarfile.open(tmp_path / name / f"{name}.tar.gz", "w:gz") as tar:
            told = tarfile.TarInfo(member)
            told.size = len(body)
            tar.addfile(told, io.BytesIO(body))
    archives = [str(tmp_path / name / f"{name}.tar.gz") for name in ("scaler", "trees")]
    said = house.run(SDK2, "sdk2_hosting.py", *archives, options=AS_ROLE)
    assert [float(row[0]) for row in said["piped"]] == pytest.approx([3.0, 2.5], abs=0.5)
    assert said["listed"] == ["deep/second.tar.gz", "first.tar.gz"]
    assert said["many"][0] == said["many"][1] == said["package"]
    assert said["before"] == "PendingManualApproval"
    assert said["versions"] == [1]
