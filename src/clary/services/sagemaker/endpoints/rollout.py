"""How an update comes about step by step: its stages, as a function of the DeploymentConfig and the two deployments.

A stage says how many instances each variant has in the new and in the old deployment while it lasts, and which share of
the variant's traffic the new ones get. First its instances come up, then its traffic moves, then it bakes.

    blue/green   every stage has all instances of both; the share grows: at once, canary then all, or step by step
    rolling      each stage adds a batch of new instances; old ones of the batch before leave when it begins
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from clary.kernel.resource import Doc
from clary.services.sagemaker.endpoints.machine import every_variant
from clary.services.sagemaker.errors import require

_NEARLY: Final = 1e-9
"""What a sum of steps may lack of the whole, or a product of a whole number."""
_SIZES: Final = {"ALL_AT_ONCE": None, "CANARY": "CanarySize", "LINEAR": "LinearStepSize"}
_BOUNDS: Final = {"CanarySize": (0, 50), "LinearStepSize": (10, 50), "MaximumBatchSize": (5, 50)}
"""Percents of a variant's instances, as AWS documents them."""


@dataclass(frozen=True, slots=True)
class Stage:
    new: Mapping[str, int]
    """How many instances each variant of the new deployment has; one that is not named has its own count."""
    old: Mapping[str, int]
    share: Mapping[str, float]
    """Of each variant's traffic, which the new instances get: from 0 to 1."""


def check(config: Doc, deployment: Doc) -> None:
    """Raises ValidationException unless the deployment can be brought about as the DeploymentConfig says."""
    blue_green, rolling = config.get("BlueGreenUpdatePolicy"), config.get("RollingUpdatePolicy")
    require(
        not (blue_green and rolling),
        "Set either BlueGreenUpdatePolicy or RollingUpdatePolicy in DeploymentConfig, not both",
    )
    if rolling:
        _check_size("MaximumBatchSize", rolling["MaximumBatchSize"], deployment)
        back = rolling.get("RollbackMaximumBatchSize")
        if back is not None and back["Type"] == "CAPACITY_PERCENT":
            require(back["Value"] <= 100, "RollbackMaximumBatchSize cannot be more than 100 percent")
    if blue_green:
        routing = blue_green["TrafficRoutingConfiguration"]
        needed = _SIZES[routing["Type"]]
        for member in ("CanarySize", "LinearStepSize"):
            if member == needed:
                require(member in routing, f"The traffic routing {routing['Type']} needs the member {member}")
                _check_size(member, routing[member], deployment)
            else:
                require(
                    member not in routing,
                    f"{member} does not go with the traffic routing {routing['Type']}: leave it out",
                )
    longest, least = timeout_seconds(config), _waits(config, deployment)
    require(
        longest is None or longest > least,
        f"MaximumExecutionTimeoutInSeconds must be larger than all waiting times together: the deployment alone "
        f"waits {least} seconds",
    )


def stages(config: Doc, old: Doc, new: Doc) -> list[Stage]:
    """The stages of an update from one deployment to another; at least one, and the last has all traffic on `new`."""
    fractions = _fractions(config, new)
    steps = max((math.ceil(1 / one - _NEARLY) for one in fractions.values()), default=1)
    if config.get("RollingUpdatePolicy"):
        return [_rolled(old, new, fractions, step) for step in range(steps)]
    if _routing(config).get("Type") == "CANARY":
        # Two stages, however large the canary.
        return [Stage({}, {}, fractions), Stage({}, {}, dict.fromkeys(fractions, 1.0))]
    return [
        Stage({}, {}, {name: _part(one, step + 1) for name, one in fractions.items()}) for step in range(max(steps, 1))
    ]


def stages_back(config: Doc, old: Doc, new: Doc, reached: int) -> list[Stage]:
    """The stages of the way back, when the traffic had reached the stage of that number (-1: none); the last has all
    traffic on `old`."""
    if reached < 0:
        # Nothing was sent to the new ones: they may go at once.
        return [Stage(_counts(new, 0.0), {}, dict.fromkeys(_names(new), 0.0))]
    rolling: Doc = config.get("RollingUpdatePolicy") or {}
    before = stages(config, old, new)[reached]
    if not rolling.get("RollbackMaximumBatchSize"):
        return [Stage(before.new, {}, dict.fromkeys(_names(new), 0.0))]
    forth = _fractions(config, new)
    gone = {name: _part(one, reached + 1) for name, one in forth.items()}
    batch = {one["name"]: _fraction(rolling["RollbackMaximumBatchSize"], one["count"]) for one in new["variants"]}
    steps = max(math.ceil(gone[name] / one - _NEARLY) for name, one in batch.items())
    found = []
    for step in range(max(steps, 1)):
        left = {name: max(0.0, gone[name] - (step + 1) * one) for name, one in batch.items()}
        kept = {name: gone[name] - step * one for name, one in batch.items()}  # they serve until the share has moved
        found.append(
            Stage(
                {one["name"]: _up(max(0.0, kept[one["name"]]), one["count"]) for one in new["variants"]},
                _remaining(old, left, 0.0),
                {name: 0.0 if step == steps - 1 else share for name, share in _shares(new, left).items()},
            )
        )
    return found


