"""S3: the service, and what every operation on a bucket or an object needs first."""

import hashlib
import re
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any, Final

from clary.aws.errors import NotImplementedHere, ServiceError
from clary.aws.service import Context, Service
from clary.engines.objects.base import BucketStore, IsMarker, NoBucket, NoVersion, Opened
from clary.kernel.errors import Missing
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.s3 import access, errors

service = Service("s3")

BUCKET: Final = "bucket"
REGION: Final = ""
"""Bucket names are one space for all regions; the region of a bucket stands in its status."""
KEY_MAX: Final = 1024
GIB: Final = 1 << 30
MIB: Final = 1 << 20
PUT_MAX: Final = 5 * GIB
_VERSION: Final = re.compile("[0-9a-f]{32}")

UNSERVED: Final = (
    "SSECustomerAlgorithm",
    "SSECustomerKey",
    "SSECustomerKeyMD5",
    "CopySourceSSECustomerAlgorithm",
    "CopySourceSSECustomerKey",
    "CopySourceSSECustomerKeyMD5",
    "ObjectLockMode",
    "ObjectLockRetainUntilDate",
    "ObjectLockLegalHoldStatus",
    "ObjectLockEventHold",
    "ObjectLockEventHoldDurationDays",
    "ObjectLockEventHoldDurationYears",
    "WriteOffsetBytes",
)
"""Members whose meaning would be lost if they were accepted in silence."""
IGNORED: Final = (
    "BucketKeyEnabled",
    "RequestPayer",
    "SSEKMSEncryptionContext",
    "SSEKMSKeyId",
    "ServerSideEncryption",
    "StorageClass",
)
"""Members of writes that are accepted, stored where they describe the object, and change nothing."""


def objects(ctx: Context) -> BucketStore:
    return ctx.port(BucketStore)


AT_HAND: Final[ContextVar[tuple[Context, Resource] | None]] = ContextVar("bucket", default=None)
"""The request at hand and its bucket as it was looked up for it: one look-up a request. Set only around operations on
objects, which change nothing of a bucket's row."""


def bucket_named(ctx: Context, name: str) -> Resource:
    """Raises NoSuchBucket, and AccessDenied when it is another account's."""
    held = AT_HAND.get()
    if held is not None and held[0] is ctx and held[1].name == name:
        return held[1]
    try:
        return ctx.store.get(ctx.account, REGION, BUCKET, name)
    except Missing:
        raise (errors.AccessDenied() if _is_taken(ctx, name) else errors.NoSuchBucket(name)) from None


def is_taken_by_another(ctx: Context, name: str) -> bool:
    return _is_taken(ctx, name)


def _is_taken(ctx: Context, name: str) -> bool:
    # In order of names, the name itself stands before all that it begins.
    found = ctx.store.page(BUCKET, Where(name_prefix=name), limit=1)
    return bool(found) and found[0].name == name and found[0].account != ctx.account


def asked_bucket(ctx: Context, req: Doc) -> Resource:
    """The bucket that the request is about. Raises NoSuchBucket, AccessDenied, NotImplementedHere."""
    bucket = bucket_named(ctx, req["Bucket"])
    owner = req.get("ExpectedBucketOwner")
    if owner is not None and owner != bucket.account:
        raise errors.AccessDenied
    for member in UNSERVED:
        if member in req:
            raise NotImplementedHere(f"{member} is not implemented: this store would not keep its promise.")
    return bucket


def opened_bucket(ctx: Context, req: Doc) -> str:
    """Its name. Raises NoSuchBucket, AccessDenied, NotImplementedHere."""
    return asked_bucket(ctx, req).name


def checked_key(req: Doc) -> str:
    """Raises KeyTooLongError."""
    key: str = req["Key"]
    size = len(key.encode())
    if size > KEY_MAX:
        raise errors.KeyTooLongError(size)
    return key


def checked_version(req: Doc) -> str | None:
    """The version that the request names. Raises InvalidArgument."""
    version: str | None = req.get("VersionId")
    if version == "":
        raise errors.InvalidArgument("Version id cannot be the empty string", "versionId", version)
    if version not in (None, "null") and not _VERSION.fullmatch(version):
        raise errors.InvalidArgument("Invalid version id specified", "versionId", version)
    return version


async def head(ctx: Context, bucket: str, key: str, version: str | None = None) -> Stat:
    """Raises NoSuchKey, NoSuchVersion, MethodNotAllowed (a delete marker), AccessDenied."""
    try:
        return await objects(ctx).head(bucket, key, version)
    except Missing as missing:
        raise absent(ctx, bucket, key, version, missing) from None


async def opened(ctx: Context, bucket: str, key: str, version: str | None = None) -> Opened:
    """As `head`; the caller closes it."""
    try:
        return await objects(ctx).open(bucket, key, version)
    except Missing as missing:
        raise absent(ctx, bucket, key, version, missing) from None


def absent(ctx: Context, bucket: str, key: str, version: str | None, missing: Missing) -> ServiceError:
    """What a client is told of an object that is not there: nothing, unless it may list the bucket."""
    if not ctx.allowed(access.list_ask(ctx, bucket)):
        return errors.AccessDenied()
    match missing:
        case NoBucket():
            return errors.NoSuchBucket(bucket)
        case NoVersion() if version is not None:
            return errors.NoSuchVersion(key, version)
        case IsMarker() if version is not None:
            return errors.MethodNotAllowed(missing.version, missing.modified)
        case IsMarker():
            return errors.NoSuchKey(key, missing.version)
    return errors.NoSuchKey(key)


async def versioned(ctx: Context, stat: Stat) -> Doc:
    """VersionId as a member of an answer; nothing where the bucket never had versions."""
    if stat.version is not None:
        return {"VersionId": stat.version}
    return {"VersionId": "null"} if await objects(ctx).versioning(stat.bucket) else {}


def quoted(etag: str) -> str:
    return f'"{etag}"'


def unquoted(etag: str) -> str:
    return etag.strip().removeprefix("W/").strip('"')


def owner_id(account: str) -> str:
    """The canonical user id of an account: always the same 64 hex digits."""
    return hashlib.sha256(b"clary canonical user " + account.encode()).hexdigest()


def owner(account: str) -> Doc:
    return {"ID": owner_id(account), "DisplayName": account}


def modified(stat: Stat) -> float:
    """Last-Modified has whole seconds, so that every answer and every condition speaks of the same moment."""
    return float(int(stat.modified))


async def limited(body: Any, limit: int) -> AsyncIterator[bytes]:
    """The body's bytes. Raises EntityTooLarge once there are more than `limit`, or as many were announced."""
    length = getattr(body, "length", None)
    if length is not None and length > limit:
        raise errors.EntityTooLarge(length, limit)
    size = 0
    async for chunk in body:
        size += len(chunk)
        if size > limit:
            raise errors.EntityTooLarge(size, limit)
        yield chunk
