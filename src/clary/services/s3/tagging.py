"""Tags of objects."""

from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.s3 import errors, metadata
from clary.services.s3.api import checked_key, checked_version, head, objects, opened_bucket, service, versioned

_TRIES = 10


@service.operation("PutObjectTagging", ignores=("RequestPayer",))
async def put_object_tagging(ctx: Context, req: Doc) -> Doc:
    """The version has these tags and no others. Errors: InvalidTag."""
    return await _set(ctx, req, metadata.tags_of_set(req["Tagging"]["TagSet"]))


@service.operation("GetObjectTagging", ignores=("RequestPayer",))
async def get_object_tagging(ctx: Context, req: Doc) -> Doc:
    """Of the current version, or the one that is named."""
    stat = await head(ctx, opened_bucket(ctx, req), checked_key(req), checked_version(req))
    tags = [{"Key": name, "Value": value} for name, value in stat.meta.get("_tags", [])]
    return {"TagSet": tags, **await versioned(ctx, stat)}


@service.operation("DeleteObjectTagging")
async def delete_object_tagging(ctx: Context, req: Doc) -> Doc:
    """The version has no tags."""
    return await _set(ctx, req, [])


async def _set(ctx: Context, req: Doc, tags: list[list[str]]) -> Doc:
    bucket, key, version = opened_bucket(ctx, req), checked_key(req), checked_version(req)
    for _ in range(_TRIES):
        stat = await head(ctx, bucket, key, version)
        meta = {name: value for name, value in stat.meta.items() if name != "_tags"}
        try:
            await objects(ctx).set_meta(stat, meta | ({"_tags": tags} if tags else {}))
            return await versioned(ctx, stat)
        except Missing:  # it, or its metadata, was replaced in between: look again
            continue
    raise errors.InvalidRequest("The object is being replaced again and again. Try later.")
