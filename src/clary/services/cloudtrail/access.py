"""What each operation asks of the policies."""

from clary.aws.access import Ask, anywhere
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.cloudtrail.api import service

for _name in ("DescribeTrails", "ListTrails", "LookupEvents"):
    service.access(_name, anywhere(f"cloudtrail:{_name}"))


def _trail(ctx: Context, req: Doc) -> list[Ask]:
    name: str = req["Name"]
    arn = name if name.startswith("arn:") else ctx.arn("cloudtrail", f"trail/{name}")
    return [Ask("cloudtrail:GetTrailStatus", arn)]


service.access("GetTrailStatus", _trail)
