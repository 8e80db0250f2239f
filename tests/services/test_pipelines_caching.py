"""Results of earlier executions: used when everything that they depend on is the same, and only then."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines_house import PipelinesHouse, condition, definition, pipelines_house, processing
from tests.sagemaker_house import SKLEARN

Doc = dict[str, Any]
CACHE = {"CacheConfig": {"Enabled": True, "ExpireAfter": "PT5M"}}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[PipelinesHouse]:
    with pipelines_house(tmp_path) as made:
        made.files = {"prep": {"train.csv": b"1,2\n"}}
        made.s3.put_object(Bucket="lake", Key="raw/a.csv", Body=b"a")
        yield made


def prep(**arguments: Any) -> Doc:
    """A cached step that reads s3://lake/raw and writes s3://lake/prep."""
    return processing("prep", arguments={**reads("s3://lake/raw"), **arguments}, **CACHE)


def reads(uri: str, **more: Any) -> Doc:
    local = {"S3Uri": uri, "LocalPath": "/opt/ml/processing/in", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"ProcessingInputs": [{"InputName": "in", "S3Input": {**local, **more}}]}


def again(house: PipelinesHouse, **asked: Any) -> Doc:
    """The step `prep` of one more execution."""
    arn = house.start(**asked)
    house.go(30)
    assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"
    return house.steps(arn)["prep"]


def hit(step: Doc) -> str | None:
    found: str | None = step.get("CacheHitResult", {}).get("SourcePipelineExecutionArn")
    return found


def test_the_same_again_is_taken_from_the_execution_that_did_it(house: PipelinesHouse) -> None:
    after = processing("after", arguments={"Environment": {"FROM": {"Get": out("prep")}}}, **CACHE)
    first = house.run(prep(), after, seconds=30)
    ran = len(house.ran)
    second = again(house)
    assert hit(second) == first
    assert second["Metadata"] == house.steps(first)["prep"]["Metadata"]
    assert hit(again(house)) == first  # not the second one, which only took it
    assert len(house.ran) == ran


def out(step: str) -> str:
    return f"Steps.{step}.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"


def test_without_cache_config_or_when_it_is_off_everything_runs(house: PipelinesHouse) -> None:
    house.run(processing("prep", CacheConfig={"Enabled": False, "ExpireAfter": "PT1H"}), seconds=30)
    assert hit(again(house)) is None
    assert len(house.ran) == 2


CHANGES: dict[str, Doc] = {
    "another content of an input": {"Key": "raw/a.csv", "Body": b"b"},
    "one more object under the prefix": {"Key": "raw/b.csv", "Body": b"a"},
    "another result in its place": {"Key": "prep/train.csv", "Body": b"9\n"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_what_lies_in_s3_decides(house: PipelinesHouse, change: Doc) -> None:
    house.run(prep(), seconds=30)
    house.s3.put_object(Bucket="lake", **change)
    assert hit(again(house)) is None
    assert len(house.ran) == 2


def test_a_result_that_is_gone_is_made_again(house: PipelinesHouse) -> None:
    house.run(prep(), seconds=30)
    house.s3.delete_object(Bucket="lake", Key="prep/train.csv")
    assert hit(again(house)) is None


def test_the_same_content_again_is_the_same(house: PipelinesHouse) -> None:
    first = house.run(prep(), seconds=30)
    house.s3.put_object(Bucket="lake", Key="raw/a.csv", Body=b"b")
    again(house)
    house.s3.put_object(Bucket="lake", Key="raw/a.csv", Body=b"a")
    assert hit(again(house)) == first


def test_results_expire(house: PipelinesHouse) -> None:
    first = house.run(prep(), seconds=30)
    house.clock.advance(240)
    assert hit(again(house)) == first
    house.clock.advance(60)
    assert hit(again(house)) is None


def test_arguments_decide_but_not_the_machine_the_tags_or_the_time_that_it_may_take(house: PipelinesHouse) -> None:
    parameter = {"Name": "Level", "Type": "String", "DefaultValue": "1"}
    environment = {"Environment": {"LEVEL": {"Get": "Parameters.Level"}}}
    first = house.run(prep(**environment), Parameters=[parameter], seconds=30)
    assert hit(again(house, PipelineParameters=[{"Name": "Level", "Value": "2"}])) is None
    assert hit(again(house)) == first
    machine = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 9}}
    other = prep(
        **environment,
        ProcessingResources=machine,
        StoppingCondition={"MaxRuntimeInSeconds": 99},
        Tags=[{"Key": "k", "Value": "v"}],
    )
    update(house, other, Parameters=[parameter])
    assert hit(again(house)) == first
    changed = {"ImageUri": SKLEARN, "ContainerEntrypoint": ["true"], "ContainerArguments": ["-x"]}
    update(house, prep(**environment, AppSpecification=changed), Parameters=[parameter])
    assert hit(again(house)) is None


