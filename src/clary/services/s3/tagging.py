"""Tags of objects."""

from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.s3 import errors, metadata
from clary.services.s3.api import checked_key, head, objects, opened_bucket, service

_TRIES = 10


@service.operation("PutObjectTagging", ignores=("RequestPayer",))
async def put_object_tagging(ctx: Context, req: Doc) -> Doc:
    """The object has these tags and no others. Errors: InvalidTag."""
    await _set(ctx, req, metadata.tags_of_set(req["Tagging"]["TagSet"]))
    return {}


@service.operation("GetObjectTagging", ignores=("RequestPayer",))
async def get_object_tagging(ctx: Context, req: Doc) -> Doc:
    stat = await head(ctx, opened_bucket(ctx, req), checked_key(req))
    return {"TagSet": [{"Key": name, "Value": value} for name, value in stat.meta.get("_tags", [])]}


@service.operation("DeleteObjectTagging")
async def delete_object_tagging(ctx: Context, req: Doc) -> Doc:
    await _set(ctx, req, [])
    return {}


async def _set(ctx: Context, req: Doc, tags: list[list[str]]) -> None:
    bucket, key = opened_bucket(ctx, req), checked_key(req)
    for _ in range(_TRIES):
        stat = await head(ctx, bucket, key)
        meta = {name: value for name, value in stat.meta.items() if name != "_tags"}
        try:
            await objects(ctx).set_meta(stat, meta | ({"_tags": tags} if tags else {}))
            return
        except Missing:  # it was replaced in between: tag the new one
            continue
    raise errors.InvalidRequest("The object is being replaced again and again. Try later.")
