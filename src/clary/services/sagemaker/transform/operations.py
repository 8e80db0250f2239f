"""The operations on transform jobs."""

from clary.aws.service import Context
from clary.jobs import turns
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import experiment_config, holding, jobs, listing, models, roles, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.transform import checks
from clary.services.sagemaker.transform.machine import KIND, TRANSFORM_JOB, find, model_of


@service.operation(
    "CreateTransformJob",
    ignores=(
        "TransformOutput.KmsKeyId",
        "TransformResources.VolumeKmsKeyId",
        "TransformResources.TransformAmiVersion",
        "DataCaptureConfig.KmsKeyId",
    ),
)
async def create_transform_job(ctx: Context, req: Doc) -> Doc:
    """Accept the job and return at once; the reconciler runs it. Errors: ResourceInUse,
    ResourceLimitExceeded, ValidationException."""
    name = req["TransformJobName"]
    arn = ctx.arn("sagemaker", f"transform-job/{name}")
    tags.check(req.get("Tags"))
    checks.check(req)
    experiment_config.check(ctx, req)
    resources = req["TransformResources"]
    jobs.check_turn(ctx, req, resources["InstanceType"], resources["InstanceCount"])
    model = models.find(ctx, req["ModelName"])
    copied = model_of(model)
    roles.check(ctx, copied["role"], arn)
    for container in copied["containers"]:
        await models.check_data(ctx, container, copied["role"], model.arn)
    status = {"_model": copied, **turns.created_by(ctx)}
    jobs.accept(ctx, KIND, name, arn, TRANSFORM_JOB.initial, req, status, jobs.TAKEN)
    return {"TransformJobArn": arn}


@service.operation("DescribeTransformJob")
async def describe_transform_job(ctx: Context, req: Doc) -> Doc:
    """The Create request with AWS's defaults, and what is true (held for loops). Errors: ValidationException."""
    name = req["TransformJobName"]
    return described(await holding.answer(ctx, lambda: find(ctx, name), TRANSFORM_JOB.settled))


@service.operation("ListTransformJobs")
async def list_transform_jobs(ctx: Context, req: Doc) -> Doc:
    """A page of the jobs that pass the filters, newest first unless asked otherwise."""
    found, more = listing.page(ctx, KIND, req, descending=True)
    return {"TransformJobSummaries": [_summary(job) for job in found], **more}


@service.operation("StopTransformJob")
async def stop_transform_job(ctx: Context, req: Doc) -> Doc:
    """The job is asked to end: SIGTERM, two minutes, SIGKILL. Its outputs are not stored."""
    name = req["TransformJobName"]
    jobs.stop(ctx, lambda: find(ctx, name), "transform job", lambda _: {})
    return {}


def described(job: Resource) -> Doc:
    """DescribeTransformJob's answer."""
    said = job.public()
    said.pop("Tags", None)
    said["TransformInput"] = {"CompressionType": "None", "SplitType": "None", **said["TransformInput"]}
    said["TransformOutput"] = {"AssembleWith": "None", "KmsKeyId": "", **said["TransformOutput"]}
    defaults = {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
    said["DataProcessing"] = {**defaults, **(said.get("DataProcessing") or {})}
    return {
        **{name: value for name, value in said.items() if value not in ({}, [])},
        "TransformJobArn": job.arn,
        "TransformJobStatus": job.phase,
        "CreationTime": job.created,
    }


def _summary(job: Resource) -> Doc:
    return {
        "TransformJobName": job.name,
        "TransformJobArn": job.arn,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
        "TransformJobStatus": job.phase,
        **listing.pick(job.status, "TransformEndTime", "FailureReason"),
    }
