"""Trials that are stopped before their end: by the median rule, and by Hyperband."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clary.kernel.resource import Doc
from tests.tuning_house import TuningHouse, tells, tuning_request


@pytest.fixture
def house(tmp_path: Path) -> Iterator[TuningHouse]:
    made = TuningHouse(tmp_path, behave=tells(lambda given: 1.0))
    made.objects.write("lake", "data/train/a.csv", b"1,2\n")
    yield made
    made.close()


async def print_epochs(house: TuningHouse, number: int, *values: float) -> None:
    """The trial of that number prints more epochs, and everybody has seen them."""
    trials = await house.trials()
    uid = house.get("training-job", trials[number - 1]["TrainingJobName"]).uid
    house.runner.say(uid, "".join(f"[0]#011validation-rmse:{value}\n" for value in values))
    await house.run(3.0)


async def end(house: TuningHouse, number: int) -> None:
    trials = await house.trials()
    house.runner.end(house.get("training-job", trials[number - 1]["TrainingJobName"]).uid, 0)
    await house.run(6.0)


async def phases(house: TuningHouse) -> list[str]:
    return [one["TrainingJobStatus"] for one in await house.trials()]


async def begin(house: TuningHouse, at_once: int = 4, **config: object) -> None:
    house.runner.behave = lambda uid, work, root: None
    limits = {"MaxNumberOfTrainingJobs": 5, "MaxParallelTrainingJobs": at_once}
    await house.call("CreateHyperParameterTuningJob", **tuning_request(config={"limits": limits, **config}))
    await house.run(5.0)


async def test_a_trial_worse_than_the_median_is_stopped(house: TuningHouse) -> None:
    await begin(house, TrainingJobEarlyStoppingType="Auto")
    for number in (1, 2, 3):
        await print_epochs(house, number, 0.9, 0.7, 0.5 + number / 10)
    await print_epochs(house, 4, 5.0, 5.0, 5.0)
    assert await phases(house) == ["InProgress"] * 4, "nothing has ended that it could be compared with"
    for number in (1, 2, 3):
        await end(house, number)
    await house.run(130.0)
    (*_, fourth, fifth) = await house.trials()
    assert fourth["TrainingJobStatus"] == "Stopped"
    assert fourth["ObjectiveStatus"] == "Succeeded"
    assert fourth["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 5.0
    await print_epochs(house, 5, 0.95, 0.6)
    assert (await phases(house))[4] == "InProgress", "worse at first, but it has caught up"
    await print_epochs(house, 5, 0.9)
    await house.run(130.0)
    said = await house.describe()
    assert said["TrainingJobStatusCounters"]["Stopped"] == 2
    assert said["HyperParameterTuningJobStatus"] == "Completed"
    assert said["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == pytest.approx(0.6)
    assert fifth["TrainingJobName"] != said["BestTrainingJob"]["TrainingJobName"]


async def test_without_early_stopping_nobody_is_stopped(house: TuningHouse) -> None:
    await begin(house)
    for number in (1, 2, 3):
        await print_epochs(house, number, 0.5)
        await end(house, number)
    await print_epochs(house, 4, 9.0, 9.0)
    await house.run(60.0)
    assert (await phases(house))[3] == "InProgress"


async def test_hyperband_stops_who_falls_behind_and_who_has_had_all(house: TuningHouse) -> None:
    resources: Doc = {"HyperbandStrategyConfig": {"MinResource": 3, "MaxResource": 6}}
    await begin(house, Strategy="Hyperband", StrategyConfig=resources)
    await print_epochs(house, 1, 0.5, 0.4)
    await print_epochs(house, 2, 0.9, 0.8)
    await print_epochs(house, 3, 0.7, 0.6)
    assert await phases(house) == ["InProgress"] * 4, "none has reached the first rung"
    for number, value in ((1, 0.3), (2, 0.7), (3, 0.5)):
        await print_epochs(house, number, value)
    assert (await phases(house))[:3] == ["InProgress", "Stopped", "Stopped"]
    await print_epochs(house, 1, 0.2, 0.2, 0.1)
    await house.run(130.0)
    (first, *_) = await house.trials()
    assert first["TrainingJobStatus"] == "Stopped"
    assert first["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == pytest.approx(0.1)
    assert (await house.describe())["BestTrainingJob"]["TrainingJobName"] == first["TrainingJobName"]


async def test_a_new_server_reads_the_curves_again(house: TuningHouse) -> None:
    await begin(house, TrainingJobEarlyStoppingType="Auto")
    for number in (1, 2, 3):
        await print_epochs(house, number, 0.5)
        await end(house, number)
    house.restart()
    await print_epochs(house, 4, 9.0)
    await house.run(130.0)
    assert (await phases(house))[3] == "Stopped"
