"""What becomes of a model: a version in the registry, a model, an endpoint."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.pipeline.jobs import XGBOOST
from clary.pipeline.language.definition import Doc
from clary.pipeline.nodes import Node, Options, Plain
from clary.pipeline.values import Result, Value, join

NONE: Final = Options()


def register(
    name: str,
    group: Value | str,
    model: Value | str,
    *,
    image: str = XGBOOST,
    metrics: Value | str | None = None,
    approval: Value | str = "PendingManualApproval",
    content_types: Sequence[str] = ("text/csv",),
    response_types: Sequence[str] = ("text/csv",),
    instances: Sequence[str] = ("ml.m5.large",),
    description: str | None = None,
    properties: Mapping[str, Value | str] | None = None,
    options: Options = NONE,
) -> Node:
    """A new version in the model package group. `metrics` is the S3 URI of a JSON file, or the result of a function
    step; `properties` are the version's CustomerMetadataProperties."""
    arguments: Doc = {
        "ModelPackageGroupName": group,
        "ModelApprovalStatus": approval,
        "InferenceSpecification": {
            "Containers": [{"Image": image, "ModelDataUrl": model}],
            "SupportedContentTypes": list(content_types),
            "SupportedResponseMIMETypes": list(response_types),
            "SupportedRealtimeInferenceInstanceTypes": list(instances),
            "SupportedTransformInstanceTypes": list(instances),
        },
    }
    if metrics is not None:
        file = join(metrics.output, "result.json", on="/") if isinstance(metrics, Result) else metrics
        statistics = {"ContentType": "application/json", "S3Uri": file}
        arguments["ModelMetrics"] = {"ModelQuality": {"Statistics": statistics}}
    if description is not None:
        arguments["ModelPackageDescription"] = description
    if properties:
        arguments["CustomerMetadataProperties"] = dict(properties)
    return Plain(name, "RegisterModel", arguments, options)


class ModelNode(Plain):
    """A model."""

    @property
    def model_name(self) -> Value:
        return self.get("ModelName")


def model(
    name: str,
    model: Value | str,
    *,
    image: str = XGBOOST,
    environment: Mapping[str, str] | None = None,
    options: Options = NONE,
) -> ModelNode:
    """A model of the artifact `model`, for `transform` and `endpoint`."""
    container: Doc = {"Image": image, "ModelDataUrl": model}
    if environment:
        container["Environment"] = dict(environment)
    return ModelNode(name, "Model", {"PrimaryContainer": container}, options, role="ExecutionRoleArn")


def endpoint(
    name: str,
    model: Value | str,
    endpoint_name: Value | str,
    *,
    instance: str = "ml.m5.large",
    count: int = 1,
    options: Options = NONE,
) -> Node:
    """The endpoint serves the model of that name; it is made or updated. Its configuration is a step of its own,
    `<name>-config`."""
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": model,
        "InstanceType": instance,
        "InitialInstanceCount": count,
        "InitialVariantWeight": 1.0,
    }
    config = Plain(f"{name}-config", "EndpointConfig", {"ProductionVariants": [variant]}, NONE)
    arguments = {"EndpointName": endpoint_name, "EndpointConfigName": config.get("EndpointConfigName")}
    made = Plain(name, "Endpoint", arguments, options)
    made.companions = (config,)
    return made
