"""Training jobs, driven by their reconciler over a scripted runner."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import NotImplementedHere, ServiceError, ValidationException
from clary.engines.runners.base import Work
from clary.services.sagemaker.errors import ResourceInUse
from tests.sagemaker_house import ACCOUNT, SKLEARN, XGBOOST, House, channel, training_request

GROUP = "/aws/sagemaker/TrainingJobs"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    made.objects.write("lake", "data/train/a.csv", b"1,2\n")
    made.objects.write("lake", "data/train/sub/b.csv", b"3,4\n")
    made.objects.write("lake", "data/train/c.csv", b"5,6\n")
    yield made
    made.close()


def trains(uid: str, work: Work, root: Path) -> int:
    (root / "model" / "xgboost-model").write_bytes(b"a model")
    return 0


async def status(house: House, name: str = "job") -> dict[str, Any]:
    return await house.call("DescribeTrainingJob", TrainingJobName=name)


async def test_a_job_runs_to_its_end(house: House) -> None:
    house.runner.behave = trains
    await house.call("CreateTrainingJob", **training_request())
    before = await status(house)
    assert (before["TrainingJobStatus"], before["SecondaryStatus"]) == ("InProgress", "Starting")
    await house.run(1.0)
    said = await status(house)
    assert (said["TrainingJobStatus"], said["SecondaryStatus"]) == ("Completed", "Completed")
    passed = [one["Status"] for one in said["SecondaryStatusTransitions"]]
    assert passed == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all(
        one["EndTime"] >= one["StartTime"] and one["StatusMessage"] for one in said["SecondaryStatusTransitions"]
    )
    assert said["ModelArtifacts"] == {"S3ModelArtifacts": "s3://lake/models/job/output/model.tar.gz"}
    assert said["TrainingStartTime"] <= said["TrainingEndTime"]
    assert said["BillableTimeInSeconds"] == 1
    assert house.runner.starts() == [house.get("training-job", "job").uid]
    assert await house.runner.uids() == []
    assert house.objects.keys("lake", "models/") == ["models/job/output/model.tar.gz"]


async def test_the_run_sees_what_sagemaker_shows(house: House) -> None:
    await house.call("CreateTrainingJob", **training_request(Environment={"DEPTH": "3"}))
    seen: list[Work] = []
    house.runner.behave = lambda uid, work, root: seen.append(work)
    await house.run()
    job = house.get("training-job", "job")
    root = house.runner.root(job.uid)
    assert (root / "input/data/train/sub/b.csv").read_bytes() == b"3,4\n"
    assert sorted(path.name for path in (root / "input/data/train").iterdir()) == ["a.csv", "c.csv", "sub"]
    config = root / "input/config"
    assert json.loads((config / "hyperparameters.json").read_text()) == {"num_round": "3"}
    assert json.loads((config / "inputdataconfig.json").read_text()) == {
        "train": {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
            "ContentType": "text/csv",
        }
    }
    hosts = json.loads((config / "resourceconfig.json").read_text())
    assert (hosts["current_host"], hosts["hosts"], hosts["network_interface_name"]) == ("algo-1", ["algo-1"], "lo")
    (work,) = seen
    assert work.command[1:] == ("-m", "clary.algorithms.xgboost", "train")
    assert work.env["TRAINING_JOB_NAME"] == "job"
    assert work.env["TRAINING_JOB_ARN"] == job.arn
    assert work.env["AWS_REGION"] == work.env["AWS_DEFAULT_REGION"] == "us-east-1"
    assert work.env["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4810"
    assert work.env["DEPTH"] == "3"
    known = house.keys.find(work.env["AWS_ACCESS_KEY_ID"], work.env["AWS_SESSION_TOKEN"])
    assert known is not None
    assert known.principal.arn == "arn:aws:sts::123456789012:assumed-role/job-role/SageMaker"
    assert known.secret_access_key == work.env["AWS_SECRET_ACCESS_KEY"]
    assert (root / "model").is_dir()
    assert (root / "output" / "data").is_dir()


async def test_an_isolated_job_has_neither_network_nor_keys(house: House) -> None:
    seen: list[Work] = []
    house.runner.behave = lambda uid, work, root: seen.append(work)
    await house.call("CreateTrainingJob", **training_request(EnableNetworkIsolation=True))
    await house.run()
    assert not seen[0].network
    assert "AWS_SECRET_ACCESS_KEY" not in seen[0].env


async def test_objects_without_a_file_here_are_fetched(house: House) -> None:
    house.objects.remote = True
    await house.call("CreateTrainingJob", **training_request())
    await house.run()
    uid = house.get("training-job", "job").uid
    assert (house.runner.root(uid) / "input/data/train/a.csv").read_bytes() == b"1,2\n"
    house.runner.end(uid, 0)
    await house.run(1.0)
    assert not (house.scratch / uid).exists()


async def test_an_input_that_is_not_there_fails_the_job_by_name(house: House) -> None:
    await house.call("CreateTrainingJob", **training_request(InputDataConfig=[channel("train", "nowhere/")]))
    await house.run()
    said = await status(house)
    assert said["TrainingJobStatus"] == "Failed"
    assert said["FailureReason"].startswith('ClientError: No S3 objects found under S3 URL "s3://lake/nowhere/"')
    assert house.runner.starts() == []


async def test_an_unknown_image_fails_the_job_by_name(house: House) -> None:
    algorithm = {"TrainingImage": "registry.example/mine:1", "TrainingInputMode": "File"}
    await house.call("CreateTrainingJob", **training_request(AlgorithmSpecification=algorithm))
    await house.run()
    reason = (await status(house))["FailureReason"]
    assert reason.startswith("ClientError: the image registry.example/mine:1 is not one of the built-in images")
    assert "sagemaker-xgboost" in reason


async def test_a_start_that_can_never_be_fails_the_job(house: House) -> None:
    house.runner.refuse = "no space left on the disk"
    await house.call("CreateTrainingJob", **training_request())
    await house.run()
    assert (await status(house))["FailureReason"] == "ClientError: no space left on the disk"


async def test_the_failure_file_is_the_reason(house: House) -> None:
    def fails(uid: str, work: Work, root: Path) -> int:
        (root / "output" / "failure").write_text("the label column is missing " + "x" * 2000)
        (root / "output" / "data" / "trace.txt").write_text("here")
        return 1

    house.runner.behave = fails
    await house.call("CreateTrainingJob", **training_request())
    await house.run(1.0)
    said = await status(house)
    assert said["TrainingJobStatus"] == said["SecondaryStatus"] == "Failed"
    assert said["FailureReason"].startswith("AlgorithmError: the label column is missing")
    assert said["FailureReason"].endswith(", exit code: 1")
    assert len(said["FailureReason"]) <= 1024
    assert "ModelArtifacts" not in said
    assert house.objects.keys("lake", "models/") == ["models/job/output/output.tar.gz"]


async def test_a_reason_that_names_its_kind_keeps_it(house: House) -> None:
    def fails(uid: str, work: Work, root: Path) -> int:
        (root / "output" / "failure").write_text("ClientError: eta must be a number")
        return 1

    house.runner.behave = fails
    await house.call("CreateTrainingJob", **training_request())
    await house.run(1.0)
    assert (await status(house))["FailureReason"] == "ClientError: eta must be a number, exit code: 1"


async def test_without_a_failure_file_the_last_lines_are_the_reason(house: House) -> None:
    await house.call("CreateTrainingJob", **training_request())
    await house.run()
    uid = house.get("training-job", "job").uid
    house.runner.say(uid, "".join(f"line {n}\n" for n in range(500)) + "Traceback: boom")
    house.runner.end(uid, 3)
    await house.run(1.0)
    reason = (await status(house))["FailureReason"]
    assert reason.startswith("AlgorithmError: the container ended with exit code: 3")
    assert reason.endswith("line 499\nTraceback: boom")
    assert house.lines(GROUP)[-1] == "Traceback: boom"
    assert len(house.lines(GROUP)) == 501


@pytest.mark.parametrize(
    ("code", "line", "reason"),
    [
        (
            1,
            "OSError: [Errno 28] No space left on device",
            "ClientError: the container ended with exit code: 1. The disk",
        ),
        (
            127,
            "train: No such file or directory",
            "AlgorithmError: the container ended with exit code: 127 (there is no",
        ),
        (139, "", "AlgorithmError: the container ended with exit code: 139 (SIGSEGV) and printed nothing; it was"),
    ],
)
async def test_what_went_wrong_is_told_by_its_name(house: House, code: int, line: str, reason: str) -> None:
    await house.call("CreateTrainingJob", **training_request())
    await house.run()
    uid = house.get("training-job", "job").uid
    house.runner.say(uid, line)
    house.runner.end(uid, code)
    await house.run(1.0)
    said = (await status(house))["FailureReason"]
    assert said.startswith(reason)
    assert said.endswith(line)


async def test_out_of_memory_is_said(house: House) -> None:
    await house.call("CreateTrainingJob", **training_request())
    await house.run()
    house.runner.end(house.get("training-job", "job").uid, 137, out_of_memory=True)
    await house.run(1.0)
    reason = (await status(house))["FailureReason"]
    assert reason.startswith("ClientError: Please use an instance type with more memory")


async def test_lines_are_shipped_while_it_runs(house: House) -> None:
    await house.call("CreateTrainingJob", **training_request())
    await house.run()
    job = house.get("training-job", "job")
    house.runner.say(job.uid, "first\nsec")
    await house.run(1.0)
    assert house.lines(GROUP) == ["first"]
    house.runner.say(job.uid, "ond\n")
    await house.run(1.0)
    assert house.lines(GROUP) == ["first", "second"]
    (stream,) = house.logs.streams(job.account, job.region, GROUP)
    assert stream == f"job/algo-1-{int(job.status['TrainingStartTime'])}"


async def test_metrics_are_read_from_the_lines_and_never_invented(house: House) -> None:
    algorithm = {
        "TrainingImage": XGBOOST,
        "TrainingInputMode": "File",
        "MetricDefinitions": [
            {"Name": "mine", "Regex": r"score=([0-9.]+)"},
            {"Name": "never", "Regex": r"never=([0-9.]+)"},
        ],
    }
    await house.call("CreateTrainingJob", **training_request(AlgorithmSpecification=algorithm))
    await house.run()
    uid = house.get("training-job", "job").uid
    house.runner.say(uid, "score=0.5\n" + "chatter\n" * 6000)
    house.runner.say(uid, "[0]#011train-merror:0.3#011validation-merror:0.4\n")
    house.runner.say(uid, "[1]#011train-merror:0.1#011validation-merror:2e-1\n")
    house.runner.end(uid, 0)
    await house.run(1.0)
    said = await status(house)
    values = {one["MetricName"]: one["Value"] for one in said["FinalMetricDataList"]}
    assert values == {"train:merror": 0.1, "validation:merror": 0.2, "mine": 0.5}
    timed = {one["MetricName"]: one.get("Timestamp") for one in said["FinalMetricDataList"]}
    assert timed["train:merror"] == pytest.approx(house.clock.now(), abs=5)
    assert timed["mine"] is None


async def test_without_a_metric_line_there_is_no_metric(house: House) -> None:
    house.runner.behave = trains
    await house.call("CreateTrainingJob", **training_request())
    await house.run(1.0)
    assert "FinalMetricDataList" not in await status(house)


async def test_stop_asks_politely_and_keeps_the_partial_model(house: House) -> None:
    house.runner.stubborn = True
    await house.call("CreateTrainingJob", **training_request())
    await house.run()
    uid = house.get("training-job", "job").uid
    (house.runner.root(uid) / "model" / "checkpoint").write_bytes(b"half")
    await house.call("StopTrainingJob", TrainingJobName="job")
    said = await status(house)
    assert (said["TrainingJobStatus"], said["SecondaryStatus"]) == ("Stopping", "Stopping")
    await house.call("StopTrainingJob", TrainingJobName="job")
    await house.run(110.0)
    assert (await status(house))["TrainingJobStatus"] == "Stopping"
    await house.run(15.0)
    said = await status(house)
    assert (said["TrainingJobStatus"], said["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert said["ModelArtifacts"]["S3ModelArtifacts"] == "s3://lake/models/job/output/model.tar.gz"
    assert names(house.objects.read("lake", "models/job/output/model.tar.gz")) == ["checkpoint"]
    with pytest.raises(ValidationException, match="the training job is in status Stopped"):
        await house.call("StopTrainingJob", TrainingJobName="job")


async def test_a_job_stopped_before_it_started_never_starts(house: House) -> None:
    await house.call("CreateTrainingJob", **training_request())
    await house.call("StopTrainingJob", TrainingJobName="job")
    await house.run()
    said = await status(house)
    assert said["TrainingJobStatus"] == "Stopped"
    assert "ModelArtifacts" not in said
    assert house.runner.starts() == []


async def test_a_job_that_ended_before_it_was_asked_to_stop_is_completed(house: House) -> None:
    await house.call("CreateTrainingJob", **training_request())
    await house.run()
    uid = house.get("training-job", "job").uid
    house.runner.end(uid, 0)
    house.clock.advance(0.1)  # type: ignore[attr-defined]
    await house.call("StopTrainingJob", TrainingJobName="job")
    await house.run(1.0)
    assert (await status(house))["TrainingJobStatus"] == "Completed"


async def test_a_job_that_runs_too_long_is_stopped_and_says_so(house: House) -> None:
    await house.call("CreateTrainingJob", **training_request(StoppingCondition={"MaxRuntimeInSeconds": 30}))
    await house.run()
    uid = house.get("training-job", "job").uid
    (house.runner.root(uid) / "model" / "part").write_bytes(b"part")
    await house.run(29.0)
    assert (await status(house))["TrainingJobStatus"] == "InProgress"
    await house.run(3.0)
    said = await status(house)
    assert (said["TrainingJobStatus"], said["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert "ModelArtifacts" in said


async def test_a_lost_run_is_told_truthfully(house: House) -> None:
    await house.call("CreateTrainingJob", **training_request())
    await house.run()
    house.runner.lose(house.get("training-job", "job").uid)
    await house.run(1.0)
    assert (await status(house))["FailureReason"].startswith("InternalServerError: the job was lost")


async def test_a_lost_run_is_tried_again_when_asked(house: House) -> None:
    await house.call("CreateTrainingJob", **training_request(RetryStrategy={"MaximumRetryAttempts": 1}))
    await house.run()
    uid = house.get("training-job", "job").uid
    house.runner.behave = trains
    house.runner.lose(uid)
    await house.run(1.0)
    said = await status(house)
    assert said["TrainingJobStatus"] == "Completed"
    assert [one["Status"] for one in said["SecondaryStatusTransitions"]].count("Restarting") == 1
    assert house.runner.starts() == [uid, f"{uid}-1"]
    assert await house.runner.uids() == []


async def test_artifacts_that_cannot_be_stored_fail_the_job(house: House) -> None:
    house.runner.behave = trains
    house.objects.broken = ServiceError("The specified bucket does not exist", code="NoSuchBucket", status=404)
    await house.call("CreateTrainingJob", **training_request())
    await house.run(1.0)
    assert (await status(house))["FailureReason"].startswith("ClientError: the artifacts could not be stored")


async def test_the_archive_is_the_same_whenever_the_model_is(house: House) -> None:
    house.runner.behave = trains
    for name in ("one", "two"):
        await house.call("CreateTrainingJob", **training_request(name))
        await house.run(3.0)
    one, two = (house.objects.read("lake", f"models/{name}/output/model.tar.gz") for name in ("one", "two"))
    assert one == two
    assert names(one) == ["xgboost-model"]


async def test_uncompressed_output_is_plain_objects(house: House) -> None:
    house.runner.behave = trains
    output = {"S3OutputPath": "s3://lake/models/", "CompressionType": "NONE"}
    await house.call("CreateTrainingJob", **training_request(OutputDataConfig=output))
    await house.run(1.0)
    assert house.objects.read("lake", "models/job/output/model/xgboost-model") == b"a model"
    assert (await status(house))["ModelArtifacts"] == {"S3ModelArtifacts": "s3://lake/models/job/output/model/"}


async def test_an_entry_point_of_ones_own_runs_in_the_built_in_image(house: House) -> None:
    seen: list[Work] = []
    house.runner.behave = lambda uid, work, root: seen.append(work)
    algorithm = {
        "TrainingImage": SKLEARN,
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["/bin/bash"],
        "ContainerArguments": ["-c", "python3 train.py"],
    }
    await house.call("CreateTrainingJob", **training_request(AlgorithmSpecification=algorithm))
    await house.run()
    assert seen[0].command == ("/bin/bash", "-c", "python3 train.py")


async def test_names_are_unique(house: House) -> None:
    await house.call("CreateTrainingJob", **training_request())
    with pytest.raises(ResourceInUse, match="already exists"):
        await house.call("CreateTrainingJob", **training_request())
    with pytest.raises(ValidationException, match="Requested resource not found"):
        await status(house, "other")


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"ResourceConfig": {"InstanceCount": 300, "InstanceType": "ml.m5.large"}}, NotImplementedHere, "at most 254"),
    (
        {"ResourceConfig": {"InstanceCount": 2, "InstanceType": "ml.m5.large"}, "EnableNetworkIsolation": True},
        NotImplementedHere,
        "EnableNetworkIsolation",
    ),
    ({"EnableManagedSpotTraining": True}, ValidationException, "Invalid MaxWaitTimeInSeconds. It must be present"),
    (
        {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90}},
        ValidationException,
        "only for managed spot training",
    ),
    ({"StoppingCondition": {"MaxRuntimeInSeconds": 2419201}}, ValidationException, "28 days"),
    (
        {
            "EnableManagedSpotTraining": True,
            "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "KeepAlivePeriodInSeconds": 60},
        },
        ValidationException,
        "KeepAlivePeriodInSeconds",
    ),
    ({"ResourceConfig": {}}, ValidationException, "InstanceType"),
    ({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, ValidationException, "TrainingImage"),
    ({"CheckpointConfig": {"S3Uri": "s3://lake/x", "LocalPath": "/tmp"}}, NotImplementedHere, "LocalPath /tmp"),
    ({"CheckpointConfig": {"S3Uri": "s3://lake/x", "LocalPath": "/opt/ml/model/"}}, ValidationException, "another dir"),
    ({"InputDataConfig": [channel("a"), channel("a")]}, ValidationException, "unique"),
    ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}, ValidationException, "Duplicate tag"),
    ({"OutputDataConfig": {"S3OutputPath": "s3://"}}, ValidationException, "bucket"),
    ({"AlgorithmSpecification": {}}, ValidationException, "AlgorithmSpecification"),
    ({"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/"}, ValidationException, "Could not assume role"),
    ({"InputDataConfig": [channel("..", "data/train/")]}, ValidationException, "input channel"),
    ({"Environment": {"A": "x\0"}}, ValidationException, "NUL"),
    (
        {
            "AlgorithmSpecification": {
                "TrainingImage": XGBOOST,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["a\0b"],
            }
        },
        ValidationException,
        "NUL",
    ),
]


@pytest.mark.parametrize(("changed", "error", "word"), REFUSED)
async def test_what_cannot_be_done_is_refused_by_name(
    house: House, changed: dict[str, Any], error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        await house.call("CreateTrainingJob", **{**training_request(), **changed})
    assert house.count("training-job") == 0


async def test_a_bad_metric_regex_is_refused(house: House) -> None:
    algorithm = {
        "TrainingImage": XGBOOST,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "m", "Regex": "("}],
    }
    with pytest.raises(ValidationException, match="not valid"):
        await house.call("CreateTrainingJob", **training_request(AlgorithmSpecification=algorithm))


async def test_describe_is_the_request_with_defaults(house: House) -> None:
    tags = [{"Key": "team", "Value": "one"}]
    await house.call("CreateTrainingJob", **training_request(Tags=tags, DebugHookConfig={}))
    said = await status(house)
    assert said["HyperParameters"] == {"num_round": "3"}
    assert said["OutputDataConfig"] == {"KmsKeyId": "", "CompressionType": "GZIP", "S3OutputPath": "s3://lake/models"}
    assert said["EnableNetworkIsolation"] is False
    assert said["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3DataDistributionType"] == "FullyReplicated"
    assert "Tags" not in said
    assert "DebugHookConfig" not in said
    assert {"Name", "Regex"} == set(said["AlgorithmSpecification"]["MetricDefinitions"][0])
    assert not [name for name in said if name.startswith("_")]


def names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        return tar.getnames()
