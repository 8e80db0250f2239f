"""Pipelines as both major versions of the `sagemaker` SDK define, start and read them, unmodified."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.clients.sdk.environments import SDK2, SDK3, Environment
from tests.clients.sdk.house import ROLE, House
from tests.real import RealClary

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(1500)]

AS_ROLE = ("--role", ROLE)


@pytest.fixture(scope="module")
def server(made_environments: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    """A server whose jobs of functions find the SDK where the clients have it."""
    real = RealClary(tmp_path_factory.mktemp("clary") / "home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CLARY_SDK_ENVIRONMENTS", os.pathsep.join(str(one.directory) for one in (SDK2, SDK3)))
        patched.setenv("CLARY_OVERSIZE", "refuse")  # what is too large is a ResourceLimitExceeded, as on AWS
        real.up()
    yield real
    real.sweep()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 rows that a model can learn, the label first."""
    random = np.random.default_rng(3)
    values = random.random((400, 4))
    labels = values @ np.array([3.0, 2.0, 1.0, 4.0]) + random.normal(0, 0.1, 400)
    file = tmp_path_factory.mktemp("rows") / "rows.csv"
    np.savetxt(file, np.column_stack([labels, values]), delimiter=",", fmt="%.4f")
    return file


@pytest.fixture(scope="module", autouse=True)
def queues(house: House) -> None:
    """The role may use queues."""
    policy = "arn:aws:iam::aws:policy/AmazonSQSFullAccess"
    house.clary.client("iam").attach_role_policy(RoleName=ROLE, PolicyArn=policy)


def test_abalone_from_data_to_a_registered_model(house: House, rows: Path) -> None:
    """Both branches of the condition, cached steps, one step alone on what an earlier execution left."""
    said = house.run(SDK2, "sdk2_pipeline.py", str(rows), options=AS_ROLE)
    arn = f"arn:aws:sagemaker:us-east-1:{house.account}:pipeline/Abalone2"
    assert said["arns"] == [arn, arn]
    assert said["description"] == "once more"
    assert {name: one["status"] for name, one in said["first"].items()} == dict.fromkeys(
        (
            "PrepareAbalone",
            "TrainAbalone",
            "EvaluateAbalone",
            "CheckMse",
            "AbaloneModel-RegisterModel",
            "AbaloneServed-CreateModel",
            "TransformAbalone",
        ),
        "Succeeded",
    )
    assert not any(one["cached"] for one in said["first"].values())
    assert {name for name, one in said["second"].items() if one["cached"]} == {"PrepareAbalone", "TrainAbalone"}
    assert said["second"]["AbaloneTooWrong"]["status"] == "Failed"
    assert "TransformAbalone" not in said["second"]
    assert said["outcomes"] == ["True", "False"]
    assert said["message"] == "Execution failed: the MSE is over 1e-06"
    assert said["message"] in said["reason"]
    assert said["third"]["EvaluateAbalone"]["status"] == "Succeeded"
    assert said["status"] == ["Succeeded", "Failed", "Succeeded"]
    assert said["package"] == ["abalone2", "Approved"]
    assert said["metrics"].endswith("/evaluation.json")
    assert said["rows"] == 60
    assert said["name"] == "first"
    assert said["parameters"]["ModelApprovalStatus"] == "Approved"
    assert f"Pipeline '{arn}' does not exist" in said["gone"]


def test_abalone_of_the_third_version(house: House, rows: Path) -> None:
    """The same, with a tuning job whose best model is served."""
    said = house.run(SDK3, "sdk3_pipeline.py", str(rows), options=AS_ROLE)
    arn = f"arn:aws:sagemaker:us-east-1:{house.account}:pipeline/Abalone3"
    assert said["arns"] == [arn, arn]
    prepared = {"PrepareAbalone", "TrainAbalone", "TuneAbalone"}
    registered = {"RegisterAbalone", "ServeAbalone", "TransformAbalone"}
    assert said["first"].keys() == prepared | registered | {"EvaluateAbalone", "CheckMse"}
    assert all(one == {"status": "Succeeded", "cached": False} for one in said["first"].values())
    assert {name for name, one in said["second"].items() if one["cached"]} == prepared
    assert said["second"]["AbaloneTooWrong"]["status"] == "Failed"
    assert not registered & said["second"].keys()
    assert said["outcomes"] == ["True", "False"]
    assert "Execution failed: the MSE is over 1e-06" in said["reason"]
    assert said["third"]["EvaluateAbalone"]["status"] == "Succeeded"
    assert said["package"] == ["abalone3", "Approved"]
    assert f"/{said['best']}/output/" in said["served"]
    assert said["rows"] == 60
    assert f"Pipeline '{arn}' does not exist" in said["gone"]


@pytest.mark.parametrize(("sdk", "digit"), [(SDK2, "2"), (SDK3, "3")], ids=["v2", "v3"])
def test_functions_are_steps(house: House, sdk: Environment, digit: str) -> None:
    """@step: what a function returns is another's argument, and decides a condition."""
    said = house.run(sdk, f"sdk{digit}_pipeline_functions.py", options=AS_ROLE)
    assert said["steps"] == dict.fromkeys(("Prepare", "Total", "Check"), "Succeeded")
    assert said["outcome"] == "True"
    assert said["total"] == 12
    assert "/sagemaker-base-python-310:" in said["image"]


def test_tuning_serving_repacking_and_callbacks(house: House, rows: Path) -> None:
    said = house.run(SDK2, "sdk2_pipeline_steps.py", str(rows), options=AS_ROLE)
    asked = {"question": "how much", "number": 5}
    assert said["asked"] == {
        "arguments": asked,
        "status": "Executing",
        "pipelineExecutionArn": said["execution"],
    }
    assert said["waiting"] == ["Executing", True]
    assert said["twice"] == "ConflictException"
    assert said["outputs"] == [{"Name": "answer", "Value": "this much"}, {"Name": "count", "Value": "7"}]
    assert said["said"] == "this much 7"
    assert said["messages"] == ["Executing", "Stopping", True]
    assert said["stopped"] == ["Stopped", "Stopped"]
    assert set(said["packed"].values()) == set(said["tuned"].values()) == {"Succeeded"}
    assert len(said["packed"]) == 2
    assert {"sum.json", "code/inference.py"} <= set(said["members"])
    assert f"/{said['best']}/output/" in said["served"]
    assert said["answer"] == pytest.approx(5.0, abs=1.0)


@pytest.mark.parametrize(("sdk", "digit"), [(SDK2, "2"), (SDK3, "3")], ids=["v2", "v3"])
def test_steps_and_executions_are_retried(house: House, sdk: Environment, digit: str) -> None:
    """By a policy, twice; and by a person, from the step that failed."""
    said = house.run(sdk, f"sdk{digit}_pipeline_retried.py", options=AS_ROLE)
    assert said["before"] == {"First": "Succeeded", "Second": "Failed"}
    assert said["failed"][0] == "Failed"
    assert "the rows are unfit" in said["failed"][1]
    assert said["same"] and said["kept"] and said["anew"]
    assert said["after"] == dict.fromkeys(("First", "Second", "Third"), "Succeeded")
    assert said["status"] == "Succeeded"
    status, attempts, why = said["huge"]
    assert (status, attempts) == ("Failed", 3)
    assert "ResourceLimitExceeded" in why
