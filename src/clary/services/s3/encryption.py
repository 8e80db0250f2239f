"""The default encryption that somebody asked for. Clary encrypts nothing by itself, and no answer says that it did."""

from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.s3 import errors
from clary.services.s3.api import service
from clary.services.s3.bucket_errors import ServerSideEncryptionConfigurationNotFoundError
from clary.services.s3.settings import change, setting


@service.operation(
    "PutBucketEncryption", stored=True, ignores=("ChecksumAlgorithm", "ServerSideEncryptionConfiguration")
)
async def put_bucket_encryption(ctx: Context, req: Doc) -> Doc:
    """The configuration is remembered; objects lie as they were sent. Errors: MalformedXML, InvalidArgument."""
    rules = req["ServerSideEncryptionConfiguration"]["Rules"]
    if len(rules) != 1:
        raise errors.MalformedXML
    asked = rules[0].get("ApplyServerSideEncryptionByDefault", {})
    if "KMSMasterKeyID" in asked and not asked["SSEAlgorithm"].startswith("aws:kms"):
        raise errors.InvalidArgument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            "SSEAlgorithm",
            asked["SSEAlgorithm"],
        )
    change(ctx, req, _encryption=req["ServerSideEncryptionConfiguration"])
    return {}


@service.operation("GetBucketEncryption")
async def get_bucket_encryption(ctx: Context, req: Doc) -> Doc:
    """What was asked for. Errors: ServerSideEncryptionConfigurationNotFoundError, where AWS would name AES256."""
    absent = ServerSideEncryptionConfigurationNotFoundError(req["Bucket"])
    return {"ServerSideEncryptionConfiguration": setting(ctx, req, "_encryption", absent)}


@service.operation("DeleteBucketEncryption")
async def delete_bucket_encryption(ctx: Context, req: Doc) -> Doc:
    change(ctx, req, _encryption=None)
    return {}
