"""What SageMaker asks of the policies: `sagemaker:<Operation>` on the ARN that the request names, with the keys that
the request's members stand for. Who names a role must be allowed to pass it, who sets tags to set them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from clary.aws.access import Ask, Asks, Given
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.sagemaker import tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.roles import pass_role
from clary.services.sagemaker.tuning.definitions import resource_config

_NAMES: Final = {
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
    "HyperParameterTuningJobName": "hyper-parameter-tuning-job",
    "TransformJobName": "transform-job",
    "ModelName": "model",
    "ProcessingJobName": "processing-job",
    "TrainingJobName": "training-job",
    "ModelPackageName": "model-package",
    "ModelPackageGroupName": "model-package-group",
    "ModelCardName": "model-card",
    "TrialComponentName": "experiment-trial-component",
    "TrialName": "experiment-trial",
    "ExperimentName": "experiment",
    "ContextName": "context",
    "ActionName": "action",
    "LineageGroupName": "lineage-group",
    "PipelineName": "pipeline",
}
"""The member that names a resource, and how its ARN goes on. An endpoint before the configuration that it is given,
a transform job before its model, a trial before its experiment."""
_BOTH: Final = ("CreateEndpoint", "UpdateEndpoint", "AssociateTrialComponent", "DisassociateTrialComponent")
"""They ask for all that they name."""
_EDGES: Final = ("AddAssociation", "DeleteAssociation")
"""They ask for both ends."""
_OF_ONE: Final = (
    "ListTags",
    "ListTrainingJobsForHyperParameterTuningJob",
    "ListPipelineExecutions",
    "ListPipelineExecutionSteps",
    "ListPipelineParametersForExecution",
    "ListPipelineVersions",
    "ListModelCardVersions",
)
"""Lists of what belongs to a resource that they name."""
_NOTHING: Final[Mapping[str, Given]] = {}


def _arns(operation: str, ctx: Context, req: Doc) -> list[str]:
    for member in (
        "ResourceArn",
        "ModelPackageArn",
        "ModelCardExportJobArn",
        "ArtifactArn",
        "PipelineExecutionArn",
        "PipelineArn",
    ):
        if member in req:
            return [req[member]]
    if operation in _EDGES:
        return [req["SourceArn"], req["DestinationArn"]]
    if operation == "QueryLineage":
        return list(req.get("StartArns") or ["*"])
    if operation == "CreateArtifact":
        return [ctx.arn("sagemaker", "artifact/*")]  # what it is known by is for Clary to say
    if "ModelPackageArnList" in req:
        return list(req["ModelPackageArnList"])
    if operation == "CreateModelPackage" and "ModelPackageGroupName" in req:
        group = req["ModelPackageGroupName"].rpartition("/")[2]
        return [ctx.arn("sagemaker", f"model-package/{group}/*")]  # which version it becomes is not known yet
    if operation in _BOTH:
        return [_arn(ctx, kind, req[member]) for member, kind in _NAMES.items() if member in req]
    for member, kind in _NAMES.items():
        if member in req:
            return [_arn(ctx, kind, req[member])]
    return ["*"]


def _arn(ctx: Context, kind: str, named: str) -> str:
    if kind.startswith("experiment"):  # their names are not told apart by case, and stand in ARNs without it
        named = named.lower()
    return named if named.startswith("arn:") else ctx.arn("sagemaker", f"{kind}/{named}")


def _of(operation: str) -> Asks:
    """All that one request of the operation asks. What the operation alone decides is decided here, once."""
    action = f"sagemaker:{operation}"
    lists = operation.startswith("List") and operation not in _OF_ONE
    creates = operation.startswith("Create")
    keyed = creates or operation.startswith("Update")

    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        arns = ["*"] if lists else _arns(operation, ctx, req)
        wanted: Mapping[str, str] | None = None
        if req.get("Tags"):
            wanted = {tag["Key"]: tag.get("Value", "") for tag in req["Tags"]}
        elif req.get("TagKeys"):
            wanted = dict.fromkeys(req["TagKeys"], "")
        parts = _parts(req)
        several = [_keys(ctx, part) if keyed else _NOTHING for part in parts]
        found = [Ask(action, arn, keys, wanted, partial(_tags, ctx, arn)) for arn in arns for keys in several]
        if wanted and creates:
            tagging = {"sagemaker:TaggingAction": operation}
            found.append(Ask("sagemaker:AddTags", arns[0], tagging, wanted, partial(_tags, ctx, arns[0])))
        for part in parts:
            for member in ("RoleArn", "ExecutionRoleArn"):
                if part.get(member):
                    found.append(pass_role(part[member]))  # noqa: PERF401 - two members, mostly absent
        return found

    return asks


def _parts(req: Doc) -> Sequence[Doc]:
    """What says who acts, where and on what: the request, or each definition of a tuning job."""
    one, several = req.get("TrainingJobDefinition"), req.get("TrainingJobDefinitions")
    if one is None and several is None:
        return (req,)
    found = []
    for said in (several or ()) if one is None else (one, *(several or ())):
        choices = (said.get("HyperParameterTuningResourceConfig") or {}).get("InstanceConfigs") or ()
        found.append({**said, "ResourceConfig": {**resource_config(said), "InstanceGroups": choices}})
    return found


def _tags(ctx: Context, arn: str) -> Mapping[str, str]:
    try:
        return tags.of(ctx.store, ctx.store.by_arn(arn))
    except Missing:
        return {}


def _keys(ctx: Context, req: Doc) -> dict[str, Given | Callable[[], Given]]:
    """SageMaker's condition keys, as far as the request says something of them."""
    network = req.get("NetworkConfig") or req
    cluster = req.get("ResourceConfig") or (req.get("ProcessingResources") or {}).get("ClusterConfig") or {}
    cluster = cluster or req.get("TransformResources") or {}
    variants = [*(req.get("ProductionVariants") or ()), *(req.get("ShadowProductionVariants") or ())]
    vpc = network.get("VpcConfig") or {}
    output = req.get("OutputDataConfig") or req.get("ProcessingOutputConfig") or req.get("TransformOutput") or {}
    groups = cluster.get("InstanceGroups") or ()
    kinds = [one["InstanceType"] for one in (cluster, *groups, *variants) if one.get("InstanceType")]
    served = [*variants, req] if "TransformJobName" in req else variants
    models = [ctx.arn("sagemaker", f"model/{one['ModelName']}") for one in served if one.get("ModelName")]
    said: dict[str, Any] = {
        "sagemaker:InstanceTypes": kinds,
        "sagemaker:ModelArn": models,
        "sagemaker:NetworkIsolation": network.get("EnableNetworkIsolation"),
        "sagemaker:InterContainerTrafficEncryption": network.get("EnableInterContainerTrafficEncryption"),
        "sagemaker:OutputKmsKey": output.get("KmsKeyId"),
        "sagemaker:VolumeKmsKey": cluster.get("VolumeKmsKeyId") or req.get("KmsKeyId"),
        "sagemaker:VpcSecurityGroupIds": vpc.get("SecurityGroupIds"),
        "sagemaker:VpcSubnets": vpc.get("Subnets"),
        "sagemaker:KeepAlivePeriod": cluster.get("KeepAlivePeriodInSeconds"),
        "sagemaker:MaxRuntimeInSeconds": (req.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds"),
        "sagemaker:EnableRemoteDebug": (req.get("RemoteDebugConfig") or {}).get("EnableRemoteDebug"),
        "sagemaker:ModelApprovalStatus": req.get("ModelApprovalStatus"),
        "sagemaker:ModelLifeCycle:stage": (req.get("ModelLifeCycle") or {}).get("Stage"),
        "sagemaker:ModelLifeCycle:stageStatus": (req.get("ModelLifeCycle") or {}).get("StageStatus"),
    }
    for key, value in (req.get("CustomerMetadataProperties") or {}).items():
        said[f"sagemaker:CustomerMetadataProperties/{key}"] = value
    if req.get("CustomerMetadataPropertiesToRemove"):
        said["sagemaker:CustomerMetadataPropertiesToRemove"] = req["CustomerMetadataPropertiesToRemove"]
    return {name: _given(value) for name, value in said.items() if value not in (None, [], "")}


def _given(value: Any) -> Given:
    if isinstance(value, bool):
        return "true" if value else "false"
    return list(value) if isinstance(value, list) else str(value)


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for operation in service.handlers:
        service.access(operation, _of(operation))
