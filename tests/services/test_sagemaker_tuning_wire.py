"""Tuning jobs over boto3: answers of their modelled shapes, AWS's codes, tags, and on whose authority they train."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.credentials import Principal
from clary.services.sagemaker import tuning
from tests.inprocess import ACCOUNT
from tests.services.test_sagemaker_wire import Wire
from tests.tuning_house import definition, ranges, tells, tuning_config, tuning_request


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    made = Wire(tmp_path)
    made.runner.behave = tells(lambda given: float(given["eta"]))
    made.s3.create_bucket(Bucket="lake")
    made.s3.put_object(Bucket="lake", Key="data/train/a.csv", Body=b"1,2\n")
    yield made
    made.close()


def ann(wire: Wire, *statements: dict[str, Any]) -> Any:
    """A client of SageMaker for a user with these permissions."""
    iam = wire.inside.client("iam")
    user = iam.create_user(UserName="ann")["User"]
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=text)
    who = Principal(ACCOUNT, user["Arn"], user["UserId"], "user")
    return wire.inside.client("sagemaker", keys=wire.inside.ring.issue(who, wire.clock.now() + 3600))


def allow(*actions: str, **condition: Any) -> dict[str, Any]:
    said = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {**said, "Condition": condition} if condition else said


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_every_answer_is_of_its_shape(wire: Wire) -> None:
    client, name = wire.sagemaker, {"HyperParameterTuningJobName": "tune"}
    arn = client.create_hyper_parameter_tuning_job(**tuning_request())["HyperParameterTuningJobArn"]
    assert client.describe_hyper_parameter_tuning_job(**name)["HyperParameterTuningJobArn"] == arn
    wire.go(80)
    said = client.describe_hyper_parameter_tuning_job(**name)
    assert said["HyperParameterTuningJobStatus"] == "Completed"
    assert said["HyperParameterTuningEndTime"] >= said["CreationTime"]
    listed = client.list_training_jobs_for_hyper_parameter_tuning_job(**name)["TrainingJobSummaries"]
    assert said["BestTrainingJob"] in listed
    trained = client.describe_training_job(TrainingJobName=listed[0]["TrainingJobName"])
    assert trained["TuningJobArn"] == arn
    (summary,) = client.list_hyper_parameter_tuning_jobs(NameContains="un")["HyperParameterTuningJobSummaries"]
    assert summary["HyperParameterTuningJobArn"] == arn
    assert refused(client.stop_hyper_parameter_tuning_job, **name)[0] == "ValidationException"
    assert refused(client.create_hyper_parameter_tuning_job, **tuning_request())[0] == "ResourceInUse"
    client.delete_hyper_parameter_tuning_job(**name)
    for call in ("describe", "stop", "delete"):
        assert refused(getattr(client, f"{call}_hyper_parameter_tuning_job"), **name)[0] == "ResourceNotFound"


def test_tags_are_its_own_and_those_of_its_training_jobs(wire: Wire) -> None:
    tags = [{"Key": "team", "Value": "blue"}]
    arn = wire.sagemaker.create_hyper_parameter_tuning_job(**tuning_request(Tags=tags))["HyperParameterTuningJobArn"]
    wire.go(20)
    wire.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "more", "Value": "1"}])
    assert {"Key": "more", "Value": "1"} in wire.sagemaker.list_tags(ResourceArn=arn)["Tags"]
    (first, *_) = wire.sagemaker.list_training_jobs()["TrainingJobSummaries"]
    assert wire.sagemaker.list_tags(ResourceArn=first["TrainingJobArn"])["Tags"] == tags


def test_trials_are_made_with_the_authority_of_their_maker(wire: Wire) -> None:
    tune = "sagemaker:CreateHyperParameterTuningJob"
    client = ann(wire, allow(tune, "iam:PassRole", "sagemaker:Describe*"))
    client.create_hyper_parameter_tuning_job(**tuning_request())
    wire.go(10)
    said = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="tune")
    assert said["HyperParameterTuningJobStatus"] == "Failed"
    assert (
        f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: sagemaker:CreateTrainingJob"
        in (said["FailureReason"])
    )
    assert wire.sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_who_may_make_training_jobs_and_not_stop_them_can_stop_the_tuning(wire: Wire) -> None:
    tune = ("sagemaker:CreateHyperParameterTuningJob", "sagemaker:StopHyperParameterTuningJob")
    client = ann(wire, allow(*tune, "sagemaker:CreateTrainingJob", "sagemaker:Describe*", "iam:PassRole"))
    wire.runner.behave = lambda uid, work, root: None
    client.create_hyper_parameter_tuning_job(**tuning_request())
    wire.go(10)
    client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="tune")
    wire.go(20)
    said = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="tune")
    assert said["HyperParameterTuningJobStatus"] == "Stopped"
    assert said["TrainingJobStatusCounters"]["Stopped"] == 2


def test_who_tunes_must_be_allowed_every_definition(wire: Wire) -> None:
    small = {"ForAllValues:StringLike": {"sagemaker:InstanceTypes": "ml.m5.*"}}
    client = ann(wire, allow("sagemaker:CreateHyperParameterTuningJob", **small))
    objective = {"Type": "Minimize", "MetricName": "validation:rmse"}
    several = [
        definition(DefinitionName=name, TuningObjective=objective, HyperParameterRanges=ranges()) for name in ("a", "b")
    ]
    config = tuning_config()
    for member in ("HyperParameterTuningJobObjective", "ParameterRanges"):
        del config[member]
    wanted = tuning_request(TrainingJobDefinitions=several, HyperParameterTuningJobConfig=config)
    del wanted["TrainingJobDefinition"]
    several[1]["ResourceConfig"]["InstanceType"] = "ml.p3.2xlarge"
    code, words = refused(client.create_hyper_parameter_tuning_job, **wanted)
    assert code == "AccessDeniedException"
    assert "sagemaker:CreateHyperParameterTuningJob on resource: " in words
    several[1]["ResourceConfig"]["InstanceType"] = "ml.m5.large"
    code, words = refused(client.create_hyper_parameter_tuning_job, **wanted)
    assert code == "AccessDeniedException"
    assert "iam:PassRole" in words


def test_the_waker_hastens_the_tuning_job_of_a_training_job(wire: Wire) -> None:
    wire.runner.behave = lambda uid, work, root: None
    wire.sagemaker.create_hyper_parameter_tuning_job(**tuning_request())
    wire.go(4)
    (first, *_) = wire.sagemaker.list_training_jobs()["TrainingJobSummaries"]
    wire.sagemaker.stop_training_job(TrainingJobName=first["TrainingJobName"])
    store = wire.inside.raw_store

    async def hear() -> tuple[float | None, float | None]:
        before = store.get(ACCOUNT, "us-east-1", tuning.KIND, "tune").due
        waker = tuning.waking.TuningWaker(store)
        (told, *_) = (one for one in store.events(0, 1000) if one.resource["status"].get("TuningJobArn"))
        await waker(told)
        return before, store.get(ACCOUNT, "us-east-1", tuning.KIND, "tune").due

    before, after = wire.inside.run(hear())
    assert before is not None and before > wire.clock.now()
    assert after is not None and after <= wire.clock.now()
