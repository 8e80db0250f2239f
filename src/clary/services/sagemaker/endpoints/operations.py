"""The operations on endpoints."""

from contextlib import suppress
from typing import Any

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import holding, listing, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.endpoints.machine import (
    ENDPOINT,
    KIND,
    check_updatable,
    containers,
    deployment,
    find,
    find_config,
)
from clary.services.sagemaker.errors import already_existing, check_weight, require

_WAITS = (
    "DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.WaitIntervalInSeconds",
    "DeploymentConfig.BlueGreenUpdatePolicy.TerminationWaitInSeconds",
    "DeploymentConfig.BlueGreenUpdatePolicy.MaximumExecutionTimeoutInSeconds",
)


@service.operation("CreateEndpoint", ignores=_WAITS)
async def create_endpoint(ctx: Context, req: Doc) -> Doc:
    """Accept the endpoint and return at once; the reconciler brings it into service. Errors: ValidationException."""
    name = req["EndpointName"]
    arn = ctx.arn("sagemaker", f"endpoint/{name}")
    tags.check(req.get("Tags"))
    _check_deployment_config(req)
    target = await deployment(ctx, find_config(ctx, req["EndpointConfigName"]), 1)
    endpoint = Resource(
        KIND,
        name,
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=arn,
        phase=ENDPOINT.initial,
        spec=req,
        status={"_target": target},
        due=ctx.clock.now(),
    )
    try:
        holding.made(ctx, ctx.store.create(endpoint))
    except Exists:
        raise already_existing("endpoint", arn) from None
    return {"EndpointArn": arn}


@service.operation("DescribeEndpoint")
async def describe_endpoint(ctx: Context, req: Doc) -> Doc:
    """What is true of the endpoint (held for loops). Errors: ValidationException "Could not find endpoint"."""
    name = req["EndpointName"]
    return described(await holding.answer(ctx, lambda: find(ctx, name), lambda phase: not phase.endswith("ing")))


@service.operation("ListEndpoints")
async def list_endpoints(ctx: Context, req: Doc) -> Doc:
    """A page of the endpoints that pass the filters, newest first unless asked otherwise."""
    found, more = listing.page(ctx, KIND, req, descending=True)
    endpoints = [
        {
            "EndpointName": one.name,
            "EndpointArn": one.arn,
            "CreationTime": one.created,
            "LastModifiedTime": one.modified,
            "EndpointStatus": one.phase,
        }
        for one in found
    ]
    return {"Endpoints": endpoints, **more}


@service.operation("UpdateEndpoint", ignores=(*_WAITS, "RetainDeploymentConfig"))
async def update_endpoint(ctx: Context, req: Doc) -> Doc:
    """The endpoint is asked to serve another configuration: first new instances, then the traffic, last the old go.
    Errors: ValidationException "Cannot update in-progress endpoint"."""
    _check_deployment_config(req)
    while True:
        endpoint = find(ctx, req["EndpointName"])
        check_updatable(endpoint)
        live: Doc = endpoint.status["_live"]
        generation = int(endpoint.status.get("_generation") or live["generation"]) + 1
        target = await deployment(ctx, find_config(ctx, req["EndpointConfigName"]), generation)
        if req.get("RetainAllVariantProperties"):
            left_out = {one["VariantPropertyType"] for one in req.get("ExcludeRetainedVariantProperties") or []}
            _retain(target, live, left_out)
        more = {"LastDeploymentConfig": req["DeploymentConfig"]} if "DeploymentConfig" in req else {}
        if _ask(ctx, endpoint, target, _generation=generation, **more):
            return {"EndpointArn": endpoint.arn}


@service.operation("UpdateEndpointWeightsAndCapacities")
async def update_endpoint_weights_and_capacities(ctx: Context, req: Doc) -> Doc:
    """The endpoint is asked for other weights and instance counts of its variants. Errors: ValidationException."""
    while True:
        endpoint = find(ctx, req["EndpointName"])
        check_updatable(endpoint)
        live: Doc = endpoint.status["_live"]
        variants = {variant["name"]: dict(variant) for variant in live["variants"]}
        for wanted in req["DesiredWeightsAndCapacities"]:
            _change(variants, wanted)
        target = {**live, "started": ctx.clock.now(), "variants": list(variants.values())}
        if _ask(ctx, endpoint, target):
            return {"EndpointArn": endpoint.arn}


