"""What the data plane is told of an endpoint: the route that a deployment, or two of them at once, shall have.

While an update moves traffic step by step, a variant has instances of two generations. The route then names it twice:
once with its old instances and once with its new ones, each with its part of the weight.
"""

from collections.abc import Mapping, Sequence

from clary.engines.serving.base import Route, RouteVariant
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import models
from clary.services.sagemaker.capturing.rules import rule
from clary.services.sagemaker.endpoints.machine import containers

Addresses = Mapping[str, Sequence[str]]
"""Of the instances that are ready, by variant."""


def plain(endpoint: Resource, deployment: Doc, ready: Addresses) -> Route:
    """The deployment alone serves, by its own weights."""
    variants = tuple(_variant(one, one["weight"], ready) for one in deployment["variants"])
    return _route(endpoint, deployment, variants, _shadows(deployment, ready))


def mixed(
    endpoint: Resource, old: Doc, old_ready: Addresses, new: Doc, new_ready: Addresses, share: Mapping[str, float]
) -> Route:
    """Of each variant of `new` its share (0 to 1) of the traffic is on the new instances, the rest on the old ones. The
    two deployments count alike, whatever the sums of their weights. Settings of the whole endpoint are the old ones
    until nothing is left to it, and so is the shadow."""
    least = min(share.values(), default=0.0)
    if not any(share.values()):
        return plain(endpoint, old, old_ready)
    if least >= 1.0:
        return plain(endpoint, new, new_ready)
    of_old = [one["weight"] * (1.0 - share.get(one["name"], least)) for one in old["variants"]]
    of_new = [one["weight"] * share.get(one["name"], 0.0) for one in new["variants"]]
    all_old, all_new = _sum(old), _sum(new)
    # New ones first: of a variant without weight that a request names, the last gets all, and those are the old ones.
    variants = (
        *(_variant(one, weight / all_new, new_ready) for one, weight in zip(new["variants"], of_new, strict=True)),
        *(_variant(one, weight / all_old, old_ready) for one, weight in zip(old["variants"], of_old, strict=True)),
    )
    return _route(endpoint, old, variants, _shadows(old, old_ready))


def _route(
    endpoint: Resource, deployment: Doc, variants: tuple[RouteVariant, ...], shadows: tuple[RouteVariant, ...]
) -> Route:
    asynchronous = bool(deployment.get("asynchronous"))
    where = (endpoint.account, endpoint.region, endpoint.name)
    return Route(*where, variants, shadows, rule(deployment.get("capture")), asynchronous)


def _variant(variant: Doc, weight: float, ready: Addresses) -> RouteVariant:
    several = containers(variant)
    serverless: Doc = variant.get("serverless") or {}
    return RouteVariant(
        variant["name"],
        weight,
        tuple(ready.get(variant["name"], ())),
        hosts=tuple(models.hostnames(several)) if len(several) > 1 else (),
        direct=bool(variant.get("direct")),
        multi_model=models.is_multi_model(several[0]),
        wakes=bool(serverless),
        concurrency=serverless.get("MaxConcurrency", 0),
        role=variant.get("role", ""),
    )


def _shadows(deployment: Doc, ready: Addresses) -> tuple[RouteVariant, ...]:
    """Each sees of the requests as large a share as its weight is of the production variant's, at most all."""
    whole = _sum(deployment)
    return tuple(_variant(one, min(1.0, one["weight"] / whole), ready) for one in deployment.get("shadows") or ())


def _sum(deployment: Doc) -> float:
    return sum(one["weight"] for one in deployment["variants"]) or 1.0
