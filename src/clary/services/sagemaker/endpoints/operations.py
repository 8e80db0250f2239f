"""The operations on endpoints."""

from contextlib import suppress
from typing import Any

from clary.aws.credentials import packed
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import holding, listing, serverless, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.endpoints import alarms, rollout, shifting
from clary.services.sagemaker.endpoints.describing import described
from clary.services.sagemaker.endpoints.machine import (
    ENDPOINT,
    KIND,
    KINDS,
    check_updatable,
    deployment,
    every_variant,
    find,
    find_config,
)
from clary.services.sagemaker.errors import already_existing, check_weight, require


@service.operation("CreateEndpoint")
async def create_endpoint(ctx: Context, req: Doc) -> Doc:
    """Accept the endpoint and return at once; the reconciler brings it into service. Errors: ValidationException."""
    name = req["EndpointName"]
    arn = ctx.arn("sagemaker", f"endpoint/{name}")
    tags.check(req.get("Tags"))
    target = await deployment(ctx, find_config(ctx, req["EndpointConfigName"]), 1)
    status: Doc = {"_target": target}
    if "DeploymentConfig" in req:  # it is for the updates that reuse it: there is nothing yet to take over from
        await _check(ctx, req["DeploymentConfig"], target)
        status["LastDeploymentConfig"] = req["DeploymentConfig"]
    endpoint = Resource(
        KIND,
        name,
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=arn,
        phase=ENDPOINT.initial,
        spec=req,
        status=status,
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


@service.operation("UpdateEndpoint")
async def update_endpoint(ctx: Context, req: Doc) -> Doc:
    """The endpoint is asked to serve another configuration, in the stages that the DeploymentConfig says: first new
    instances, then the traffic, last the old go. Errors: ValidationException "Cannot update in-progress endpoint"."""
    while True:
        endpoint = find(ctx, req["EndpointName"])
        check_updatable(endpoint)
        live, left = _serving(endpoint)
        generation = int(endpoint.status.get("_generation") or live["generation"]) + 1
        target = await deployment(ctx, find_config(ctx, req["EndpointConfigName"]), generation)
        if req.get("RetainAllVariantProperties"):
            left_out = {one["VariantPropertyType"] for one in req.get("ExcludeRetainedVariantProperties") or []}
            _retain(target, live, left_out)
        config: Doc = req.get("DeploymentConfig") or {}
        if not config and req.get("RetainDeploymentConfig"):
            config = endpoint.status.get("LastDeploymentConfig") or {}
        await _check(ctx, config, target)
        begun = shifting.begun(config, packed(ctx.principal), ctx.clock.now())
        more = {"LastDeploymentConfig": config} if config else {}
        if _ask(ctx, endpoint, target, **{**left, **more, "_generation": generation, "_rollout": begun}):
            return {"EndpointArn": endpoint.arn}


@service.operation("UpdateEndpointWeightsAndCapacities")
async def update_endpoint_weights_and_capacities(ctx: Context, req: Doc) -> Doc:
    """The endpoint is asked for other weights and instance counts of its variants. Errors: ValidationException."""
    while True:
        endpoint = find(ctx, req["EndpointName"])
        check_updatable(endpoint)
        live, left = _serving(endpoint)
        variants = {variant["name"]: dict(variant) for variant in every_variant(live)}
        for wanted in req["DesiredWeightsAndCapacities"]:
            _change(variants, wanted, 0 if live.get("asynchronous") else 1)
        changed = {kind: [variants[one["name"]] for one in live[kind]] for kind in KINDS if live.get(kind)}
        target = {**live, **changed, "started": ctx.clock.now()}
        if _ask(ctx, endpoint, target, **left):
            return {"EndpointArn": endpoint.arn}


@service.operation("DeleteEndpoint")
async def delete_endpoint(ctx: Context, req: Doc) -> Doc:
    """The endpoint is asked to go, in whatever status it is; Describe finds it until its instances are gone."""
    while True:
        endpoint = find(ctx, req["EndpointName"])
        with suppress(Stale):  # The reconciler wrote it between the look and the write: look again.
            ctx.store.update(endpoint, phase="Deleting", due=ctx.clock.now())
            return {}


async def _check(ctx: Context, config: Doc, target: Doc) -> None:
    rollout.check(config, target)
    await alarms.check(ctx, rollout.alarms(config))


def _serving(endpoint: Resource) -> tuple[Doc, Doc]:
    """(the deployment that the next one takes over from, what else of the status changes by that). Where an update
    could not be taken back (UpdateRollbackFailed) that is the one of the two that has more instances ready: it serves
    alone from then on."""
    live: Doc = endpoint.status["_live"]
    undone: Doc | None = endpoint.status.get("_undone")
    if undone is None:
        return live, {}
    ready = [one["generation"] for one in endpoint.status.get("_instances") or [] if one["ready"] is not None]
    chosen = max((live, undone), key=lambda one: ready.count(one["generation"]))
    return chosen, {"_live": chosen, "_undone": None, "_rollout": None, "EndpointConfigName": chosen["config"]}


def _ask(ctx: Context, endpoint: Resource, target: Doc, **status: Any) -> bool:
    """The endpoint has a new target; False: it was written meanwhile, look again."""
    try:
        ctx.store.update(endpoint, phase="Updating", due=ctx.clock.now(), _target=target, FailureReason=None, **status)
    except Stale:
        return False
    return True


def _retain(target: Doc, live: Doc, left_out: set[str]) -> None:
    """Variants that keep their names keep their present counts and weights too."""
    before = {variant["name"]: variant for variant in every_variant(live)}
    for variant in every_variant(target):
        old = before.get(variant["name"])
        if old is None:
            continue
        if "DesiredInstanceCount" not in left_out and not (variant.get("serverless") or old.get("serverless")):
            variant["count"] = old["count"]
        if "DesiredWeight" not in left_out:
            variant["weight"] = old["weight"]


def _change(variants: dict[str, Doc], wanted: Doc, least: int) -> None:
    name = wanted["VariantName"]
    require(name in variants, f"The endpoint has no production variant {name!r}; it has {', '.join(sorted(variants))}")
    if "DesiredWeight" in wanted:
        check_weight(f"DesiredWeight of {name!r}", wanted["DesiredWeight"])
        variants[name]["weight"] = float(wanted["DesiredWeight"])
    if "DesiredInstanceCount" in wanted:
        require(not variants[name].get("serverless"), f"Variant {name!r} is serverless: it has no DesiredInstanceCount")
        require(
            wanted["DesiredInstanceCount"] >= least,
            f"DesiredInstanceCount of {name!r} must be at least {least}: only asynchronous endpoints go down to 0",
        )
        variants[name]["count"] = wanted["DesiredInstanceCount"]
    if "ServerlessUpdateConfig" in wanted:
        serverless.update(variants[name], wanted["ServerlessUpdateConfig"])
