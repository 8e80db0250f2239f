"""Log groups, as the tagging API sees them."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.service import Context
from clary.aws.tagging import Taggable, Tagged
from clary.kernel.errors import Missing
from clary.kernel.telemetry import LogStore
from clary.services.logs.api import group_arn


def _tagged(ctx: Context, name: str) -> Tagged:
    """Raises Missing."""
    group = ctx.port(LogStore).group(ctx.account, ctx.region, name)
    return Tagged(name, group_arn(ctx, name), dict(group.settings.get("tags", {})))


def _page(ctx: Context, place: str, limit: int) -> list[Tagged]:
    names = ctx.port(LogStore).groups(ctx.account, ctx.region)
    start = bisect_right(names, place) if place else 0
    found = []
    for name in names[start : start + limit]:
        try:
            found.append(_tagged(ctx, name))
        except Missing:  # deleted since it was listed: it still counts, or the page would seem to be the last
            found.append(Tagged(name, group_arn(ctx, name), {}))
    return found


def _find(ctx: Context, arn: str) -> Tagged | None:
    start = group_arn(ctx, "")
    if not arn.startswith(start):
        return None
    try:
        return _tagged(ctx, arn.removeprefix(start).removesuffix(":*"))
    except Missing:
        return None


async def _tag(ctx: Context, arn: str, added: Mapping[str, str]) -> None:
    await ctx.call("logs", "TagResource", {"resourceArn": arn, "tags": dict(added)})


async def _untag(ctx: Context, arn: str, keys: Sequence[str]) -> None:
    await ctx.call("logs", "UntagResource", {"resourceArn": arn, "tagKeys": list(keys)})


TAGGABLES: Final = (Taggable("logs:log-group", _page, _find, _tag, _untag),)
