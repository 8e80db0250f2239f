"""What S3's operations ask of the policies. S3 names its actions after permissions, not after operations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from clary.aws.access import Ask, Asks, anywhere, nothing
from clary.aws.service import Context, Service
from clary.engines.objects.base import BucketStore
from clary.kernel.resource import Doc

OF_BUCKET: Final = {
    "CreateBucket": "CreateBucket",
    "DeleteBucket": "DeleteBucket",
    "DeleteBucketAnalyticsConfiguration": "PutAnalyticsConfiguration",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketIntelligentTieringConfiguration": "PutIntelligentTieringConfiguration",
    "DeleteBucketInventoryConfiguration": "PutInventoryConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketMetricsConfiguration": "PutMetricsConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketPolicy": "DeleteBucketPolicy",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteBucketWebsite": "DeleteBucketWebsite",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketAcl": "GetBucketAcl",
    "GetBucketAnalyticsConfiguration": "GetAnalyticsConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketIntelligentTieringConfiguration": "GetIntelligentTieringConfiguration",
    "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
    "GetBucketLifecycle": "GetLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketLocation": "GetBucketLocation",
    "GetBucketLogging": "GetBucketLogging",
    "GetBucketMetricsConfiguration": "GetMetricsConfiguration",
    "GetBucketNotification": "GetBucketNotification",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketOwnershipControls": "GetBucketOwnershipControls",
    "GetBucketPolicy": "GetBucketPolicy",
    "GetBucketPolicyStatus": "GetBucketPolicyStatus",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetBucketRequestPayment": "GetBucketRequestPayment",
    "GetBucketTagging": "GetBucketTagging",
    "GetBucketVersioning": "GetBucketVersioning",
    "GetBucketWebsite": "GetBucketWebsite",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "ListBucketAnalyticsConfigurations": "GetAnalyticsConfiguration",
    "ListBucketIntelligentTieringConfigurations": "GetIntelligentTieringConfiguration",
    "ListBucketInventoryConfigurations": "GetInventoryConfiguration",
    "ListBucketMetricsConfigurations": "GetMetricsConfiguration",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketAcl": "PutBucketAcl",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketIntelligentTieringConfiguration": "PutIntelligentTieringConfiguration",
    "PutBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketLogging": "PutBucketLogging",
    "PutBucketMetricsConfiguration": "PutMetricsConfiguration",
    "PutBucketNotification": "PutBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketOwnershipControls": "PutBucketOwnershipControls",
    "PutBucketPolicy": "PutBucketPolicy",
    "PutBucketRequestPayment": "PutBucketRequestPayment",
    "PutBucketTagging": "PutBucketTagging",
    "PutBucketVersioning": "PutBucketVersioning",
    "PutBucketWebsite": "PutBucketWebsite",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
OF_OBJECT: Final = {
    "AbortMultipartUpload": "AbortMultipartUpload",
    "ListParts": "ListMultipartUploadParts",
    "RestoreObject": "RestoreObject",
}
OF_VERSION: Final = {
    "DeleteObject": "DeleteObject{}",
    "DeleteObjectTagging": "DeleteObject{}Tagging",
    "GetObject": "GetObject{}",
    "GetObjectAcl": "GetObject{}Acl",
    "GetObjectTagging": "GetObject{}Tagging",
    "HeadObject": "GetObject{}",
    "PutObjectAcl": "PutObject{}Acl",
    "PutObjectTagging": "PutObject{}Tagging",
}
"""With "Version" in the braces when the request names one."""
_WRITES: Final = (
    "PutObject",
    "CreateMultipartUpload",
    "UploadPart",
    "CompleteMultipartUpload",
    "CopyObject",
    "UploadPartCopy",
)
_GRANTS: Final = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP")
_KEYS: Final = {
    "ACL": "s3:x-amz-acl",
    "CopySource": "s3:x-amz-copy-source",
    "Delimiter": "s3:delimiter",
    "GrantFullControl": "s3:x-amz-grant-full-control",
    "GrantRead": "s3:x-amz-grant-read",
    "GrantReadACP": "s3:x-amz-grant-read-acp",
    "GrantWrite": "s3:x-amz-grant-write",
    "GrantWriteACP": "s3:x-amz-grant-write-acp",
    "IfMatch": "s3:if-match",
    "IfNoneMatch": "s3:if-none-match",
    "MaxKeys": "s3:max-keys",
    "MetadataDirective": "s3:x-amz-metadata-directive",
    "ObjectOwnership": "s3:x-amz-object-ownership",
    "Prefix": "s3:prefix",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "StorageClass": "s3:x-amz-storage-class",
    "VersionId": "s3:versionid",
    "WebsiteRedirectLocation": "s3:x-amz-website-redirect-location",
}
_LISTS: Final = ("ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads")


def bucket_arn(bucket: str) -> str:
    return f"arn:aws:s3:::{bucket}"


def object_arn(bucket: str, key: str) -> str:
    return f"arn:aws:s3:::{bucket}/{key}"


def delete_ask(ctx: Context, bucket: str, key: str, version: str | None) -> Ask:
    """What one key of a DeleteObjects asks."""
    action = "s3:DeleteObject" if version is None else "s3:DeleteObjectVersion"
    keys = _keys(ctx, {} if version is None else {"VersionId": version})
    return Ask(action, object_arn(bucket, key), keys, resource_tags=_existing(ctx, bucket, key, version))


def list_ask(ctx: Context, bucket: str) -> Ask:
    """Who may list a bucket may know that a key is not there."""
    return Ask("s3:ListBucket", bucket_arn(bucket), _keys(ctx, {}))


def _keys(ctx: Context, req: Doc) -> dict[str, Any]:
    found: dict[str, Any] = {wire: str(req[member]) for member, wire in _KEYS.items() if member in req}
    found["s3:resourceaccount"] = ctx.account
    if "authorization" in ctx.headers:
        found["s3:authtype"] = "REST-HEADER"
        found["s3:signatureversion"] = ctx.headers["authorization"].partition(" ")[0]
    elif ctx.headers and ctx.principal.kind != "anonymous":
        found["s3:authtype"] = "REST-QUERY-STRING"
    if sha := ctx.headers.get("x-amz-content-sha256"):
        found["s3:x-amz-content-sha256"] = sha
    where = req.get("CreateBucketConfiguration", {})
    if "LocationConstraint" in where:
        found["s3:locationconstraint"] = where["LocationConstraint"]
    return found


def _tag_keys(tags: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {f"s3:requestobjecttag/{name}": value for name, value in tags.items()}
    return found | ({"s3:requestobjecttagkeys": list(tags)} if tags else {})


def _of_bucket(action: str) -> Asks:
    return lambda ctx, req: [Ask(f"s3:{action}", bucket_arn(req["Bucket"]), _keys(ctx, req))]


def _of_list(action: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        # An absent prefix is an empty one for policies that ask for it.
        keys = {"s3:prefix": "", **_keys(ctx, req)}
        return [Ask(f"s3:{action}", bucket_arn(req["Bucket"]), keys)]

    return asks


def _create_bucket(ctx: Context, req: Doc) -> Sequence[Ask]:
    arn, keys = bucket_arn(req["Bucket"]), _keys(ctx, req)
    actions = ["s3:CreateBucket"]
    if "ACL" in req or any(name in req for name in _GRANTS):
        actions.append("s3:PutBucketAcl")
    if "ObjectOwnership" in req:
        actions.append("s3:PutBucketOwnershipControls")
    tags = {one["Key"]: one["Value"] for one in req.get("CreateBucketConfiguration", {}).get("Tags", [])}
    if tags:
        actions.append("s3:TagResource")
    return [Ask(action, arn, keys, request_tags=tags or None) for action in actions]


def _of_object(action: str) -> Asks:
    return lambda ctx, req: [Ask(f"s3:{action}", object_arn(req["Bucket"], req["Key"]), _keys(ctx, req))]


def _existing(ctx: Context, bucket: str, key: str, version: str | None) -> Callable[[], Mapping[str, str]]:
    """The tags that the object has now: s3:ExistingObjectTag/<key>. Looked up only when a policy asks."""

    def tags() -> Mapping[str, str]:
        stat = ctx.port(BucketStore).seen(bucket, key, version)
        return dict(stat.meta.get("_tags", [])) if stat is not None else {}

    return tags


def _of_version(form: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        action = "s3:" + form.format("Version" if "VersionId" in req else "")
        tags = {one["Key"]: one["Value"] for one in req.get("Tagging", {}).get("TagSet", [])}
        bucket, key = req["Bucket"], req["Key"]
        existing = _existing(ctx, bucket, key, req.get("VersionId"))
        return [Ask(action, object_arn(bucket, key), _keys(ctx, req) | _tag_keys(tags), resource_tags=existing)]

    return asks


def _write(ctx: Context, req: Doc) -> Sequence[Ask]:
    arn, keys = object_arn(req["Bucket"], req["Key"]), _keys(ctx, req)
    actions = ["s3:PutObject"]
    if tags := dict(parse_qsl(req.get("Tagging", ""), keep_blank_values=True)):
        keys |= _tag_keys(tags)
        actions.append("s3:PutObjectTagging")
    if req.get("ACL", "private") != "private" or any(name in req for name in _GRANTS):
        actions.append("s3:PutObjectAcl")
    asks = [Ask(action, arn, keys) for action in actions]
    if "CopySource" in req:
        asks.append(_source(ctx, req["CopySource"]))
    return asks


def _source(ctx: Context, text: str) -> Ask:
    path, _, query = text.partition("?")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    version = dict(parse_qsl(query)).get("versionId")
    action = "s3:GetObject" if version is None else "s3:GetObjectVersion"
    keys = _keys(ctx, {} if version is None else {"VersionId": version})
    return Ask(action, object_arn(bucket, key), keys, resource_tags=_existing(ctx, bucket, key, version))


def _attributes(ctx: Context, req: Doc) -> Sequence[Ask]:
    arn, keys = object_arn(req["Bucket"], req["Key"]), _keys(ctx, req)
    word = "Version" if "VersionId" in req else ""
    tags = _existing(ctx, req["Bucket"], req["Key"], req.get("VersionId"))
    return [Ask(f"s3:GetObject{word}{more}", arn, keys, resource_tags=tags) for more in ("", "Attributes")]


OF_DATA = (
    *("AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "DeleteObject"),
    *("DeleteObjectTagging", "DeleteObjects", "GetObject", "GetObjectAcl", "GetObjectAttributes", "GetObjectTagging"),
    *("HeadBucket", "HeadObject", "ListMultipartUploads", "ListObjectVersions", "ListObjects", "ListObjectsV2"),
    *("ListParts", "PutObject", "PutObjectAcl", "PutObjectTagging", "UploadPart", "UploadPartCopy"),
)
"""Operations on objects, and those that list them."""


def register(service: Service) -> None:
    """Every operation that the service has says what it asks."""
    table: dict[str, Asks] = {name: _of_bucket(action) for name, action in OF_BUCKET.items()}
    table |= {name: _of_list(OF_BUCKET[name]) for name in _LISTS}
    table |= {name: _of_object(action) for name, action in OF_OBJECT.items()}
    table |= {name: _of_version(form) for name, form in OF_VERSION.items()}
    table |= dict.fromkeys(_WRITES, _write)
    table |= {
        "CreateBucket": _create_bucket,
        "DeleteObjects": nothing,  # each key is asked for by the handler
        "GetObjectAttributes": _attributes,
        "ListBuckets": anywhere("s3:ListAllMyBuckets"),
    }
    for name, asks in table.items():
        if name in service.handlers:
            service.access(name, asks)
    service.data_event(*OF_DATA)
