"""The operations on training jobs."""

from contextlib import suppress
from typing import Final

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.engines.runners.base import Runner
from clary.jobs import turns
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import experiment_config, holding, images, jobs, listing, roles
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import ResourceInUse, ResourceNotFound
from clary.services.sagemaker.training import checks, ending, pools
from clary.services.sagemaker.training.machine import KIND, LONGEST_SECONDS, TRAINING_JOB, enter, find

_PAGES: Final = 50
"""How many pages of jobs are looked through for one page of a filter that no index serves."""


_SHOWN: Final = ("ProfilerConfig", "ProfilerRuleConfigurations", "RemoteDebugConfig")


@service.operation(
    "CreateTrainingJob",
    ignores=(
        "VpcConfig",
        "EnableInterContainerTrafficEncryption",
        "OutputDataConfig.KmsKeyId",
        "ResourceConfig.VolumeSizeInGB",
        "ResourceConfig.VolumeKmsKeyId",
        "AlgorithmSpecification.TrainingImageConfig",
        "AlgorithmSpecification.EnableSageMakerMetricsTimeSeries",
        "InputDataConfig.DataSource.S3DataSource.ModelAccessConfig",
        "DebugHookConfig",
        "ProfilerConfig",
        "ProfilerRuleConfigurations",
        "RemoteDebugConfig",
        "InfraCheckConfig",
        "SessionChainingConfig",
    ),
)
async def create_training_job(ctx: Context, req: Doc) -> Doc:
    """Accept the job and return at once; the reconciler runs it. Errors: ResourceInUse, ValidationException."""
    name = req["TrainingJobName"]
    arn = ctx.arn("sagemaker", f"training-job/{name}")
    checks.check(req)
    experiment_config.check(ctx, req)
    roles.check(ctx, req["RoleArn"], arn)
    cluster = req["ResourceConfig"]
    jobs.check_turn(ctx, req, cluster["InstanceType"], cluster["InstanceCount"])
    status = {**enter({}, "Starting", ctx.clock.now()), **turns.created_by(ctx)}
    taken = (
        "Training job names must be unique within an AWS account and region, and a training job with this name already "
        "exists"
    )
    jobs.accept(ctx, KIND, name, arn, TRAINING_JOB.initial, req, status, taken)
    return {"TrainingJobArn": arn}


@service.operation("DescribeTrainingJob")
async def describe_training_job(ctx: Context, req: Doc) -> Doc:
    """The Create request with AWS's defaults, and what is true (held for loops). Errors: ValidationException."""
    name = req["TrainingJobName"]
    job = await holding.answer(ctx, lambda: find(ctx, name), TRAINING_JOB.settled)
    return described(job, ctx.clock.now())


@service.operation("ListTrainingJobs")
async def list_training_jobs(ctx: Context, req: Doc) -> Doc:
    """A page of the jobs that pass the filters, oldest first unless asked otherwise."""
    if "TrainingPlanArnEquals" in req:
        return {"TrainingJobSummaries": []}  # No job here has a training plan.
    now, wanted = ctx.clock.now(), req.get("WarmPoolStatusEquals")
    for _ in range(_PAGES):
        found, more = listing.page(ctx, KIND, req, descending=False)
        shown = [_summary(job, now) for job in found]
        if wanted is not None:
            shown = [one for one in shown if one.get("WarmPoolStatus", {}).get("Status") == wanted]
        if shown or not more:
            break
        req = {**req, **more}
    return {"TrainingJobSummaries": shown, **more}


@service.operation(
    "UpdateTrainingJob",
    ignores=_SHOWN,
)
async def update_training_job(ctx: Context, req: Doc) -> Doc:
    """The job's warm pool is kept for another time; 0 ends it. What the profiler and remote debugging are told is shown
    again, as at Create, while the job is in progress. Errors: ResourceNotFound, ValidationException."""
    told = {name: req[name] for name in _SHOWN if name in req}
    while True:
        job = _existing(ctx, req["TrainingJobName"])
        if told and job.phase != "InProgress":
            raise ValidationException(f"Only a training job in progress can be profiled: this one is {job.phase}")
        with suppress(Stale):  # The reconciler wrote it between the look and the write: look again.
            if "ResourceConfig" in req:
                job = _keep(ctx, job, req["ResourceConfig"]["KeepAlivePeriodInSeconds"])
            ctx.store.update(job, **told)
            return {"TrainingJobArn": job.arn}


@service.operation("DeleteTrainingJob")
async def delete_training_job(ctx: Context, req: Doc) -> Doc:
    """The job is gone, and its name may be used again. Errors: ResourceInUse, ResourceNotFound."""
    job = _existing(ctx, req["TrainingJobName"])
    if not TRAINING_JOB.settled(job.phase):
        raise ResourceInUse(f"A training job can be deleted once it has ended: {job.arn} is in status {job.phase}")
    if pools.is_available(job):
        raise ResourceInUse(
            f"{job.arn} retains a warm pool: end it with UpdateTrainingJob (KeepAlivePeriodInSeconds 0) before"
        )
    runner: Runner | None = ctx.ports.get(Runner)
    if runner is not None:
        # Its reconciler may not have come to that yet, and finds nothing to do it for when the row is gone.
        for cluster in ending.clusters(runner, job):
            await cluster.remove()
    try:
        ctx.store.delete(find(ctx, job.name))
    except Stale:
        raise ResourceInUse(f"{job.arn} is being changed: please try again") from None
    return {}


@service.operation("StopTrainingJob")
async def stop_training_job(ctx: Context, req: Doc) -> Doc:
    """The job is asked to end: SIGTERM, two minutes, SIGKILL; what it left in /opt/ml/model is kept."""
    name, now = req["TrainingJobName"], ctx.clock.now()
    jobs.stop(ctx, lambda: find(ctx, name), "training job", lambda job: enter(job.status, "Stopping", now))
    return {}


def described(job: Resource, now: float | None = None) -> Doc:
    """DescribeTrainingJob's answer; `now` counts how long a warm pool has been kept."""
    said = job.public()
    if now is not None and (pool := pools.told(job, now)) is not None:
        said["WarmPoolStatus"] = pool
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


def _existing(ctx: Context, name: str) -> Resource:
    """As `find`, in the words of the operations that have an error for it."""
    try:
        return ctx.store.get(ctx.account, ctx.region, KIND, name)
    except Missing:
        raise ResourceNotFound("Requested resource not found.") from None


def _keep(ctx: Context, job: Resource, seconds: int) -> Resource:
    """Raises ValidationException where there is nothing to keep, Stale."""
    if TRAINING_JOB.settled(job.phase) and not pools.is_available(job):
        raise ValidationException(f"{job.arn} has no warm pool that could be kept: it is no longer available")
    return pools.set_kept(ctx, job, seconds)


def _summary(job: Resource, now: float) -> Doc:
    pool = pools.told(job, now)
    return {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
        "TrainingJobStatus": job.phase,
        **listing.pick(job.status, "SecondaryStatus", "TrainingEndTime"),
        **({"WarmPoolStatus": pool} if pool is not None else {}),
    }


def _channel(channel: Doc) -> Doc:
    source = {"S3DataDistributionType": "FullyReplicated", **channel["DataSource"]["S3DataSource"]}
    filled = {"CompressionType": "None", "RecordWrapperType": "None", **channel}
    return {**filled, "DataSource": {"S3DataSource": source}}
