"""The operations on tuning jobs."""

from contextlib import suppress
from typing import Any, Final

from clary.aws.credentials import packed
from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import holding, jobs, listing, roles, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.tuning import criteria, followed, machine
from clary.services.sagemaker.tuning.checks import check
from clary.services.sagemaker.tuning.definitions import definitions
from clary.services.sagemaker.tuning.definitions import described as described_definition
from clary.services.sagemaker.tuning.machine import KIND, TUNING_JOB, find

_DEFINED: Final = ("TrainingJobDefinition", "TrainingJobDefinitions")
_IGNORED: Final = (
    "VpcConfig",
    "EnableInterContainerTrafficEncryption",
    "InputDataConfig.DataSource.S3DataSource.ModelAccessConfig",
    "InputDataConfig.ShuffleConfig",
    "OutputDataConfig.KmsKeyId",
    "ResourceConfig.VolumeSizeInGB",
    "ResourceConfig.VolumeKmsKeyId",
    "HyperParameterTuningResourceConfig.VolumeSizeInGB",
    "HyperParameterTuningResourceConfig.VolumeKmsKeyId",
    "HyperParameterTuningResourceConfig.AllocationStrategy",
)


@service.operation(
    "CreateHyperParameterTuningJob",
    ignores=tuple(f"{outer}.{inner}" for outer in _DEFINED for inner in _IGNORED),
)
async def create_hyper_parameter_tuning_job(ctx: Context, req: Doc) -> Doc:
    """Accept the job and return at once; the reconciler launches its training jobs, with the caller's authority.
    Errors: ResourceInUse, ValidationException."""
    name = req["HyperParameterTuningJobName"]
    arn = ctx.arn("sagemaker", f"hyper-parameter-tuning-job/{name}")
    tags.check(req.get("Tags"))
    for definition in check(ctx, req):
        roles.check(ctx, definition.said["RoleArn"], arn)
    status = {**criteria.counters(()), "_creator": packed(ctx.principal)}
    taken = (
        "Hyperparameter tuning job names must be unique within an AWS account and region, and a hyperparameter "
        "tuning job with this name already exists"
    )
    jobs.accept(ctx, KIND, name, arn, TUNING_JOB.initial, req, status, taken)
    return {"HyperParameterTuningJobArn": arn}


@service.operation("DescribeHyperParameterTuningJob")
async def describe_hyper_parameter_tuning_job(ctx: Context, req: Doc) -> Doc:
    """The Create request with AWS's defaults, and what is true (held for loops). Errors: ResourceNotFound."""
    name = req["HyperParameterTuningJobName"]
    job = await holding.answer(ctx, lambda: find(ctx, name), TUNING_JOB.settled)
    spent = job.status.get("HyperParameterTuningEndTime", ctx.clock.now()) - job.created
    return {**described(job), "ConsumedResources": {"RuntimeInSeconds": max(0, round(spent))}}


@service.operation("ListHyperParameterTuningJobs")
async def list_hyper_parameter_tuning_jobs(ctx: Context, req: Doc) -> Doc:
    """A page of the jobs that pass the filters, newest first unless asked otherwise."""
    found, more = listing.page(ctx, KIND, req, descending=True)
    return {"HyperParameterTuningJobSummaries": [_summary(job) for job in found], **more}


@service.operation("ListTrainingJobsForHyperParameterTuningJob")
async def list_training_jobs_for_hyper_parameter_tuning_job(ctx: Context, req: Doc) -> Doc:
    """A page of the training jobs that the tuning job has launched, by name unless asked otherwise. Sorted by their
    objective, those that have told none are left out. Errors: ResourceNotFound, ValidationException."""
    job = find(ctx, req["HyperParameterTuningJobName"])
    found = [followed.summary(ctx.store, job, trial) for trial in machine.trials(ctx.store, job)]
    if "StatusEquals" in req:
        found = [one for one in found if one["TrainingJobStatus"] == req["StatusEquals"]]
    by = req.get("SortBy", "Name")
    if by == "FinalObjectiveMetricValue":
        found = [one for one in found if _OBJECTIVE in one]
    found.sort(key=lambda one: _place(one, by), reverse=req.get("SortOrder", "Ascending") == "Descending")
    return _page(found, by, req)


