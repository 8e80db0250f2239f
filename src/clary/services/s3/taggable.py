"""Buckets, as the tagging API sees them. (Objects have tags of their own, which AWS's tagging API does not know.)"""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.aws.tagging import Taggable, Tagged, wire
from clary.kernel.errors import Missing
from clary.kernel.resource import Resource
from clary.kernel.store import Where
from clary.services.s3.api import BUCKET, REGION

_ARN: Final = "arn:aws:s3:::"


def _tagged(bucket: Resource) -> Tagged:
    return Tagged(bucket.name, f"{_ARN}{bucket.name}", dict(bucket.status.get("_tags") or ()))


def _page(ctx: Context, place: str, limit: int) -> list[Tagged]:
    """Names of buckets are one space for all regions: those of another are passed over."""
    found: list[Tagged] = []
    while len(found) < limit:
        after = [place, place] if place else None
        where = Where(account=ctx.account, region=REGION)
        some = ctx.store.page(BUCKET, where, after=after, limit=limit)
        found += [_tagged(one) for one in some if one.status["_region"] == ctx.region]
        if len(some) < limit:
            break
        place = some[-1].name
    return found[:limit]


def _find(ctx: Context, arn: str) -> Tagged | None:
    if not arn.startswith(_ARN) or "/" in arn:
        return None
    try:
        bucket = ctx.store.get(ctx.account, REGION, BUCKET, arn.removeprefix(_ARN))
    except Missing:
        return None
    return _tagged(bucket) if bucket.status["_region"] == ctx.region else None


async def _tags(ctx: Context, bucket: str) -> dict[str, str]:
    try:
        answer = await ctx.call("s3", "GetBucketTagging", {"Bucket": bucket})
    except ServiceError as error:
        if error.error_code != "NoSuchTagSet":
            raise
        return {}
    return {one["Key"]: one["Value"] for one in answer["TagSet"]}


async def _tag(ctx: Context, arn: str, added: Mapping[str, str]) -> None:
    bucket = arn.removeprefix(_ARN)
    tags = {**await _tags(ctx, bucket), **added}
    await ctx.call("s3", "PutBucketTagging", {"Bucket": bucket, "Tagging": {"TagSet": wire(tags)}})


async def _untag(ctx: Context, arn: str, keys: Sequence[str]) -> None:
    bucket = arn.removeprefix(_ARN)
    left = {key: value for key, value in (await _tags(ctx, bucket)).items() if key not in keys}
    if left:
        await ctx.call("s3", "PutBucketTagging", {"Bucket": bucket, "Tagging": {"TagSet": wire(left)}})
    else:
        await ctx.call("s3", "DeleteBucketTagging", {"Bucket": bucket})


TAGGABLES: Final = (Taggable("s3:bucket", _page, _find, _tag, _untag),)
