"""Scalable targets, as the tagging API sees them."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.service import Context
from clary.aws.tagging import Taggable, Tagged
from clary.kernel.errors import Missing
from clary.kernel.resource import Resource
from clary.kernel.store import Where
from clary.services.application_autoscaling import tagged
from clary.services.application_autoscaling.api import TARGET


def _seen(one: Resource) -> Tagged:
    return Tagged(one.name, one.arn, tagged.of(one))


def _page(ctx: Context, place: str, limit: int) -> list[Tagged]:
    after = [place, place] if place else None
    where = Where(account=ctx.account, region=ctx.region)
    return [_seen(one) for one in ctx.store.page(TARGET, where, after=after, limit=limit)]


def _find(ctx: Context, arn: str) -> Tagged | None:
    try:
        one = ctx.store.by_arn(arn)
    except Missing:
        return None
    return _seen(one) if (one.kind, one.account, one.region) == (TARGET, ctx.account, ctx.region) else None


async def _tag(ctx: Context, arn: str, added: Mapping[str, str]) -> None:
    await ctx.call("application-autoscaling", "TagResource", {"ResourceARN": arn, "Tags": dict(added)})


async def _untag(ctx: Context, arn: str, keys: Sequence[str]) -> None:
    await ctx.call("application-autoscaling", "UntagResource", {"ResourceARN": arn, "TagKeys": list(keys)})


TAGGABLES: Final = (Taggable("application-autoscaling:scalable-target", _page, _find, _tag, _untag),)
