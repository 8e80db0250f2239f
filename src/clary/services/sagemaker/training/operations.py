"""The operations on training jobs."""

from typing import Any

from clary.aws.errors import NotImplementedHere, ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import holding, images, jobs, listing, locations, metrics, roles, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import ResourceInUse, check_command, refuse, require
from clary.services.sagemaker.training.machine import KIND, LONGEST_SECONDS, TRAINING_JOB, enter, find

_REFUSED = {
    "AlgorithmSpecification.AlgorithmName": "algorithms of the marketplace",
    "ResourceConfig.InstanceGroups": "clusters of several instance groups",
    "ResourceConfig.InstancePreferences": "a choice of instance types",
    "ResourceConfig.SelectedInstanceType": "a choice of instance types",
    "ResourceConfig.SelectedInstanceCount": "a choice of instance types",
    "ResourceConfig.InstancePlacementConfig": "placement on UltraServers",
    "ResourceConfig.TrainingPlanArn": "training plans",
    "InputDataConfig.DataSource.FileSystemDataSource": "only S3DataSource is served yet",
    "InputDataConfig.DataSource.DatasetSource": "only S3DataSource is served yet",
    "InputDataConfig.DataSource.S3DataSource.AttributeNames": "augmented manifests",
    "InputDataConfig.DataSource.S3DataSource.InstanceGroupNames": "clusters of several instance groups",
    "InputDataConfig.DataSource.S3DataSource.HubAccessConfig": "hubs",
    "CheckpointConfig": "checkpoints would not be kept",
    "TensorBoardOutputConfig": "TensorBoard files would not be stored",
    "DebugRuleConfigurations": "debugger rules",
    "ServerlessJobConfig": "serverless jobs",
    "MlflowConfig": "MLflow",
    "ModelPackageConfig": "model packages come with the model registry",
}


@service.operation(
    "CreateTrainingJob",
    ignores=(
        "VpcConfig",
        "EnableInterContainerTrafficEncryption",
        "EnableManagedSpotTraining",
        "OutputDataConfig.KmsKeyId",
        "ResourceConfig.VolumeSizeInGB",
        "ResourceConfig.VolumeKmsKeyId",
        "ResourceConfig.KeepAlivePeriodInSeconds",
        "StoppingCondition.MaxWaitTimeInSeconds",
        "StoppingCondition.MaxPendingTimeInSeconds",
        "AlgorithmSpecification.TrainingImageConfig",
        "AlgorithmSpecification.EnableSageMakerMetricsTimeSeries",
        "InputDataConfig.ShuffleConfig",
        "InputDataConfig.DataSource.S3DataSource.ModelAccessConfig",
        "DebugHookConfig",
        "ProfilerConfig",
        "ProfilerRuleConfigurations",
        "ExperimentConfig",
        "RemoteDebugConfig",
        "InfraCheckConfig",
        "SessionChainingConfig",
    ),
)
async def create_training_job(ctx: Context, req: Doc) -> Doc:
    """Accept the job and return at once; the reconciler runs it. Errors: ResourceInUse, ValidationException."""
    name = req["TrainingJobName"]
    arn = ctx.arn("sagemaker", f"training-job/{name}")
    _check(req)
    roles.check(ctx, req["RoleArn"], arn)
    now = ctx.clock.now()
    job = Resource(
        KIND,
        name,
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=arn,
        phase=TRAINING_JOB.initial,
        spec=req,
        status=enter({}, "Starting", now),
        due=now,
    )
    try:
        holding.made(ctx, ctx.store.create(job))
    except Exists:
        raise ResourceInUse(
            "Training job names must be unique within an AWS account and region, and a training job with this name "
            f"already exists ({arn})"
        ) from None
    return {"TrainingJobArn": arn}


@service.operation("DescribeTrainingJob")
async def describe_training_job(ctx: Context, req: Doc) -> Doc:
    """The Create request with AWS's defaults, and what is true (held for loops). Errors: ValidationException."""
    name = req["TrainingJobName"]
    return described(await holding.answer(ctx, lambda: find(ctx, name), TRAINING_JOB.settled))


@service.operation("ListTrainingJobs")
async def list_training_jobs(ctx: Context, req: Doc) -> Doc:
    """A page of the jobs that pass the filters, oldest first unless asked otherwise."""
    if "WarmPoolStatusEquals" in req or "TrainingPlanArnEquals" in req:
        return {"TrainingJobSummaries": []}  # No job here has a warm pool or a training plan.
    found, more = listing.page(ctx, KIND, req, descending=False)
    return {"TrainingJobSummaries": [_summary(job) for job in found], **more}


@service.operation("StopTrainingJob")
async def stop_training_job(ctx: Context, req: Doc) -> Doc:
    """The job is asked to end: SIGTERM, two minutes, SIGKILL; what it left in /opt/ml/model is kept."""
    name, now = req["TrainingJobName"], ctx.clock.now()
    jobs.stop(ctx, lambda: find(ctx, name), "training job", lambda job: enter(job.status, "Stopping", now))
    return {}


