"""Who owns what others put, and whether access control lists count at all."""

from typing import Final

from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.services.s3 import errors
from clary.services.s3.api import service
from clary.services.s3.bucket_errors import OwnershipControlsNotFoundError
from clary.services.s3.settings import change, setting

ENFORCED: Final = "BucketOwnerEnforced"
"""What new buckets get: lists are not looked at, and setting one is refused."""


def acls_count(bucket: Resource) -> bool:
    """Access control lists of this bucket and its objects may be set and are looked at."""
    return bucket.status.get("_ownership") != ENFORCED


@service.operation("PutBucketOwnershipControls", ignores=("ChecksumAlgorithm",))
async def put_bucket_ownership_controls(ctx: Context, req: Doc) -> Doc:
    """The one rule holds from now on; lists that were set before count again when it is not BucketOwnerEnforced.
    Errors: MalformedXML."""
    rules = req["OwnershipControls"]["Rules"]
    if len(rules) != 1:
        raise errors.MalformedXML
    change(ctx, req, _ownership=rules[0]["ObjectOwnership"])
    return {}


@service.operation("GetBucketOwnershipControls")
async def get_bucket_ownership_controls(ctx: Context, req: Doc) -> Doc:
    """Errors: OwnershipControlsNotFoundError."""
    found = setting(ctx, req, "_ownership", OwnershipControlsNotFoundError(req["Bucket"]))
    return {"OwnershipControls": {"Rules": [{"ObjectOwnership": found}]}}


@service.operation("DeleteBucketOwnershipControls")
async def delete_bucket_ownership_controls(ctx: Context, req: Doc) -> Doc:
    """As ObjectWriter: lists count."""
    change(ctx, req, _ownership=None)
    return {}
