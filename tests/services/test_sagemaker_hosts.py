"""Training jobs on several hosts, with checkpoints, with limits to their waiting, and one after the other in a pool."""

import io
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import ServiceError, ValidationException
from clary.engines.runners.base import Work
from clary.jobs.queue import Queue
from clary.jobs.turns import Demand
from clary.kernel.resource import Resource
from clary.services.sagemaker import reconcilers
from clary.services.sagemaker.errors import ResourceInUse, ResourceNotFound
from tests.sagemaker_house import House, training_request

GROUP = "/aws/sagemaker/TrainingJobs"
CHECKPOINTS = {"S3Uri": "s3://lake/ckpt/run-1"}
GIB = 1 << 30


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    made.objects.write("lake", "data/train/a.csv", b"1,2\n")
    yield made
    made.close()


def cluster(count: int = 2, **more: Any) -> dict[str, Any]:
    return {"ResourceConfig": {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5, **more}}


async def create(house: House, name: str = "job", **more: Any) -> Resource:
    await house.call("CreateTrainingJob", **training_request(name, **more))
    await house.run()
    return house.get("training-job", name)


async def status(house: House, name: str = "job") -> dict[str, Any]:
    return await house.call("DescribeTrainingJob", TrainingJobName=name)


def passed(said: dict[str, Any]) -> list[str]:
    return [one["Status"] for one in said["SecondaryStatusTransitions"]]


# Several hosts.


async def test_every_host_runs_and_knows_the_others(house: House) -> None:
    seen: dict[str, Work] = {}

    def remembers(uid: str, work: Work, root: Path) -> None:
        seen[uid] = work

    house.runner.behave = remembers
    job = await create(house, **cluster())
    assert list(seen) == [job.uid, f"{job.uid}-h2"]
    first, second = seen.values()
    assert (first.hostname, second.hostname) == ("algo-1", "algo-2")
    assert first.hosts == second.hosts
    assert len({address for _, address in first.hosts}) == 2
    config = json.loads(second.files["/opt/ml/input/config/resourceconfig.json"])
    assert (config["current_host"], config["hosts"]) == ("algo-2", ["algo-1", "algo-2"])
    assert second.env["SM_CURRENT_HOST"] == "algo-2"
    assert json.loads(second.env["SM_HOSTS"]) == ["algo-1", "algo-2"]


async def test_lines_of_each_host_have_their_stream(house: House) -> None:
    job = await create(house, **cluster())
    house.runner.say(job.uid, "one\n")
    house.runner.say(f"{job.uid}-h2", "two\n")
    await house.run(1.0)
    began = int(house.get("training-job", "job").status["TrainingStartTime"])
    streams = house.logs.streams(job.account, job.region, GROUP)
    assert sorted(streams) == [f"job/algo-1-{began}", f"job/algo-2-{began}"]
    assert house.lines(GROUP) == ["one", "two"]


async def test_what_all_hosts_left_is_one_model_and_algo_1_wins(house: House) -> None:
    def leaves(uid: str, work: Work, root: Path) -> int:
        (root / "model" / "same").write_text(work.hostname)
        (root / "model" / work.hostname / "deep").mkdir(parents=True)
        (root / "model" / work.hostname / "deep" / "part").write_text(work.hostname)
        (root / "model" / "odd").symlink_to("same") if work.hostname == "algo-1" else (root / "model" / "odd").mkdir()
        (root / "output" / "data" / work.hostname).write_text("said")
        return 0

    house.runner.behave = leaves
    await create(house, **cluster(3))
    await house.run(1.0)
    said = await status(house)
    assert said["TrainingJobStatus"] == "Completed", said
    model = members(house.objects.read("lake", "models/job/output/model.tar.gz"))
    assert model["same"] == "algo-1"
    assert [model[f"algo-{n}/deep/part"] for n in (1, 2, 3)] == ["algo-1", "algo-2", "algo-3"]
    assert model["odd"] == "-> same"
    assert set(members(house.objects.read("lake", "models/job/output/output.tar.gz"))) == {"algo-1", "algo-2", "algo-3"}
    assert await house.runner.uids() == []


async def test_one_host_that_fails_fails_the_job_by_name(house: House) -> None:
    job = await create(house, **cluster())
    house.runner.say(f"{job.uid}-h2", "boom\n")
    house.runner.end(f"{job.uid}-h2", 3)
    await house.run(5.0)
    said = await status(house)
    assert said["TrainingJobStatus"] == "Failed"
    assert said["FailureReason"].startswith("AlgorithmError: the container ended with exit code: 3")
    assert "boom" in said["FailureReason"]
    assert said["FailureReason"].endswith("(on host algo-2)")
    assert await house.runner.uids() == []


