"""A tuning job whose server is killed at any moment tries what it would have tried, each trial once."""

import asyncio
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from clary.kernel.clock import ManualClock
from clary.kernel.resource import Doc
from clary.services.sagemaker import tuning
from tests.crash.harness import crashes, pausing
from tests.crash.test_sagemaker_crash import LATER, START
from tests.tuning_house import TuningHouse, tells, tuning_request

COUNT = 5


def objective(given: Doc) -> float:
    return (math.log10(float(given["eta"])) + 1) ** 2 + int(given["max_depth"]) / 9


class Fragile(TuningHouse):
    """Gives way at each call of the runner, of an operation and of the search, so that it can be killed there."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, behave=tells(objective), clock=ManualClock(START))
        self.runner = pausing(self.runner)
        self.engines = type(self.engines)(
            **{
                **{name: getattr(self.engines, name) for name in self.engines.__slots__},
                "runner": self.runner,
                "search": pausing(self.search),
            }
        )
        self.restart()

    async def _call(self, ctx: Any, name: str, operation: str, req: Any) -> Any:
        await asyncio.sleep(0)
        answer = await super()._call(ctx, name, operation, req)
        await asyncio.sleep(0)
        return answer


def wanted() -> Doc:
    limits = {"MaxNumberOfTrainingJobs": COUNT, "MaxParallelTrainingJobs": 1}
    return tuning_request(config={"Strategy": "Bayesian", "limits": limits})


async def live(directory: Path) -> None:
    house = Fragile(directory)
    house.objects.write("lake", "data/train/a.csv", b"1,2\n")
    await house.call("CreateHyperParameterTuningJob", **wanted())
    await house.run(120.0)


async def tried(directory: Path) -> list[Doc]:
    """What the job has tried and what came of it, once the next server has brought it to its end; []: there is none."""
    house = TuningHouse(directory, behave=tells(objective), clock=ManualClock(START + LATER))
    try:
        if not house.count(tuning.KIND):
            return []  # Killed before the request was answered: nobody was promised anything.
        await house.run(600.0)
        said = await house.describe()
        assert said["HyperParameterTuningJobStatus"] == "Completed", said
        assert said["TrainingJobStatusCounters"]["Completed"] == COUNT
        trials = await house.trials()
        assert house.count("training-job") == len(house.runner.starts()) == len(set(house.runner.starts())) == COUNT
        assert all(house.get("training-job", one["TrainingJobName"]).status["TuningJobArn"] for one in trials)
        return [one["TunedHyperParameters"] | one["FinalHyperParameterTuningJobObjectiveMetric"] for one in trials]
    finally:
        house.close()


@pytest.mark.slow
def test_a_kill_anywhere_changes_nothing_of_what_is_tried(tmp_path: Path) -> None:
    found, points = [], 0
    for crash in crashes(live, tmp_path, step=13):
        try:
            found.append(asyncio.run(tried(crash.directory)))
        except Exception as error:
            raise AssertionError(f"killed at point {crash.number} ({crash.where})") from error
        shutil.rmtree(crash.directory)
        points = crash.number
    undisturbed = found[-1]
    assert len(undisturbed) == COUNT
    assert all(one in ([], undisturbed) for one in found)
    assert points > 100
