"""The built-in XGBoost as a real job: hosts that share pipes, checkpoints that outlive a killed run, folds."""

import os
import pickle
import re
import signal
import tarfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from clary.algorithms.xgboost.engine import xgb
from clary.kernel.telemetry import LogStreamName
from tests.algorithms.test_train import rows
from tests.inprocess import ACCOUNT, REGION
from tests.real import until
from tests.sagemaker_house import ROLE, XGBOOST
from tests.services.test_sagemaker_real import Machine

GROUP = "/aws/sagemaker/TrainingJobs"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("machine"))
    try:
        made.s3.create_bucket(Bucket="lake")
        for number in range(4):
            made.s3.put_object(Bucket="lake", Key=f"train/{number}.csv", Body=rows(200, number).encode())
        made.s3.put_object(Bucket="lake", Key="validation/a.csv", Body=rows(200, 9).encode())
        yield made
    finally:
        made.close()


def train(machine: Machine, name: str, count: int = 1, mode: str = "File", more: Any = None, **given: str) -> None:
    def channel(name: str, distribution: str) -> dict[str, Any]:
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://lake/{name}/", "S3DataDistributionType": distribution}
        return {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}

    machine.sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=ROLE,
        AlgorithmSpecification={"TrainingImage": XGBOOST, "TrainingInputMode": mode},
        HyperParameters={"num_round": "5", "objective": "binary:logistic", "eval_metric": "error,accuracy"} | given,
        InputDataConfig=[channel("train", "ShardedByS3Key"), channel("validation", "FullyReplicated")],
        OutputDataConfig={"S3OutputPath": "s3://lake/models"},
        ResourceConfig={"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        **(more or {}),
    )


def ended(machine: Machine, name: str) -> dict[str, Any]:
    def look() -> Any:
        said = machine.sagemaker.describe_training_job(TrainingJobName=name)
        return said if said["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    said: dict[str, Any] = until(look, 90.0, "the training job to end")
    return said


def artifact(machine: Machine, name: str, archive: str = "model.tar.gz") -> dict[str, bytes]:
    body = machine.s3.get_object(Bucket="lake", Key=f"models/{name}/output/{archive}")["Body"].read()
    with tarfile.open(fileobj=BytesIO(body)) as opened:
        return {one.name: file.read() for one in opened if (file := opened.extractfile(one))}


def told(machine: Machine, name: str) -> str:
    """What the job has printed so far."""
    streams = [one for one in machine.logs.streams(ACCOUNT, REGION, GROUP) if one.startswith(f"{name}/")]
    events = [machine.logs.last(LogStreamName(ACCOUNT, REGION, GROUP, one), 10_000) for one in streams]
    return "\n".join(event.message for part in events for event in part)


def test_two_hosts_train_one_model_from_the_pipes_of_their_shards(machine: Machine) -> None:
    train(machine, "shards", 2, "Pipe")
    said = ended(machine, "shards")
    assert said["TrainingJobStatus"] == "Completed", said.get("FailureReason")
    (model,) = artifact(machine, "shards").values()
    table = np.array([line.split(",") for line in rows(200, 9).split()], np.float32)
    right = np.mean((pickle.loads(model).predict(xgb.DMatrix(table[:, 1:])) > 0.5) == table[:, 0])
    told = {one["MetricName"]: one["Value"] for one in said["FinalMetricDataList"]}
    assert told["validation:accuracy"] == pytest.approx(right, abs=1e-4)


def test_a_host_whose_data_is_wrong_is_named_with_its_file(machine: Machine) -> None:
    machine.s3.put_object(Bucket="lake", Key="train/4.csv", Body=b"1,red,0,0\n")
    try:
        train(machine, "wrong", 2)
        said = ended(machine, "wrong")
    finally:
        machine.s3.delete_object(Bucket="lake", Key="train/4.csv")
    assert said["TrainingJobStatus"] == "Failed"
    assert "File 4.csv, line 1, column 2: 'red' is not a number" in said["FailureReason"]


def test_a_killed_run_goes_on_from_its_checkpoint(machine: Machine) -> None:
    more = {"CheckpointConfig": {"S3Uri": "s3://lake/ckpt"}, "RetryStrategy": {"MaximumRetryAttempts": 1}}
    train(machine, "killed", more=more, num_round="100000", eta="0.001")

    def stored() -> int:
        listed = machine.s3.list_objects_v2(Bucket="lake", Prefix="ckpt/").get("Contents", [])
        return max((int(one["Key"].rpartition(".")[2]) for one in listed), default=0)

    until(stored, 60.0, "a checkpoint to be stored while the job runs")
    (uid,) = machine.inside.run(machine.runner.uids())
    run = machine.inside.run(machine.runner.observe(uid))
    assert run.pid is not None
    os.kill(run.pid, signal.SIGKILL)
    until(lambda: "Resuming from iteration" in told(machine, "killed"), 60.0, "the job to go on")
    said = machine.sagemaker.describe_training_job(TrainingJobName="killed")
    assert "Restarting" in [one["Status"] for one in said["SecondaryStatusTransitions"]]
    before = int(re.findall(r"Resuming from iteration (\d+)", told(machine, "killed"))[0])
    assert before > 1
    machine.sagemaker.stop_training_job(TrainingJobName="killed")
    assert ended(machine, "killed")["TrainingJobStatus"] == "Stopped"
    (model,) = artifact(machine, "killed").values()
    assert pickle.loads(model).num_boosted_rounds() > before


def test_folds_leave_a_model_each_and_their_predictions(machine: Machine) -> None:
    train(machine, "folds", _kfold="3")
    said = ended(machine, "folds")
    assert said["TrainingJobStatus"] == "Completed", said.get("FailureReason")
    assert sorted(artifact(machine, "folds")) == [f"xgboost-model-{n}" for n in range(3)]
    (predictions,) = artifact(machine, "folds", "output.tar.gz").values()
    assert len(predictions.splitlines()) == 1000
