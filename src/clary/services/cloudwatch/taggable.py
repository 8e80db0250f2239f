"""Alarms, as the tagging API sees them."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.service import Context
from clary.aws.tagging import Taggable, Tagged, wire
from clary.kernel.errors import Missing
from clary.kernel.resource import Resource
from clary.kernel.store import Where
from clary.services.cloudwatch import alarm_tags
from clary.services.cloudwatch.alarm_rows import KIND


def _tagged(one: Resource) -> Tagged:
    return Tagged(one.name, one.arn, alarm_tags.of(one))


def _page(ctx: Context, place: str, limit: int) -> list[Tagged]:
    after = [place, place] if place else None
    rows = ctx.store.page(KIND, Where(account=ctx.account, region=ctx.region), after=after, limit=limit)
    return [_tagged(one) for one in rows]


def _find(ctx: Context, arn: str) -> Tagged | None:
    try:
        one = ctx.store.by_arn(arn)
    except Missing:
        return None
    return _tagged(one) if (one.kind, one.account, one.region) == (KIND, ctx.account, ctx.region) else None


async def _tag(ctx: Context, arn: str, added: Mapping[str, str]) -> None:
    await ctx.call("cloudwatch", "TagResource", {"ResourceARN": arn, "Tags": wire(added)})


async def _untag(ctx: Context, arn: str, keys: Sequence[str]) -> None:
    await ctx.call("cloudwatch", "UntagResource", {"ResourceARN": arn, "TagKeys": list(keys)})


TAGGABLES: Final = (Taggable("cloudwatch:alarm", _page, _find, _tag, _untag),)
