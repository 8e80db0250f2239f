"""The trial components of jobs: made by who hears of the jobs, once, whatever is heard again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import ServiceError
from clary.engines.runners.base import Work
from clary.kernel.events import Bus, Pattern
from clary.kernel.resource import Resource
from clary.services.sagemaker.experiments import pipelines, points, tracking
from tests.sagemaker_house import ACCOUNT, REGION, ROLE, SKLEARN, XGBOOST, House, processing_request, training_request

HERE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
COMPONENT = "experiment-trial-component"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, behave=trains)
    made.objects.write("lake", "data/train/a.csv", b"1,2\n")
    made.objects.write("lake", "raw/a.csv", b"1,2\n")
    yield made
    made.close()


@pytest.fixture
def bus(house: House) -> Bus:
    return bus_of(house, "1")


def bus_of(house: House, name: str) -> Bus:
    """One whose subscriber has heard nothing yet."""
    made = Bus(house.store, house.clock)
    heard = tracking.Tracking(house.store, house.logs)
    for kind in tracking.KINDS:
        made.subscribe(f"{name} {kind}", Pattern(kind=kind), heard)
    return made


def trains(uid: str, work: Work, root: Path) -> int:
    (root / "model").mkdir(exist_ok=True)
    (root / "model" / "xgboost-model").write_bytes(b"a model")
    return 0


async def component(house: House, name: str) -> dict[str, Any]:
    return await house.call("DescribeTrialComponent", TrialComponentName=name)


async def listed(house: House, **asked: Any) -> list[str]:
    said = await house.call("ListTrialComponents", **asked)
    return [one["TrialComponentName"] for one in said["TrialComponentSummaries"]]


async def test_a_training_job_has_a_component_from_its_beginning_to_its_end(house: House, bus: Bus) -> None:
    given = {"num_round": "3", "objective": "reg:squarederror", "eta": "nan"}
    await house.call("CreateTrainingJob", **training_request("Job", HyperParameters=given))
    await bus.tick()
    said = await component(house, "Job-aws-training-job")
    assert said["TrialComponentArn"] == f"{HERE}:experiment-trial-component/job-aws-training-job"
    assert said["Source"] == {"SourceArn": f"{HERE}:training-job/Job", "SourceType": "SageMakerTrainingJob"}
    assert said["Status"] == {"PrimaryStatus": "InProgress"}
    assert said["Parameters"] == {
        "SageMaker.InstanceType": {"StringValue": "ml.m5.large"},
        "SageMaker.InstanceCount": {"NumberValue": 1.0},
        "SageMaker.VolumeSizeInGB": {"NumberValue": 5.0},
        "num_round": {"NumberValue": 3.0},
        "objective": {"StringValue": "reg:squarederror"},
        "eta": {"StringValue": "nan"},
    }
    assert said["InputArtifacts"] == {
        "SageMaker.ImageUri": {"Value": XGBOOST},
        "train": {"MediaType": "text/csv", "Value": "s3://lake/data/train/"},
    }
    assert said["OutputArtifacts"] == {}
    await house.run(1.0)
    await bus.tick()
    said = await component(house, "Job-aws-training-job")
    job = await house.call("DescribeTrainingJob", TrainingJobName="Job")
    assert said["Status"] == {"PrimaryStatus": "Completed"}
    assert (said["StartTime"], said["EndTime"]) == (job["TrainingStartTime"], job["TrainingEndTime"])
    assert said["OutputArtifacts"] == {"SageMaker.ModelArtifact": {"Value": "s3://lake/models/Job/output/model.tar.gz"}}
    assert await listed(house, SourceArn=f"{HERE}:training-job/job") == ["Job-aws-training-job"]


async def test_a_processing_and_a_transform_job_have_theirs(house: House, bus: Bus) -> None:
    await house.call("CreateProcessingJob", **processing_request("prep"))
    await house.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": SKLEARN})
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://lake/raw/"}}
    await house.call(
        "CreateTransformJob",
        TransformJobName="batch",
        ModelName="m",
        TransformInput={"DataSource": source, "ContentType": "text/csv"},
        TransformOutput={"S3OutputPath": "s3://lake/out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 2},
    )
    await bus.tick()
    said = await component(house, "prep-aws-processing-job")
    assert said["InputArtifacts"]["raw"] == {"Value": "s3://lake/raw/"}
    assert said["OutputArtifacts"] == {"features": {"Value": "s3://lake/features"}}
    assert said["Source"]["SourceType"] == "SageMakerProcessingJob"
    said = await component(house, "batch-aws-transform-job")
    assert said["Parameters"]["SageMaker.ModelName"] == {"StringValue": "m"}
    assert said["Parameters"]["SageMaker.InstanceCount"] == {"NumberValue": 2.0}
    assert said["InputArtifacts"]["SageMaker.TransformInput"] == {"MediaType": "text/csv", "Value": "s3://lake/raw/"}
    assert said["Source"]["SourceType"] == "SageMakerTransformJob"


async def test_the_experiment_config_puts_the_component_where_it_belongs(house: House, bus: Bus) -> None:
    await house.call("CreateExperiment", ExperimentName="cars")
    await house.call("CreateTrial", TrialName="first", ExperimentName="cars")
    await house.call("CreateTrialComponent", TrialComponentName="cars-run")
    config = {"ExperimentName": "Cars", "TrialName": "first", "RunName": "cars-run", "TrialComponentDisplayName": "fit"}
    await house.call("CreateTrainingJob", **training_request("job", ExperimentConfig=config))
    await house.call("CreateTrainingJob", **training_request("alone", ExperimentConfig={"ExperimentName": "cars"}))
    await bus.tick()
    await bus_of(house, "again").tick()  # heard once more from the beginning
    assert await listed(house, TrialName="first") == ["job-aws-training-job"]
    assert sorted(await listed(house, ExperimentName="cars")) == ["alone-aws-training-job", "job-aws-training-job"]
    trials = (await house.call("ListTrials", ExperimentName="cars"))["TrialSummaries"]
    assert sorted(one["TrialName"] for one in trials) == ["alone-aws-trial", "first"]
    assert (await component(house, "job-aws-training-job"))["DisplayName"] == "fit"
    run = await component(house, "cars-run")
    assert run["Sources"] == [{"SourceArn": f"{HERE}:training-job/job", "SourceType": "SageMakerTrainingJob"}]
    said = await house.call("DescribeTrainingJob", TrainingJobName="job")
    assert said["ExperimentConfig"] == config


async def test_what_the_experiment_config_names_must_be_there(house: House) -> None:
    await house.call("CreateExperiment", ExperimentName="cars")
    await house.call("CreateExperiment", ExperimentName="boats")
    await house.call("CreateTrial", TrialName="first", ExperimentName="cars")
    for config, code, word in (
        ({"ExperimentName": "no"}, "ResourceNotFound", "Experiment 'no'"),
        ({"ExperimentName": "cars", "TrialName": "no"}, "ResourceNotFound", "Trial 'no'"),
        ({"RunName": "no"}, "ResourceNotFound", "'no'"),
        ({"ExperimentName": "boats", "TrialName": "first"}, "ValidationException", "belongs to the experiment 'cars'"),
    ):
        for operation, request in (
            ("CreateTrainingJob", training_request(ExperimentConfig=config)),
            ("CreateProcessingJob", processing_request(ExperimentConfig=config)),
        ):
            with pytest.raises(ServiceError, match=word) as refused:
                await house.call(operation, **request)
            assert refused.value.error_code == code


async def test_what_is_heard_again_changes_nothing_and_what_clients_wrote_stays(house: House, bus: Bus) -> None:
    await house.call("CreateTrainingJob", **training_request("job"))
    await bus.tick()
    name = "job-aws-training-job"
    more = {"mine": {"NumberValue": 1}}
    await house.call("UpdateTrialComponent", TrialComponentName=name, Parameters=more, DisplayName="shown")
    await house.run(1.0)
    await bus.tick()
    first = await component(house, name)
    assert (first["DisplayName"], first["Parameters"]["mine"]) == ("shown", {"NumberValue": 1})
    house.clock.advance(60)  # type: ignore[attr-defined]
    await bus_of(house, "again").tick()
    again = await component(house, name)
    assert {**again, "LastModifiedTime": 0} == {**first, "LastModifiedTime": 0}
    assert house.count(COMPONENT) == 1


async def test_a_job_made_again_under_an_old_name_has_a_component_of_its_own(house: House, bus: Bus) -> None:
    await house.call("CreateTrainingJob", **training_request("job"))
    await house.run(1.0)
    await bus.tick()
    await house.call("DeleteTrainingJob", TrainingJobName="job")
    await bus.tick()
    assert (await component(house, "job-aws-training-job"))["Status"]["PrimaryStatus"] == "Completed"  # it stays
    await house.call("CreateTrainingJob", **training_request("job", HyperParameters={"num_round": "9"}))
    await bus.tick()
    said = await component(house, "job-aws-training-job")
    assert said["Parameters"]["num_round"] == {"NumberValue": 9.0}
    assert said["Status"] == {"PrimaryStatus": "InProgress"}


async def test_what_a_crash_cut_short_is_finished_when_it_is_heard_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed behind each write of the handler in turn: heard again, the component, its trial and its run are there."""
    await house.call("CreateExperiment", ExperimentName="cars")
    await house.call("CreateTrialComponent", TrialComponentName="run")
    config = {"ExperimentName": "cars", "RunName": "run"}
    await house.call("CreateTrainingJob", **training_request("job", ExperimentConfig=config))
    await house.run(1.0)
    events = [one for one in house.store.events(0, 100) if one.kind == "training-job" and one.type != "changed"]
    heard = tracking.Tracking(house.store, house.logs)
    create, update, left = house.store.create, house.store.update, 0

    def cut(write: Any) -> Any:
        def writes(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise InterruptedError
            return write(*args, **kwargs)

        return writes

    monkeypatch.setattr(house.store, "create", cut(create))
    monkeypatch.setattr(house.store, "update", cut(update))
    lives = 0
    for event in events:
        while True:
            lives += 1
            left = lives - 1
            try:
                await heard(event)
            except InterruptedError:
                continue
            break
    monkeypatch.undo()
    assert lives > len(events)  # it was cut short
    assert house.count(COMPONENT) == 2
    assert await listed(house, ExperimentName="cars") == ["job-aws-training-job"]
    assert (await component(house, "job-aws-training-job"))["Status"]["PrimaryStatus"] == "Completed"
    assert len((await component(house, "run"))["Sources"]) == 1


async def test_a_failed_job_says_why(house: House, bus: Bus) -> None:
    house.runner.behave = lambda uid, work, root: 3
    await house.call("CreateTrainingJob", **training_request("job"))
    await house.run(1.0)
    await bus.tick()
    said = await component(house, "job-aws-training-job")
    assert said["Status"]["PrimaryStatus"] == "Failed"
    assert "exit code: 3" in said["Status"]["Message"]


async def test_every_value_that_a_jobs_lines_told_is_in_its_measures(house: House, bus: Bus) -> None:
    house.runner.behave = lambda uid, work, root: None
    algorithm = {
        "TrainingImage": XGBOOST,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "mine", "Regex": r"score=([0-9.]+)"}],
    }
    await house.call("CreateTrainingJob", **training_request("job", AlgorithmSpecification=algorithm))
    await house.run()
    uid = house.get("training-job", "job").uid
    for number in range(4):
        house.runner.say(uid, f"[{number}]#011train-merror:{number / 2}\nscore={number}.0\n")
        await house.run(1.0)
    house.runner.say(uid, "score=0.5\n")
    house.runner.end(uid, 0)
    await house.run(1.0)
    await bus.tick()
    told = {one["MetricName"]: one for one in (await component(house, "job-aws-training-job"))["Metrics"]}
    assert set(told) == {"mine", "train:merror"}
    error = told["train:merror"]
    assert (error["Min"], error["Max"], error["Last"], error["Count"], error["Avg"]) == (0.0, 1.5, 1.5, 4, 0.75)
    assert error["StdDev"] == pytest.approx((5 / 16) ** 0.5)
    assert error["SourceArn"] == f"{HERE}:training-job/job"
    assert (told["mine"]["Count"], told["mine"]["Last"]) == (5, 0.5)
    row = house.get(COMPONENT, "job-aws-training-job")
    assert [one.value for one in points.read(house.store, row, "mine")] == [0.0, 1.0, 2.0, 3.0, 0.5]
    await bus_of(house, "again").tick()
    assert house.get(COMPONENT, "job-aws-training-job").status["_job"] == row.status["_job"]


async def test_the_execution_of_a_pipeline_is_a_trial_of_its_experiment(house: House) -> None:
    execution = Resource(
        "pipeline-execution", "P/abc", ACCOUNT, REGION, "u", arn=f"{HERE}:pipeline/P/execution/abc", parent="P"
    )
    config = {"ExperimentName": "P", "TrialName": "abc"}
    assert pipelines.begin(house.store, execution, config) == config
    assert pipelines.begin(house.store, execution, config) == config
    assert pipelines.begin(house.store, execution, {}) == {}
    said = await house.call("DescribeTrial", TrialName="abc")
    assert (said["ExperimentName"], said["Source"]["SourceArn"]) == ("P", execution.arn)
    await house.call("CreateTrainingJob", **training_request(ExperimentConfig=config))
