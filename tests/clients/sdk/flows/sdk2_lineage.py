"""sagemaker 2.x: the lineage of a model that is served, asked by the SDK's own classes; and entities made by hand."""

import json
import random
import time
from collections.abc import Callable
from typing import Any

import sagemaker
from sagemaker import get_execution_role, image_uris
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.lineage.action import Action
from sagemaker.lineage.artifact import Artifact, DatasetArtifact, ImageArtifact, ModelArtifact
from sagemaker.lineage.association import Association
from sagemaker.lineage.context import Context, EndpointContext
from sagemaker.lineage.lineage_trial_component import LineageTrialComponent
from sagemaker.lineage.query import (
    LineageEntityEnum,
    LineageFilter,
    LineageQuery,
    LineageQueryDirectionEnum,
    LineageSourceEnum,
)
from sagemaker.lineage.visualizer import LineageTableVisualizer
from sagemaker.s3 import S3Uploader

session = sagemaker.Session()
role = get_execution_role()
client = session.sagemaker_client
at = f"s3://{session.default_bucket()}/lineage2"


def until(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


random.seed(7)
pairs = [(random.random(), random.random()) for _ in range(200)]
rows = "".join(f"{int(a > b)},{a},{b}\n" for a, b in pairs)
train = S3Uploader.upload_string_as_file_body(rows, f"{at}/train/train.csv", sagemaker_session=session)
image = image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
estimator = Estimator(
    image_uri=image,
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    output_path=f"{at}/models",
    sagemaker_session=session,
)
estimator.set_hyperparameters(objective="binary:logistic", num_round=3, seed=7)
estimator.fit({"train": TrainingInput(train, content_type="csv")}, logs=False)
job = estimator.latest_training_job.name
name = f"lineage-{job[-12:]}"
estimator.deploy(1, "ml.m5.large", endpoint_name=name, wait=False)
endpoint = until(
    lambda: (
        (said := client.describe_endpoint(EndpointName=name))["EndpointStatus"] == "InService" and said["EndpointArn"]
    )
)


def one(found: Any) -> Any:
    listed = list(found)
    assert len(listed) == 1, listed
    return listed[0]


context_name = until(
    lambda: [each.context_name for each in Context.list(source_uri=endpoint, sagemaker_session=session)]
)[0]
until(lambda: list(Association.list(destination_arn=client.describe_context(ContextName=context_name)["ContextArn"])))
cars = EndpointContext.load(context_name, sagemaker_session=session)
model = ModelArtifact.load(
    one(Artifact.list(source_uri=estimator.model_data, sagemaker_session=session)).artifact_arn,
    sagemaker_session=session,
)
data = DatasetArtifact.load(
    one(Artifact.list(source_uri=train, artifact_type="DataSet", sagemaker_session=session)).artifact_arn,
    sagemaker_session=session,
)
picture = one(each for each in model.dataset_artifacts() if each.source.source_uri == train)
up, down = LineageQueryDirectionEnum.ASCENDANTS, LineageQueryDirectionEnum.DESCENDANTS
said: dict[str, Any] = {
    "job": job,
    "train": train,
    "model": estimator.model_data,
    "endpoint": endpoint,
    "data_of_endpoint": [each.source.source_uri for each in cars.dataset_artifacts()],
    "etag": [each["Value"] for each in picture.source.source_types],
    "jobs_of_endpoint": cars.training_job_arns(),
    "components": [each.trial_component_name for each in cars.trial_components()],
    "actions": [each.action_type for each in cars.actions(up)],
    "pipeline": cars.pipeline_execution_arn(),
    "processing": cars.processing_jobs(),
    "transform": cars.transform_jobs(),
    "endpoints_of_model": [each.destination_arn for each in model.endpoints()],
    "contexts_of_model": [each.context_name for each in model.endpoint_contexts()],
    "jobs_of_model": model.training_job_arns(),
    "contexts_of_data": [each.context_name for each in data.endpoint_contexts()],
    "trained": data.trained_models(),
    "context": cars.context_arn,
    "context_name": context_name,
}
component = LineageTrialComponent.load(f"{job}-aws-training-job", sagemaker_session=session)
said["models_of_component"] = [each.source.source_uri for each in component.models()]
said["data_of_component"] = [each.source.source_uri for each in component.dataset_artifacts()]
used = one(Artifact.list(source_uri=image, artifact_type="Image", sagemaker_session=session))
shown = ImageArtifact.load(used.artifact_arn, sagemaker_session=session)
said["data_of_image"] = [each.source.source_uri for each in shown.datasets(up)]

table = LineageTableVisualizer(session)
said["table"] = table.show(training_job_name=job).values.tolist()
said["table_of_endpoint"] = table.show(endpoint_arn=endpoint).values.tolist()
query = LineageQuery(session)
only = LineageFilter(entities=[LineageEntityEnum.ARTIFACT], sources=[LineageSourceEnum.MODEL])
found = query.query([data.artifact_arn], direction=down, query_filter=only, include_edges=False)
said["models_of_data"] = [each.to_lineage_object().source.source_uri for each in found.vertices]
whole = query.query([data.artifact_arn], direction=down)
elements = whole._get_visualization_elements()
nodes = {node[0] for node in elements["nodes"]}
assert all(edge[0] in nodes and edge[1] in nodes for edge in elements["edges"])
said["starts"] = [node[0] for node in elements["nodes"] if node[3]] == [data.artifact_arn]

mine = Artifact.create(
    artifact_name=f"report-{name}",
    source_uri=f"{at}/report.html",
    artifact_type="Report",
    properties={"pages": "3"},
    sagemaker_session=session,
)
mine.properties["pages"] = "4"
mine.save()
said["pages"] = Artifact.load(mine.artifact_arn, sagemaker_session=session).properties
mine.set_tag({"Key": "team", "Value": "blue"})
said["tags"] = client.list_tags(ResourceArn=mine.artifact_arn)["Tags"]
review = Action.create(
    action_name=f"review-{name}",
    source_uri=endpoint,
    action_type="ModelDeployment",
    status="InProgress",
    sagemaker_session=session,
)
review.status = "Completed"
review.save()
group = EndpointContext.create(
    context_name=f"board-{name}",
    source_uri="https://example.com/board",
    context_type="Endpoint",
    properties={"k": "v"},
    sagemaker_session=session,
)
group.properties_to_remove = ["k"]
group.save()
for source, destination, kind in (
    (group.context_arn, review.action_arn, "ContributedTo"),
    (review.action_arn, model.artifact_arn, "ContributedTo"),
    (mine.artifact_arn, group.context_arn, "AssociatedWith"),
):
    Association.create(source_arn=source, destination_arn=destination, association_type=kind, sagemaker_session=session)
said["models"] = [each.destination_arn for each in group.models()] == [model.artifact_arn]
said["models_v2"] = [each.artifact_arn for each in group.models_v2()] == [model.artifact_arn]
said["artifacts"] = [each.artifact_arn for each in review.artifacts(up)] == [mine.artifact_arn]
mine.delete(disassociate=True)
review.delete(disassociate=True)
group.delete(disassociate=True)
said["left"] = [each.artifact_name for each in Artifact.list(source_uri=f"{at}/report.html", sagemaker_session=session)]
client.delete_endpoint(EndpointName=name)
print(json.dumps(said))
