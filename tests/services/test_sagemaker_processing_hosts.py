"""Processing jobs on several hosts, with pipes, with outputs that are stored while they run, and in the queue."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import ValidationException
from clary.engines.runners.base import Work
from clary.jobs.turns import Demand
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import reconcilers
from tests.sagemaker_house import House, processing_request

OUTPUT = "processing/output/features"
GROUP = "/aws/sagemaker/ProcessingJobs"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    for name in "abc":
        made.objects.write("lake", f"raw/{name}.csv", name.encode())
    yield made
    made.close()


def request(count: int = 1, *, source: Doc | None = None, output: Doc | None = None, **more: Any) -> Doc:
    made = processing_request(**more)
    made["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = count
    made["ProcessingInputs"][0]["S3Input"] |= source or {}
    made["ProcessingOutputConfig"]["Outputs"][0]["S3Output"] |= output or {}
    return made


async def status(house: House) -> Doc:
    return await house.call("DescribeProcessingJob", ProcessingJobName="job")


def roots(house: House) -> list[Path]:
    uid = house.get("processing-job", "job").uid
    return [house.runner.root(one) for one in sorted(house.runner.starts()) if one.startswith(uid)]


def leaves(uid: str, work: Work, root: Path) -> int:
    (root / OUTPUT / "shared").write_text(work.hostname)
    (root / OUTPUT / work.hostname).write_text(" ".join(name for tree in work.trees for name, _ in tree.files))
    return 0


async def test_hosts_share_the_objects_and_their_outputs_stand_together(house: House) -> None:
    house.runner.behave = leaves
    await house.call("CreateProcessingJob", **request(2, source={"S3DataDistributionType": "ShardedByS3Key"}))
    await house.run(1.0)
    assert (await status(house))["ProcessingJobStatus"] == "Completed"
    stored = {key: house.objects.read("lake", key).decode() for key in house.objects.keys("lake", "features/")}
    assert stored == {
        "features/algo-1": "a.csv c.csv",
        "features/algo-2": "b.csv",
        "features/shared": "algo-1",
    }
    assert await house.runner.uids() == []


async def test_each_host_knows_itself_and_has_a_stream_of_its_own(house: House) -> None:
    await house.call("CreateProcessingJob", **request(2))
    await house.run()
    first, second = roots(house)
    told = [json.loads((root / "config/resourceconfig.json").read_text()) for root in (first, second)]
    assert [one["current_host"] for one in told] == ["algo-1", "algo-2"]
    assert told[0]["hosts"] == told[1]["hosts"] == ["algo-1", "algo-2"]
    uid = house.get("processing-job", "job").uid
    house.runner.say(uid, "one\n")
    house.runner.say(f"{uid}-h2", "two\n")
    await house.run(1.0)
    assert sorted(house.lines(GROUP)) == ["one", "two"]


async def test_a_host_that_fails_fails_the_job_and_is_named(house: House) -> None:
    await house.call("CreateProcessingJob", **request(2))
    await house.run()
    uid = house.get("processing-job", "job").uid
    house.runner.say(f"{uid}-h2", "no more memory for this\n")
    house.runner.end(f"{uid}-h2", 3)
    await house.run(1.0)
    said = await status(house)
    assert said["ProcessingJobStatus"] == "Failed"
    assert said["FailureReason"].startswith("AlgorithmError: the container ended with exit code: 3")
    assert said["FailureReason"].endswith("no more memory for this (on host algo-2)")
    assert house.objects.keys("lake", "features/") == []


async def test_a_stop_reaches_every_host(house: House) -> None:
    await house.call("CreateProcessingJob", **request(3))
    await house.run()
    await house.call("StopProcessingJob", ProcessingJobName="job")
    await house.run(1.0)
    assert (await status(house))["ProcessingJobStatus"] == "Stopped"
    assert len(house.runner.starts()) == 3
    assert await house.runner.uids() == []


async def test_a_half_started_cluster_is_started_whole(house: House) -> None:
    await house.call("CreateProcessingJob", **request(2))
    job = house.get("processing-job", "job")
    house.store.update(job, due=house.clock.now(), ProcessingStartTime=house.clock.now())
    await house.runner.start(job.uid, Work(("true",), directories=("/opt/ml/output",)))
    await house.run()
    assert house.runner.starts() == [job.uid, f"{job.uid}-h2"]
    await house.call("StopProcessingJob", ProcessingJobName="job")
    await house.run(1.0)
    assert await house.runner.uids() == []


async def test_a_continuous_output_is_stored_while_the_job_runs(house: House) -> None:
    await house.call("CreateProcessingJob", **request(output={"S3UploadMode": "Continuous"}))
    await house.run()
    (root,) = roots(house)
    (root / OUTPUT / "early").write_bytes(b"early")
    await house.run(10.0)
    assert (await status(house))["ProcessingJobStatus"] == "InProgress"
    assert house.objects.read("lake", "features/early") == b"early"
    (root / OUTPUT / "late").write_bytes(b"late")
    house.runner.end(house.get("processing-job", "job").uid, 0)
    await house.run(1.0)
    assert (await status(house))["ProcessingJobStatus"] == "Completed"
    assert house.objects.read("lake", "features/late") == b"late"
    assert house.objects.puts.count("lake/features/early") == 1


@pytest.mark.parametrize("end", ["fails", "stops"])
async def test_a_continuous_output_is_kept_however_the_job_ends(house: House, end: str) -> None:
    await house.call("CreateProcessingJob", **request(output={"S3UploadMode": "Continuous"}))
    await house.run()
    (root,) = roots(house)
    (root / OUTPUT / "part").write_bytes(b"part")
    if end == "fails":
        house.runner.end(house.get("processing-job", "job").uid, 1)
    else:
        await house.call("StopProcessingJob", ProcessingJobName="job")
    await house.run(1.0)
    assert (await status(house))["ProcessingJobStatus"] in ("Failed", "Stopped")
    assert house.objects.read("lake", "features/part") == b"part"


async def test_two_outputs_of_one_path_are_both_stored(house: House) -> None:
    made = request()
    (one,) = made["ProcessingOutputConfig"]["Outputs"]
    second = {"OutputName": "copy", "S3Output": {**one["S3Output"], "S3Uri": "s3://lake/copy"}}
    made["ProcessingOutputConfig"]["Outputs"].append(second)
    house.runner.behave = leaves
    await house.call("CreateProcessingJob", **made)
    await house.run(1.0)
    assert house.objects.keys("lake", "copy/") == ["copy/algo-1", "copy/shared"]
    assert house.objects.keys("lake", "features/") == ["features/algo-1", "features/shared"]


async def test_several_inputs_stand_in_one_directory_and_below_each_other(house: House) -> None:
    house.objects.write("lake", "more/d.csv", b"d")
    made = request()
    (one,) = made["ProcessingInputs"]
    for name, path in (("beside", "input/raw"), ("below", "input/raw/deep")):
        at = {**one["S3Input"], "S3Uri": "s3://lake/more/", "LocalPath": f"/opt/ml/processing/{path}"}
        made["ProcessingInputs"].append({"InputName": name, "S3Input": at})
    await house.call("CreateProcessingJob", **made)
    await house.run()
    (root,) = roots(house)
    top = root / "processing/input/raw"
    found = sorted(path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file())
    assert found == ["a.csv", "b.csv", "c.csv", "d.csv", "deep/d.csv"]


async def test_a_piped_input_has_a_pipe_and_what_feeds_it(house: House) -> None:
    seen: list[Work] = []
    house.runner.behave = lambda uid, work, root: seen.append(work)
    await house.call("CreateProcessingJob", **request(source={"S3InputMode": "Pipe", "S3CompressionType": "Gzip"}))
    await house.run()
    (work,) = seen
    assert work.pipes == ("/opt/ml/processing/input/raw_0",)
    assert work.trees == ()
    ((*_, told),) = work.companions
    said = json.loads(Path(told).read_text())
    assert (said["pipe"], said["gzip"], said["recordio"]) == ("/opt/ml/processing/input/raw", True, False)
    held = [json.loads(line)[0]["of"] for line in Path(said["items"]).read_text().splitlines()]
    assert held == ["s3://lake/raw/a.csv", "s3://lake/raw/b.csv", "s3://lake/raw/c.csv"]
    house.runner.end(house.get("processing-job", "job").uid, 0)
    await house.run(1.0)
    assert not Path(told).exists()


async def test_a_pipe_stands_in_no_directory_of_files(house: House) -> None:
    made = request()
    (one,) = made["ProcessingInputs"]
    at = {**one["S3Input"], "S3InputMode": "Pipe", "LocalPath": "/opt/ml/processing/input/raw/stream"}
    made["ProcessingInputs"].append({"InputName": "stream", "S3Input": at})
    with pytest.raises(ValidationException, match="must be neither that of the input 'raw' nor below it"):
        await house.call("CreateProcessingJob", **made)


class OneAtATime:
    """Turns that somebody else has, until he is done."""

    def __init__(self) -> None:
        self.free = False
        self.asked: list[Demand] = []
        self.left: list[str] = []

    def ask(self, job: Resource, demand: Demand) -> str | None:
        self.asked.append(demand)
        return None if self.free else "somebody else runs"

    def check(self, demand: Demand) -> str | None:
        return None

    def leave(self, job: Resource) -> None:
        self.left.append(job.name)


async def test_a_job_starts_when_its_turn_has_come_and_gives_it_back(house: House) -> None:
    turns = OneAtATime()
    house.engines = replace(house.engines, turns=turns)
    house.controller._reconcilers = reconcilers(house.engines)
    await house.call("CreateProcessingJob", **request(2))
    await house.run(12.0)
    assert house.runner.starts() == []
    assert "ProcessingStartTime" not in await status(house)
    assert turns.asked[0].cpus == 2 * 2 * 0.25
    turns.free = True
    await house.run(5.0)
    assert len(house.runner.starts()) == 2
    job = house.get("processing-job", "job")
    assert job.status["_granted"]["cpus"] == 1.0
    house.runner.end(job.uid, 0)
    house.runner.end(f"{job.uid}-h2", 0)
    await house.run(1.0)
    assert set(turns.left) == {"job"}  # at its end, and again when nothing is left of it


async def test_inputs_where_an_output_stands_too_are_the_jobs_own(house: House) -> None:
    made = request()
    (one,) = made["ProcessingInputs"]
    for name, path in (("mixed", "output"), ("deeper", "output/features/old"), ("apart", "apart")):
        at = {**one["S3Input"], "LocalPath": f"/opt/ml/processing/{path}"}
        made["ProcessingInputs"].append({"InputName": name, "S3Input": at})
    seen: list[Work] = []
    house.runner.behave = lambda uid, work, root: seen.append(work)
    await house.call("CreateProcessingJob", **made)
    await house.run()
    own = {tree.target.removeprefix("/opt/ml/processing/"): tree.own for tree in seen[0].trees}
    assert own == {"input/raw": False, "output": True, "output/features/old": True, "apart": False}
