"""GetTagKeys and GetTagValues: what is in use in this region now."""

from typing import Final

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.resource import Doc
from clary.services.resourcegroupstaggingapi.api import position, service, tagged

_PAGE: Final = 500


@service.operation("GetTagKeys")
async def get_tag_keys(ctx: Context, req: Doc) -> Doc:
    """The keys of all tags, sorted. Errors: InvalidParameterException."""
    found = {key async for one in tagged(ctx) for key in one.tags}
    return _page(ctx, req, found, "TagKeys", "")


@service.operation("GetTagValues")
async def get_tag_values(ctx: Context, req: Doc) -> Doc:
    """The values of all tags of the key, sorted. Errors: InvalidParameterException."""
    key = req["Key"]
    found = {one.tags[key] async for one in tagged(ctx) if key in one.tags}
    return _page(ctx, req, found, "TagValues", key)


def _page(ctx: Context, req: Doc, found: set[str], member: str, key: str) -> Doc:
    filters = page.digest(member, key, ctx.account, ctx.region)
    token = req.get("PaginationToken", "")
    after = position(token, filters, str, str)[0] if token else None
    rest = sorted(one for one in found if after is None or one > after)
    more = page.encode([rest[_PAGE - 1], ""], filters) if len(rest) > _PAGE else ""
    return {member: rest[:_PAGE], "PaginationToken": more}
