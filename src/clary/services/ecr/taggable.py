"""Repositories, as the tagging API sees them."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.service import Context
from clary.aws.tagging import Taggable, Tagged, wire
from clary.kernel.errors import Missing
from clary.kernel.resource import Resource
from clary.kernel.store import Where
from clary.services.ecr.api import REPOSITORY


def _tagged(one: Resource) -> Tagged:
    return Tagged(one.name, one.arn, dict(one.status["Tags"]))


def _page(ctx: Context, place: str, limit: int) -> list[Tagged]:
    where = Where(account=ctx.account, region=ctx.region)
    after = [place, place] if place else None
    return [_tagged(one) for one in ctx.store.page(REPOSITORY, where, after=after, limit=limit)]


def _find(ctx: Context, arn: str) -> Tagged | None:
    try:
        one = ctx.store.by_arn(arn)
    except Missing:
        return None
    return _tagged(one) if (one.kind, one.account, one.region) == (REPOSITORY, ctx.account, ctx.region) else None


async def _tag(ctx: Context, arn: str, added: Mapping[str, str]) -> None:
    await ctx.call("ecr", "TagResource", {"resourceArn": arn, "tags": wire(added)})


async def _untag(ctx: Context, arn: str, keys: Sequence[str]) -> None:
    await ctx.call("ecr", "UntagResource", {"resourceArn": arn, "tagKeys": list(keys)})


TAGGABLES: Final = (Taggable("ecr:repository", _page, _find, _tag, _untag),)
