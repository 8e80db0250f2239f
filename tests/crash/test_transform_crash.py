"""Transform jobs, killed at every place where their reconciler gives way: every object is sent by one run, whatever
happens, and the end is always the same."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from clary.kernel.clock import ManualClock
from tests.crash.harness import crashes
from tests.crash.test_sagemaker_crash import LATER, START, Fragile
from tests.sagemaker_house import ROLE, XGBOOST, House
from tests.services.test_sagemaker_endpoints import archive
from tests.services.test_sagemaker_transform import GROUP, sends, transform_request

OUTPUTS = ["out/a.csv.out", "out/b.csv.out", "out/c.csv.out"]


async def prepare(house: House) -> None:
    house.objects.write("lake", "model.tar.gz", archive(m=b"w"))
    for name in ("a", "b", "c"):
        house.objects.write("lake", f"in/{name}.csv", name.encode())
    container = {"Image": XGBOOST, "ModelDataUrl": "s3://lake/model.tar.gz"}
    await house.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, Containers=[container, container])
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
    await house.call("CreateTransformJob", **transform_request(TransformResources=resources))


async def transform(directory: Path) -> None:
    house = Fragile(directory)
    house.runner.behave = sends
    await prepare(house)
    await house.run(3.0)


async def stop(directory: Path) -> None:
    house = Fragile(directory)
    house.runner.behave = lambda uid, work, root: None
    await prepare(house)
    await house.run(2.0)
    await house.call("StopTransformJob", TransformJobName="job")
    await house.run(2.0)


async def after_transforming(directory: Path) -> None:
    house = House(directory, behave=sends, clock=ManualClock(START + LATER))
    try:
        await house.run(300.0)
        if not house.count("transform-job"):
            return  # Killed before the request was answered: nobody was promised anything.
        said = await house.call("DescribeTransformJob", TransformJobName="job")
        assert said["TransformJobStatus"] == "Completed", said
        assert house.objects.keys("lake", "out/") == OUTPUTS
        assert [house.objects.read("lake", key) for key in OUTPUTS] == [b"A", b"B", b"C"]
        starts = house.runner.starts()
        assert len(starts) == len(set(starts)) == 6, starts
        assert await house.runner.uids() == []
        assert sorted(house.lines(GROUP)) == ["sent"] * 2 + ["serving"] * 4
    finally:
        house.close()


async def after_stopping(directory: Path) -> None:
    house = House(directory, behave=lambda uid, work, root: None, clock=ManualClock(START + LATER))
    try:
        if not house.count("transform-job"):
            return
        if house.get("transform-job", "job").phase == "InProgress":
            await house.call("StopTransformJob", TransformJobName="job")
        await house.run(300.0)
        said = await house.call("DescribeTransformJob", TransformJobName="job")
        assert said["TransformJobStatus"] == "Stopped", said
        assert house.objects.keys("lake", "out/") == []
        assert await house.runner.uids() == []
    finally:
        house.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "after", "step"), [(transform, after_transforming, 9), (stop, after_stopping, 19)]
)
def test_a_kill_anywhere_changes_nothing_of_the_end(
    tmp_path: Path, scenario: Callable[[Path], Awaitable[None]], after: Callable[[Path], Any], step: int
) -> None:
    count = 0
    # A part of some hundreds: the hosts and containers of a job are gone through by the same lines: each is met.
    for crash in crashes(scenario, tmp_path, step=step):
        try:
            asyncio.run(after(crash.directory))
        except Exception as error:
            raise AssertionError(f"killed at point {crash.number} ({crash.where})") from error
        shutil.rmtree(crash.directory)
        count += 1
    assert count > 10