def described(job: Resource) -> Doc:
    """DescribeTrainingJob's answer."""
    said = job.public()
    for hidden in ("Tags", "SessionChainingConfig"):
        said.pop(hidden, None)
    algorithm = dict(said["AlgorithmSpecification"])
    image = images.lookup(algorithm["TrainingImage"])
    if image is not None and image.metrics and not algorithm.get("MetricDefinitions"):
        algorithm["MetricDefinitions"] = list(image.metrics)
    said["AlgorithmSpecification"] = {"EnableSageMakerMetricsTimeSeries": False, **algorithm}
    said["OutputDataConfig"] = {"KmsKeyId": "", "CompressionType": "GZIP", **said["OutputDataConfig"]}
    said["StoppingCondition"] = {"MaxRuntimeInSeconds": LONGEST_SECONDS, **(said.get("StoppingCondition") or {})}
    if said.get("InputDataConfig"):
        said["InputDataConfig"] = [_channel(channel) for channel in said["InputDataConfig"]]
    for member in ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining"):
        said.setdefault(member, False)
    return {
        **{name: value for name, value in said.items() if value not in ({}, [])},
        "TrainingJobArn": job.arn,
        "TrainingJobStatus": job.phase,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
    }


def _summary(job: Resource) -> Doc:
    return {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
        "TrainingJobStatus": job.phase,
        **listing.pick(job.status, "SecondaryStatus", "TrainingEndTime"),
    }


def _channel(channel: Doc) -> Doc:
    source = {"S3DataDistributionType": "FullyReplicated", **channel["DataSource"]["S3DataSource"]}
    filled = {"CompressionType": "None", "RecordWrapperType": "None", **channel}
    return {**filled, "DataSource": {"S3DataSource": source}}


def _check(req: Doc) -> None:
    """Raises ValidationException for what AWS would refuse, NotImplementedHere for what Clary does not serve."""
    refuse(req, _REFUSED)
    tags.check(req.get("Tags"))
    require(bool(req.get("AlgorithmSpecification")), "A training job needs the member AlgorithmSpecification")
    _check_algorithm(req["AlgorithmSpecification"], req.get("HyperParameters") or {})
    check_command("Environment", (req.get("Environment") or {}).values())
    cluster = req.get("ResourceConfig") or {}
    for member in ("InstanceType", "InstanceCount"):
        require(bool(cluster.get(member)), f"ResourceConfig needs the member {member}")
    if cluster["InstanceCount"] > 1:
        raise NotImplementedHere(
            "ResourceConfig.InstanceCount above 1 is not served yet: a job runs on this machine alone. Ask for 1."
        )
    locations.parse(req["OutputDataConfig"]["S3OutputPath"])
    names: set[Any] = set()
    for channel in req.get("InputDataConfig") or []:
        name = channel["ChannelName"]
        require(name not in names, f"Two input channels are called {name!r}: channel names must be unique")
        names.add(name)
        require(name.strip(".") != "", f"The input channel {name!r} cannot be a directory: give it a name")
        _check_channel(name, channel)


def _check_algorithm(algorithm: Doc, hyperparameters: Doc) -> None:
    require(bool(algorithm.get("TrainingImage")), "AlgorithmSpecification needs the member TrainingImage")
    for member in ("ContainerEntrypoint", "ContainerArguments"):
        check_command(f"AlgorithmSpecification.{member}", algorithm.get(member) or [])
    _refuse_pipe("AlgorithmSpecification.TrainingInputMode", algorithm["TrainingInputMode"])
    if "sagemaker_program" in hyperparameters and not algorithm.get("ContainerEntrypoint"):
        raise NotImplementedHere(
            "Script mode (the hyperparameter sagemaker_program) is not served yet: use a built-in algorithm, or set "
            "AlgorithmSpecification.ContainerEntrypoint to the command of your script."
        )
    for definition in algorithm.get("MetricDefinitions") or []:
        try:
            metrics.compiled(definition)
        except metrics.BadRegex as error:
            raise ValidationException(f"AlgorithmSpecification.MetricDefinitions: {error}") from None


def _check_channel(name: str, channel: Doc) -> None:
    where = f"InputDataConfig channel {name!r}"
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise NotImplementedHere(f"{where}: only S3DataSource is served yet.")
    if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise NotImplementedHere(f"{where}: S3DataType {source['S3DataType']} is not served yet; use S3Prefix.")
    _refuse_pipe(f"{where}: InputMode", channel.get("InputMode", "File"))
    for member in ("CompressionType", "RecordWrapperType"):
        given = channel.get(member, "None")
        require(given == "None", f"{where}: {member} {given} needs the input mode Pipe; leave it out in File mode")
    locations.parse(source["S3Uri"])


def _refuse_pipe(member: str, mode: str) -> None:
    if mode == "Pipe":
        raise NotImplementedHere(f"{member} Pipe is not served yet; use File or FastFile.")