@service.operation("StopHyperParameterTuningJob")
async def stop_hyper_parameter_tuning_job(ctx: Context, req: Doc) -> Doc:
    """No more training jobs are launched, and those that run are asked to end. A second time changes nothing. Errors:
    ResourceNotFound, ValidationException when it has ended."""
    while True:
        job = find(ctx, req["HyperParameterTuningJobName"])
        if job.phase == "Stopping":
            return {}
        if job.phase != "InProgress":
            raise ValidationException(
                f"The request was rejected because the hyperparameter tuning job is in status {job.phase}."
            )
        with suppress(Stale):  # The reconciler wrote it between the look and the write: look again.
            ctx.store.update(job, phase="Stopping", due=ctx.clock.now())
            return {}


@service.operation("DeleteHyperParameterTuningJob")
async def delete_hyper_parameter_tuning_job(ctx: Context, req: Doc) -> Doc:
    """The entry of an ended tuning job is gone; its training jobs and their artifacts stay. Errors: ResourceNotFound,
    ValidationException while it runs."""
    job = find(ctx, req["HyperParameterTuningJobName"])
    if not TUNING_JOB.settled(job.phase):
        raise ValidationException(
            f"The hyperparameter tuning job is in status {job.phase}: stop it, and delete it when it has ended."
        )
    # The job goes last: a crash in between leaves one that can be deleted again.
    for trial in machine.trials(ctx.store, job):
        with suppress(Stale):
            ctx.store.delete(trial)
    tags.forget(ctx.store, job)
    with suppress(Missing, Stale):
        ctx.store.delete(ctx.store.find(KIND, job.uid))
    return {}


def described(job: Resource) -> Doc:
    """DescribeHyperParameterTuningJob's answer, without what depends on the time of asking."""
    said = job.public()
    said.pop("Tags", None)
    config = {"TrainingJobEarlyStoppingType": "Off", **said["HyperParameterTuningJobConfig"]}
    said["HyperParameterTuningJobConfig"] = config
    shown = [described_definition(job, definition) for definition in definitions(job.spec)]
    if "TrainingJobDefinition" in said:
        said["TrainingJobDefinition"] = shown[0]
    else:
        said["TrainingJobDefinitions"] = shown
    return {
        **said,
        "HyperParameterTuningJobArn": job.arn,
        "HyperParameterTuningJobStatus": job.phase,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
    }


def _summary(job: Resource) -> Doc:
    config = job.spec["HyperParameterTuningJobConfig"]
    return {
        "HyperParameterTuningJobName": job.name,
        "HyperParameterTuningJobArn": job.arn,
        "HyperParameterTuningJobStatus": job.phase,
        "Strategy": config["Strategy"],
        "ResourceLimits": config["ResourceLimits"],
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
        **listing.pick(
            job.status, "HyperParameterTuningEndTime", "TrainingJobStatusCounters", "ObjectiveStatusCounters"
        ),
    }


_OBJECTIVE: Final = "FinalHyperParameterTuningJobObjectiveMetric"
_SORTED: Final = {"Name": "TrainingJobName", "CreationTime": "CreationTime", "Status": "TrainingJobStatus"}


def _place(one: Doc, by: str) -> list[Any]:
    """What a summary is sorted by, and told apart by."""
    first = one[_OBJECTIVE]["Value"] if by == "FinalObjectiveMetricValue" else one[_SORTED[by]]
    return [first, one["TrainingJobName"]]


def _page(found: list[Doc], by: str, req: Doc) -> Doc:
    """The page of a sorted list that begins behind the request's token."""
    backwards = req.get("SortOrder", "Ascending") == "Descending"
    asked = page.digest(req["HyperParameterTuningJobName"], by, backwards, req.get("StatusEquals"))
    if "NextToken" in req:
        numeric = by in ("CreationTime", "FinalObjectiveMetricValue")
        try:
            after = page.decode(req["NextToken"], asked, float if numeric else str, str)
        except BadToken as error:
            raise ValidationException(f"Invalid NextToken: {error}") from None
        found = [one for one in found if (_place(one, by) < after if backwards else _place(one, by) > after)]
    limit = req.get("MaxResults", listing.DEFAULT_PAGE)
    shown, more = found[:limit], {}
    if len(found) > limit:
        more = {"NextToken": page.encode(_place(shown[-1], by), asked)}
    return {"TrainingJobSummaries": shown, **more}
