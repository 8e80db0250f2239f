"""Models: which containers serve which artifacts. Nothing runs until an endpoint asks for it.

A container is an image with an artifact, or names a model package whose containers take its place. What the packages
said when the model was made is kept in the model's status: `_containers`, complete in itself.
"""

from collections.abc import Sequence

from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.jobs import locations
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import compiling, listing, roles, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import already_existing, check_command, could_not_find, refuse, require
from clary.services.sagemaker.registry import artifacts, resolving

KIND = "model"
SERIAL, DIRECT = "Serial", "Direct"
"""InferenceExecutionConfig.Mode: each container's answer is the next one's request, or each request names its own."""
MULTI_MODEL = "MultiModel"
MOST_CONTAINERS = 15

_REFUSED = {
    "AdditionalModelDataSources": "a container has one model data source",
    "ModelDataSource.S3DataSource.HubAccessConfig": "hubs",
    "ModelDataSource.S3DataSource.ManifestS3Uri": "model data by manifest",
    "ModelDataSource.S3DataSource.ManifestEtag": "model data by manifest",
    "ModelDataSource.S3DataSource.ETag": "model data of one certain ETag",
}


@service.operation(
    "CreateModel",
    ignores=(
        "VpcConfig",
        *(
            f"{member}.{ignored}"
            for member in ("PrimaryContainer", "Containers")
            for ignored in (
                "ImageConfig",
                "ContainerMetricsConfig",
                "ModelDataSource.S3DataSource.ModelAccessConfig",
            )
        ),
    ),
)
async def create_model(ctx: Context, req: Doc) -> Doc:
    """The model is there; its data was seen in S3. Errors: ValidationException."""
    name = req["ModelName"]
    arn = ctx.arn("sagemaker", f"model/{name}")
    tags.check(req.get("Tags"))
    given = _given(req)
    for container in given:
        _check_container(container)
    resolved = [one for container in given for one in resolving.containers(ctx, container)]
    _check_together(resolved, mode(req))
    if "ExecutionRoleArn" in req:
        roles.check(ctx, req["ExecutionRoleArn"], arn)
    for container in resolved:
        await check_data(ctx, container, req.get("ExecutionRoleArn"), arn)
    role = roles.acting(ctx, req["ExecutionRoleArn"], arn) if "ExecutionRoleArn" in req else None
    for container in given:
        await artifacts.check(ctx, container, role)
    kept: Doc = {"_containers": resolved} if resolved != given else {}
    asked = await compiling.ask(ctx, resolved, req.get("ExecutionRoleArn", ""), arn, direct=mode(req) == DIRECT)
    if asked.name is not None:
        kept["_refers"] = [compiling.reference(asked.name)]
    model = Resource(KIND, name, ctx.account, ctx.region, uid=ids.new(), arn=arn, spec=req, status=kept)
    try:
        ctx.store.create(model)
    except Exists:
        raise already_existing("model", arn) from None
    return {"ModelArn": arn}


@service.operation("DescribeModel")
async def describe_model(ctx: Context, req: Doc) -> Doc:
    """The Create request, the ARN and the time. Errors: ValidationException "Could not find model"."""
    model = find(ctx, req["ModelName"])
    said = model.public()
    said.pop("Tags", None)
    said.setdefault("EnableNetworkIsolation", False)
    if "PrimaryContainer" in said:
        said["PrimaryContainer"] = _described(said["PrimaryContainer"])
    else:
        said["Containers"] = [_described(one) for one in said["Containers"]]
    return {**_filled(said), "ModelArn": model.arn, "CreationTime": model.created}


@service.operation("ListModels")
async def list_models(ctx: Context, req: Doc) -> Doc:
    """A page of the models that pass the filters, newest first unless asked otherwise."""
    found, more = listing.page(ctx, KIND, req, descending=True)
    models = [{"ModelName": one.name, "ModelArn": one.arn, "CreationTime": one.created} for one in found]
    return {"Models": models, **more}


@service.operation("DeleteModel")
async def delete_model(ctx: Context, req: Doc) -> Doc:
    """The model is gone; its data in S3 and the endpoints that serve it stay. Errors: ValidationException."""
    model = find(ctx, req["ModelName"])
    ctx.store.delete(model)
    tags.forget(ctx.store, model)
    return {}


def find(ctx: Context, name: str) -> Resource:
    """The model of that name. Raises ValidationException."""
    try:
        return ctx.store.get(ctx.account, ctx.region, KIND, name)
    except Missing:
        raise could_not_find("model", ctx.arn("sagemaker", f"model/{name}")) from None


def containers(model: Resource) -> list[Doc]:
    """The containers of a model, in order, each with an image."""
    kept: list[Doc] | None = model.status.get("_containers")
    return kept if kept is not None else _given(model.spec)


def mode(spec: Doc) -> str:
    """How requests go through the model's containers: SERIAL or DIRECT."""
    return (spec.get("InferenceExecutionConfig") or {}).get("Mode") or SERIAL


