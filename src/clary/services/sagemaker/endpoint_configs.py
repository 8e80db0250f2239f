"""Endpoint configurations: which models an endpoint serves, on how many instances, with which weights."""

from typing import Any

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import listing, models, serverless, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.asynchronous import checks
from clary.services.sagemaker.capturing import rules
from clary.services.sagemaker.errors import already_existing, check_weight, could_not_find, refuse, require

KIND = "endpoint-config"

_REFUSED = {
    "ExplainerConfig": "online explanations",
    "ExecutionRoleArn": "inference components",
    "CrossRegionTrafficConfig": "traffic across regions",
}
_REFUSED_OF_VARIANT = {
    "ManagedInstanceScaling": "managed instance scaling",
    "InstancePools": "pools of several instance types",
    "CoreDumpConfig": "core dumps",
    "CapacityReservationConfig": "capacity reservations",
    "AcceleratorPartitionLayouts": "accelerators",
}
_VARIANTS = ("ProductionVariants", "ShadowProductionVariants")
_IGNORED_OF_VARIANT = (
    "AcceleratorType",
    "ModelDataDownloadTimeoutInSeconds",
    "VariantInstanceProvisionTimeoutInSeconds",
    "VolumeSizeInGB",
    "EnableSSMAccess",
    "RoutingConfig",
    "InferenceAmiVersion",
)


@service.operation(
    "CreateEndpointConfig",
    ignores=(
        "KmsKeyId",
        "VpcConfig",
        "EnableNetworkIsolation",
        "MetricsConfig",
        *checks.IGNORED,
        "DataCaptureConfig.KmsKeyId",
        *(f"{member}.{one}" for member in _VARIANTS for one in _IGNORED_OF_VARIANT),
    ),
)
async def create_endpoint_config(ctx: Context, req: Doc) -> Doc:
    """The configuration is there; its models are. Errors: ValidationException."""
    name = req["EndpointConfigName"]
    arn = ctx.arn("sagemaker", f"endpoint-config/{name}")
    refuse(req, _REFUSED)
    rules.check(req.get("DataCaptureConfig"))
    tags.check(req.get("Tags"))
    checks.check(req)
    serverless.check_alone(req["ProductionVariants"])
    _check_variants(ctx, [*req["ProductionVariants"], *(req.get("ShadowProductionVariants") or [])])
    _check_shadows(req)
    config = Resource(KIND, name, ctx.account, ctx.region, uid=ids.new(), arn=arn, spec=req)
    try:
        ctx.store.create(config)
    except Exists:
        raise already_existing("endpoint configuration", arn) from None
    return {"EndpointConfigArn": arn}


@service.operation("DescribeEndpointConfig")
async def describe_endpoint_config(ctx: Context, req: Doc) -> Doc:
    """The Create request, the ARN and the time. Errors: ValidationException "Could not find endpoint configuration"."""
    config = find(ctx, req["EndpointConfigName"])
    said = config.public()
    said.pop("Tags", None)
    for member in _VARIANTS:
        if member in said:
            said[member] = [{"InitialVariantWeight": 1.0, **variant} for variant in said[member]]
    return {**said, "EndpointConfigArn": config.arn, "CreationTime": config.created}


@service.operation("ListEndpointConfigs")
async def list_endpoint_configs(ctx: Context, req: Doc) -> Doc:
    """A page of the configurations that pass the filters, newest first unless asked otherwise."""
    found, more = listing.page(ctx, KIND, req, descending=True)
    configs = [
        {"EndpointConfigName": one.name, "EndpointConfigArn": one.arn, "CreationTime": one.created} for one in found
    ]
    return {"EndpointConfigs": configs, **more}


@service.operation("DeleteEndpointConfig")
async def delete_endpoint_config(ctx: Context, req: Doc) -> Doc:
    """The configuration is gone; an endpoint that was made from it goes on serving. Errors: ValidationException."""
    config = find(ctx, req["EndpointConfigName"])
    ctx.store.delete(config)
    tags.forget(ctx.store, config)
    return {}


def find(ctx: Context, name: str) -> Resource:
    """The configuration of that name. Raises ValidationException."""
    try:
        return ctx.store.get(ctx.account, ctx.region, KIND, name)
    except Missing:
        arn = ctx.arn("sagemaker", f"endpoint-config/{name}")
        raise could_not_find("endpoint configuration", arn) from None


def _check_variants(ctx: Context, variants: list[Doc]) -> None:
    names: set[Any] = set()
    for variant in variants:
        name = variant["VariantName"]
        require(name not in names, f"Two variants are called {name!r}: variant names must be unique")
        names.add(name)
        refuse(variant, _REFUSED_OF_VARIANT)
        if not variant.get("ModelName"):
            raise NotImplementedHere(f"Variant {name!r} names no ModelName: inference components are not served yet.")
        serverless.check(variant)
        check_weight(f"InitialVariantWeight of {name!r}", variant.get("InitialVariantWeight", 1.0))
        models.find(ctx, variant["ModelName"])


def _check_shadows(req: Doc) -> None:
    shadows = req.get("ShadowProductionVariants") or []
    if not shadows:
        return
    production = req["ProductionVariants"]
    require(
        len(production) == len(shadows) == 1,
        "With ShadowProductionVariants there is one production variant and one shadow variant",
    )
    for variant in (*production, *shadows):
        require(
            not variant.get("ServerlessConfig"),
            f"Variant {variant['VariantName']!r} is serverless: shadow variants go with instances only",
        )
