"""Scaling activities: what was scaled, why, and how that ended; kept for six weeks.

An activity is a row whose name begins with its time, so that rows stand in order, and goes on with an id that its
maker knew before: made twice (after a kill), it is the same row. Its spec is what DescribeScalingActivities shows.
"""

import asyncio
from contextlib import suppress
from typing import Any, Final

from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.clock import Clock
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.application_autoscaling import listing
from clary.services.application_autoscaling.api import ACTIVITY, service

KEEP_SECONDS: Final = 42 * 86_400.0
MOST: Final = 50_000
"""Activities that are kept, at most: then the oldest go."""
ATTEMPTING: Final = "Attempting to scale due to alarm triggered"
_BITE: Final = 1000


@service.operation("DescribeScalingActivities")
async def describe_scaling_activities(ctx: Context, req: Doc) -> Doc:
    """What was scaled within six weeks, the newest first; with IncludeNotScaledActivities also what was not, and why.
    Errors: ValidationException, InvalidNextTokenException."""
    more = req.get("IncludeNotScaledActivities", False)
    since = ctx.clock.now() - KEEP_SECONDS

    def wanted(one: Resource) -> bool:
        return (more or "NotScaledReasons" not in one.spec) and bool(one.spec["StartTime"] >= since)

    found, token = listing.page(ctx, ACTIVITY, req, wanted, descending=True)
    return {"ScalingActivities": [one.spec for one in found], **token}


def note(store: Store, target: Resource, id_: str, start: float, **said: Any) -> None:
    """There is an activity of that id of the target, begun then, and this is said of it (over what was said before)."""
    name = _name(start, id_)
    while True:
        try:
            row = store.get(target.account, target.region, ACTIVITY, name)
        except Missing:
            with suppress(Exists):
                store.create(_made(target, name, id_, start, said))
                return
            continue
        if all(row.spec.get(member) == value for member, value in said.items()):
            return
        with suppress(Stale):
            store.update(row, spec={**row.spec, **said})
            return


def not_scaled(store: Store, target: Resource, at: float, cause: str, reason: Doc) -> None:
    """It is noted that nothing was scaled, and why, unless the last activity of the target says just that."""
    where = Where(target.account, target.region, parent=target.parent)
    last = store.page(ACTIVITY, where, descending=True, limit=1)
    if last and last[0].spec.get("NotScaledReasons") == [reason] and last[0].spec["Cause"] == cause:
        return
    # AWS calls a target that is where it should be a success.
    status = "Successful" if reason["Code"] == "AlreadyAtDesiredCapacity" else "Failed"
    said = {
        "Description": ATTEMPTING,
        "Cause": cause,
        "StatusCode": status,
        "NotScaledReasons": [reason],
        "EndTime": at,
    }
    note(store, target, ids.request_id(), behind(store, target, at), **said)


def behind(store: Store, target: Resource, at: float) -> float:
    """`at`, or so little later that an activity that starts then stands behind the target's last one."""
    where = Where(target.account, target.region, parent=target.parent)
    last = store.page(ACTIVITY, where, descending=True, limit=1)
    return max([at, *(float(one.spec["StartTime"]) + 0.001 for one in last)])


def _name(start: float, id_: str) -> str:
    return f"{int(start * 1000 + 0.5):014d}-{id_}"


def _made(target: Resource, name: str, id_: str, start: float, said: Doc) -> Resource:
    spec = {
        "ActivityId": id_,
        "ServiceNamespace": target.spec["ServiceNamespace"],
        "ResourceId": target.spec["ResourceId"],
        "ScalableDimension": target.spec["ScalableDimension"],
        "StartTime": start,
        **said,
    }
    return Resource(ACTIVITY, name, target.account, target.region, ids.new(), parent=target.parent, spec=spec)


async def tidy(store: Store, clock: Clock) -> None:
    """Activities past their time are gone, and the oldest beyond MOST; a bite at a time: others run in between."""
    left = 1
    while left:
        left = _bite(store, _name(clock.now() - KEEP_SECONDS, ""))
        await asyncio.sleep(0)


def _bite(store: Store, limit: str) -> int:
    gone, over = 0, store.count(ACTIVITY, Where()) - MOST
    for number, one in enumerate(store.page(ACTIVITY, Where(), limit=_BITE)):  # the oldest first, of all regions
        if one.name >= limit and number >= over:
            break
        with suppress(Stale):
            store.delete(one)
        gone += 1
    return gone