@service.operation("DeleteEndpoint")
async def delete_endpoint(ctx: Context, req: Doc) -> Doc:
    """The endpoint is asked to go, in whatever status it is; Describe finds it until its instances are gone."""
    while True:
        endpoint = find(ctx, req["EndpointName"])
        with suppress(Stale):  # The reconciler wrote it between the look and the write: look again.
            ctx.store.update(endpoint, phase="Deleting", due=ctx.clock.now())
            return {}


def described(endpoint: Resource) -> Doc:
    """DescribeEndpoint's answer."""
    status = endpoint.status
    live, target = status.get("_live"), status.get("_target")
    said = endpoint.public()
    said.pop("Tags", None)
    said.pop("DeploymentConfig", None)
    shown = live or target
    if shown is not None:
        same = target if target is not None and target["generation"] == shown["generation"] else shown
        said["ProductionVariants"] = _variants(endpoint, shown, same)
    if live is not None and target is not None and target["generation"] != live["generation"]:
        said["PendingDeploymentSummary"] = {
            "EndpointConfigName": target["config"],
            "ProductionVariants": _variants(endpoint, target, target),
            "StartTime": target["started"],
        }
    return {
        **said,
        "EndpointArn": endpoint.arn,
        "EndpointStatus": endpoint.phase,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
    }


def _variants(endpoint: Resource, now: Doc, asked: Doc) -> list[Doc]:
    ready: dict[str, int] = {}
    for one in endpoint.status.get("_instances") or []:
        if one["generation"] == now["generation"] and one["ready"] is not None:
            ready[one["variant"]] = ready.get(one["variant"], 0) + 1
    return [
        {
            "VariantName": variant["name"],
            "DeployedImages": [
                {"SpecifiedImage": one["Image"], "ResolutionTime": now["started"]} for one in containers(variant)
            ],
            "CurrentWeight": variant["weight"],
            "DesiredWeight": wanted["weight"],
            "CurrentInstanceCount": ready.get(variant["name"], 0),
            "DesiredInstanceCount": wanted["count"],
        }
        for variant, wanted in zip(now["variants"], asked["variants"], strict=True)
    ]


def _ask(ctx: Context, endpoint: Resource, target: Doc, **status: Any) -> bool:
    """The endpoint has a new target; False: it was written meanwhile, look again."""
    try:
        ctx.store.update(endpoint, phase="Updating", due=ctx.clock.now(), _target=target, FailureReason=None, **status)
    except Stale:
        return False
    return True


def _retain(target: Doc, live: Doc, left_out: set[str]) -> None:
    """Variants that keep their names keep their present counts and weights too."""
    before = {variant["name"]: variant for variant in live["variants"]}
    for variant in target["variants"]:
        old = before.get(variant["name"])
        if old is None:
            continue
        if "DesiredInstanceCount" not in left_out:
            variant["count"] = old["count"]
        if "DesiredWeight" not in left_out:
            variant["weight"] = old["weight"]


def _change(variants: dict[str, Doc], wanted: Doc) -> None:
    name = wanted["VariantName"]
    if "ServerlessUpdateConfig" in wanted:
        raise NotImplementedHere("ServerlessUpdateConfig is not served yet: there are no serverless variants.")
    require(name in variants, f"The endpoint has no production variant {name!r}; it has {', '.join(sorted(variants))}")
    if "DesiredWeight" in wanted:
        check_weight(f"DesiredWeight of {name!r}", wanted["DesiredWeight"])
        variants[name]["weight"] = float(wanted["DesiredWeight"])
    if "DesiredInstanceCount" in wanted:
        require(wanted["DesiredInstanceCount"] >= 1, f"DesiredInstanceCount of {name!r} must be at least 1")
        variants[name]["count"] = wanted["DesiredInstanceCount"]


def _check_deployment_config(req: Doc) -> None:
    config: Doc = req.get("DeploymentConfig") or {}
    for member in ("RollingUpdatePolicy", "AutoRollbackConfiguration"):
        if config.get(member):
            raise NotImplementedHere(f"DeploymentConfig.{member} is not served yet; leave it out.")
    kind = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {}).get("Type", "ALL_AT_ONCE")
    if kind != "ALL_AT_ONCE":
        raise NotImplementedHere(f"Traffic routing {kind} is not served yet; use ALL_AT_ONCE.")
    for member in ("CanarySize", "LinearStepSize"):
        given = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
        require(member not in given, f"{member} does not go with the traffic routing ALL_AT_ONCE: leave it out")
