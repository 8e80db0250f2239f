"""Lineage that is written by who hears of jobs, models, packages, endpoints and pipelines: once, whatever is heard
again."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.engines.runners.base import Work
from clary.kernel.events import Bus, Event, Pattern
from clary.kernel.objects import Stat
from clary.kernel.resource import Resource
from clary.kernel.store import Where
from clary.services.sagemaker.lineage import contents
from clary.services.sagemaker.lineage.recording import Recording
from tests.sagemaker_house import (
    ACCOUNT,
    REGION,
    ROLE,
    XGBOOST,
    FileObjects,
    House,
    processing_request,
    training_request,
)

HERE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
MODEL = "s3://lake/models/job/output/model.tar.gz"


class Listed:
    """As much of an object store as lineage asks for, over plain files."""

    def __init__(self, files: FileObjects) -> None:
        self._files = files
        self.pages = 0
        self.versions: dict[str, str] = {}

    async def list(self, bucket: str, prefix: str, after: str, limit: int) -> list[Stat]:
        self.pages += 1
        keys = [key for key in self._files.keys(bucket, prefix) if key > after][:limit]
        return [self._stat(bucket, key) for key in keys]

    def _stat(self, bucket: str, key: str) -> Stat:
        body = self._files.read(bucket, key)
        etag = hashlib.md5(body).hexdigest()
        return Stat(bucket, key, len(body), etag, 0.0, version=self.versions.get(key))

    def local(self, bucket: str, key: str) -> Path | None:
        return self._files.local(bucket, key)


def trains(uid: str, work: Work, root: Path) -> int:
    (root / "model").mkdir(exist_ok=True)
    (root / "model" / "xgboost-model").write_bytes(b"a model")
    (root / "processing" / "output").mkdir(parents=True, exist_ok=True)
    return 0


class Told:
    """A house whose outbox is heard."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.objects = Listed(house.objects)
        self.bus = self.another("1")

    def another(self, name: str) -> Bus:
        """A bus whose subscriber has heard nothing yet."""
        made = Bus(self.house.store, self.house.clock)
        made.subscribe_batch(name, Pattern(), Recording(self.house.store, self.objects))  # type: ignore[arg-type]
        return made

    async def call(self, operation: str, **req: Any) -> Any:
        answer = await self.house.call(operation, **req)
        await self.bus.tick()
        return answer

    async def run(self, seconds: float = 1.0) -> None:
        await self.house.run(seconds)
        await self.bus.tick()

    async def edges(self, **filters: Any) -> set[tuple[str, str, str]]:
        """(what it is and where it begins, its type, where it ends)."""
        found = await self.house.call("ListAssociations", MaxResults=100, **filters)
        return {
            (await self.name(one["SourceArn"]), one["AssociationType"], await self.name(one["DestinationArn"]))
            for one in found["AssociationSummaries"]
        }

    async def name(self, arn: str) -> str:
        """The type of an entity, and its source or its name."""
        kind, _, name = arn.rpartition(":")[2].partition("/")
        if kind == "artifact":
            said = await self.house.call("DescribeArtifact", ArtifactArn=arn)
            return f"{said['ArtifactType']} {said['Source']['SourceUri']}"
        return f"{kind} {name}"

    async def artifact(self, uri: str) -> Any:
        """The only artifact of that source."""
        [one] = (await self.house.call("ListArtifacts", SourceUri=uri))["ArtifactSummaries"]
        return await self.house.call("DescribeArtifact", ArtifactArn=one["ArtifactArn"])

    def rows(self) -> set[tuple[str, str, int]]:
        """Every row of the lineage with its version: equal, when nothing was written."""
        kinds = ("artifact", "context", "action", "lineage-association")
        found: list[Resource] = []
        for kind in kinds:
            found += self.house.store.page(kind, Where(), limit=1000)
        return {(one.kind, one.name, one.version) for one in found}


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    house = House(tmp_path, behave=trains)
    house.objects.write("lake", "data/train/a.csv", b"1,2\n")
    house.objects.write("lake", "data/train/b.csv", b"3,4\n")
    house.objects.write("lake", "raw/a.csv", b"1,2\n")
    house.objects.write("lake", "code/script.py", b"print()\n")
    yield Told(house)
    house.close()


