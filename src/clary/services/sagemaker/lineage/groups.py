"""Lineage groups: what of the lineage may be shared between accounts. A home has one account, and the one group that
every account has."""

from clary.aws import heard
from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import ResourceNotFound
from clary.services.sagemaker.lineage.entities import DEFAULT_GROUP, arn_of


@service.operation("DescribeLineageGroup")
@heard.everything
async def describe_lineage_group(ctx: Context, req: Doc) -> Doc:
    """The default group. Errors: ResourceNotFound for any other."""
    return {"LineageGroupName": _found(req["LineageGroupName"]), "LineageGroupArn": _arn(ctx)}


@service.operation("ListLineageGroups", ignores=("SortBy", "SortOrder", "MaxResults"))
@heard.everything
async def list_lineage_groups(ctx: Context, req: Doc) -> Doc:
    """The default group; none where a time is asked, since nobody made it at one. Errors: ValidationException for any
    token: the list has one page."""
    if req.get("NextToken"):
        raise ValidationException("Invalid NextToken: the list of lineage groups has one page")
    if "CreatedAfter" in req or "CreatedBefore" in req:
        return {"LineageGroupSummaries": []}
    return {"LineageGroupSummaries": [{"LineageGroupArn": _arn(ctx), "LineageGroupName": DEFAULT_GROUP}]}


@service.operation("GetLineageGroupPolicy")
async def get_lineage_group_policy(ctx: Context, req: Doc) -> Doc:
    """Errors: always ResourceNotFound: the default group has no policy, since nothing is shared with other accounts."""
    name = _found(req["LineageGroupName"].rpartition("/")[2])
    raise ResourceNotFound(f"Lineage group '{name}' has no resource policy: nothing is shared with other accounts.")


def _found(name: str) -> str:
    if name != DEFAULT_GROUP:
        raise ResourceNotFound(f"Lineage group '{name}' does not exist.")
    return name


def _arn(ctx: Context) -> str:
    return arn_of(ctx.account, ctx.region, "lineage-group", DEFAULT_GROUP)
