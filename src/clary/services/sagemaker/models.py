"""Models: which container serves which artifact. Nothing runs until an endpoint asks for it."""

from clary.aws.errors import NotImplementedHere, ServiceError, ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import listing, locations, roles, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import already_existing, check_command, could_not_find, refuse, require

KIND = "model"

_REFUSED = {
    "ModelPackageName": "model packages come with the model registry",
    "InferenceSpecificationName": "model packages come with the model registry",
    "AdditionalModelDataSources": "a container has one model data source",
    "MultiModelConfig": "multi-model containers",
    "ModelDataSource.S3DataSource.HubAccessConfig": "hubs",
    "ModelDataSource.S3DataSource.ManifestS3Uri": "model data by manifest",
    "ModelDataSource.S3DataSource.ManifestEtag": "model data by manifest",
    "ModelDataSource.S3DataSource.ETag": "model data of one certain ETag",
}


@service.operation(
    "CreateModel",
    ignores=(
        "VpcConfig",
        "InferenceExecutionConfig",
        *(
            f"{member}.{ignored}"
            for member in ("PrimaryContainer", "Containers")
            for ignored in (
                "ContainerHostname",
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
    for container in containers(req):
        _check_container(container)
    if "ExecutionRoleArn" in req:
        roles.check(ctx, req["ExecutionRoleArn"], arn)
    for container in containers(req):
        await check_data(ctx, container, req.get("ExecutionRoleArn"), arn)
    model = Resource(KIND, name, ctx.account, ctx.region, uid=ids.new(), arn=arn, spec=req)
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


def containers(spec: Doc) -> list[Doc]:
    """The containers of a model, in order. Raises ValidationException unless exactly one of the two members is set."""
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
    by_prefix = source.get("S3DataType") == "S3Prefix"
    try:
        there = await (locations.has_prefix(as_role, at) if by_prefix else locations.has_object(as_role, at))
    except ServiceError as error:
        raise ValidationException(
            f'Could not access model data at {uri}. Please ensure that the role "{role_arn}" exists and that its trust '
            'relationship policy allows the action "sts:AssumeRole" for the service principal '
            f'"{roles.SERVICE}". Also ensure that the role has "s3:GetObject" permissions and that the object is '
            f"located in {ctx.region}. S3 answered: {error.message}"
        ) from None
    if not there:
        raise ValidationException(f"Could not find model data at {uri}.")


def _check_container(container: Doc) -> None:
    refuse(container, _REFUSED)
    require(bool(container.get("Image")), "A container needs the member Image")
    check_command("Environment", (container.get("Environment") or {}).values())
    if container.get("Mode") == "MultiModel":
        raise NotImplementedHere("Mode MultiModel is not served yet: make one model and one variant for each artifact.")
    source = (container.get("ModelDataSource") or {}).get("S3DataSource")
    require(not (source and container.get("ModelDataUrl")), "Set either ModelDataUrl or ModelDataSource in a container")
    if source and (source["S3DataType"], source["CompressionType"]) == ("S3Prefix", "Gzip"):
        raise ValidationException("CompressionType Gzip needs S3DataType S3Object: a prefix is not one archive")


def _described(container: Doc) -> Doc:
    return {"Mode": "SingleModel", **_filled(container)}


def _filled(said: Doc) -> Doc:
    """Without members that hold nothing: SDKs refuse a structure that is present and empty."""
    return {name: value for name, value in said.items() if value not in ({}, [])}
