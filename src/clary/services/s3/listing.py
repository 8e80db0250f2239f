"""Lists of objects: ListObjectsV2 and ListObjects."""

from typing import Any, Final
from urllib.parse import quote

from clary.aws.service import Context
from clary.engines.objects.base import NoBucket, Page
from clary.kernel import page
from clary.kernel.errors import BadToken
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc
from clary.services.s3 import errors, metadata
from clary.services.s3.api import modified, objects, opened_bucket, owner, quoted, service

PAGE_MAX: Final = 1000
_IGNORED: Final = ("RequestPayer", "OptionalObjectAttributes")


@service.operation("ListObjectsV2", ignores=_IGNORED)
async def list_objects_v2(ctx: Context, req: Doc) -> Doc:
    bucket, limit = opened_bucket(ctx, req), asked_limit(req, "MaxKeys", "max-keys")
    filters = page.digest("ListObjectsV2", bucket, req.get("Prefix", ""), req.get("Delimiter", ""))
    token, after = req.get("ContinuationToken"), req.get("StartAfter", "")
    if token is not None:
        try:
            after = str(page.decode(token, filters, str, str)[0])
        except BadToken:
            raise errors.InvalidArgument(
                "The continuation token provided is incorrect", "continuation-token", token
            ) from None
    found = await _page(ctx, bucket, req, after, limit)
    encode = encoder(req)
    with_owner = owner(ctx.account) if req.get("FetchOwner") else None
    answer = _common(req, found, limit, encode) | {
        "KeyCount": len(found.objects) + len(found.prefixes),
        "Contents": [content(stat, encode, with_owner) for stat in found.objects],
    }
    answer |= echoed(req, ("ContinuationToken",), str) | echoed(req, ("StartAfter",), encode)
    if found.truncated:
        answer["NextContinuationToken"] = page.encode([found.last, ""], filters)
    return answer


@service.operation("ListObjects", ignores=_IGNORED)
async def list_objects(ctx: Context, req: Doc) -> Doc:
    bucket, limit = opened_bucket(ctx, req), asked_limit(req, "MaxKeys", "max-keys")
    found = await _page(ctx, bucket, req, req.get("Marker", ""), limit)
    encode = encoder(req)
    answer = _common(req, found, limit, encode) | {
        "Marker": encode(req.get("Marker", "")),
        "Contents": [content(stat, encode, owner(ctx.account)) for stat in found.objects],
    }
    if found.truncated and req.get("Delimiter"):
        # Without a delimiter clients go on after the last key.
        answer["NextMarker"] = encode(found.last)
    return answer


def asked_limit(req: Doc, member: str, wire: str) -> int:
    """At most 1000. Raises InvalidArgument."""
    asked: int = req.get(member, PAGE_MAX)
    if not 0 <= asked < 1 << 31:
        raise errors.InvalidArgument(f"Argument {wire} must be an integer between 0 and 2147483647", wire, asked)
    return min(asked, PAGE_MAX)


def encoder(req: Doc) -> Any:
    """How keys are written in the answer. Raises InvalidArgument."""
    kind = req.get("EncodingType")
    if kind is None:
        return str
    if kind != "url":
        raise errors.InvalidArgument("Invalid Encoding Method specified in Request", "encoding-type", kind)
    return lambda text: quote(text, safe="/*")


def echoed(req: Doc, names: tuple[str, ...], encode: Any) -> Doc:
    """What was asked, told again. S3 leaves out what is empty."""
    return {name: encode(req[name]) for name in names if req.get(name)}


async def _page(ctx: Context, bucket: str, req: Doc, after: str, limit: int) -> Page:
    if limit == 0:
        return Page([], [], "", False)
    try:
        return await objects(ctx).page(bucket, req.get("Prefix", ""), req.get("Delimiter", ""), after, limit)
    except NoBucket:
        raise errors.NoSuchBucket(bucket) from None


def _common(req: Doc, found: Page, limit: int, encode: Any) -> Doc:
    answer: Doc = {
        "Name": req["Bucket"],
        "Prefix": encode(req.get("Prefix", "")),
        "MaxKeys": limit,
        "IsTruncated": found.truncated,
        "CommonPrefixes": [{"Prefix": encode(one)} for one in found.prefixes],
    }
    return answer | echoed(req, ("Delimiter",), encode) | echoed(req, ("EncodingType",), str)


def content(stat: Stat, encode: Any, of: Doc | None) -> Doc:
    """One object of a list."""
    item: Doc = {
        "Key": encode(stat.key),
        "LastModified": modified(stat),
        "ETag": quoted(stat.etag),
        "Size": stat.size,
        "StorageClass": stat.meta.get("StorageClass", metadata.STANDARD),
    }
    if sums := stat.meta.get("_sums"):
        item |= {"ChecksumAlgorithm": list(sums), "ChecksumType": stat.meta.get("_sum_type", "FULL_OBJECT")}
    if of is not None:
        item["Owner"] = of
    return item