def wait_seconds(config: Doc) -> float:
    """For how long each stage bakes."""
    policy: Doc = config.get("RollingUpdatePolicy") or _routing(config)
    return float(policy.get("WaitIntervalInSeconds", 0))


def termination_seconds(config: Doc) -> float:
    """For how long the old instances are kept after the last stage."""
    return float((config.get("BlueGreenUpdatePolicy") or {}).get("TerminationWaitInSeconds", 0))


def timeout_seconds(config: Doc) -> float | None:
    """How long it may take altogether; None: as long as it takes."""
    policy: Doc = config.get("RollingUpdatePolicy") or config.get("BlueGreenUpdatePolicy") or {}
    return policy.get("MaximumExecutionTimeoutInSeconds")


def alarms(config: Doc) -> list[str]:
    """Which alarms take it back."""
    watched = (config.get("AutoRollbackConfiguration") or {}).get("Alarms") or []
    return [one["AlarmName"] for one in watched if one.get("AlarmName")]


def scaled(deployment: Doc, counts: Mapping[str, int]) -> Doc:
    """The deployment with these counts of instances."""
    members = {name: deployment[name] for name in ("variants", "shadows") if deployment.get(name)}
    return {
        **deployment,
        **{
            member: [{**one, "count": counts.get(one["name"], one["count"])} for one in variants]
            for member, variants in members.items()
        },
    }


def _rolled(old: Doc, new: Doc, fractions: Mapping[str, float], step: int) -> Stage:
    done = {name: _part(one, step + 1) for name, one in fractions.items()}
    before = {name: _part(one, step) for name, one in fractions.items()}
    return Stage(
        {one["name"]: _up(done[one["name"]], one["count"]) for one in new["variants"]},
        _remaining(old, before, min(before.values(), default=0.0)),
        _shares(new, done),
    )


def _shares(new: Doc, done: Mapping[str, float]) -> dict[str, float]:
    """The part of its instances that a variant has is the part of its traffic that they get."""
    return {
        one["name"]: _up(done[one["name"]], one["count"]) / one["count"] if one["count"] else 1.0
        for one in new["variants"]
    }


def _fractions(config: Doc, new: Doc) -> dict[str, float]:
    """How much of each variant one step moves."""
    rolling = config.get("RollingUpdatePolicy")
    routing = _routing(config)
    size = rolling["MaximumBatchSize"] if rolling else routing.get(_SIZES[routing.get("Type", "ALL_AT_ONCE")] or "")
    if size is None:
        return dict.fromkeys(_names(new), 1.0)
    return {one["name"]: _fraction(size, one["count"]) for one in new["variants"]}


def _fraction(size: Doc, count: int) -> float:
    whole = 100 if size["Type"] == "CAPACITY_PERCENT" else count
    return min(1.0, size["Value"] / whole) if whole else 1.0


def _part(fraction: float, steps: int) -> float:
    part = fraction * steps
    return 1.0 if part > 1 - _NEARLY else part


def _up(part: float, count: int) -> int:
    return min(count, math.ceil(part * count - _NEARLY))


def _remaining(old: Doc, gone: Mapping[str, float], other: float) -> dict[str, int]:
    """How many old instances are left when that part of each variant's is gone; `other`: of one that is not named."""
    return {
        one["name"]: one["count"] - math.floor(gone.get(one["name"], other) * one["count"] + _NEARLY)
        for one in old["variants"]
    }


def _counts(deployment: Doc, part: float) -> dict[str, int]:
    return {one["name"]: _up(part, one["count"]) for one in every_variant(deployment)}


def _names(deployment: Doc) -> Iterator[str]:
    return (one["name"] for one in deployment["variants"])


def _routing(config: Doc) -> Doc:
    found: Doc = (config.get("BlueGreenUpdatePolicy") or {}).get("TrafficRoutingConfiguration") or {}
    return found


def _waits(config: Doc, deployment: Doc) -> int:
    return round(len(stages(config, deployment, deployment)) * wait_seconds(config) + termination_seconds(config))


def _check_size(member: str, size: Doc, deployment: Doc) -> None:
    low, high = _BOUNDS[member]
    for variant in deployment["variants"]:
        percent = 100 * _fraction(size, variant["count"]) if size["Type"] == "INSTANCE_COUNT" else size["Value"]
        require(
            low <= percent <= high,
            f"{member} must be {f'between {low} and' if low else 'at most'} {high} percent of the instances of variant "
            f"{variant['name']!r}, which are {variant['count']}; {size['Value']} "
            f"{'instances are' if size['Type'] == 'INSTANCE_COUNT' else 'percent are'} not",
        )
