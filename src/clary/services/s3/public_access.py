"""The public access block: four flags that overrule access control lists and bucket policies."""

from typing import Final

from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.services.s3.api import service
from clary.services.s3.bucket_errors import NoSuchPublicAccessBlockConfiguration
from clary.services.s3.settings import change, setting

FLAGS: Final = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
CLOSED: Final[Doc] = dict.fromkeys(FLAGS, True)
"""What new buckets get."""


def blocks(bucket: Resource, flag: str) -> bool:
    """`flag` is one of FLAGS.

    BlockPublicAcls         lists that open the bucket or an object to everybody are refused when they are set
    IgnorePublicAcls        such lists open nothing
    BlockPublicPolicy       policies that open the bucket to everybody are refused when they are set
    RestrictPublicBuckets   such policies open nothing to anybody but the bucket's own account
    """
    return bool(bucket.status.get("_public_access_block", {}).get(flag))


@service.operation("PutPublicAccessBlock", ignores=("ChecksumAlgorithm",))
async def put_public_access_block(ctx: Context, req: Doc) -> Doc:
    """The flags hold from the next request on; one that is not named is off."""
    asked = req["PublicAccessBlockConfiguration"]
    change(ctx, req, _public_access_block={flag: asked.get(flag, False) for flag in FLAGS})
    return {}


@service.operation("GetPublicAccessBlock")
async def get_public_access_block(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchPublicAccessBlockConfiguration."""
    absent = NoSuchPublicAccessBlockConfiguration(req["Bucket"])
    return {"PublicAccessBlockConfiguration": setting(ctx, req, "_public_access_block", absent)}


@service.operation("DeletePublicAccessBlock")
async def delete_public_access_block(ctx: Context, req: Doc) -> Doc:
    change(ctx, req, _public_access_block=None)
    return {}