def archive(**files: bytes) -> bytes:
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode="w:gz") as tar:
        for name, body in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return found.getvalue()


async def test_a_training_job_links_what_it_read_to_the_model_that_it_made(told: Told) -> None:
    await told.call("CreateTrainingJob", **training_request())
    component = "experiment-trial-component job-aws-training-job"
    read = {
        (f"Image {XGBOOST}", "ContributedTo", component),
        ("DataSet s3://lake/data/train/", "ContributedTo", component),
        ("DataSet s3://lake/data/train/a.csv", "ContributedTo", "DataSet s3://lake/data/train/"),
        ("DataSet s3://lake/data/train/b.csv", "ContributedTo", "DataSet s3://lake/data/train/"),
    }
    assert await told.edges() == read
    await told.run()
    assert await told.edges() == read | {(component, "Produced", f"Model {MODEL}")}
    model = await told.artifact(MODEL)
    stored = hashlib.md5(told.house.objects.read("lake", "models/job/output/model.tar.gz")).hexdigest()
    assert model["Source"]["SourceTypes"] == [{"SourceIdType": "S3ETag", "Value": stored}]
    said = model["Properties"]
    assert said["TrainingJobArn"] == f"{HERE}:training-job/job" and said["TrainingJobStatus"] == "Completed"
    assert said["Parameter.num_round"] == "3" and said["DataHash"].startswith("sha256:")
    assert "CodeHash" not in said and "Seed" not in said
    data = await told.artifact("s3://lake/data/train/")
    assert data["Properties"] == {"Objects": "2", "Bytes": "8"}
    assert data["Source"]["SourceTypes"][0]["Value"].startswith("listing-sha256:")
    one = await told.artifact("s3://lake/data/train/a.csv")
    etag = hashlib.md5(b"1,2\n").hexdigest()
    assert one["Source"]["SourceTypes"] == [{"SourceIdType": "S3ETag", "Value": etag}]


async def test_what_is_heard_again_changes_nothing(told: Told) -> None:
    await told.call("CreateTrainingJob", **training_request())
    await told.call("CreateProcessingJob", **processing_request("prep"))
    await told.run()
    model = {"Image": XGBOOST, "ModelDataUrl": MODEL}
    await told.call("CreateModel", ModelName="cars", ExecutionRoleArn=ROLE, PrimaryContainer=model)
    before = told.rows()
    assert before
    await told.another("2").tick()
    assert told.rows() == before


async def test_other_bytes_under_the_same_name_are_another_state(told: Told) -> None:
    await told.call("CreateTrainingJob", **training_request("one"))
    await told.call("CreateTrainingJob", **training_request("two"))
    told.house.objects.write("lake", "data/train/a.csv", b"9,9\n")
    told.objects.versions = {"data/train/b.csv": "v7"}
    await told.call("CreateTrainingJob", **training_request("three"))
    found = (await told.call("ListArtifacts", SourceUri="s3://lake/data/train/"))["ArtifactSummaries"]
    assert len(found) == 2
    users = [
        len((await told.call("ListAssociations", SourceArn=one["ArtifactArn"]))["AssociationSummaries"])
        for one in found
    ]
    assert sorted(users) == [1, 2]
    versions = (await told.call("ListArtifacts", SourceUri="s3://lake/data/train/b.csv"))["ArtifactSummaries"]
    types = sorted(kind["SourceIdType"] for one in versions for kind in one["Source"]["SourceTypes"])
    assert types == ["S3ETag", "S3ETag", "S3Version"]


