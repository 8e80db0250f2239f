"""Trails carry events to buckets; this account has none, and says so."""

from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.cloudtrail.api import TrailNotFoundException, service


@service.operation("DescribeTrails", ignores=("trailNameList", "includeShadowTrails"))
async def describe_trails(ctx: Context, req: Doc) -> Doc:
    """There are no trails."""
    return {"trailList": []}


@service.operation("ListTrails", ignores=("NextToken",))
async def list_trails(ctx: Context, req: Doc) -> Doc:
    """There are no trails."""
    return {"Trails": []}


@service.operation("GetTrailStatus")
async def get_trail_status(ctx: Context, req: Doc) -> Doc:
    """There are no trails. Errors: TrailNotFoundException."""
    raise TrailNotFoundException(f"Unknown trail: {req['Name']} for the user: {ctx.account}")
