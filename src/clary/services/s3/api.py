"""S3: the service, and what every operation on a bucket or an object needs first."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any, Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context, Service
from clary.engines.objects.base import BucketStore, Opened
from clary.kernel.errors import Missing
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.s3 import errors

service = Service("s3")

BUCKET: Final = "bucket"
REGION: Final = ""
"""Bucket names are one space for all regions; the region of a bucket stands in its status."""
KEY_MAX: Final = 1024
GIB: Final = 1 << 30
MIB: Final = 1 << 20
PUT_MAX: Final = 5 * GIB

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
    "ACL",
    "BucketKeyEnabled",
    "GrantFullControl",
    "GrantRead",
    "GrantReadACP",
    "GrantWriteACP",
    "RequestPayer",
    "SSEKMSEncryptionContext",
    "SSEKMSKeyId",
    "ServerSideEncryption",
    "StorageClass",
)
"""Members of writes that are accepted, stored where they describe the object, and change nothing."""


def objects(ctx: Context) -> BucketStore:
    return ctx.port(BucketStore)


def bucket_named(ctx: Context, name: str) -> Resource:
    """Raises NoSuchBucket, and AccessDenied when it is another account's."""
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


def opened_bucket(ctx: Context, req: Doc) -> str:
    """The name of the bucket that the request is about. Raises NoSuchBucket, AccessDenied, NotImplementedHere."""
    bucket = bucket_named(ctx, req["Bucket"])
    owner = req.get("ExpectedBucketOwner")
    if owner is not None and owner != bucket.account:
        raise errors.AccessDenied
    for member in UNSERVED:
        if member in req:
            raise NotImplementedHere(f"{member} is not implemented: this store would not keep its promise.")
    return bucket.name


def checked_key(req: Doc) -> str:
    """Raises KeyTooLongError, NoSuchVersion."""
    key: str = req["Key"]
    size = len(key.encode())
    if size > KEY_MAX:
        raise errors.KeyTooLongError(size)
    if req.get("VersionId", "null") != "null":
        raise errors.NoSuchVersion(key, req["VersionId"])
    return key


async def head(ctx: Context, bucket: str, key: str) -> Stat:
    """Raises NoSuchKey."""
    try:
        return await objects(ctx).head(bucket, key)
    except Missing:
        raise errors.NoSuchKey(key) from None


async def opened(ctx: Context, bucket: str, key: str) -> Opened:
    """Raises NoSuchKey."""
    try:
        return await objects(ctx).open(bucket, key)
    except Missing:
        raise errors.NoSuchKey(key) from None


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