async def test_code_environment_seed_and_metrics_stand_with_the_model(told: Told) -> None:
    def job(name: str, **parameters: str) -> Any:
        given = {"sagemaker_submit_directory": '"s3://lake/code/src.tar.gz"'}
        return training_request(name, HyperParameters={**given, "seed": "7", "lr": '"fast"', **parameters})

    told.house.objects.write("lake", "code/src.tar.gz", archive(train_py=b"print()", requirements_txt=b"river==0.21"))
    await told.call("CreateTrainingJob", **job("job"))
    await told.run()
    component = f"{HERE}:experiment-trial-component/job-aws-training-job"
    code = await told.edges(DestinationArn=component, SourceType="Code")
    assert {source for source, _, _ in code} == {"Code s3://lake/code/src.tar.gz"}
    assert (await told.artifact("s3://lake/code/src.tar.gz"))["Properties"]["RequirementsHash"].startswith("sha256:")
    first = (await told.artifact(MODEL))["Properties"]
    assert (first["Seed"], first["Parameter.lr"]) == ("7", "fast")
    assert not [name for name in first if "sagemaker_" in name]
    told.house.objects.write("lake", "code/src.tar.gz", archive(train_py=b"print(1)", requirements_txt=b"river==0.21"))
    await told.call("CreateTrainingJob", **job("other"))
    await told.run()
    second = (await told.artifact("s3://lake/models/other/output/model.tar.gz"))["Properties"]
    assert first["CodeHash"] != second["CodeHash"]
    assert first["EnvironmentHash"] == second["EnvironmentHash"] and first["DataHash"] == second["DataHash"]


async def test_a_job_made_again_under_an_old_name_has_its_own_lineage_only(told: Told) -> None:
    await told.call("CreateTrainingJob", **training_request())
    await told.run(400.0)
    await told.call("DeleteTrainingJob", TrainingJobName="job")
    told.house.objects.write("lake", "data/train/a.csv", b"9,9\n")
    await told.call("CreateTrainingJob", **training_request())
    component = f"{HERE}:experiment-trial-component/job-aws-training-job"
    read = await told.edges(DestinationArn=component)
    assert len(read) == 2, "one image, one data set: that of now"


