"""Steps of every type but Processing, Condition and Fail: what they ask for, what their properties are, and that an
attempt that is looked at again makes nothing twice."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.engines.queues.sqlite import SqliteQueues
from clary.engines.runners.base import Work
from clary.engines.search.base import Search
from clary.kernel.metrics import MetricSink
from clary.kernel.queues import QueueStore
from clary.services import sqs
from tests.inprocess import ACCOUNT
from tests.jobs_house import archive
from tests.pipelines_house import PipelinesHouse, processing
from tests.queues_house import Metrics
from tests.sagemaker_house import XGBOOST
from tests.tuning_house import Direct

Doc = dict[str, Any]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/job-role"
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}


class StepsHouse(PipelinesHouse):
    """With queues and tuning. Training jobs leave a model and tell the objective that `objectives` has for their place
    in the order in which they start."""

    def __init__(self, directory: Path) -> None:
        search = Direct()
        self.objectives: list[float] = []
        self.trained: list[str] = []
        self.broken = False
        """Set: model servers end at once."""
        super().__init__(directory, services=[sqs.service], ports={MetricSink: Metrics(), Search: search})
        self.queues = self.inside.thread.call(SqliteQueues, directory / "queues.db", self.clock)
        self.inside.ports[QueueStore] = self.queues
        self.engines = replace(self.engines, search=search)
        self.restart()
        self.sqs = self.inside.client("sqs")
        self.s3.put_object(Bucket="lake", Key="data/a.csv", Body=b"1,2\n")
        self.s3.put_object(Bucket="lake", Key="model/model.tar.gz", Body=archive())

    def _behave(self, uid: str, work: Work, root: Path) -> int | None:
        if "PROCESSING_JOB_NAME" in work.env:
            return super()._behave(uid, work, root)
        if "TRAINING_JOB_NAME" not in work.env:
            return 1 if self.broken else None  # a model server
        self.trained.append(work.env["TRAINING_JOB_NAME"])
        (root / "model" / "xgboost-model").write_bytes(b"trees")
        if self.objectives:
            value = self.objectives.pop(0)
            (root.parent / "log").write_text(f"[0]#011train-rmse:{value}#011validation-rmse:{value}\n")
        return 0

    def messages(self, url: str) -> list[Doc]:
        found = []
        for one in self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
            found.append(json.loads(one["Body"]))
        return found

    def close(self) -> None:
        self.inside.thread.call(self.queues.close)
        super().close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[StepsHouse]:
    made = StepsHouse(tmp_path)
    yield made
    made.close()


def get(path: str) -> Doc:
    return {"Get": path}


def training(name: str = "train", **more: Any) -> Doc:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://lake/data/"}}
    said = {
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "HyperParameters": {"num_round": "1"},
        "InputDataConfig": [{"ChannelName": "train", "ContentType": "text/csv", "DataSource": source}],
        "OutputDataConfig": {"S3OutputPath": "s3://lake/models"},
        "ResourceConfig": CLUSTER,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        **more,
    }
    return {"Name": name, "Type": "Training", "Arguments": said}


def model(name: str = "model", data: Any = "s3://lake/model/model.tar.gz", **more: Any) -> Doc:
    said = {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": XGBOOST, "ModelDataUrl": data}, **more}
    return {"Name": name, "Type": "Model", "Arguments": said}


def register(name: str = "register", **more: Any) -> Doc:
    containers = [{"Image": XGBOOST, "ModelDataUrl": "s3://lake/model/model.tar.gz"}]
    specification = {
        "Containers": containers,
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    said = {"ModelPackageGroupName": "group", "InferenceSpecification": specification, **more}
    return {"Name": name, "Type": "RegisterModel", "Arguments": said}


def callback(url: Any, *outputs: tuple[str, str], name: str = "ask", **arguments: Any) -> Doc:
    declared = [{"OutputName": one, "OutputType": kind} for one, kind in outputs]
    return {
        "Name": name,
        "Type": "Callback",
        "Arguments": arguments,
        "SqsQueueUrl": url,
        "OutputParameters": declared,
    }


def endpoint(config: Any = None) -> list[Doc]:
    variant = {
        "VariantName": "all",
        "ModelName": get("Steps.model.ModelName"),
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
    }
    configured = {"Name": "config", "Type": "EndpointConfig", "Arguments": {"ProductionVariants": [variant]}}
    said = {"EndpointName": "served", "EndpointConfigName": config or get("Steps.config.EndpointConfigName")}
    return [configured, {"Name": "serve", "Type": "Endpoint", "Arguments": said}]


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    said = caught.value.response["Error"]
    return said["Code"], said["Message"]


def name_of(step: Doc, kind: str) -> str:
    arn: str = step["Metadata"][kind]["Arn"]
    return arn.rpartition("/")[2]


def test_a_model_is_made_of_what_was_trained_and_registered(house: StepsHouse) -> None:
    artifact = get("Steps.train.ModelArtifacts.S3ModelArtifacts")
    arn = house.run(training(), model(data=artifact), register(ModelApprovalStatus="Approved"))
    steps = house.steps(arn)
    assert {one["StepStatus"] for one in steps.values()} == {"Succeeded"}
    assert house.trained == [name_of(steps["train"], "TrainingJob")]
    made = house.sagemaker.describe_model(ModelName=name_of(steps["model"], "Model"))
    assert made["PrimaryContainer"]["ModelDataUrl"] == f"s3://lake/models/{house.trained[0]}/output/model.tar.gz"
    registered = steps["register"]["Metadata"]["RegisterModel"]["Arn"]
    package = house.sagemaker.describe_model_package(ModelPackageName=registered)
    assert (package["ModelPackageGroupName"], package["ModelPackageVersion"]) == ("group", 1)
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["MetadataProperties"]["GeneratedBy"] == arn
    house.go(60)
    again = house.start()
    house.go(60)
    assert house.steps(again)["register"]["Metadata"]["RegisterModel"]["Arn"].endswith("/group/2")
    assert len(house.sagemaker.list_models()["Models"]) == 2


def test_the_tags_of_a_registered_model_are_those_of_the_group_that_it_makes(house: StepsHouse) -> None:
    arn = house.run(register(Tags=[{"Key": "team", "Value": "snails"}]))
    assert house.statuses(arn) == {"register": "Succeeded"}
    group = house.sagemaker.describe_model_package_group(ModelPackageGroupName="group")["ModelPackageGroupArn"]
    assert house.sagemaker.list_tags(ResourceArn=group)["Tags"] == [{"Key": "team", "Value": "snails"}]


def test_a_name_in_the_arguments_is_the_beginning_of_the_name(house: StepsHouse) -> None:
    arn = house.run(training(TrainingJobName="mine"), model(ModelName="mine-too"))
    steps = house.steps(arn)
    assert name_of(steps["train"], "TrainingJob").startswith("mine-")
    assert name_of(steps["model"], "Model").startswith("mine-too-")


def test_tuning_tells_its_training_jobs_the_best_first(house: StepsHouse) -> None:
    house.objectives = [3.0, 1.0, 2.0]
    arguments = training()["Arguments"]
    definition = {
        "AlgorithmSpecification": arguments["AlgorithmSpecification"],
        "StaticHyperParameters": {"num_round": "1"},
        **{
            name: arguments[name]
            for name in ("RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig", "StoppingCondition")
        },
    }
    ranges = {"ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.1", "MaxValue": "0.9"}]}
    config = {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 1},
        "ParameterRanges": ranges,
    }
    said = {"HyperParameterTuningJobConfig": config, "TrainingJobDefinition": definition}
    tune = {"Name": "tune", "Type": "Tuning", "Arguments": said}
    names = [get(f"Steps.tune.TrainingJobSummaries[{place}].TrainingJobName") for place in range(3)]
    best = {"Std:Join": {"On": " ", "Values": [*names, get("Steps.tune.BestTrainingJob.TrainingJobName")]}}
    arn = house.run(tune, processing("after", arguments={"Environment": {"BEST": best}}), seconds=300)
    steps = house.steps(arn)
    assert {one["StepStatus"] for one in steps.values()} == {"Succeeded"}, steps
    assert len(name_of(steps["tune"], "TuningJob")) <= 32
    after = house.sagemaker.describe_processing_job(ProcessingJobName=name_of(steps["after"], "ProcessingJob"))
    first, second, third = house.trained
    assert after["Environment"]["BEST"].split() == [second, third, first, second]


def test_a_callback_is_asked_and_answered(house: StepsHouse) -> None:
    url = house.sqs.create_queue(QueueName="asked")["QueueUrl"]
    outputs = (("word", "String"), ("count", "Integer"), ("good", "Boolean"), ("share", "Float"))
    values = [get(f"Steps.ask.OutputParameters['{name}']") for name, _ in outputs]
    after = processing("after", arguments={"Environment": {"SAID": {"Std:Join": {"On": " ", "Values": values}}}})
    arn = house.run(callback(url, *outputs, number=5, text="how"), after)
    (message,) = house.messages(url)
    token = message.pop("token")
    assert len(token) == 10
    assert message == {"pipelineExecutionArn": arn, "arguments": {"number": 5, "text": "how"}, "status": "Executing"}
    step = house.steps(arn)["ask"]
    assert step["StepStatus"] == "Executing"
    assert step["Metadata"] == {"Callback": {"CallbackToken": token, "SqsQueueUrl": url}}
    house.go(120)
    assert house.messages(url) == [], "nobody is asked twice"
    send = house.sagemaker.send_pipeline_execution_step_success
    said = [{"Name": "word", "Value": "yes"}, {"Name": "count", "Value": "7"}, {"Name": "good", "Value": "True"}]
    said.append({"Name": "share", "Value": "0.5"})
    assert send(CallbackToken=token, OutputParameters=said)["PipelineExecutionArn"] == arn
    house.go(60)
    steps = house.steps(arn)
    assert steps["ask"]["StepStatus"] == steps["after"]["StepStatus"] == "Succeeded"
    assert steps["ask"]["Metadata"]["Callback"]["OutputParameters"] == said
    job = house.sagemaker.describe_processing_job(ProcessingJobName=name_of(steps["after"], "ProcessingJob"))
    assert job["Environment"]["SAID"] == "yes 7 true 0.5"


def test_an_answer_must_fit_and_there_is_one(house: StepsHouse) -> None:
    url = house.sqs.create_queue(QueueName="asked")["QueueUrl"]
    arn = house.run(callback(url, ("count", "Integer")))
    (token,) = [one["token"] for one in house.messages(url)]
    send, fail = (
        house.sagemaker.send_pipeline_execution_step_success,
        house.sagemaker.send_pipeline_execution_step_failure,
    )
    code, message = refused(send, CallbackToken=token, OutputParameters=[{"Name": "count", "Value": "many"}])
    assert (code, "is no Integer: 'many'" in message) == ("ValidationException", True)
    code, message = refused(send, CallbackToken=token, OutputParameters=[{"Name": "sum", "Value": "1"}])
    assert (code, "it declares count" in message) == ("ValidationException", True)
    assert refused(fail, CallbackToken="0123456789")[0] == "ResourceNotFound"
    request = "r" * 32
    fail(CallbackToken=token, FailureReason="no time", ClientRequestToken=request)
    fail(CallbackToken=token, FailureReason="no time", ClientRequestToken=request)
    assert refused(send, CallbackToken=token)[0] == "ConflictException"
    house.go(60)
    step = house.steps(arn)["ask"]
    assert (step["StepStatus"], step["FailureReason"]) == ("Failed", "no time")
    assert "no time" in house.said(arn)["FailureReason"]


def test_who_was_asked_says_when_a_stopped_pipeline_stops(house: StepsHouse) -> None:
    url = house.sqs.create_queue(QueueName="asked")["QueueUrl"]
    arn = house.run(callback(url))
    house.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    house.go(60)
    messages = house.messages(url)
    assert [one["status"] for one in messages] == ["Executing", "Stopping"]
    assert house.said(arn)["PipelineExecutionStatus"] == "Stopping"
    house.sagemaker.send_pipeline_execution_step_success(CallbackToken=messages[1]["token"])
    house.go(60)
    assert house.said(arn)["PipelineExecutionStatus"] == "Stopped"
    assert house.statuses(arn) == {"ask": "Stopped"}


def test_nobody_is_waited_for_longer_than_28_days(house: StepsHouse) -> None:
    url = house.sqs.create_queue(QueueName="asked")["QueueUrl"]
    arn = house.run(callback(url), seconds=60)
    house.clock.advance(28 * 24 * 3600.0)
    house.go(60)
    # No request that is signed today is good for that clock.
    row = house.inside.store.get(ACCOUNT, "us-east-1", "pipeline-step", f"p/{arn.rpartition('/')[2]}/ask")
    assert (row.phase, row.status["FailureReason"]) == ("Failed", "Nobody answered the callback within 28 days")


def test_a_queue_that_is_not_there_fails_the_step(house: StepsHouse) -> None:
    arn = house.run(callback(f"http://127.0.0.1/{ACCOUNT}/none"))
    step = house.steps(arn)["ask"]
    assert step["StepStatus"] == "Failed"
    assert "queue" in step["FailureReason"].lower()


def test_an_endpoint_is_made_then_updated(house: StepsHouse) -> None:
    arn = house.run(model(), *endpoint())
    assert set(house.statuses(arn).values()) == {"Succeeded"}
    served = house.sagemaker.describe_endpoint(EndpointName="served")
    config = name_of(house.steps(arn)["config"], "EndpointConfig")
    assert (served["EndpointStatus"], served["EndpointConfigName"]) == ("InService", config)
    again = house.start()
    house.go(300)
    assert set(house.statuses(again).values()) == {"Succeeded"}
    other = name_of(house.steps(again)["config"], "EndpointConfig")
    served = house.sagemaker.describe_endpoint(EndpointName="served")
    assert (served["EndpointStatus"], served["EndpointConfigName"]) == ("InService", other)
    assert other != config


def test_an_endpoint_that_does_not_come_up_fails_the_step_with_its_reason(house: StepsHouse) -> None:
    house.broken = True
    arn = house.run(model(), *endpoint(), seconds=840)
    step = house.steps(arn)["serve"]
    served = house.sagemaker.describe_endpoint(EndpointName="served")
    assert (served["EndpointStatus"], step["StepStatus"]) == ("Failed", "Failed")
    assert served["FailureReason"][:50] in step["FailureReason"]
    assert step["Metadata"] == {"Endpoint": {"Arn": served["EndpointArn"]}}


def test_a_configuration_keeps_its_name_while_nothing_else_has_it(house: StepsHouse) -> None:
    house.sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": XGBOOST})
    configured, serve = endpoint("live")
    configured["Arguments"]["EndpointConfigName"] = "live"
    configured["Arguments"]["ProductionVariants"][0]["ModelName"] = "m"
    serve["DependsOn"] = ["config"]
    arn = house.run(configured, serve)
    assert house.sagemaker.describe_endpoint(EndpointName="served")["EndpointConfigName"] == "live"
    again = house.start()
    house.go(60)
    assert [name_of(house.steps(one)["config"], "EndpointConfig") for one in (arn, again)] == ["live", "live"]


def test_transform_reads_a_model_of_the_pipeline(house: StepsHouse) -> None:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://lake/none/"}}
    said = {
        "ModelName": get("Steps.model.ModelName"),
        "TransformInput": {"DataSource": source, "ContentType": "text/csv"},
        "TransformOutput": {"S3OutputPath": "s3://lake/out"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    arn = house.run(model(), {"Name": "apply", "Type": "Transform", "Arguments": said}, seconds=120)
    step = house.steps(arn)["apply"]
    job = house.sagemaker.describe_transform_job(TransformJobName=name_of(step, "TransformJob"))
    assert job["ModelName"] == name_of(house.steps(arn)["model"], "Model")
    assert (job["TransformJobStatus"], step["StepStatus"]) == ("Failed", "Failed")
    assert step["FailureReason"] == job["FailureReason"]


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (training(Colour="red"), "there is no argument 'Colour' here"),
        (training(ResourceConfig={**CLUSTER, "InstanceCount": "one"}), "must be an integer, not a string"),
        (model(ExecutionRoleArn="me"), "ExecutionRoleArn: member must"),
        ({"Name": "t", "Type": "Transform", "Arguments": {}}, "the argument 'ModelName' is missing"),
        ({"Name": "r", "Type": "RegisterModel", "Arguments": {}}, "'ModelPackageGroupName' is missing"),
        (register(ClientToken="mine"), "is set by the pipeline: leave it out"),
        ({"Name": "e", "Type": "Endpoint", "Arguments": {"EndpointName": "e"}}, "'EndpointConfigName' is missing"),
        ({"Name": "c", "Type": "Callback", "Arguments": {}}, "needs the URL of a queue"),
        (callback("u", ("a", "String"), ("a", "String")), "two outputs are called 'a'"),
        (callback("u", ("a", "Date")), "must be one of String, Integer, Float, Boolean, not 'Date'"),
        (
            {"Name": "l", "Type": "Lambda", "Arguments": {}},
            "not served yet: use a Processing step, or a Callback",
        ),
        ({"Name": "l", "Type": "EMR", "Arguments": {}}, "are not served yet: run the program"),
        (
            {"Name": "l", "Type": "Inference", "Arguments": {}},
            "no steps of type 'Inference'; there are Callback,",
        ),
    ],
    ids=lambda one: one["Type"] if isinstance(one, dict) else "",
)
def test_what_cannot_be_is_refused_when_the_pipeline_is_created(house: StepsHouse, step: Doc, sentence: str) -> None:
    with pytest.raises(ClientError) as caught:
        house.create(step)
    said = caught.value.response["Error"]
    assert said["Code"] == "ValidationException"
    assert sentence in said["Message"], said["Message"]
    assert repr(step["Name"]) in said["Message"]


def test_each_look_may_be_the_first_of_a_new_process(house: StepsHouse) -> None:
    """Nothing that is made is made twice, whenever whoever looks forgets everything."""
    url = house.sqs.create_queue(QueueName="asked")["QueueUrl"]
    house.create(training(), model(), register(), callback(url))
    arn = house.start()
    for _ in range(30):
        house.restart()
        house.inside.run(house.controller.tick())
        house.clock.advance(1.0)
    house.go(30)
    assert len(house.trained) == 1
    assert len(house.sagemaker.list_models()["Models"]) == 1
    assert len(house.sagemaker.list_model_packages(ModelPackageGroupName="group")["ModelPackageSummaryList"]) == 1
    assert len(house.messages(url)) == 1
    assert house.statuses(arn)["ask"] == "Executing"
