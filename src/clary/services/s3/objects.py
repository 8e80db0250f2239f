"""Objects: put, get, head, delete."""

import asyncio
from collections.abc import Sequence

from clary.aws.body import Body
from clary.aws.errors import NotImplementedHere, ServiceError
from clary.aws.service import Context
from clary.engines.objects.base import ConditionFailed, Draft, NoBucket, OnlyIf, Removed
from clary.kernel.errors import Missing
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc
from clary.services.s3 import access, acl, checksums, conditions, errors, metadata
from clary.services.s3.api import (
    IGNORED,
    PUT_MAX,
    asked_bucket,
    checked_key,
    checked_version,
    head,
    limited,
    modified,
    objects,
    opened,
    opened_bucket,
    quoted,
    service,
    unquoted,
    versioned,
)
from clary.services.s3.incoming import Incoming

_DELETE_MAX = 1000


@service.operation("PutObject", ignores=IGNORED)
async def put_object(ctx: Context, req: Doc) -> Doc:
    """The key holds the body, whole and durably. Errors: PreconditionFailed, BadDigest, EntityTooLarge."""
    found, key = asked_bucket(ctx, req), checked_key(req)
    bucket = found.name
    only_if, meta = conditions.of_write(req), metadata.of_request(req) | acl.of_write(found, req)
    wanted = checksums.Wanted(req, ctx.headers)
    body: Body = req["Body"]
    adopts = isinstance(body, Incoming) and body.staged is not None
    async with objects(ctx).draft(bucket, {} if adopts else wanted.hashes | body.take_over()) as draft:
        if sums := await _received(draft, body, wanted):
            meta["_sums"] = sums
        try:
            stat = await draft.commit(key, meta, only_if)
        except ConditionFailed:
            raise conditions.failed_write(only_if) from None
        except NoBucket:
            raise errors.NoSuchBucket(bucket) from None
        except Missing:
            raise errors.NoSuchKey(key) from None
    return {
        "ETag": quoted(stat.etag),
        **checksums.of(stat),
        **metadata.encryption(meta),
        **await versioned(ctx, stat),
    }


async def _received(draft: Draft, body: Body, wanted: checksums.Wanted) -> dict[str, str]:
    """The draft has the body, whole and proven; returns the checksums to keep with it. Raises NoSuchKey for a staged
    object that is gone."""
    if isinstance(body, Incoming) and body.staged is not None:
        try:
            stat = await draft.adopt(*body.staged)
        except Missing:
            raise errors.NoSuchKey(body.staged[1]) from None
        kept: dict[str, str] = stat.meta.get("_sums", {})
        return kept
    async for data in limited(body, body.most if isinstance(body, Incoming) else PUT_MAX):
        await draft.write(data)
    digests = await draft.digests()
    body.prove()
    return wanted.found(body, digests)


@service.operation("GetObject", ignores=("RequestPayer",))
async def get_object(ctx: Context, req: Doc) -> Doc:
    """The object, or one version of it, as it was when it was opened. Errors: NoSuchKey, NoSuchVersion,
    PreconditionFailed, InvalidRange, MethodNotAllowed (a delete marker)."""
    bucket, key, version = opened_bucket(ctx, req), checked_key(req), checked_version(req)
    found = await opened(ctx, bucket, key, version)
    try:
        answer, start, end = _read(req, found.stat)
    except BaseException:
        found.close()
        raise
    answer |= await versioned(ctx, found.stat)
    if answer.get("_status") == 304:
        found.close()
        return answer
    answer["Body"] = found.stream(start, end)
    return answer


@service.operation("HeadObject", ignores=("RequestPayer",))
async def head_object(ctx: Context, req: Doc) -> Doc:
    """What GetObject would answer, without the body."""
    bucket, key, version = opened_bucket(ctx, req), checked_key(req), checked_version(req)
    stat = await head(ctx, bucket, key, version)
    answer, _, _ = _read(req, stat)
    return answer | await versioned(ctx, stat)


@service.operation("GetObjectAttributes", ignores=("RequestPayer",))
async def get_object_attributes(ctx: Context, req: Doc) -> Doc:
    """Those that the request names and the object has. Errors: NoSuchKey, NoSuchVersion."""
    bucket, key, version = opened_bucket(ctx, req), checked_key(req), checked_version(req)
    stat = await head(ctx, bucket, key, version)
    wanted = set(req["ObjectAttributes"])
    every: Doc = {
        "ETag": stat.etag,
        "Checksum": checksums.of(stat),
        "ObjectParts": _parts(req, stat),
        "StorageClass": stat.meta.get("StorageClass", metadata.STANDARD),
        "ObjectSize": stat.size,
    }
    answer = {name: value for name, value in every.items() if name in wanted and value not in ({}, None)}
    return {"LastModified": modified(stat), **answer, **await versioned(ctx, stat)}


@service.operation("DeleteObject", ignores=("RequestPayer", "BypassGovernanceRetention"))
async def delete_object(ctx: Context, req: Doc) -> Doc:
    """Without a version the key holds nothing, which in a bucket with versions a delete marker says; with one, that
    version is gone for good. That it was not there is no error. Errors: PreconditionFailed, NoSuchKey (a condition on
    what is not there)."""
    bucket = opened_bucket(ctx, req)
    _refuse_mfa(req)
    removed = await _delete(ctx, bucket, req, req.get("IfMatch"), req.get("IfMatchLastModifiedTime"), "IfMatchSize")
    return _removed(removed)


