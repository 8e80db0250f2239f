"""Tags of buckets."""

from typing import Final

from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.s3 import errors
from clary.services.s3.api import service
from clary.services.s3.bucket_errors import NoSuchTagSet
from clary.services.s3.settings import change, setting

_MOST: Final = 50


@service.operation("PutBucketTagging", ignores=("ChecksumAlgorithm",))
async def put_bucket_tagging(ctx: Context, req: Doc) -> Doc:
    """The bucket has these tags and no others. Errors: InvalidTag."""
    change(ctx, req, _tags=checked(req["Tagging"]["TagSet"]) or None)
    return {"_status": 204}


@service.operation("GetBucketTagging")
async def get_bucket_tagging(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchTagSet."""
    found = setting(ctx, req, "_tags", NoSuchTagSet(req["Bucket"]))
    return {"TagSet": [{"Key": name, "Value": value} for name, value in found]}


@service.operation("DeleteBucketTagging")
async def delete_bucket_tagging(ctx: Context, req: Doc) -> Doc:
    change(ctx, req, _tags=None)
    return {}


def checked(tags: list[Doc]) -> list[list[str]]:
    """The tags as pairs. Raises InvalidTag."""
    if len(tags) > _MOST:
        raise errors.InvalidTag(f"Bucket tag count cannot be greater than {_MOST}")
    if len({one["Key"] for one in tags}) < len(tags):
        raise errors.InvalidTag("Cannot provide multiple Tags with the same key")
    for one in tags:
        if one["Key"].lower().startswith("aws:"):
            raise errors.InvalidTag("System tags cannot be added/updated by requester")
        if not 1 <= len(one["Key"]) <= 128:
            raise errors.InvalidTag("The TagKey you have provided is invalid")
        if len(one["Value"]) > 256:
            raise errors.InvalidTag("The TagValue you have provided is invalid")
    return [[one["Key"], one["Value"]] for one in tags]
