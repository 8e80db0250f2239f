"""Settings that Clary does not carry out, so no bucket can have them: asking for them tells so, setting them is refused
by name, and taking them away is done already."""

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.s3.api import service
from clary.services.s3.bucket_errors import (
    NoSuchConfiguration,
    ObjectLockConfigurationNotFoundError,
    ReplicationConfigurationNotFoundError,
)
from clary.services.s3.settings import bucket_of


@service.operation("PutBucketLogging", ignores=("ChecksumAlgorithm", "BucketLoggingStatus.LoggingEnabled"))
async def put_bucket_logging(ctx: Context, req: Doc) -> Doc:
    """Logging is off, as it was."""
    bucket_of(ctx, req)
    if "LoggingEnabled" in req["BucketLoggingStatus"]:
        raise NotImplementedHere("LoggingEnabled is not implemented: no access log would ever be delivered.")
    return {}


@service.operation("GetBucketLogging")
async def get_bucket_logging(ctx: Context, req: Doc) -> Doc:
    """Nothing: logging is off."""
    bucket_of(ctx, req)
    return {}


@service.operation("GetBucketReplication")
async def get_bucket_replication(ctx: Context, req: Doc) -> Doc:
    bucket_of(ctx, req)
    raise ReplicationConfigurationNotFoundError(req["Bucket"])


@service.operation("DeleteBucketReplication")
async def delete_bucket_replication(ctx: Context, req: Doc) -> Doc:
    bucket_of(ctx, req)
    return {}


@service.operation("GetObjectLockConfiguration")
async def get_object_lock_configuration(ctx: Context, req: Doc) -> Doc:
    bucket_of(ctx, req)
    raise ObjectLockConfigurationNotFoundError(req["Bucket"])


@service.operation("GetBucketInventoryConfiguration", ignores=("Id",))
async def get_bucket_inventory_configuration(ctx: Context, req: Doc) -> Doc:
    bucket_of(ctx, req)
    raise NoSuchConfiguration(req["Bucket"])


@service.operation("ListBucketInventoryConfigurations", ignores=("ContinuationToken",))
async def list_bucket_inventory_configurations(ctx: Context, req: Doc) -> Doc:
    bucket_of(ctx, req)
    return {"IsTruncated": False}


@service.operation("DeleteBucketInventoryConfiguration", ignores=("Id",))
async def delete_bucket_inventory_configuration(ctx: Context, req: Doc) -> Doc:
    bucket_of(ctx, req)
    raise NoSuchConfiguration(req["Bucket"])


@service.operation("GetBucketAnalyticsConfiguration", ignores=("Id",))
async def get_bucket_analytics_configuration(ctx: Context, req: Doc) -> Doc:
    bucket_of(ctx, req)
    raise NoSuchConfiguration(req["Bucket"])


@service.operation("ListBucketAnalyticsConfigurations", ignores=("ContinuationToken",))
async def list_bucket_analytics_configurations(ctx: Context, req: Doc) -> Doc:
    bucket_of(ctx, req)
    return {"IsTruncated": False}


@service.operation("DeleteBucketAnalyticsConfiguration", ignores=("Id",))
async def delete_bucket_analytics_configuration(ctx: Context, req: Doc) -> Doc:
    bucket_of(ctx, req)
    raise NoSuchConfiguration(req["Bucket"])
