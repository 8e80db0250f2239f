"""The `sagemaker` SDK, both major versions of it, unmodified, as a notebook would use it."""

from pathlib import Path

import pytest

from clary.cli.demo import car
from tests.clients.sdk.environments import SDK2, SDK3, Environment
from tests.clients.sdk.house import ROLE, House

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(1500)]

AS_ROLE = ("--role", ROLE)
BOTH = pytest.mark.parametrize(("sdk", "digit"), [(SDK2, "2"), (SDK3, "3")], ids=["v2", "v3"])


@BOTH
def test_from_session_to_prediction(house: House, sdk: Environment, digit: str) -> None:
    said = house.run(sdk, f"sdk{digit}_training.py", options=AS_ROLE)
    assert said["version"].startswith(f"{digit}.")
    assert said["account"] == house.account
    assert said["role"] == house.role
    assert said["bucket"] == f"sagemaker-us-east-1-{house.account}"
    assert said["model_data"].endswith(f"/{said['job']}/output/model.tar.gz")
    high, low = said["answers"]
    assert 0 < low < 0.5 < high < 1
    assert "validation-logloss" in said["stdout"] + said["stderr"], "the log lines of the job were not shown"


@BOTH
def test_processing(house: House, sdk: Environment, digit: str) -> None:
    said = house.run(sdk, f"sdk{digit}_processing.py", options=AS_ROLE)
    assert said["numbers"] == "7 14 21"
    assert said["status"] == "Completed"
    assert "multiplied 3 numbers" in said["stdout"] + said["stderr"]
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
    said = house.run(sdk, "sdk_bucket.py", options=("--no-proxy",))
    assert said["bucket"] == f"sagemaker-us-east-1-{house.account}"
    assert said["uri"] == f"s3://{said['bucket']}/alone/data.csv"
    assert said["body"] == "1,2\n"