async def test_metrics_are_those_of_algo_1_and_of_others_where_it_told_none(house: House) -> None:
    job = await create(house, **cluster())
    house.runner.say(job.uid, "[0]#011train-merror:0.25\n")
    house.runner.say(f"{job.uid}-h2", "[0]#011train-merror:0.5#011validation-merror:0.75\n")
    for uid in (job.uid, f"{job.uid}-h2"):
        house.runner.end(uid, 0)
    await house.run(1.0)
    values = {one["MetricName"]: one["Value"] for one in (await status(house))["FinalMetricDataList"]}
    assert values == {"train:merror": 0.25, "validation:merror": 0.75}


async def test_a_stop_reaches_every_host(house: House) -> None:
    house.runner.stubborn = True
    job = await create(house, **cluster())
    (house.runner.root(f"{job.uid}-h2") / "model" / "part").write_bytes(b"half")
    await house.call("StopTrainingJob", TrainingJobName="job")
    await house.run(130.0)
    said = await status(house)
    assert (said["TrainingJobStatus"], said["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert list(members(house.objects.read("lake", "models/job/output/model.tar.gz"))) == ["part"]


async def test_a_lost_host_is_an_attempt_of_the_whole_job(house: House) -> None:
    job = await create(house, RetryStrategy={"MaximumRetryAttempts": 1}, **cluster())
    house.runner.lose(f"{job.uid}-h2")
    await house.run(3.0)
    assert house.runner.starts() == [job.uid, f"{job.uid}-h2", f"{job.uid}-1", f"{job.uid}-1-h2"]
    for uid in (f"{job.uid}-1", f"{job.uid}-1-h2"):
        house.runner.end(uid, 0)
    await house.run(1.0)
    assert (await status(house))["TrainingJobStatus"] == "Completed"
    assert await house.runner.uids() == []


# Checkpoints.


async def test_checkpoints_are_there_at_the_start_and_in_s3_while_it_runs(house: House) -> None:
    house.objects.write("lake", "ckpt/run-1/epoch-1", b"old")
    house.objects.write("lake", "ckpt/run-10/other", b"not ours")
    job = await create(house, CheckpointConfig=CHECKPOINTS)
    below = house.runner.root(job.uid) / "checkpoints"
    assert [path.name for path in below.iterdir()] == ["epoch-1"]
    (below / "epoch-2").write_bytes(b"new")
    await house.run(6.0)
    assert house.objects.read("lake", "ckpt/run-1/epoch-2") == b"new"
    (below / "epoch-3").write_bytes(b"last")
    house.runner.end(job.uid, 0)
    await house.run(1.0)
    assert house.objects.read("lake", "ckpt/run-1/epoch-3") == b"last"
    assert (await status(house))["CheckpointConfig"] == CHECKPOINTS


async def test_a_restarted_attempt_finds_what_the_lost_one_wrote(house: House) -> None:
    config = {**CHECKPOINTS, "LocalPath": "/opt/ml/state/"}
    job = await create(house, CheckpointConfig=config, RetryStrategy={"MaximumRetryAttempts": 1})
    (house.runner.root(job.uid) / "state" / "step").write_bytes(b"7")
    house.runner.lose(job.uid)
    await house.run(1.0)
    assert (house.runner.root(f"{job.uid}-1") / "state" / "step").read_bytes() == b"7"


async def test_checkpoints_of_a_stopped_job_are_kept(house: House) -> None:
    job = await create(house, CheckpointConfig=CHECKPOINTS)
    (house.runner.root(job.uid) / "checkpoints" / "step").write_bytes(b"7")
    await house.call("StopTrainingJob", TrainingJobName="job")
    await house.run(2.0)
    assert house.objects.read("lake", "ckpt/run-1/step") == b"7"


async def test_checkpoints_that_cannot_be_stored_fail_the_job_at_its_end(house: House) -> None:
    job = await create(house, CheckpointConfig=CHECKPOINTS)
    (house.runner.root(job.uid) / "checkpoints" / "step").write_bytes(b"7")
    house.objects.broken = ServiceError("The specified bucket does not exist", code="NoSuchBucket", status=404)
    await house.run(10.0)
    assert (await status(house))["TrainingJobStatus"] == "InProgress"
    house.runner.end(job.uid, 0)
    await house.run(1.0)
    reason = (await status(house))["FailureReason"]
    assert reason.startswith("ClientError: the artifacts could not be stored: s3://lake/ckpt/run-1/step")


# Times.


async def test_max_runtime_counts_all_attempts_together(house: House) -> None:
    more = {"RetryStrategy": {"MaximumRetryAttempts": 1}, "StoppingCondition": {"MaxRuntimeInSeconds": 60}}
    job = await create(house, **more)
    await house.run(40.0)
    log = house.runner.root(job.uid).parent / "log"
    seen = house.clock.now()

    os.utime(log, (seen, seen))
    house.runner.lose(job.uid)
    await house.run(15.0)
    assert (await status(house))["TrainingJobStatus"] == "InProgress"
    await house.run(10.0)
    said = await status(house)
    assert (said["TrainingJobStatus"], said["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


SPOT = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 100, "MaxWaitTimeInSeconds": 150},
}


async def test_a_spot_job_whose_run_is_lost_was_interrupted_and_goes_on(house: House) -> None:
    job = await create(house, CheckpointConfig=CHECKPOINTS, **SPOT)
    house.runner.lose(job.uid)
    await house.run(1.0)
    house.runner.end(f"{job.uid}-1", 0)
    await house.run(1.0)
    said = await status(house)
    assert said["TrainingJobStatus"] == "Completed"
    assert "Interrupted" in passed(said)
    assert said["BillableTimeInSeconds"] <= said["TrainingTimeInSeconds"]


async def test_a_spot_job_that_waits_and_runs_for_too_long_is_stopped(house: House) -> None:
    job = await create(house, **SPOT)
    died = house.clock.now() + 10.0
    os.utime(house.runner.root(job.uid).parent / "log", (died, died))
    await house.run(90.0)
    house.runner.lose(job.uid)
    await house.run(70.0)
    said = await status(house)
    assert (said["TrainingJobStatus"], said["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


# Turns, and warm pools.


def queued(house: House, cpus: float = 0.5) -> Queue:
    """From here on jobs of this house wait for so many CPUs (0.5 is one ml.m5.large)."""
    queue = Queue(house.store, house.clock, Demand(cpus, 64 * GIB), ["training-job"])
    house.engines = replace(house.engines, turns=queue)
    for kind, reconciler in reconcilers(house.engines).items():
        house.reconcilers[kind] = reconciler  # type: ignore[index]
    return queue


async def test_a_job_waits_its_turn_and_says_why(house: House) -> None:
    queued(house)
    first = await create(house, "first")
    await create(house, "second")
    said = await status(house, "second")
    assert (said["TrainingJobStatus"], said["SecondaryStatus"]) == ("InProgress", "Pending")
    assert "asks for 0.50 CPUs" in said["SecondaryStatusTransitions"][-1]["StatusMessage"]
    assert "TrainingStartTime" not in said
    house.runner.end(first.uid, 0)
    await house.run(1.0)
    assert passed(await status(house, "second"))[-3:] == ["Pending", "Downloading", "Training"]


async def test_a_job_that_waits_too_long_is_stopped(house: House) -> None:
    queued(house)
    await create(house, "first", StoppingCondition={"MaxRuntimeInSeconds": 86400})
    await create(house, "second", StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxPendingTimeInSeconds": 1800})
    await house.run(1810.0)
    said = await status(house, "second")
    assert (said["TrainingJobStatus"], said["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert "MaxPendingTimeInSeconds (1800)" in said["SecondaryStatusTransitions"][-1]["StatusMessage"]
    assert "BillableTimeInSeconds" not in said


async def test_a_warm_pool_keeps_the_turn_for_a_job_like_it(house: House) -> None:
    queued(house)
    warm = cluster(1, KeepAlivePeriodInSeconds=600)
    first = await create(house, "first", **warm)
    assert (await status(house, "first"))["WarmPoolStatus"] == {"Status": "InUse"}
    house.runner.end(first.uid, 0)
    await house.run(10.0)
    pool = (await status(house, "first"))["WarmPoolStatus"]
    assert (pool["Status"], pool["ResourceRetainedBillableTimeInSeconds"]) == ("Available", 10)
    assert await house.runner.uids() == []
    await create(house, "other", ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.c5.large"})
    assert (await status(house, "other"))["SecondaryStatus"] == "Pending"
    await create(house, "second", **warm)
    assert (await status(house, "second"))["SecondaryStatus"] == "Training"
    assert (await status(house, "second"))["WarmPoolStatus"] == {"Status": "InUse"}
    pool = (await status(house, "first"))["WarmPoolStatus"]
    assert pool == {"Status": "Reused", "ReusedByJob": "second", "ResourceRetainedBillableTimeInSeconds": 10}
    assert (await status(house, "other"))["SecondaryStatus"] == "Pending"


async def test_a_warm_pool_ends_by_itself(house: House) -> None:
    queued(house)
    job = await create(house, **cluster(1, KeepAlivePeriodInSeconds=60))
    house.runner.end(job.uid, 0)
    await house.run(1.0)
    await create(house, "other", ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.c5.large"})
    await house.run(50.0)
    assert (await status(house, "other"))["SecondaryStatus"] == "Pending"
    await house.run(15.0)
    pool = (await status(house))["WarmPoolStatus"]
    assert (pool["Status"], pool["ResourceRetainedBillableTimeInSeconds"]) == ("Terminated", 60)
    assert (await status(house, "other"))["SecondaryStatus"] == "Training"
    assert house.get("training-job", "job").due is None


async def test_a_warm_pool_is_held_across_a_restart(house: House) -> None:
    queued(house)
    job = await create(house, **cluster(1, KeepAlivePeriodInSeconds=600))
    house.runner.end(job.uid, 0)
    await house.run(60.0)
    queued(house)
    await house.run(20.0)
    await create(house, "other", ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.c5.large"})
    await house.run(60.0)
    assert (await status(house, "other"))["SecondaryStatus"] == "Pending"


async def test_a_pool_that_was_taken_right_before_a_crash_is_the_same_jobs_again(house: House) -> None:
    warm = cluster(1, KeepAlivePeriodInSeconds=600)
    first = await create(house, "first", **warm)
    house.runner.end(first.uid, 0)
    await house.run(1.0)
    await house.call("CreateTrainingJob", **training_request("second", **warm))
    await house.call("CreateTrainingJob", **training_request("third", **warm))
    second = house.get("training-job", "second")
    await house.reconcilers["training-job"](second)  # its step is not written: the process died
    await house.run(1.0)
    assert (await status(house, "first"))["WarmPoolStatus"]["ReusedByJob"] == "second"
    assert house.get("training-job", "first").status.get("_granted") is None


async def test_a_pool_is_kept_longer_or_ended_by_update(house: House) -> None:
    job = await create(house, **cluster(1, KeepAlivePeriodInSeconds=60))
    house.runner.end(job.uid, 0)
    await house.run(1.0)
    await house.call("UpdateTrainingJob", TrainingJobName="job", ResourceConfig={"KeepAlivePeriodInSeconds": 300})
    await house.run(200.0)
    said = await status(house)
    assert said["WarmPoolStatus"]["Status"] == "Available"
    assert said["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 300
    listed = await house.call("ListTrainingJobs", WarmPoolStatusEquals="Available")
    assert [one["TrainingJobName"] for one in listed["TrainingJobSummaries"]] == ["job"]
    with pytest.raises(ResourceInUse, match="warm pool"):
        await house.call("DeleteTrainingJob", TrainingJobName="job")
    await house.call("UpdateTrainingJob", TrainingJobName="job", ResourceConfig={"KeepAlivePeriodInSeconds": 0})
    await house.run(1.0)
    assert (await status(house))["WarmPoolStatus"]["Status"] == "Terminated"
    assert await house.call("ListTrainingJobs", WarmPoolStatusEquals="Available") == {"TrainingJobSummaries": []}
    with pytest.raises(ValidationException, match="no warm pool"):
        await house.call("UpdateTrainingJob", TrainingJobName="job", ResourceConfig={"KeepAlivePeriodInSeconds": 9})


async def test_what_the_profiler_is_told_is_shown_while_the_job_runs(house: House) -> None:
    job = await create(house)
    await house.call("UpdateTrainingJob", TrainingJobName="job", ProfilerConfig={"DisableProfiler": True})
    assert (await status(house))["ProfilerConfig"] == {"DisableProfiler": True}
    house.runner.end(job.uid, 0)
    await house.run(1.0)
    with pytest.raises(ValidationException, match="in progress"):
        await house.call("UpdateTrainingJob", TrainingJobName="job", ProfilerConfig={"DisableProfiler": True})
    with pytest.raises(ResourceNotFound):
        await house.call("UpdateTrainingJob", TrainingJobName="none")


async def test_a_deleted_job_gives_its_name_free(house: House) -> None:
    job = await create(house)
    with pytest.raises(ResourceInUse, match="InProgress"):
        await house.call("DeleteTrainingJob", TrainingJobName="job")
    house.runner.end(job.uid, 0)
    await house.run(1.0)
    await house.call("DeleteTrainingJob", TrainingJobName="job")
    with pytest.raises(ResourceNotFound):
        await house.call("DeleteTrainingJob", TrainingJobName="job")
    assert (await create(house)).uid != job.uid


def members(archive: bytes) -> dict[str, str]:
    """Files by name, with their text; links with where they lead."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            if member.issym():
                found[member.name] = f"-> {member.linkname}"
            elif (file := tar.extractfile(member)) is not None:
                found[member.name] = file.read().decode()
    return found
