"""What a request for a training job is refused for: AWS's own rules, and what is not served here."""

from typing import Final

from clary.aws.errors import NotImplementedHere, ValidationException
from clary.jobs import locations
from clary.kernel.resource import Doc
from clary.services.sagemaker import metrics, tags
from clary.services.sagemaker.cluster import MOST_HOSTS
from clary.services.sagemaker.errors import check_command, refuse, require
from clary.services.sagemaker.training import channels, checkpoints
from clary.services.sagemaker.training.machine import LONGEST_SECONDS, SPOT

LONGEST_RUNTIME: Final = 28 * 86_400
_REFUSED: Final = {
    "AlgorithmSpecification.AlgorithmName": "algorithms of the marketplace",
    "ResourceConfig.InstanceGroups": "clusters of several instance groups",
    "ResourceConfig.InstancePreferences": "a choice of instance types",
    "ResourceConfig.SelectedInstanceType": "a choice of instance types",
    "ResourceConfig.SelectedInstanceCount": "a choice of instance types",
    "ResourceConfig.InstancePlacementConfig": "placement on UltraServers",
    "ResourceConfig.TrainingPlanArn": "training plans",
    "InputDataConfig.DataSource.FileSystemDataSource": "only S3DataSource is served yet",
    "InputDataConfig.DataSource.DatasetSource": "only S3DataSource is served yet",
    "InputDataConfig.DataSource.S3DataSource.InstanceGroupNames": "clusters of several instance groups",
    "InputDataConfig.DataSource.S3DataSource.HubAccessConfig": "hubs",
    "TensorBoardOutputConfig": "TensorBoard files would not be stored",
    "DebugRuleConfigurations": "debugger rules",
    "ServerlessJobConfig": "serverless jobs",
    "MlflowConfig": "MLflow",
    "ModelPackageConfig": "model packages come with the model registry",
}


def check(req: Doc) -> None:
    """Raises ValidationException for what AWS would refuse, NotImplementedHere for what Clary does not serve."""
    refuse(req, _REFUSED)
    tags.check(req.get("Tags"))
    require(bool(req.get("AlgorithmSpecification")), "A training job needs the member AlgorithmSpecification")
    _check_algorithm(req["AlgorithmSpecification"])
    check_command("Environment", (req.get("Environment") or {}).values())
    _check_cluster(req)
    _check_times(req)
    if given := req.get("CheckpointConfig"):
        checkpoints.check(given)
    locations.parse(req["OutputDataConfig"]["S3OutputPath"])
    channels.check(req)


def _check_cluster(req: Doc) -> None:
    cluster = req.get("ResourceConfig") or {}
    for member in ("InstanceType", "InstanceCount"):
        require(bool(cluster.get(member)), f"ResourceConfig needs the member {member}")
    count = cluster["InstanceCount"]
    if count > MOST_HOSTS:
        raise NotImplementedHere(
            f"ResourceConfig.InstanceCount {count} is not served: the hosts of a job all run on this machine, at most "
            f"{MOST_HOSTS} of them."
        )
    if count > 1 and req.get("EnableNetworkIsolation"):
        raise NotImplementedHere(
            "EnableNetworkIsolation with ResourceConfig.InstanceCount above 1 is not served yet: without a network the "
            "hosts would not reach each other. Leave one of them out."
        )
    if cluster.get("KeepAlivePeriodInSeconds"):
        require(
            not req.get(SPOT),
            "ResourceConfig.KeepAlivePeriodInSeconds is not supported for managed spot training: leave one of them out",
        )


def _check_times(req: Doc) -> None:
    times = req.get("StoppingCondition") or {}
    run, wait = times.get("MaxRuntimeInSeconds", LONGEST_SECONDS), times.get("MaxWaitTimeInSeconds")
    require(
        run <= LONGEST_RUNTIME,
        f"StoppingCondition.MaxRuntimeInSeconds must not be greater than {LONGEST_RUNTIME} (28 days)",
    )
    if req.get(SPOT):
        require(
            wait is not None and wait >= run,
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds",
        )
    else:
        require(
            wait is None,
            f"Invalid MaxWaitTimeInSeconds. It is only for managed spot training: set {SPOT}, or leave it out",
        )


def _check_algorithm(algorithm: Doc) -> None:
    require(bool(algorithm.get("TrainingImage")), "AlgorithmSpecification needs the member TrainingImage")
    for member in ("ContainerEntrypoint", "ContainerArguments"):
        check_command(f"AlgorithmSpecification.{member}", algorithm.get(member) or [])
    for definition in algorithm.get("MetricDefinitions") or []:
        try:
            metrics.compiled(definition)
        except metrics.BadRegex as error:
            raise ValidationException(f"AlgorithmSpecification.MetricDefinitions: {error}") from None
