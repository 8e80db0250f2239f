"""What Glue has, as the tagging API sees it."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws import kept_tags
from clary.aws.service import Context
from clary.aws.tagging import Taggable, Tagged
from clary.kernel.resource import Resource
from clary.kernel.store import Where
from clary.services.glue.tags import HOLDERS, Holder


def _tagged(one: Resource) -> Tagged:
    return Tagged(one.name, one.arn, kept_tags.of(one))


def _taggable(holder: Holder) -> Taggable:
    def page(ctx: Context, place: str, limit: int) -> list[Tagged]:
        """What only waits to be removed (a table of a database that is gone) is not found by its ARN any more."""
        where = Where(account=ctx.account, region=ctx.region)
        found: list[Tagged] = []
        while len(found) < limit:
            after = [place, place] if place else None
            rows = ctx.store.page(holder.kind, where, after=after, limit=limit - len(found))
            found += [_tagged(one) for one in rows if one.arn and _stands(ctx, one)]
            if not rows:
                break
            place = rows[-1].name
        return found

    def _stands(ctx: Context, one: Resource) -> bool:
        there = holder.find(ctx, one.arn)
        return there is not None and there.uid == one.uid

    def find(ctx: Context, arn: str) -> Tagged | None:
        one = holder.find(ctx, arn)
        return None if one is None else _tagged(one)

    return Taggable(holder.type, page, find, _tag, _untag)


async def _tag(ctx: Context, arn: str, added: Mapping[str, str]) -> None:
    await ctx.call("glue", "TagResource", {"ResourceArn": arn, "TagsToAdd": dict(added)})


async def _untag(ctx: Context, arn: str, keys: Sequence[str]) -> None:
    await ctx.call("glue", "UntagResource", {"ResourceArn": arn, "TagsToRemove": list(keys)})


TAGGABLES: Final = tuple(_taggable(one) for one in HOLDERS.values())
"""Made once all families are imported: `clary.services.glue` imports them first."""
