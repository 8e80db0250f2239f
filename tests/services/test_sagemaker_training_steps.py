"""The steps of a training job: every status with every state of its run, each taken twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.engines.runners.base import Work
from clary.kernel.resource import Resource
from tests.sagemaker_house import House, training_request


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    made.objects.write("lake", "data/train/a.csv", b"1,2\n")
    yield made
    made.close()


# The table: every secondary status with every phase of the run, each step taken twice from the same row.

RUNS = ("absent", "running", "ended 0", "ended 1", "lost")
PHASES = (
    ("InProgress", "Starting"),
    ("InProgress", "Downloading"),
    ("InProgress", "Training"),
    ("InProgress", "Uploading"),
    ("Stopping", "Stopping"),
    ("Stopping", "MaxRuntimeExceeded"),
    ("Completed", "Completed"),
    ("Failed", "Failed"),
    ("Stopped", "Stopped"),
)
ENDS = {
    ("InProgress", "absent"): {"InProgress", "Failed"},
    ("InProgress", "running"): {"InProgress"},
    ("InProgress", "ended 0"): {"InProgress", "Completed"},
    ("InProgress", "ended 1"): {"Failed"},
    ("InProgress", "lost"): {"Failed"},
    ("Stopping", "absent"): {"Stopped"},
    ("Stopping", "running"): {"Stopping"},
    ("Stopping", "ended 0"): {"Stopped"},
    ("Stopping", "ended 1"): {"Stopped"},
    ("Stopping", "lost"): {"Stopped"},
}


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize(("phase", "secondary"), PHASES)
async def test_every_step_may_be_taken_twice(house: House, phase: str, secondary: str, run: str) -> None:
    await house.call("CreateTrainingJob", **training_request())
    job = house.get("training-job", "job")
    now = house.clock.now()
    passed = [{"Status": secondary, "StartTime": now, "StatusMessage": ""}]
    asked = {"_stop_asked": now - 1} if phase == "Stopping" else {}
    members = {"SecondaryStatus": secondary, "SecondaryStatusTransitions": passed, "TrainingStartTime": now, **asked}
    job = house.store.update(job, phase=phase, due=None, **members)
    await bring(house, job, run)
    house.runner.stubborn = True  # The world does not change between the two.
    reconciler = house.reconcilers["training-job"]
    first = await reconciler(job)
    second = await reconciler(job)
    assert (first.kind, first.phase) == (second.kind, second.phase)
    if (secondary, run) != ("Downloading", "absent"):  # The first started it, and the second saw that.
        assert without_times(first.status) == without_times(second.status)
    if phase in ("Completed", "Failed", "Stopped"):
        assert first.kind == "rest"
        assert await house.runner.uids() == []
    else:
        assert (first.phase or phase) in ENDS[phase, run] or secondary == "Downloading"
        assert first.after is not None
    assert house.runner.starts() in ([], [job.uid])


async def bring(house: House, job: Resource, run: str) -> None:
    if run == "absent":
        return
    await house.runner.start(job.uid, Work(("true",), directories=("/opt/ml/model", "/opt/ml/output/data")))
    if run.startswith("ended"):
        house.runner.end(job.uid, int(run[-1]))
    elif run == "lost":
        house.runner.lose(job.uid)


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_times(one) for name, one in value.items() if not name.endswith("Time")}
    return [without_times(one) for one in value] if isinstance(value, list) else value


def test_giving_up_the_clean_up_leaves_the_end_as_it_is(house: House) -> None:
    job = Resource("training-job", "j", "a", "r", "u", phase="Completed", status={"SecondaryStatus": "Completed"})
    assert house.reconcilers["training-job"].give_up(job, OSError()).kind == "again"


def test_giving_up_fails_the_job_without_detail(house: House) -> None:
    job = Resource("training-job", "j", "a", "r", "u", phase="InProgress", status={"SecondaryStatus": "Starting"})
    step = house.reconcilers["training-job"].give_up(job, RuntimeError("secret path /home/x"))
    assert step.phase == "Failed"
    assert step.status["FailureReason"].startswith("InternalServerError: ")
    assert "secret" not in step.status["FailureReason"]
