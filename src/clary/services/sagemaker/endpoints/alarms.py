"""The alarms that take an update back: read by the public operation, with the authority of who asked for the update."""

from clary.aws.credentials import unpacked
from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.errors import require


async def check(ctx: Context, names: list[str]) -> None:
    """Raises ValidationException unless all of them are there, and AccessDenied unless the caller may read them."""
    if not names:
        return
    missing = sorted(set(names) - (await _states(ctx, names)).keys())
    require(
        not missing,
        f"Could not find the alarm {missing[0] if missing else ''!r} of AutoRollbackConfiguration in CloudWatch of "
        f"{ctx.region}: create it first, or leave it out",
    )


async def tripped(engines: Engines, endpoint: Resource, by: Doc, names: list[str]) -> str | None:
    """Why the update shall be taken back, in words for the endpoint's owner; None while all is quiet. Alarms that
    cannot be seen any more guard nothing, so that is a reason too."""
    if not names:
        return None
    try:
        states = await _states(engines.inside(unpacked(by), endpoint.region), names)
    except ServiceError as error:
        return f"The alarms of AutoRollbackConfiguration could not be read: {error.message}"
    for name in names:
        if name not in states:
            return f"The alarm {name!r} of AutoRollbackConfiguration is gone from CloudWatch."
        if states[name] == "ALARM":
            return f"The alarm {name!r} of AutoRollbackConfiguration is in the state ALARM."
    return None


async def _states(ctx: Context, names: list[str]) -> dict[str, str]:
    wanted = {"AlarmNames": sorted(set(names)), "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    found = await ctx.call("cloudwatch", "DescribeAlarms", wanted)
    rows = [*found.get("MetricAlarms", ()), *found.get("CompositeAlarms", ())]
    return {one["AlarmName"]: one["StateValue"] for one in rows}
