"""Lineage on a real `clary up`: from an endpoint to the data that its model was trained on, and from a file to every
model that was made of it."""

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real import RealClary, until
from tests.sagemaker_house import SKLEARN, XGBOOST

pytestmark = [pytest.mark.server, pytest.mark.slow]
SCRIPT = """
import pathlib
rows = pathlib.Path("/opt/ml/processing/input/raw/raw.csv").read_text()
out = pathlib.Path("/opt/ml/processing/output")
(out / "train.csv").write_text(rows)
"""


def rows(seed: int) -> str:
    chance = random.Random(seed)
    pairs = [(chance.random(), chance.random()) for _ in range(200)]
    return "".join(f"{int(a > b)},{a:.4f},{b:.4f}\n" for a, b in pairs)


class Place:
    """A server with data, a program that prepares it, and a role."""

    def __init__(self, home: Path) -> None:
        self.server = RealClary(home).up()
        self.sagemaker: Any = self.server.client("sagemaker")
        self.s3: Any = self.server.client("s3")
        self.role = self.server.role("lineage")
        administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
        self.server.client("iam").attach_role_policy(RoleName="lineage", PolicyArn=administrator)
        self.s3.create_bucket(Bucket="lake")
        self.put("raw.csv", rows(1))
        self.put("prep.py", SCRIPT)

    def put(self, key: str, text: str) -> None:
        self.s3.put_object(Bucket="lake", Key=key, Body=text.encode())

    def prepare(self, name: str, raw: str, out: str) -> None:
        inputs = [("raw", raw, "raw"), ("code", "s3://lake/prep.py", "code")]
        place = "/opt/ml/processing"
        self.sagemaker.create_processing_job(
            ProcessingJobName=name,
            RoleArn=self.role,
            AppSpecification={"ImageUri": SKLEARN, "ContainerEntrypoint": ["python3", f"{place}/input/code/prep.py"]},
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
            ProcessingInputs=[
                {
                    "InputName": input_name,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"{place}/input/{where}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for input_name, uri, where in inputs
            ],
            ProcessingOutputConfig={
                "Outputs": [
                    {
                        "OutputName": "train",
                        "S3Output": {"S3Uri": out, "LocalPath": f"{place}/output", "S3UploadMode": "EndOfJob"},
                    }
                ]
            },
        )
        self.ended(lambda: self.sagemaker.describe_processing_job(ProcessingJobName=name), "ProcessingJobStatus")

    def train(self, name: str, data: str, **parameters: str) -> str:
        source = {"S3DataType": "S3Prefix", "S3Uri": data}
        self.sagemaker.create_training_job(
            TrainingJobName=name,
            RoleArn=self.role,
            AlgorithmSpecification={"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
            HyperParameters={"num_round": "3", "objective": "binary:logistic", "seed": "7", **parameters},
            InputDataConfig=[
                {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}
            ],
            OutputDataConfig={"S3OutputPath": "s3://lake/models"},
            ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 600},
        )
        said = self.ended(lambda: self.sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")
        return str(said["ModelArtifacts"]["S3ModelArtifacts"])

    def serve(self, endpoint: str, model: str, data: str) -> None:
        client = self.sagemaker
        container = {"Image": XGBOOST, "ModelDataUrl": data}
        client.create_model(ModelName=model, ExecutionRoleArn=self.role, PrimaryContainer=container)
        variant = {"VariantName": "all", "ModelName": model, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        client.create_endpoint_config(EndpointConfigName=model, ProductionVariants=[variant])
        client.create_endpoint(EndpointName=endpoint, EndpointConfigName=model)
        self.ended(lambda: client.describe_endpoint(EndpointName=endpoint), "EndpointStatus", "InService")

    def ended(self, look: Any, member: str, well: str = "Completed") -> Any:
        def over() -> Any:
            said = look()
            assert said[member] != "Failed", said
            return said if said[member] == well else None

        return until(over, 100.0, member)

    def query(self, start: str, direction: str, *types: str, **more: Any) -> list[Any]:
        asked = {"StartArns": [start], "Direction": direction, "Filters": {"Types": list(types)}, **more}
        found = self.sagemaker.query_lineage(**asked)["Vertices"]
        return [self.sagemaker.describe_artifact(ArtifactArn=one["Arn"]) for one in found]

    def context(self, source: str) -> str:
        """The ARN of the context of that source, once it is written."""
        client = self.sagemaker
        found = until(lambda: client.list_contexts(SourceUri=source)["ContextSummaries"], what=source)

        def whole() -> Any:
            return client.list_associations(DestinationArn=found[0]["ContextArn"])["AssociationSummaries"]

        until(whole, what="a deployment")
        return str(found[0]["ContextArn"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("lineage"))
    try:
        made.prepare("prep", "s3://lake/raw.csv", "s3://lake/prepared")
        first = made.train("first", "s3://lake/prepared/train.csv")
        made.train("second", "s3://lake/prepared/", eta="0.1")
        made.serve("cars", "cars", first)
        yield made
    finally:
        made.server.sweep()


def test_from_an_endpoint_one_call_leads_to_the_exact_data(place: Place) -> None:
    endpoint = place.sagemaker.describe_endpoint(EndpointName="cars")["EndpointArn"]
    data = place.query(place.context(endpoint), "Ascendants", "DataSet")
    etag = hashlib.md5(rows(1).encode()).hexdigest()
    known = {one["Source"]["SourceUri"]: one["Source"].get("SourceTypes") for one in data}
    exactly = [{"SourceIdType": "S3ETag", "Value": etag}]
    assert known["s3://lake/raw.csv"] == exactly and known["s3://lake/prepared/train.csv"] == exactly
    [model] = place.query(place.context(endpoint), "Ascendants", "Model")
    assert model["Properties"]["Seed"] == "7" and model["Properties"]["Parameter.num_round"] == "3"
    assert model["Properties"]["Metric.train:logloss"]


def test_from_a_file_one_call_leads_to_every_model_made_of_it(place: Place) -> None:
    listed = place.sagemaker.list_artifacts(SourceUri="s3://lake/raw.csv", SortOrder="Ascending")["ArtifactSummaries"]
    models = place.query(listed[0]["ArtifactArn"], "Descendants", "Model")
    found = {one["Source"]["SourceUri"] for one in models if "/pipelines-" not in one["Source"]["SourceUri"]}
    assert found == {f"s3://lake/models/{name}/output/model.tar.gz" for name in ("first", "second")}


def test_new_bytes_under_an_old_name_are_not_what_the_model_was_made_of(place: Place) -> None:
    place.put("raw.csv", rows(2))
    place.prepare("prep-again", "s3://lake/raw.csv", "s3://lake/prepared-again")
    place.train("third", "s3://lake/prepared-again/")
    found = place.sagemaker.list_artifacts(SourceUri="s3://lake/raw.csv", SortOrder="Ascending")["ArtifactSummaries"]
    assert len(found) == 2

    def models() -> Any:
        return place.query(found[1]["ArtifactArn"], "Descendants", "Model")

    until(models, what="the third model")
    assert [one["Source"]["SourceUri"].split("/")[4] for one in models()] == ["third"]
    older = place.query(found[0]["ArtifactArn"], "Descendants", "Model")
    names = {one["Source"]["SourceUri"].split("/")[4] for one in older}
    assert names >= {"first", "second"} and "third" not in names


def test_an_execution_of_a_pipeline_holds_what_its_steps_made(place: Place) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://lake/prepared/train.csv"}
    train = {
        "RoleArn": place.role,
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        "HyperParameters": {"num_round": {"Get": "Parameters.Rounds"}, "objective": "binary:logistic"},
        "InputDataConfig": [
            {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://lake/piped"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    document = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Rounds", "Type": "String", "DefaultValue": "2"}],
        "Steps": [{"Name": "Train", "Type": "Training", "Arguments": train}],
    }
    client = place.sagemaker
    client.create_pipeline(
        PipelineName="pipe", PipelineDefinition=json.dumps(document), RoleArn=place.role, ClientRequestToken="c" * 32
    )
    execution = client.start_pipeline_execution(
        PipelineName="pipe", PipelineParameters=[{"Name": "Rounds", "Value": "4"}], ClientRequestToken="s" * 32
    )["PipelineExecutionArn"]
    place.ended(
        lambda: client.describe_pipeline_execution(PipelineExecutionArn=execution),
        "PipelineExecutionStatus",
        "Succeeded",
    )
    context = place.context(execution)
    said = client.describe_context(ContextName=context.partition("/")[2])
    assert (said["ContextType"], said["Properties"]["Parameter.Rounds"]) == ("PipelineExecution", "4")
    found = {one["Source"]["SourceUri"] for one in place.query(context, "Ascendants", "DataSet")}
    assert "s3://lake/prepared/train.csv" in found

    def models() -> Any:
        [job] = client.list_associations(DestinationArn=context)["AssociationSummaries"]
        return place.query(job["SourceArn"], "Descendants", "Model")

    [model] = until(models, what="the model of the execution")
    assert model["Properties"]["Parameter.num_round"] == "4"


def test_clary_lineage_prints_the_tree(place: Place) -> None:
    endpoint = place.sagemaker.describe_endpoint(EndpointName="cars")["EndpointArn"]
    place.context(endpoint)
    clary = place.server.clary
    tree = clary("lineage", endpoint).stdout
    for words in ("Endpoint", "ModelDeployment", "s3://lake/models/first/output/model.tar.gz", "s3://lake/raw.csv"):
        assert words in tree, tree
    assert "s3://lake/raw.csv" in clary("lineage", "cars", "--up").stdout
    assert "raw.csv" not in clary("lineage", "cars", "--up", "--depth", "1").stdout
    down = clary("lineage", "s3://lake/prepared/train.csv", "--down").stdout
    assert "models/first" in down and "models/second" in down and "raw.csv" not in down
    said = json.loads(clary("lineage", "training-job/first", "--json").stdout)
    assert any(one["LineageType"] == "TrialComponent" for one in said["Vertices"]) and said["Edges"]
    nothing = clary("lineage", "s3://lake/none", check=False)
    assert nothing.returncode == 1 and "no lineage" in nothing.stderr
