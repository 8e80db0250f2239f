"""Training jobs on several hosts, with checkpoints and warm pools, killed at every place where their steps give way."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clary.engines.runners.base import Work
from clary.jobs.queue import Queue
from clary.jobs.turns import Demand
from clary.kernel.clock import ManualClock
from clary.services.sagemaker import reconcilers
from tests.crash.harness import crashes
from tests.crash.test_sagemaker_crash import LATER, START, Fragile, Scenario, prepare
from tests.sagemaker_house import House, training_request

CLUSTER = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
LONG = {"MaxRuntimeInSeconds": 86_400}
CHECKPOINTS = {"S3Uri": "s3://lake/ckpt"}


def works_on(uid: str, work: Work, root: Path) -> None:
    """A host that has said a line, saved a step and a part of a model, and goes on."""
    (root / "model" / work.hostname).write_text("part")
    (root / "checkpoints" / work.hostname).write_text("step")
    (root.parent / "log").write_text(f"{work.hostname} is here\n")


def ends_at_once(uid: str, work: Work, root: Path) -> int:
    (root / "model" / "m").write_text("model")
    return 0


async def cluster(house: House) -> None:
    house.runner.behave = works_on
    more = {"ResourceConfig": CLUSTER, "StoppingCondition": LONG, "CheckpointConfig": CHECKPOINTS}
    await house.call("CreateTrainingJob", **training_request(**more))
    await house.run()


async def train(house: House) -> None:
    await cluster(house)
    for uid in await house.runner.uids():
        house.runner.end(uid, 0)
    await house.run()


async def stop(house: House) -> None:
    await cluster(house)
    await house.call("StopTrainingJob", TrainingJobName="job")
    await house.run()


async def fail(house: House) -> None:
    await cluster(house)
    house.runner.end((await house.runner.uids())[1], 3)
    await house.run()


def with_queue(house: House) -> House:
    """One job has room at a time."""
    queue = Queue(house.store, house.clock, Demand(0.5, 1 << 36), ["training-job"])
    house.engines = replace(house.engines, turns=queue)
    for kind, reconciler in reconcilers(house.engines).items():
        house.reconcilers[kind] = reconciler  # type: ignore[index]
    return house


async def reuse(house: House) -> None:
    house.runner.behave = ends_at_once
    with_queue(house)
    warm = {"ResourceConfig": {**CLUSTER, "InstanceCount": 1, "KeepAlivePeriodInSeconds": 21_600}}
    await house.call("CreateTrainingJob", **training_request("first", **warm))
    await house.run()
    cold = {"ResourceConfig": {**CLUSTER, "InstanceCount": 1}}
    await house.call("CreateTrainingJob", **training_request("second", **cold))
    await house.run()


async def again(directory: Path) -> House:
    """The next process on what the killed one left; whatever ran on has had the time to."""
    house = House(directory, behave=works_on, clock=ManualClock(START + LATER))
    await house.run(1.0)
    return house


async def after_training(directory: Path) -> None:
    house = await again(directory)
    try:
        if not house.count("training-job"):
            return
        for uid in await house.runner.uids():
            if (await house.runner.observe(uid)).phase == "running":
                house.runner.end(uid, 0)
        await house.run(200.0)
        said = await house.call("DescribeTrainingJob", TrainingJobName="job")
        assert said["TrainingJobStatus"] == "Completed", said
        starts = house.runner.starts()
        assert len(starts) == len(set(starts)) == 2
        assert await house.runner.uids() == []
        assert house.objects.keys("lake", "ckpt/") == ["ckpt/algo-1", "ckpt/algo-2"]
        assert house.objects.keys("lake", "models/") == ["models/job/output/model.tar.gz"]
        assert house.lines("/aws/sagemaker/TrainingJobs") == ["algo-1 is here", "algo-2 is here"]
        assert not house.scratch.exists() or list(house.scratch.iterdir()) == []
    finally:
        house.close()


async def after_stopping(directory: Path) -> None:
    house = await again(directory)
    try:
        if not house.count("training-job"):
            return
        if house.get("training-job", "job").phase == "InProgress":
            await house.call("StopTrainingJob", TrainingJobName="job")
        await house.run(200.0)
        said = await house.call("DescribeTrainingJob", TrainingJobName="job")
        assert said["TrainingJobStatus"] == "Stopped", said
        assert len(house.runner.starts()) == len(set(house.runner.starts())) <= 2
        assert await house.runner.uids() == []
        if house.runner.starts():
            assert house.objects.keys("lake", "ckpt/") == ["ckpt/algo-1", "ckpt/algo-2"]
    finally:
        house.close()


async def after_failing(directory: Path) -> None:
    house = await again(directory)
    try:
        if not house.count("training-job"):
            return
        if house.get("training-job", "job").phase == "InProgress":
            house.runner.end((await house.runner.uids())[1], 3)
        await house.run(200.0)
        said = await house.call("DescribeTrainingJob", TrainingJobName="job")
        assert said["TrainingJobStatus"] == "Failed", said
        assert said["FailureReason"].endswith("algo-2 is here (on host algo-2)"), said
        assert await house.runner.uids() == []
    finally:
        house.close()


async def after_reusing(directory: Path) -> None:
    house = with_queue(House(directory, behave=ends_at_once, clock=ManualClock(START + LATER)))
    try:
        await house.run(200.0)
        if house.count("training-job") < 2:
            return
        first, second = [await house.call("DescribeTrainingJob", TrainingJobName=name) for name in ("first", "second")]
        assert first["TrainingJobStatus"] == second["TrainingJobStatus"] == "Completed", (first, second)
        assert first["WarmPoolStatus"]["Status"] == "Reused", first
        assert first["WarmPoolStatus"]["ReusedByJob"] == "second"
        assert second["WarmPoolStatus"] == {"Status": "Terminated"}
        # What it held is free again.
        await house.call("CreateTrainingJob", **training_request("third"))
        await house.run(60.0)
        assert (await house.call("DescribeTrainingJob", TrainingJobName="third"))["TrainingJobStatus"] == "Completed"
        assert len(house.runner.starts()) == len(set(house.runner.starts())) == 3
        assert await house.runner.uids() == []
    finally:
        house.close()


def lifetime(scenario: Scenario) -> Callable[[Path], Any]:
    async def live(directory: Path) -> None:
        house = Fragile(directory)
        prepare(house)
        await scenario(house)

    return live


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "after", "step"),
    [(train, after_training, 4), (stop, after_stopping, 5), (fail, after_failing, 5), (reuse, after_reusing, 5)],
)
def test_a_kill_anywhere_changes_nothing_of_the_end(
    tmp_path: Path, scenario: Scenario, after: Callable[[Path], Any], step: int
) -> None:
    """Every `step`-th place is tried, so that the suite stays short; the steps differ, so that most are."""
    count = 0
    for crash in crashes(lifetime(scenario), tmp_path, step=step):
        try:
            asyncio.run(after(crash.directory))
        except Exception as error:
            raise AssertionError(f"killed at point {crash.number} ({crash.where})") from error
        shutil.rmtree(crash.directory)
        count += 1
    assert count > 10
