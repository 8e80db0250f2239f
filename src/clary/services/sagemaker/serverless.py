"""Serverless variants: what their configuration can be, and how many instances one has.

A serverless variant has no instance while nobody asks it. Its deployment's `count` is how many it begins with: one, so
that a model that does not load is found when the endpoint is made, or its ProvisionedConcurrency. From then on the
count follows from how many requests are in the fronts at once (`Demand`), and goes back once nobody has asked for a
while. Requests that come while there is none wait in the front.
"""

import os
from dataclasses import replace
from typing import Final

from clary.engines.serving.demand import VariantKey
from clary.kernel.metrics import MetricName, Sample, dimensions
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.errors import require

NAMESPACE: Final = "AWS/SageMaker"
GIB: Final = 1024
MOST_PROCESSES: Final = max(2, 2 * (os.cpu_count() or 1))
"""Instances of one variant: more model servers than this would only take the processors from each other."""
GROW_SECONDS: Final = 0.5
CONCURRENCIES: Final = ("MaxConcurrency", "ProvisionedConcurrency")


def check_alone(variants: list[Doc]) -> None:
    """Raises ValidationException for a serverless variant beside others."""
    if any(one.get("ServerlessConfig") for one in variants):
        require(len(variants) == 1, "A serverless endpoint has one production variant: leave the others out")


def check(variant: Doc) -> None:
    """Raises ValidationException for a production variant whose ServerlessConfig cannot be."""
    name, config = variant["VariantName"], variant.get("ServerlessConfig")
    if not config:
        for member in ("InstanceType", "InitialInstanceCount"):
            require(bool(variant.get(member)), f"Variant {name!r} needs the member {member}")
        return
    for member in ("InstanceType", "InitialInstanceCount"):
        require(
            not variant.get(member),
            f"Variant {name!r} is serverless: leave {member} out, or leave ServerlessConfig out",
        )
    memory = config["MemorySizeInMB"]
    require(
        memory % GIB == 0,
        f"MemorySizeInMB of {name!r} is {memory}: it must be one of 1024, 2048, 3072, 4096, 5120 and 6144",
    )
    check_concurrency(name, config)


def check_concurrency(name: str, config: Doc) -> None:
    """Raises ValidationException unless what is provisioned is within what may be."""
    provisioned = config.get("ProvisionedConcurrency", 0)
    require(
        provisioned <= config["MaxConcurrency"],
        f"ProvisionedConcurrency of {name!r} ({provisioned}) must not be more than its MaxConcurrency",
    )


def begins(variant: Doc) -> Doc:
    """The members of a deployment's variant that say how many instances it has at first."""
    config = variant.get("ServerlessConfig")
    if config:
        return {"count": first_count(config), "serverless": config}
    return {"count": variant["InitialInstanceCount"]}


def first_count(config: Doc) -> int:
    """With how many instances a variant begins, and no fewer are kept than are provisioned."""
    return max(1, provisioned(config))


def provisioned(config: Doc) -> int:
    """Instances that stay however idle they are."""
    return min(int(config.get("ProvisionedConcurrency", 0)), MOST_PROCESSES)


def update(variant: Doc, config: Doc) -> None:
    """The variant of a deployment has the concurrency of a ServerlessUpdateConfig. Raises ValidationException."""
    name = variant["name"]
    require(bool(variant.get("serverless")), f"Variant {name!r} is not serverless: it has no ServerlessUpdateConfig")
    changed = {**variant["serverless"], **{member: config[member] for member in CONCURRENCIES if member in config}}
    check_concurrency(name, changed)
    variant["serverless"] = changed
    variant["count"] = provisioned(changed)