async def test_a_processing_job_links_its_inputs_to_its_outputs(told: Told) -> None:
    inputs = [_input("data", "s3://lake/raw/a.csv"), _input("code", "s3://lake/code/script.py")]
    left = {"S3Uri": "s3://lake/out", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    outputs = {"Outputs": [{"OutputName": "train", "S3Output": left}]}
    request = processing_request("prep", ProcessingInputs=inputs, ProcessingOutputConfig=outputs)
    await told.call("CreateProcessingJob", **request)
    told.house.objects.write("lake", "out/train.csv", b"1\n")
    await told.run()
    component = "experiment-trial-component prep-aws-processing-job"
    edges = {(source, kind, end) for source, kind, end in await told.edges() if not source.startswith("Image")}
    assert edges == {
        ("DataSet s3://lake/raw/a.csv", "ContributedTo", component),
        ("Code s3://lake/code/script.py", "ContributedTo", component),
        (component, "Produced", "DataSet s3://lake/out"),
        (component, "Produced", "DataSet s3://lake/out/train.csv"),
    }
    channel = {
        "ChannelName": "train",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://lake/out/"}},
    }
    await told.call("CreateTrainingJob", **training_request("job", InputDataConfig=[channel]))
    start = f"{HERE}:experiment-trial-component/job-aws-training-job"
    answer = await told.house.call("QueryLineage", StartArns=[start], Direction="Ascendants")
    names = {await told.name(one["Arn"]) for one in answer["Vertices"]}
    assert "DataSet s3://lake/raw/a.csv" in names, "the file that was left joins a prefix that is written another way"


async def test_what_a_failed_job_left_is_nobodys(told: Told) -> None:
    told.house.runner.behave = lambda uid, work, root: 1
    await told.call("CreateTrainingJob", **training_request())
    await told.run()
    assert (await told.house.call("DescribeTrainingJob", TrainingJobName="job"))["TrainingJobStatus"] == "Failed"
    assert not [one for one in await told.edges() if one[1] == "Produced"]


async def test_a_package_its_group_and_every_decision(told: Told) -> None:
    await told.call("CreateModelPackageGroup", ModelPackageGroupName="cars")
    told.house.objects.write("lake", "model.tar.gz", b"m")
    containers = [{"Image": XGBOOST, "ModelDataUrl": "s3://lake/model.tar.gz"}]
    specification = {
        "Containers": containers,
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    arn = (await told.call("CreateModelPackage", ModelPackageGroupName="cars", InferenceSpecification=specification))[
        "ModelPackageArn"
    ]
    await told.call("UpdateModelPackage", ModelPackageArn=arn, CustomerMetadataProperties={"a": "b"})
    await told.call(
        "UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="it is good"
    )
    version = f"ModelPackage {arn}"
    now = int(told.house.clock.now())
    edges = await told.edges()
    assert edges == {
        (f"Image {XGBOOST}", "ContributedTo", version),
        ("Model s3://lake/model.tar.gz", "ContributedTo", version),
        (version, "AssociatedWith", f"context cars-{now}-aws-model-package-group"),
        (f"action cars-1-PendingManualApproval-{now}-aws-model-package", "ContributedTo", version),
        (f"action cars-1-Approved-{now}-aws-model-package", "ContributedTo", version),
    }
    decision = await told.call("DescribeAction", ActionName=f"cars-1-Approved-{now}-aws-model-package")
    assert decision["Properties"]["Comment"] == "it is good" and decision["Properties"]["By"].endswith(":root")
    assert (decision["ActionType"], decision["Status"]) == ("Approval", "Completed")


async def test_a_deployment_takes_the_place_of_the_one_before(told: Told) -> None:
    for name in ("one", "two"):
        told.house.objects.write("lake", f"{name}.tar.gz", archive(model=name.encode()))
        container = {"Image": XGBOOST, "ModelDataUrl": f"s3://lake/{name}.tar.gz"}
        await told.call("CreateModel", ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        variant = {"VariantName": "all", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        await told.call("CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=[variant])
    told.house.runner.behave = lambda uid, work, root: None
    await told.call("CreateEndpoint", EndpointName="cars", EndpointConfigName="one")
    begun = int(told.house.clock.now())
    await _in_service(told)
    context = f"cars-{begun}-aws-endpoint"
    start = f"{HERE}:context/{context}"

    async def models() -> set[str]:
        asked: Any = {"StartArns": [start], "Direction": "Ascendants", "Filters": {"Types": ["Model"]}}
        return {await told.name(one["Arn"]) for one in (await told.house.call("QueryLineage", **asked))["Vertices"]}

    assert await models() == {"Model s3://lake/one.tar.gz"}
    await told.call("UpdateEndpoint", EndpointName="cars", EndpointConfigName="two")
    await _in_service(told)
    assert await models() == {"Model s3://lake/two.tar.gz"}
    first = await told.call("DescribeAction", ActionName=f"cars-{begun}-1-aws-model-deployment")
    assert (first["ActionType"], first["Status"]) == ("ModelDeployment", "Stopped")
    assert first["Properties"]["ReplacedBy"] == f"cars-{begun}-2-aws-model-deployment"
    before = told.rows()
    await told.another("2").tick()
    assert {name for _, name, _ in told.rows()} == {name for _, name, _ in before}
    assert await models() == {"Model s3://lake/two.tar.gz"}
    await told.call("DeleteEndpoint", EndpointName="cars")
    await told.run(600.0)
    said = await told.call("DescribeContext", ContextName=context)
    assert (said["ContextType"], said["Properties"]["EndpointStatus"]) == ("Endpoint", "Deleted")
    assert await models() == {"Model s3://lake/two.tar.gz"}, "what served stays known"


async def _in_service(told: Told) -> None:
    for _ in range(200):
        await told.run(5.0)
        if told.house.get("endpoint", "cars").phase == "InService":
            return
    raise AssertionError(told.house.get("endpoint", "cars"))


def step(name: str, metadata: Any, **more: Any) -> Event:
    told = {"arn": "", "spec": {"StepType": "Training"}, "status": {"Metadata": metadata}}
    given: Any = {"old_phase": "Executing", "phase": "Succeeded", "at": 1.0, "resource": told, **more}
    return Event(1, "moved", "pipeline-step", f"abalone/abcdefghijkl/{name}", "u", ACCOUNT, REGION, **given)


async def test_an_execution_is_a_context_of_what_its_steps_made(told: Told) -> None:
    recording = Recording(told.house.store, told.objects)  # type: ignore[arg-type]
    arn = f"{HERE}:pipeline/abalone/execution/abcdefghijkl"
    spec = {"PipelineParameters": [{"Name": "Depth", "Value": "5"}]}
    about: Any = {"arn": arn, "spec": spec, "status": {}}
    begun = Event(
        *(1, "created", "pipeline-execution", "abalone/abcdefghijkl", "u", ACCOUNT, REGION, "", "Executing", 1.0),
        resource=about,
    )
    package = f"{HERE}:model-package/cars/1"
    steps = [
        step("Train", {"TrainingJob": {"Arn": f"{HERE}:training-job/job"}}),
        step("Register", {"RegisterModel": {"Arn": package}}),
        step("Tune", {"TuningJob": {"Arn": f"{HERE}:hyper-parameter-tuning-job/tune"}}),
        step("Check", {"Condition": {"Outcome": "True"}}),
    ]
    assert await recording([begun, *steps])
    name = "abalone-abcdefghijkl-aws-pipeline-execution"
    said = await told.call("DescribeContext", ContextName=name)
    assert said["Source"]["SourceUri"] == arn and said["ContextType"] == "PipelineExecution"
    assert said["Properties"]["Parameter.Depth"] == "5"
    assert await told.edges() == {
        ("experiment-trial-component job-aws-training-job", "AssociatedWith", f"context {name}"),
        (f"ModelPackage {package}", "AssociatedWith", f"context {name}"),
        ("context tune-aws-hyper-parameter-tuning-job", "AssociatedWith", f"context {name}"),
    }


async def test_a_resource_of_another_form_does_not_hold_up_the_others(
    told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    recording = Recording(told.house.store, told.objects)  # type: ignore[arg-type]
    broken: Any = {"arn": f"{HERE}:training-job/x", "spec": {}, "status": {}}
    bad = Event(1, "created", "training-job", "x", "u", ACCOUNT, REGION, "", "InProgress", 1.0, resource=broken)
    good = step("Train", {"TrainingJob": {"Arn": f"{HERE}:training-job/job"}})
    assert await recording([bad, good])
    assert "lineage was not recorded" in caplog.text
    assert len(await told.edges()) == 1
    foreign = Event(1, "created", "bucket", "x", "u", ACCOUNT, REGION, "", "", 1.0, resource=broken)
    assert await recording([foreign]) is False


class Many:
    """An object store of many objects."""

    def __init__(self, count: int) -> None:
        self._keys = [f"data/{number:06}" for number in range(count)]
        self.listed = 0

    async def list(self, bucket: str, prefix: str, after: str, limit: int) -> list[Stat]:
        found = [key for key in self._keys if key > after][:limit]
        self.listed += len(found)
        return [Stat(bucket, key, 10, "0" * 32, 0.0) for key in found]


@pytest.mark.parametrize(("count", "partial"), [(9_999, False), (10_000, False), (10_001, True), (50_000, True)])
async def test_a_large_prefix_is_looked_at_in_bounds(count: int, partial: bool) -> None:
    objects = Many(count)
    found = await contents.content(objects, "s3://lake/data/")  # type: ignore[arg-type]
    assert objects.listed <= contents.MOST_OBJECTS + 1
    [kind] = found.types
    assert kind["Value"].startswith("first-10000-") is partial and ("Partial" in found.properties) is partial
    assert found.properties["Objects"] == min(count, 10_000) and not found.files


def _input(name: str, uri: str) -> dict[str, Any]:
    s3 = {
        "S3Uri": uri,
        "LocalPath": f"/opt/ml/processing/input/{name}",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    return {"InputName": name, "S3Input": s3}
