"""The operations on processing jobs."""

from clary.aws.service import Context
from clary.jobs import turns
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import experiment_config, holding, jobs, listing, roles
from clary.services.sagemaker.api import service
from clary.services.sagemaker.processing import checks
from clary.services.sagemaker.processing.machine import KIND, LONGEST_SECONDS, PROCESSING_JOB, find


@service.operation(
    "CreateProcessingJob",
    ignores=(
        "NetworkConfig.VpcConfig",
        "NetworkConfig.EnableInterContainerTrafficEncryption",
        "ProcessingOutputConfig.KmsKeyId",
        "ProcessingResources.ClusterConfig.VolumeSizeInGB",
        "ProcessingResources.ClusterConfig.VolumeKmsKeyId",
    ),
)
async def create_processing_job(ctx: Context, req: Doc) -> Doc:
    """Accept the job and return at once; the reconciler runs it. Errors: ResourceInUse, ValidationException."""
    name = req["ProcessingJobName"]
    arn = ctx.arn("sagemaker", f"processing-job/{name}")
    checks.check(req)
    experiment_config.check(ctx, req)
    cluster = req["ProcessingResources"]["ClusterConfig"]
    jobs.check_turn(ctx, req, cluster["InstanceType"], cluster["InstanceCount"])
    roles.check(ctx, req["RoleArn"], arn)
    status = turns.created_by(ctx)
    jobs.accept(ctx, KIND, name, arn, PROCESSING_JOB.initial, req, status, jobs.TAKEN)
    return {"ProcessingJobArn": arn}


@service.operation("DescribeProcessingJob")
async def describe_processing_job(ctx: Context, req: Doc) -> Doc:
    """The Create request with AWS's defaults, and what is true (held for loops). Errors: ValidationException."""
    name = req["ProcessingJobName"]
    return described(await holding.answer(ctx, lambda: find(ctx, name), PROCESSING_JOB.settled))


@service.operation("ListProcessingJobs")
async def list_processing_jobs(ctx: Context, req: Doc) -> Doc:
    """A page of the jobs that pass the filters, oldest first unless asked otherwise."""
    found, more = listing.page(ctx, KIND, req, descending=False)
    return {"ProcessingJobSummaries": [_summary(job) for job in found], **more}


@service.operation("StopProcessingJob")
async def stop_processing_job(ctx: Context, req: Doc) -> Doc:
    """The job is asked to end: SIGTERM, two minutes, SIGKILL. Its outputs are not stored."""
    name = req["ProcessingJobName"]
    jobs.stop(ctx, lambda: find(ctx, name), "processing job", lambda _: {})
    return {}


def described(job: Resource) -> Doc:
    """DescribeProcessingJob's answer."""
    said = job.public()
    said.pop("Tags", None)
    said.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": LONGEST_SECONDS})
    if said.get("ProcessingInputs"):
        said["ProcessingInputs"] = [_input(one) for one in said["ProcessingInputs"]]
    if said.get("ProcessingOutputConfig"):
        outputs = [{"AppManaged": False, **one} for one in said["ProcessingOutputConfig"]["Outputs"]]
        said["ProcessingOutputConfig"] = {**said["ProcessingOutputConfig"], "Outputs": outputs}
    return {
        **{name: value for name, value in said.items() if value not in ({}, [])},
        "ProcessingJobArn": job.arn,
        "ProcessingJobStatus": job.phase,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
    }


def _summary(job: Resource) -> Doc:
    return {
        "ProcessingJobName": job.name,
        "ProcessingJobArn": job.arn,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
        "ProcessingJobStatus": job.phase,
        **listing.pick(job.status, "ProcessingEndTime", "FailureReason", "ExitMessage"),
    }


def _input(one: Doc) -> Doc:
    defaults = {"S3InputMode": "File", "S3DataDistributionType": "FullyReplicated", "S3CompressionType": "None"}
    return {"AppManaged": False, **one, **({"S3Input": {**defaults, **one["S3Input"]}} if "S3Input" in one else {})}