def sized(engines: Engines, endpoint: Resource) -> Resource:
    """The endpoint with the counts of its serverless variants as the demand asks for: of what serves, and of a target
    that shares its instances. What begins with instances of its own has as many as it begins with."""
    live: Doc | None = endpoint.status.get("_live")
    if live is None or not any(variant.get("serverless") for variant in live["variants"]):
        return endpoint
    status = {**endpoint.status, "_live": _sized(engines, endpoint, live)}
    target = status.get("_target")
    if target is not None and target["generation"] == live["generation"]:
        status["_target"] = _sized(engines, endpoint, target)
    return replace(endpoint, status=status)


def pause(engines: Engines, endpoint: Resource, deployment: Doc) -> float:
    """Seconds until the counts may be others, with nobody telling; infinite when no variant is serverless."""
    left = float("inf")
    for variant in deployment["variants"]:
        if variant.get("serverless"):
            asked = engines.demand.of(_key(endpoint, variant))
            idle_in = asked.used + engines.serverless_idle_seconds - engines.clock.ticks()
            if asked.concurrent:
                left = min(left, GROW_SECONDS)  # each instance that becomes ready may be a reason for more
            elif idle_in > 0:
                left = min(left, idle_in)
    return left


def summary(now: Doc, asked: Doc) -> Doc:
    """What DescribeEndpoint says of what a variant shall have: instances, or a serverless variant's configuration."""
    if not now.get("serverless"):
        return {"DesiredInstanceCount": asked["count"]}
    return {"CurrentServerlessConfig": now["serverless"], "DesiredServerlessConfig": asked["serverless"]}


def memory_bytes(variant: Doc, most: int | None) -> int | None:
    """The most memory that an instance may use: what is configured for a serverless one, `most` for any."""
    if not variant.get("serverless"):
        return most
    asked = int(variant["serverless"]["MemorySizeInMB"]) * 1024 * 1024
    return asked if most is None else min(asked, most)


def measure(engines: Engines, endpoint: Resource, instances: list[Doc]) -> None:
    """ModelSetupTime of those serverless instances that are found ready for the first time: from their start on."""
    live: Doc | None = endpoint.status.get("_live")
    names = {one["name"] for one in (live or {}).get("variants", ()) if one.get("serverless")}
    if engines.metrics is None or not names:
        return
    before = {one["uid"] for one in endpoint.status.get("_instances") or [] if one["ready"] is None}
    for one in instances:
        if one["uid"] in before and one["ready"] is not None and one["variant"] in names:
            where = dimensions(EndpointName=endpoint.name, VariantName=one["variant"])
            metric = MetricName(endpoint.account, endpoint.region, NAMESPACE, "ModelSetupTime", where)
            took = max(0.0, one["ready"] - one["since"]) * 1e6
            engines.metrics.add([Sample(metric, one["ready"], [took], (), "Microseconds")])


def _sized(engines: Engines, endpoint: Resource, deployment: Doc) -> Doc:
    variants = [
        {**variant, "count": _count(engines, endpoint, deployment["generation"], variant)}
        if variant.get("serverless")
        else variant
        for variant in deployment["variants"]
    ]
    return {**deployment, "variants": variants}


def _count(engines: Engines, endpoint: Resource, generation: int, variant: Doc) -> int:
    asked = engines.demand.of(_key(endpoint, variant))
    config: Doc = variant["serverless"]
    have = [
        one
        for one in endpoint.status.get("_instances") or []
        if one["generation"] == generation and one["variant"] == variant["name"]
    ]
    ready = sum(1 for one in have if one["ready"] is not None)
    least = provisioned(config)
    if not asked.concurrent and engines.clock.ticks() - asked.used >= engines.serverless_idle_seconds:
        return least
    # Twice as many as answer now, and no more: those that start take the processors from those that work.
    wanted = min(asked.concurrent, max(1, 2 * ready), int(config["MaxConcurrency"]), MOST_PROCESSES)
    # Until it has been idle nothing is taken away: a pause between two requests is no reason.
    return max(least, wanted, len(have))


def _key(endpoint: Resource, variant: Doc) -> VariantKey:
    return endpoint.account, endpoint.region, endpoint.name, variant["name"]
