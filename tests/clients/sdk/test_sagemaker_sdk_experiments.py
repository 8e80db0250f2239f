"""The `sagemaker` SDK, unmodified: experiments, runs, and what is found of them."""

from collections.abc import Iterator

import pytest

from tests.clients.sdk.environments import SDK2, SDK3
from tests.clients.sdk.house import ROLE, House
from tests.clients.sdk.sets import Sets
from tests.real import RealClary

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(900)]

AS_ROLE = ("--role", ROLE)


@pytest.fixture(scope="module")
def server(made_environments: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    """A server whose jobs of functions find the SDK where the clients have it."""
    real = RealClary(tmp_path_factory.mktemp("clary") / "home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CLARY_SDK_ENVIRONMENTS", str(SDK2.directory))
        real.up()
    yield real
    real.sweep()


def test_a_run_with_a_job_in_it(house: House, sets: Sets) -> None:
    said = house.run(SDK2, "sdk2_experiments.py", str(sets.place / "iris/train.csv"), options=AS_ROLE)
    assert said["parameters"] == {"depth": 3.0, "kind": "trees", "eta": 0.25, "seen_in": "job"}
    assert said["metrics"] == {
        "loss": [25, pytest.approx(0.76), pytest.approx(0.76)],
        "accuracy": [1, 0.875, 0.875],
        "job:loss": [12, pytest.approx(1 / 12), pytest.approx(1 / 12)],
    }
    assert said["inputs"]["data"]["MediaType"] == "text/csv"
    assert said["note"] == "a file of the run"
    assert said["status"] == "Completed"
    assert said["sources"] == [said["job"]]
    assert said["config"] == {
        "ExperimentName": "flowers-exp",
        "TrialName": "Default-Run-Group-flowers-exp",
        "RunName": "flowers-exp-first-run",
    }
    assert said["inside"] == "first-run"
    name = said["job"].rpartition("/")[2]
    assert said["job_component"] == [f"{name}-aws-training-job", "Completed"]
    assert said["job_metrics"] == ["train:mlogloss"]
    assert said["bad"] == {"PrimaryStatus": "Failed", "Message": "it did not work"}
    assert said["steps"] == list(range(25))
    assert said["table"][:2] == ["flowers-exp-first-run", "flowers-exp-second-run"]
    assert {"accuracy - Max", "depth", "note - Value", "Trials", "SourceArn"} <= set(said["columns"])
    assert said["runs"] == ["bad", "second-run", "first-run"]
    assert said["left"] == 0


def test_what_the_third_version_has_of_runs(house: House) -> None:
    said = house.run(SDK3, "sdk3_experiments.py", options=AS_ROLE)
    assert said["parameters"] == ["again", "depth", "kind"]
    assert said["metrics"] == {"late": [1, 7.0], "loss": [12, pytest.approx(1 / 12)]}
    assert said["graphs"] == ["ConfusionMatrix", "ROCCurve"]
    assert sorted(said["runs"]) == ["one", "two"]
    assert said["table"] == ["third-exp-two", "third-exp-one"]


def test_a_job_logs_to_the_run_that_it_belongs_to(house: House) -> None:
    said = house.run(SDK2, "sdk2_run_in_job.py", options=AS_ROLE)
    assert said["name"] == "one"
    assert said["metrics"] == {"accuracy": 1, "job:loss": 12}
    assert said["parameters"] == {"where": "notebook", "rounds": 12.0}
