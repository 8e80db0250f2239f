"""SageMaker's reconcilers, killed at every place where they give way: whatever is left, the end is always the same."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from clary.engines.runners.base import Work
from clary.kernel.clock import ManualClock
from clary.services.sagemaker import reconcilers
from tests.crash.harness import crashes, pausing
from tests.sagemaker_house import ROLE, XGBOOST, House, processing_request, training_request
from tests.services.test_sagemaker_endpoints import archive

START = 1_700_000_000.0
LATER = 3600.0
"""How long after the crash the next process starts: every lease has lapsed."""


class Fragile(House):
    """A house whose engines give way at each call, so that the child can be killed before and after it."""

    def __init__(self, directory: Path, start: float = START) -> None:
        super().__init__(directory, behave=behave, clock=ManualClock(start))
        engines = self.engines
        fragile = type(engines)(
            **{
                **{name: getattr(engines, name) for name in engines.__slots__},
                "runner": pausing(self.runner),
                "serving": pausing(self.serving),
            }
        )
        for kind, reconciler in reconcilers(fragile).items():
            self.reconcilers[kind] = reconciler  # type: ignore[index]

    async def _call(self, ctx: Any, name: str, operation: str, req: Any) -> Any:
        await asyncio.sleep(0)
        answer = await super()._call(ctx, name, operation, req)
        await asyncio.sleep(0)
        return answer


def behave(uid: str, work: Work, root: Path) -> int | None:
    """What the command of each kind of run does."""
    if work.serves:
        return None
    (root / "output").mkdir(exist_ok=True)
    if "train" in work.command:
        (root / "model" / "m").write_bytes(b"model")
        (root / "output" / "data" / "report").write_bytes(b"report")
    else:
        (root / "processing/output/features/a.csv").write_bytes(b"1")
        (root / "processing/output/features/b.csv").write_bytes(b"2")
    (root.parent / "log").write_text("one\ntwo\n[0]#011train-merror:0.25\n")
    return 0


def prepare(house: House) -> None:
    house.objects.write("lake", "data/train/a.csv", b"1,2\n")
    house.objects.write("lake", "raw/car.csv", b"x\n")
    house.objects.write("lake", "model.tar.gz", archive(m=b"w"))


Scenario = Callable[[House], Awaitable[None]]


async def train(house: House) -> None:
    await house.call("CreateTrainingJob", **training_request())
    await house.run(2.0)


async def process(house: House) -> None:
    asked = processing_request()
    piped = {**asked["ProcessingInputs"][0]["S3Input"], "S3InputMode": "Pipe", "LocalPath": "/opt/ml/processing/stream"}
    asked["ProcessingInputs"].append({"InputName": "stream", "S3Input": piped})
    await house.call("CreateProcessingJob", **asked)
    await house.run(2.0)


async def stop(house: House) -> None:
    house.runner.behave = lambda uid, work, root: None
    await house.call("CreateTrainingJob", **training_request())
    await house.run(1.0)
    (run,) = await house.runner.uids()
    (house.runner.root(run) / "model" / "half").write_bytes(b"half")
    await house.call("StopTrainingJob", TrainingJobName="job")
    await house.run(2.0)


async def deploy(house: House) -> None:
    container = {"Image": XGBOOST, "ModelDataUrl": "s3://lake/model.tar.gz"}
    variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    await house.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    await house.call("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[variant])
    await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    await house.run(2.0)


async def update(house: House) -> None:
    await deploy(house)
    await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="c")
    await house.run(4.0)


async def canary(house: House) -> None:
    """Two stages of 20 s each, and the old instances are kept for 10 s."""
    await deploy(house)
    size = {"Type": "CAPACITY_PERCENT", "Value": 10}
    shifting = {"Type": "CANARY", "WaitIntervalInSeconds": 20, "CanarySize": size}
    policy = {"TrafficRoutingConfiguration": shifting, "TerminationWaitInSeconds": 10}
    asked = {"DeploymentConfig": {"BlueGreenUpdatePolicy": policy}}
    await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="c", **asked)
    await house.run(60.0)


async def taken_back(house: House) -> None:
    """An alarm trips while the second of three batches bakes."""
    await deploy(house)
    wanted = [{"VariantName": "v", "DesiredInstanceCount": 3}]
    await house.call("UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=wanted)
    await house.run(2.0)
    house.alarms["errors"] = "OK"
    batch = {"Type": "INSTANCE_COUNT", "Value": 1}
    rolling = {"MaximumBatchSize": batch, "WaitIntervalInSeconds": 20, "RollbackMaximumBatchSize": batch}
    watched = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}
    await house.call(
        "UpdateEndpoint",
        EndpointName="e",
        EndpointConfigName="c",
        RetainAllVariantProperties=True,
        DeploymentConfig={"RollingUpdatePolicy": rolling, **watched},
    )
    await house.run(30.0)
    house.alarms["errors"] = "ALARM"
    await house.run(30.0)


async def delete(house: House) -> None:
    await deploy(house)
    await house.call("DeleteEndpoint", EndpointName="e")
    await house.run(2.0)


def lifetime(scenario: Scenario) -> Callable[[Path], Any]:
    async def live(directory: Path) -> None:
        house = Fragile(directory)
        prepare(house)
        await scenario(house)

    return live


async def goes_on(directory: Path, seconds: float = 300.0) -> House:
    """The next process on what the killed one left."""
    house = House(directory, behave=behave, clock=ManualClock(START + LATER))
    await house.run(seconds)
    return house


async def after_training(directory: Path) -> None:
    house = await goes_on(directory)
    try:
        if not house.count("training-job"):
            return  # Killed before the request was answered: nobody was promised anything.
        said = await house.call("DescribeTrainingJob", TrainingJobName="job")
        assert said["TrainingJobStatus"] == "Completed", said
        assert said["ModelArtifacts"] == {"S3ModelArtifacts": "s3://lake/models/job/output/model.tar.gz"}
        passed = [one["Status"] for one in said["SecondaryStatusTransitions"]]
        assert passed == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
        assert [one["Value"] for one in said["FinalMetricDataList"]] == [0.25]
        assert len(house.runner.starts()) == 1
        assert await house.runner.uids() == []
        assert house.objects.keys("lake", "models/") == [
            "models/job/output/model.tar.gz",
            "models/job/output/output.tar.gz",
        ]
        assert house.lines("/aws/sagemaker/TrainingJobs") == ["one", "two", "[0]#011train-merror:0.25"]
    finally:
        house.close()


async def after_processing(directory: Path) -> None:
    house = await goes_on(directory)
    try:
        if not house.count("processing-job"):
            return
        said = await house.call("DescribeProcessingJob", ProcessingJobName="job")
        assert said["ProcessingJobStatus"] == "Completed", said
        assert len(house.runner.starts()) == 1
        assert await house.runner.uids() == []
        assert list(house.scratch.glob("*/pipe-*")) == []
        assert house.objects.keys("lake", "features/") == ["features/a.csv", "features/b.csv"]
        assert house.lines("/aws/sagemaker/ProcessingJobs") == ["one", "two", "[0]#011train-merror:0.25"]
    finally:
        house.close()


async def after_stopping(directory: Path) -> None:
    house = House(directory, behave=lambda uid, work, root: None, clock=ManualClock(START + LATER))
    try:
        if not house.count("training-job"):
            return
        if house.get("training-job", "job").phase == "InProgress":
            await house.call("StopTrainingJob", TrainingJobName="job")
        await house.run(300.0)
        said = await house.call("DescribeTrainingJob", TrainingJobName="job")
        assert said["TrainingJobStatus"] == "Stopped", said
        assert len(house.runner.starts()) <= 1
        assert await house.runner.uids() == []
    finally:
        house.close()


async def after_deploying(directory: Path) -> None:
    house = await goes_on(directory)
    try:
        if not house.count("endpoint"):
            return
        said = await house.call("DescribeEndpoint", EndpointName="e")
        assert said["EndpointStatus"] == "InService", said
        assert said["ProductionVariants"][0]["CurrentInstanceCount"] == 1
        (run,) = await house.runner.uids()
        assert house.serving.addresses("e") == {"v": [f"unix:{directory}/runs/{run}/serve.sock"]}
        assert len(house.runner.starts()) == len(set(house.runner.starts()))
        assert len(house.runner.starts()) <= 2
    finally:
        house.close()


async def after_being_taken_back(directory: Path) -> None:
    """All three old instances serve, or, killed before the request, as many as were asked; no other is left."""
    house = House(directory, behave=behave, clock=ManualClock(START + LATER))
    house.alarms["errors"] = "ALARM"
    await house.run(300.0)
    try:
        if not house.count("endpoint"):
            return
        said = await house.call("DescribeEndpoint", EndpointName="e")
        assert said["EndpointStatus"] == "InService", said
        (one,) = said["ProductionVariants"]
        runs = await house.runner.uids()
        assert one["CurrentInstanceCount"] == one["DesiredInstanceCount"] == len(runs)
        assert {run.split("-")[1] for run in runs} == {"1"}
        assert "_undone" not in house.get("endpoint", "e").status
        assert sorted(house.serving.addresses("e")["v"]) == sorted(
            f"unix:{directory}/runs/{run}/serve.sock" for run in runs
        )
        assert len(house.runner.starts()) == len(set(house.runner.starts()))
    finally:
        house.close()


async def after_deleting(directory: Path) -> None:
    house = await goes_on(directory, 0.0)
    try:
        if house.count("endpoint"):
            await house.call("DeleteEndpoint", EndpointName="e")
            await house.run(1.0)
        assert house.count("endpoint") == 0
        assert await house.runner.uids() == []
        assert house.serving.routes() == {}
    finally:
        house.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "after", "step"),
    [
        (train, after_training, 1),
        (process, after_processing, 1),
        (stop, after_stopping, 1),
        (deploy, after_deploying, 1),
        (update, after_deploying, 1),
        (canary, after_deploying, 17),
        (taken_back, after_being_taken_back, 71),
        (delete, after_deleting, 1),
    ],
)
def test_a_kill_anywhere_changes_nothing_of_the_end(
    tmp_path: Path, scenario: Scenario, after: Callable[[Path], Any], step: int
) -> None:
    """`step`: of the long ones every so many points are tried; all of them hold, and take minutes."""
    count = 0
    for crash in crashes(lifetime(scenario), tmp_path, step=step):
        try:
            asyncio.run(after(crash.directory))
        except Exception as error:
            raise AssertionError(f"killed at point {crash.number} ({crash.where})") from error
        shutil.rmtree(crash.directory)
        count += 1
    assert count * step > 20
