"""Copies: an object, or a range of one as a part, from another object."""

import re
from typing import Final
from urllib.parse import unquote

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.engines.objects.base import ConditionFailed, Opened
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.s3 import acl, checksums, conditions, errors, metadata
from clary.services.s3.api import (
    IGNORED,
    PUT_MAX,
    asked_bucket,
    checked_key,
    checked_version,
    modified,
    objects,
    opened,
    opened_bucket,
    quoted,
    service,
    versioned,
)

_RANGE: Final = re.compile(r"bytes=([0-9]{1,30})-([0-9]{1,30})")


@service.operation("CopyObject", ignores=(*IGNORED, "AnnotationDirective"))
async def copy_object(ctx: Context, req: Doc) -> Doc:
    """The key holds the bytes of the source, with its metadata or those of the request. Errors: NoSuchKey,
    PreconditionFailed, InvalidRequest (onto itself without a change; longer than 5 GiB)."""
    into, key = asked_bucket(ctx, req), checked_key(req)
    bucket, only_if, grants = into.name, conditions.of_write(req), acl.of_write(into, req)
    found = await source(ctx, req)
    try:
        # An older version copied over the current one is how an object is restored.
        itself = (found.stat.bucket, found.stat.key) == (bucket, key) and "?" not in req["CopySource"]
        meta, hashes = _copied(req, found, itself=itself)
        meta |= grants
        async with objects(ctx).draft(bucket, hashes.hashes if hashes else None) as draft:
            await draft.copy(found)
            if hashes and (sums := hashes.found(None, await draft.digests())):
                meta |= {"_sums": sums, "_sum_type": checksums.FULL}
            stat = await draft.commit(key, meta, only_if)
    except ConditionFailed:
        raise conditions.failed_write(only_if) from None
    except Missing:
        raise errors.NoSuchKey(key) from None
    finally:
        found.close()
    version = {"CopySourceVersionId": found.stat.version} if found.stat.version is not None else {}
    return {
        "CopyObjectResult": {"ETag": quoted(stat.etag), "LastModified": modified(stat), **checksums.of(stat)},
        **version,
        **metadata.encryption(stat.meta),
        **await versioned(ctx, stat),
    }


async def source(ctx: Context, req: Doc) -> Opened:
    """The object that a copy reads, its conditions held. Raises NoSuchBucket, NoSuchKey, PreconditionFailed,
    InvalidArgument; the caller closes it."""
    bucket, key, version = _named(req["CopySource"])
    asked: Doc = {"Bucket": bucket, "Key": key}
    if "ExpectedSourceBucketOwner" in req:
        asked["ExpectedBucketOwner"] = req["ExpectedSourceBucketOwner"]
    if version is not None:
        asked["VersionId"] = version
    opened_bucket(ctx, asked)
    try:
        found = await opened(ctx, bucket, checked_key(asked), checked_version(asked))
    except errors.MethodNotAllowed:
        raise errors.InvalidRequest(
            "The source of a copy request may not specifically refer to a delete marker by version id."
        ) from None
    try:
        conditions.check_source(req, found.stat)
        if found.stat.size > PUT_MAX and "CopySourceRange" not in req:
            raise errors.InvalidRequest(
                f"The specified copy source is larger than the maximum allowable size for a copy source: {PUT_MAX}"
            )
    except BaseException:
        found.close()
        raise
    return found


def source_range(req: Doc, size: int) -> tuple[int, int]:
    """Which bytes of the source a part is. Raises InvalidArgument, InvalidRange."""
    text = req.get("CopySourceRange")
    if text is None:
        return 0, size
    match = _RANGE.fullmatch(text)
    if match is None or int(match[1]) > int(match[2]):
        raise errors.InvalidArgument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the"
            " zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range",
            text,
        )
    start, last = int(match[1]), int(match[2])
    if last >= size:
        raise errors.InvalidRange(text, size)
    return start, last + 1


def _named(text: str) -> tuple[str, str, str | None]:
    path, _, query = text.partition("?")
    bucket, slash, key = unquote(path).removeprefix("/").partition("/")
    if bucket.startswith("arn:"):
        raise NotImplementedHere("A copy source that is an ARN (an access point) is not implemented.")
    if not bucket or not slash or not key:
        raise errors.InvalidArgument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey", "x-amz-copy-source", text
        )
    version = unquote(query.removeprefix("versionId=")) if query.startswith("versionId=") else None
    return bucket, key, version


def _copied(req: Doc, found: Opened, *, itself: bool) -> tuple[Doc, checksums.Wanted | None]:
    """The metadata of the copy, and the checksums to count for it."""
    replace, old = req.get("MetadataDirective", "COPY") == "REPLACE", found.stat.meta
    new = metadata.of_request(req)
    changes = replace or req.keys() & {"StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption"}
    if itself and not changes:
        raise errors.InvalidRequest(
            "This copy request is illegal because it is trying to copy an object to itself without changing the"
            " object's metadata, storage class, website redirect location or encryption attributes."
        )
    meta: Doc = dict(new) if replace else {name: old[name] for name in (*metadata.HEADERS, "Metadata") if name in old}
    meta.pop("_tags", None)
    for name in ("StorageClass", "ServerSideEncryption", "WebsiteRedirectLocation"):
        meta.pop(name, None)  # of the source, these three are not copied
        if name in new:
            meta[name] = new[name]
    tags = new.get("_tags") if req.get("TaggingDirective", "COPY") == "REPLACE" else old.get("_tags")
    if tags:
        meta["_tags"] = tags
    sums: dict[str, str] = old.get("_sums", {})
    whole = old.get("_sum_type", checksums.FULL) == checksums.FULL
    algorithm = req.get("ChecksumAlgorithm") or (None if whole else next(iter(sums)))
    if algorithm is None or (whole and algorithm in sums):
        # The same bytes have the same checksum.
        return meta | ({"_sums": sums} if sums else {}), None
    return meta, checksums.Wanted({"ChecksumAlgorithm": algorithm}, {})
