"""Work groups, as the tagging API sees them."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws import kept_tags
from clary.aws.service import Context
from clary.aws.tagging import Taggable, Tagged
from clary.kernel.errors import Missing
from clary.kernel.resource import Resource
from clary.kernel.store import Where
from clary.services.athena.api import WORK_GROUP


def _seen(one: Resource) -> Tagged:
    return Tagged(one.name, one.arn, kept_tags.of(one))


def _page(ctx: Context, place: str, limit: int) -> list[Tagged]:
    after = [place, place] if place else None
    where = Where(account=ctx.account, region=ctx.region)
    return [_seen(one) for one in ctx.store.page(WORK_GROUP, where, after=after, limit=limit)]


def _find(ctx: Context, arn: str) -> Tagged | None:
    try:
        one = ctx.store.by_arn(arn)
    except Missing:
        return None
    return _seen(one) if (one.kind, one.account, one.region) == (WORK_GROUP, ctx.account, ctx.region) else None


async def _tag(ctx: Context, arn: str, added: Mapping[str, str]) -> None:
    told = [{"Key": key, "Value": value} for key, value in added.items()]
    await ctx.call("athena", "TagResource", {"ResourceARN": arn, "Tags": told})


async def _untag(ctx: Context, arn: str, keys: Sequence[str]) -> None:
    await ctx.call("athena", "UntagResource", {"ResourceARN": arn, "TagKeys": list(keys)})


TAGGABLES: Final = (Taggable("athena:workgroup", _page, _find, _tag, _untag),)