@service.operation("DeleteObjects", ignores=("RequestPayer", "BypassGovernanceRetention"))
async def delete_objects(ctx: Context, req: Doc) -> Doc:
    """Every key, and every version that is named, that has no error in the answer is gone as by DeleteObject."""
    bucket, asked = opened_bucket(ctx, req), req["Delete"]["Objects"]
    _refuse_mfa(req)
    if not 1 <= len(asked) <= _DELETE_MAX:
        raise errors.MalformedXML
    done = await _delete_all(ctx, bucket, asked)
    deleted: list[Doc] = []
    failed: list[Doc] = []
    for one, result in zip(asked, done, strict=True):
        version = {"VersionId": one["VersionId"]} if "VersionId" in one else {}
        if isinstance(result, ServiceError):
            failed.append({"Key": one["Key"], **version, "Code": result.error_code, "Message": result.message})
            continue
        marker: Doc = {}
        if result.marker:
            marker = {"DeleteMarker": True, "DeleteMarkerVersionId": result.version}
        deleted.append({"Key": one["Key"], **version, **marker})
    answer: Doc = {} if req["Delete"].get("Quiet") else {"Deleted": deleted}
    return answer | ({"Errors": failed} if failed else {})


async def _delete_all(ctx: Context, bucket: str, asked: Sequence[Doc]) -> list[Removed | ServiceError]:
    """What became of each, in their order. Those that need no look of their own go together."""
    kept = bool(await objects(ctx).versioning(bucket))
    together: list[str] = []

    async def one(item: Doc) -> Removed | ServiceError:
        try:
            key, version = checked_key(item), checked_version(item)
            ctx.require(access.delete_ask(ctx, bucket, key, version))
            if not kept and version is None and not item.keys() & {"ETag", "LastModifiedTime", "Size"}:
                together.append(key)
                return Removed()
            return await _delete(ctx, bucket, item, item.get("ETag"), item.get("LastModifiedTime"), "Size")
        except ServiceError as error:
            return error

    done = await asyncio.gather(*(one(item) for item in asked))
    await objects(ctx).delete_many(bucket, together)
    return list(done)


async def _delete(ctx: Context, bucket: str, req: Doc, match: str | None, at: float | None, size: str) -> Removed:
    key, version = checked_key(req), checked_version(req)
    only_if = None
    if match is not None or at is not None or size in req:
        only_if = OnlyIf(etag=unquoted(match) if match else None, modified=at, size=req.get(size))
    try:
        return await objects(ctx).remove(bucket, key, version, only_if)
    except ConditionFailed:
        raise errors.PreconditionFailed("If-Match") from None
    except NoBucket:
        raise errors.NoSuchBucket(bucket) from None
    except Missing:
        raise errors.NoSuchKey(key) from None


def _removed(removed: Removed) -> Doc:
    version = {"VersionId": removed.version} if removed.version is not None else {}
    return version | ({"DeleteMarker": True} if removed.marker else {})


def _refuse_mfa(req: Doc) -> None:
    if "MFA" in req:
        raise NotImplementedHere("MFA delete is not implemented: no device could be asked.")


def _read(req: Doc, stat: Stat) -> tuple[Doc, int, int]:
    """The answer to a read but for its body, and which bytes that is."""
    if conditions.is_unmodified(req, stat):
        kept = ("ETag", "LastModified", "CacheControl", "Expires")
        every = metadata.of_object(stat)
        return {"_status": 304, **{name: every[name] for name in kept if name in every}}, 0, 0
    answer = metadata.of_object(stat) | metadata.overridden(req)
    part, start, end = req.get("PartNumber"), 0, stat.size
    some = conditions.asked_range(req.get("Range"), stat.size)
    if part is not None and "Range" in req:
        raise errors.InvalidRequest("Cannot specify both Range header and partNumber query parameter")
    if part is not None:
        sizes = stat.meta.get("_parts", [])
        start, end = conditions.part_range(sizes, part, stat.size)
        if sizes:
            answer["PartsCount"] = len(sizes)
        some = (start, end) if start < end else None
    if some is not None:
        start, end = some
        answer |= {"_status": 206, "ContentRange": f"bytes {start}-{end - 1}/{stat.size}"}
    if req.get("ChecksumMode", "").upper() == "ENABLED":  # the C++ SDK writes it small
        if part is not None and stat.meta.get("_part_sums"):
            answer |= checksums.of_part(stat, part)
        elif some is None:
            # A checksum of the whole beside a part of it would be taken for the part's.
            answer |= checksums.of(stat)
    answer["ContentLength"] = end - start
    return answer, start, end


def _parts(req: Doc, stat: Stat) -> Doc:
    sizes: list[int] = stat.meta.get("_parts", [])
    if not sizes:
        return {}
    marker, limit = req.get("PartNumberMarker", 0), min(req.get("MaxParts", 1000), 1000)
    numbers = list(range(marker + 1, len(sizes) + 1))[:limit]
    return {
        "TotalPartsCount": len(sizes),
        "PartNumberMarker": marker,
        "NextPartNumberMarker": numbers[-1] if numbers else marker,
        "MaxParts": limit,
        "IsTruncated": marker + len(numbers) < len(sizes),
        "Parts": [
            {"PartNumber": number, "Size": sizes[number - 1], **checksums.of_part(stat, number)} for number in numbers
        ],
    }
