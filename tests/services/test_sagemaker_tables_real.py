"""Linear learner, k-means and factorization machines as real jobs: pipes, several hosts, a stop, a user's mistake."""

import io
import tarfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from clary.algorithms.recordio import batches
from clary.kernel.telemetry import LogStreamName
from tests.inprocess import ACCOUNT, REGION
from tests.real import until
from tests.sagemaker_house import ROLE
from tests.services.test_sagemaker_real import Machine

GROUP = "/aws/sagemaker/TrainingJobs"
REGISTRY = "382416733822.dkr.ecr.us-east-1.amazonaws.com"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("machine"))
    try:
        made.s3.create_bucket(Bucket="lake")
        chance = np.random.default_rng(3)
        for number in range(4):
            features = chance.normal(0, 1, (500, 3)).astype(np.float32)
            out = io.BytesIO()
            batches.write(out, features, features @ np.array([1, -2, 0.5], np.float32))
            made.s3.put_object(Bucket="lake", Key=f"train/{number}.pbr", Body=out.getvalue())
        yield made
    finally:
        made.close()


def train(
    machine: Machine, name: str, image: str, count: int, mode: str, channels: tuple[str, ...], **given: str
) -> None:
    machine.sagemaker.create_training_job(
        TrainingJobName=name, HyperParameters=given, **definition(image, count, mode, channels)
    )


def definition(image: str, count: int, mode: str, channels: tuple[str, ...]) -> dict[str, Any]:
    """What training jobs and the definitions of tuning jobs have in common."""
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://lake/train/", "S3DataDistributionType": "ShardedByS3Key"}
    return {
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": f"{REGISTRY}/{image}:1", "TrainingInputMode": mode},
        "InputDataConfig": [{"ChannelName": one, "DataSource": {"S3DataSource": source}} for one in channels],
        "OutputDataConfig": {"S3OutputPath": "s3://lake/models"},
        "ResourceConfig": {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }


def ended(machine: Machine, name: str) -> dict[str, Any]:
    def look() -> Any:
        said = machine.sagemaker.describe_training_job(TrainingJobName=name)
        return said if said["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    said: dict[str, Any] = until(look, 100.0, "the training job to end")
    return said


def members(machine: Machine, name: str) -> list[str]:
    body = machine.s3.get_object(Bucket="lake", Key=f"models/{name}/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as opened:
        return [one.name for one in opened if one.isfile()]


def metrics(said: dict[str, Any]) -> dict[str, float]:
    return {one["MetricName"]: one["Value"] for one in said["FinalMetricDataList"]}


def test_two_hosts_read_pass_after_pass_from_pipes(machine: Machine) -> None:
    given = {"predictor_type": "regressor", "epochs": "6", "mini_batch_size": "50", "feature_dim": "3"}
    train(machine, "pipes", "linear-learner", 2, "Pipe", ("train", "validation"), **given)
    said = ended(machine, "pipes")
    assert said["TrainingJobStatus"] == "Completed", said.get("FailureReason")
    assert metrics(said)["validation:mse"] < 0.05
    assert members(machine, "pipes") == ["model_algo-1"]


def test_two_hosts_cluster_their_shards(machine: Machine) -> None:
    train(machine, "clusters", "kmeans", 2, "File", ("train", "test"), k="4", feature_dim="3")
    said = ended(machine, "clusters")
    assert said["TrainingJobStatus"] == "Completed", said.get("FailureReason")
    assert metrics(said)["train:msd"] == pytest.approx(metrics(said)["test:msd"]) and 0 < metrics(said)["test:msd"] < 3


def test_a_job_that_is_stopped_keeps_what_it_learnt(machine: Machine) -> None:
    given = {"predictor_type": "regressor", "epochs": "1000000", "feature_dim": "3", "num_factors": "2"}
    train(machine, "stopped", "factorization-machines", 2, "File", ("train",), **given)

    def learns() -> bool:
        streams = [one for one in machine.logs.streams(ACCOUNT, REGION, GROUP) if one.startswith("stopped/")]
        events = [machine.logs.last(LogStreamName(ACCOUNT, REGION, GROUP, one), 100) for one in streams]
        return any("epoch=3, train rmse" in event.message for part in events for event in part)

    until(learns, 60.0, "some passes to be made")
    machine.sagemaker.stop_training_job(TrainingJobName="stopped")
    assert ended(machine, "stopped")["TrainingJobStatus"] == "Stopped"
    assert members(machine, "stopped") == ["model_algo-1"]


def test_a_wrong_hyperparameter_is_named_with_what_is_allowed(machine: Machine) -> None:
    train(machine, "wrong", "kmeans", 1, "File", ("train",), k="0", feature_dim="3")
    said = ended(machine, "wrong")
    assert said["TrainingJobStatus"] == "Failed"
    assert "Hyperparameter k: '0' is not allowed; it must be an integer of at least 1" in said["FailureReason"]
    assert said["FailureReason"].startswith("ClientError")


def test_a_tuning_job_finds_the_better_learning_rate(machine: Machine) -> None:
    """The objective that is handed to each trial is one that linear learner knows, and its lines tell it."""
    rates = {"Name": "learning_rate", "Values": ["0.05", "0.0000001"]}
    machine.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="rates",
        HyperParameterTuningJobConfig={
            "Strategy": "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:objective_loss"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"CategoricalParameterRanges": [rates]},
        },
        TrainingJobDefinition={
            **definition("linear-learner", 1, "File", ("train", "validation")),
            "StaticHyperParameters": {"predictor_type": "regressor", "epochs": "2", "mini_batch_size": "50"},
        },
    )

    def look() -> Any:
        said = machine.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="rates")
        return said if said["HyperParameterTuningJobStatus"] in ("Completed", "Failed", "Stopped") else None

    said = until(look, 100.0, "the tuning job to end")
    assert said["HyperParameterTuningJobStatus"] == "Completed", said
    assert said["TrainingJobStatusCounters"]["Completed"] == said["ObjectiveStatusCounters"]["Succeeded"] == 2
    best = said["BestTrainingJob"]
    assert best["TunedHyperParameters"] == {"learning_rate": "0.05"}
    trial = machine.sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert trial["HyperParameters"]["_tuning_objective_metric"] == "validation:objective_loss"
    told = best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    assert told == pytest.approx(metrics(trial)["validation:objective_loss"])
