"""The operations on processing jobs."""

from pathlib import PurePosixPath
from typing import Any

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import holding, jobs, listing, locations, roles, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import ResourceInUse, check_command, refuse, require
from clary.services.sagemaker.processing.machine import KIND, LONGEST_SECONDS, PROCESSING_JOB, ROOT, find

_REFUSED = {
    "ProcessingResources.ClusterConfig.InstancePreferences": "a choice of instance types",
    "ProcessingResources.ClusterConfig.SelectedInstanceType": "a choice of instance types",
    "ProcessingResources.ClusterConfig.SelectedInstanceCount": "a choice of instance types",
    "ProcessingInputs.DatasetDefinition": "Athena and Redshift as sources; give an S3Input",
    "ProcessingOutputConfig.Outputs.FeatureStoreOutput": "the feature store; give an S3Output",
}


@service.operation(
    "CreateProcessingJob",
    ignores=(
        "NetworkConfig.VpcConfig",
        "NetworkConfig.EnableInterContainerTrafficEncryption",
        "ProcessingOutputConfig.KmsKeyId",
        "ProcessingResources.ClusterConfig.VolumeSizeInGB",
        "ProcessingResources.ClusterConfig.VolumeKmsKeyId",
        "ProcessingInputs.S3Input.S3DataDistributionType",
        "ExperimentConfig",
    ),
)
async def create_processing_job(ctx: Context, req: Doc) -> Doc:
    """Accept the job and return at once; the reconciler runs it. Errors: ResourceInUse, ValidationException."""
    name = req["ProcessingJobName"]
    arn = ctx.arn("sagemaker", f"processing-job/{name}")
    _check(req)
    roles.check(ctx, req["RoleArn"], arn)
    job = Resource(
        KIND,
        name,
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=arn,
        phase=PROCESSING_JOB.initial,
        spec=req,
        due=ctx.clock.now(),
    )
    try:
        holding.made(ctx, ctx.store.create(job))
    except Exists:
        raise ResourceInUse(
            f"Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})"
        ) from None
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


def _check(req: Doc) -> None:
    """Raises ValidationException for what AWS would refuse, NotImplementedHere for what Clary does not serve."""
    refuse(req, _REFUSED)
    tags.check(req.get("Tags"))
    for member in ("ContainerEntrypoint", "ContainerArguments"):
        check_command(f"AppSpecification.{member}", req["AppSpecification"].get(member) or [])
    check_command("Environment", (req.get("Environment") or {}).values())
    cluster = req["ProcessingResources"]["ClusterConfig"]
    for member in ("InstanceType", "InstanceCount"):
        require(bool(cluster.get(member)), f"ProcessingResources.ClusterConfig needs the member {member}")
    if cluster["InstanceCount"] > 1:
        raise NotImplementedHere(
            "ProcessingResources.ClusterConfig.InstanceCount above 1 is not served yet: a job runs on this machine "
            "alone. Ask for 1."
        )
    names: set[Any] = set()
    places: dict[str, str] = {}
    for one in req.get("ProcessingInputs") or []:
        _check_name("ProcessingInputs", one["InputName"], names)
        _check_input(one, places)
    names = set()
    for one in (req.get("ProcessingOutputConfig") or {}).get("Outputs") or []:
        _check_name("ProcessingOutputConfig", one["OutputName"], names)
        _check_output(one)


def _check_name(where: str, name: str, names: set[Any]) -> None:
    require(name not in names, f"{where}: two are called {name!r}; names must be unique")
    names.add(name)


def _check_input(one: Doc, places: dict[str, str]) -> None:
    where = f"ProcessingInputs {one['InputName']!r}"
    given = one.get("S3Input")
    if given is None:
        require(bool(one.get("AppManaged")), f"{where} needs an S3Input")
        return
    locations.parse(given["S3Uri"])
    if one.get("AppManaged"):
        return
    if given.get("S3InputMode", "File") == "Pipe":
        raise NotImplementedHere(f"{where}: S3InputMode Pipe is not served yet; use File.")
    compression = given.get("S3CompressionType", "None")
    require(compression == "None", f"{where}: S3CompressionType {compression} needs S3InputMode Pipe; leave it out")
    place = _check_path(where, given.get("LocalPath"))
    require(place not in places, f"{where} has the LocalPath of {places.get(place)!r}: each input needs its own")
    places[place] = one["InputName"]


def _check_output(one: Doc) -> None:
    where = f"ProcessingOutputConfig {one['OutputName']!r}"
    given = one.get("S3Output")
    if given is None:
        require(bool(one.get("AppManaged")), f"{where} needs an S3Output")
        return
    locations.parse(given["S3Uri"])
    if one.get("AppManaged"):
        return
    if given["S3UploadMode"] == "Continuous":
        raise NotImplementedHere(f"{where}: S3UploadMode Continuous is not served yet; use EndOfJob.")
    _check_path(where, given.get("LocalPath"))


def _check_path(where: str, given: str | None) -> str:
    require(bool(given), f"{where} needs the member LocalPath")
    require("\0" not in (given or ""), f"{where}: LocalPath holds a NUL character, which no path can")
    path = PurePosixPath(given or "")
    inside = path.is_relative_to(ROOT) and ".." not in path.parts and path != PurePosixPath(ROOT)
    require(inside, f"{where}: LocalPath {given!r} must be a path below {ROOT}/")
    return str(path)