def hostnames(several: Sequence[Doc]) -> list[str]:
    """What each container is called in logs and errors: its ContainerHostname, or its place among the others; of a
    model with one container, AWS's "primary"."""
    if len(several) == 1:
        return ["primary"]
    return [one.get("ContainerHostname") or f"container-{place}" for place, one in enumerate(several, 1)]


def is_multi_model(container: Doc) -> bool:
    """The container holds whatever models stand below its ModelDataUrl, each loaded when it is first asked for."""
    return container.get("Mode") == MULTI_MODEL


def _given(spec: Doc) -> list[Doc]:
    """As the request has them. Raises ValidationException unless exactly one of the two members is set."""
    primary, several = spec.get("PrimaryContainer"), spec.get("Containers")
    if primary and several:
        raise ValidationException("Set either PrimaryContainer or Containers, not both")
    found = [primary] if primary else list(several or [])
    if not found:
        raise ValidationException("A model needs a container: set PrimaryContainer or Containers")
    return found


async def check_data(ctx: Context, container: Doc, role_arn: str | None, model_arn: str) -> None:
    """The container's model data is in S3, and the role may read it. Raises ValidationException as SageMaker words
    it."""
    uri = container.get("ModelDataUrl")
    source: Doc = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    uri = source.get("S3Uri", uri)
    if not uri:
        return
    require(role_arn is not None, f"A model with data needs an ExecutionRoleArn: {uri} is read as that role")
    as_role = roles.acting(ctx, role_arn or "", model_arn)
    at = locations.parse(uri)
    by_prefix = source.get("S3DataType") == "S3Prefix" or is_multi_model(container)
    try:
        there = await (locations.has_prefix(as_role, at) if by_prefix else locations.has_object(as_role, at))
    except ServiceError as error:
        raise ValidationException(
            f'Could not access model data at {uri}. Please ensure that the role "{role_arn}" exists and that its trust '
            'relationship policy allows the action "sts:AssumeRole" for the service principal '
            f'"{roles.SERVICE}". Also ensure that the role has "s3:GetObject" permissions and that the object is '
            f"located in {ctx.region}. S3 answered: {error.message}"
        ) from None
    # A multi-model container may begin with an empty prefix: models are put there while it serves.
    if not there and not is_multi_model(container):
        raise ValidationException(f"Could not find model data at {uri}.")


def _check_container(container: Doc) -> None:
    refuse(container, _REFUSED)
    check_command("Environment", (container.get("Environment") or {}).values())
    package = container.get("ModelPackageName")
    if package:
        for member in ("Image", "ModelDataUrl", "ModelDataSource", "MultiModelConfig"):
            require(not container.get(member), f"A container with ModelPackageName takes {member} from its package")
        require(container.get("Mode") != MULTI_MODEL, "Mode MultiModel does not go with ModelPackageName")
        return
    require(not container.get("InferenceSpecificationName"), "InferenceSpecificationName needs ModelPackageName")
    require(bool(container.get("Image")), "A container needs the member Image, or ModelPackageName")
    source = (container.get("ModelDataSource") or {}).get("S3DataSource")
    require(not (source and container.get("ModelDataUrl")), "Set either ModelDataUrl or ModelDataSource in a container")
    if source and (source["S3DataType"], source["CompressionType"]) == ("S3Prefix", "Gzip"):
        raise ValidationException("CompressionType Gzip needs S3DataType S3Object: a prefix is not one archive")
    if container.get("Mode") == MULTI_MODEL:
        require(bool(container.get("ModelDataUrl")), "Mode MultiModel needs ModelDataUrl: the prefix of its models")
    else:
        require(not container.get("MultiModelConfig"), "MultiModelConfig needs Mode MultiModel")


def _check_together(several: Sequence[Doc], how: str) -> None:
    """The containers may stand side by side, as AWS has it."""
    require(len(several) <= MOST_CONTAINERS, f"A model has at most {MOST_CONTAINERS} containers, not {len(several)}")
    if len(several) == 1:
        require(how != DIRECT, "InferenceExecutionConfig Mode Direct needs several Containers")
        return
    names = [one.get("ContainerHostname") for one in several]
    named = [one for one in names if one]
    require(how != DIRECT or len(named) == len(several), "Mode Direct needs a ContainerHostname in every container")
    require(
        len(named) in (0, len(several)),
        "ContainerHostname must be set in every container of an inference pipeline, or in none",
    )
    twice = [one for one in named if named.count(one) > 1]
    require(not twice, f"Two containers are called {twice[0] if twice else ''!r}: ContainerHostname must be unique")
    require(
        not any(is_multi_model(one) for one in several),
        "Mode MultiModel goes with one container only: make it the PrimaryContainer",
    )


def _described(container: Doc) -> Doc:
    return {"Mode": "SingleModel", **_filled(container)}


def _filled(said: Doc) -> Doc:
    """Without members that hold nothing: SDKs refuse a structure that is present and empty."""
    return {name: value for name, value in said.items() if value not in ({}, [])}