def update(house: PipelinesHouse, *steps: Doc, **more: Any) -> None:
    text = json.dumps(definition(*steps, **more))
    house.sagemaker.update_pipeline(PipelineName="p", PipelineDefinition=text)


def test_outputs_that_are_named_by_the_execution_are_found(house: PipelinesHouse) -> None:
    named = {"Std:Join": {"On": "/", "Values": ["s3://lake/runs", {"Get": "Execution.PipelineExecutionId"}]}}
    output = {"S3Uri": named, "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "EndOfJob"}
    step = prep(ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": output}]})
    after = processing("after", arguments={"Environment": {"FROM": {"Get": out("prep")}}})
    first = house.run(step, after, seconds=30)
    second = house.start()
    house.go(30)
    assert hit(house.steps(second)["prep"]) == first
    job = house.steps(second)["after"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    made = house.sagemaker.describe_processing_job(ProcessingJobName=job)
    assert made["Environment"]["FROM"] == f"s3://lake/runs/{first.rpartition('/')[2]}"


def test_failed_steps_and_other_pipelines_give_nothing(house: PipelinesHouse) -> None:
    house.codes = {"prep": [1, 0, 0]}
    house.run(prep(), seconds=30)
    assert hit(again(house)) is None
    house.create(prep(), name="other")
    arn = house.start("other")
    house.go(30)
    assert hit(house.steps(arn)["prep"]) is None


def test_inputs_that_change_while_a_step_runs_make_it_worth_nothing(house: PipelinesHouse) -> None:
    house.codes = {"prep": None}
    house.create(prep())
    house.start()
    house.go(5)
    house.s3.put_object(Bucket="lake", Key="raw/a.csv", Body=b"b")
    house.end("prep")
    house.s3.put_object(Bucket="lake", Key="raw/a.csv", Body=b"a")
    house.codes = {}
    assert hit(again(house)) is None


def test_a_manifest_counts_with_all_that_it_names(house: PipelinesHouse) -> None:
    house.s3.put_object(Bucket="lake", Key="lists/m", Body=b'[{"prefix": "s3://lake/raw/"}, "a.csv"]')
    step = prep(**reads("s3://lake/lists/m", S3DataType="ManifestFile"))
    first = house.run(step, seconds=30)
    assert hit(again(house)) == first
    house.s3.put_object(Bucket="lake", Key="raw/other.csv", Body=b"not named")
    assert hit(again(house)) == first
    house.s3.put_object(Bucket="lake", Key="raw/a.csv", Body=b"b")
    assert hit(again(house)) is None


def test_too_many_objects_are_not_looked_at(house: PipelinesHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clary.services.sagemaker.pipelines.caching.MOST_OBJECTS", 1)
    house.s3.put_object(Bucket="lake", Key="raw/b.csv", Body=b"b")
    house.run(prep(), seconds=30)
    assert hit(again(house)) is None


def test_property_files_of_a_cached_step_decide_as_before(house: PipelinesHouse) -> None:
    house.files = {"prep": {"e.json": b'{"mse": 3.5}'}}
    files = [{"PropertyFileName": "E", "OutputName": "out", "FilePath": "e.json"}]
    read = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.prep.PropertyFiles.E"}, "Path": "mse"}}
    small = {"Type": "LessThan", "LeftValue": read, "RightValue": 6.0}
    gate = condition("gate", small, then=[processing("good")], otherwise=[processing("bad")])
    house.run({**prep(), "PropertyFiles": files}, gate, seconds=30)
    arn = house.start()
    house.go(30)
    assert hit(house.steps(arn)["prep"]) is not None
    assert set(house.steps(arn)) == {"prep", "gate", "good"}


def test_a_restart_between_the_look_and_the_job_changes_nothing(house: PipelinesHouse) -> None:
    first = house.run(prep(), seconds=30)
    house.restart()
    assert hit(again(house)) == first
