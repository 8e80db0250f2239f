"""Users, roles, policies and instance profiles, as the tagging API sees them: in us-east-1, where AWS keeps them."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.service import Context
from clary.aws.tagging import Taggable, Tagged, wire
from clary.kernel.errors import Missing
from clary.kernel.resource import Resource
from clary.kernel.store import Where
from clary.services.iam.api import REGION
from clary.services.iam.entities import POLICY, PROFILE, ROLE, USER, Family, tags

_HOME: Final = "us-east-1"


def _of(family: Family) -> Taggable:
    def tagged(one: Resource) -> Tagged:
        return Tagged(one.name, one.arn, {tag["Key"]: tag["Value"] for tag in tags(one)})

    def page(ctx: Context, place: str, limit: int) -> list[Tagged]:
        if ctx.region != _HOME:
            return []
        where = Where(account=ctx.account, region=REGION)
        after = [place, place] if place else None
        return [tagged(one) for one in ctx.store.page(family.kind, where, after=after, limit=limit)]

    def find(ctx: Context, arn: str) -> Tagged | None:
        if ctx.region != _HOME or not arn.startswith(f"arn:aws:iam::{ctx.account}:{family.kind}/"):
            return None
        try:
            one = ctx.store.get(ctx.account, REGION, family.kind, arn.rpartition("/")[2])
        except Missing:
            return None
        return tagged(one) if one.arn == arn else None

    def named(arn: str) -> dict[str, str]:
        return {"PolicyArn": arn} if family is POLICY else {family.member: arn.rpartition("/")[2]}

    async def tag(ctx: Context, arn: str, added: Mapping[str, str]) -> None:
        await ctx.call("iam", f"Tag{family.title}", {**named(arn), "Tags": wire(added)})

    async def untag(ctx: Context, arn: str, keys: Sequence[str]) -> None:
        await ctx.call("iam", f"Untag{family.title}", {**named(arn), "TagKeys": list(keys)})

    return Taggable(f"iam:{family.kind}", page, find, tag, untag)


TAGGABLES: Final = tuple(_of(family) for family in (PROFILE, POLICY, ROLE, USER))
