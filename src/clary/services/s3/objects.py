"""Objects: put, get, head, delete."""

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.engines.objects.base import ConditionFailed, NoBucket, OnlyIf
from clary.kernel.errors import Missing
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc
from clary.services.s3 import checksums, conditions, errors, metadata
from clary.services.s3.api import (
    IGNORED,
    PUT_MAX,
    checked_key,
    head,
    limited,
    modified,
    objects,
    opened,
    opened_bucket,
    quoted,
    service,
    unquoted,
)

_DELETE_MAX = 1000


@service.operation("PutObject", ignores=IGNORED)
async def put_object(ctx: Context, req: Doc) -> Doc:
    """The key holds the body, whole and durably. Errors: PreconditionFailed, BadDigest, EntityTooLarge."""
    bucket, key = opened_bucket(ctx, req), checked_key(req)
    only_if, meta = conditions.of_write(req), metadata.of_request(req)
    wanted = checksums.Wanted(req, ctx.headers)
    async with objects(ctx).draft(bucket, wanted.hashes) as draft:
        async for data in limited(req["Body"], PUT_MAX):
            await draft.write(data)
        if sums := wanted.found(req["Body"], await draft.digests()):
            meta["_sums"] = sums
        try:
            stat = await draft.commit(key, meta, only_if)
        except ConditionFailed:
            raise conditions.failed_write(only_if) from None
        except NoBucket:
            raise errors.NoSuchBucket(bucket) from None
        except Missing:
            raise errors.NoSuchKey(key) from None
    return {"ETag": quoted(stat.etag), **checksums.of(stat)}


@service.operation("GetObject", ignores=("RequestPayer",))
async def get_object(ctx: Context, req: Doc) -> Doc:
    """The object as it was when it was opened. Errors: NoSuchKey, PreconditionFailed, InvalidRange."""
    bucket, key = opened_bucket(ctx, req), checked_key(req)
    found = await opened(ctx, bucket, key)
    try:
        answer, start, end = _read(req, found.stat)
    except BaseException:
        found.close()
        raise
    if "_status" in answer and answer["_status"] == 304:
        found.close()
        return answer
    answer["Body"] = found.stream(start, end)
    return answer


@service.operation("HeadObject", ignores=("RequestPayer",))
async def head_object(ctx: Context, req: Doc) -> Doc:
    """What GetObject would answer, without the body."""
    bucket, key = opened_bucket(ctx, req), checked_key(req)
    answer, _, _ = _read(req, await head(ctx, bucket, key))
    return answer


@service.operation("GetObjectAttributes", ignores=("RequestPayer",))
async def get_object_attributes(ctx: Context, req: Doc) -> Doc:
    bucket, key = opened_bucket(ctx, req), checked_key(req)
    stat = await head(ctx, bucket, key)
    wanted = set(req["ObjectAttributes"])
    every: Doc = {
        "ETag": stat.etag,
        "Checksum": checksums.of(stat),
        "ObjectParts": _parts(req, stat),
        "StorageClass": stat.meta.get("StorageClass", metadata.STANDARD),
        "ObjectSize": stat.size,
    }
    answer = {name: value for name, value in every.items() if name in wanted and value not in ({}, None)}
    return {"LastModified": modified(stat), **answer}


@service.operation("DeleteObject", ignores=("RequestPayer", "MFA", "BypassGovernanceRetention"))
async def delete_object(ctx: Context, req: Doc) -> Doc:
    """The key holds nothing; that it held nothing before is no error."""
    bucket, key = opened_bucket(ctx, req), checked_key(req)
    await _delete(ctx, bucket, key, req, req.get("IfMatchLastModifiedTime"), req.get("IfMatchSize"))
    return {}


@service.operation("DeleteObjects", ignores=("RequestPayer", "MFA", "BypassGovernanceRetention"))
async def delete_objects(ctx: Context, req: Doc) -> Doc:
    """Every key that has no error in the answer holds nothing."""
    bucket, asked = opened_bucket(ctx, req), req["Delete"]["Objects"]
    if not 1 <= len(asked) <= _DELETE_MAX:
        raise errors.MalformedXML
    plain: list[str] = []
    deleted: list[Doc] = []
    failed: list[Doc] = []
    for one in asked:
        try:
            key = checked_key(one)
            if one.keys() & {"ETag", "LastModifiedTime", "Size"}:
                await _delete(
                    ctx, bucket, key, {"IfMatch": one.get("ETag")}, one.get("LastModifiedTime"), one.get("Size")
                )
            else:
                plain.append(key)
            version = {"VersionId": one["VersionId"]} if "VersionId" in one else {}
            deleted.append({"Key": key, **version})
        except ServiceError as error:
            failed.append({"Key": one["Key"], "Code": error.error_code, "Message": error.message})
    await objects(ctx).delete_many(bucket, plain)
    answer: Doc = {} if req["Delete"].get("Quiet") else {"Deleted": deleted}
    return answer | ({"Errors": failed} if failed else {})


async def _delete(ctx: Context, bucket: str, key: str, req: Doc, at: float | None, size: int | None) -> None:
    match = req.get("IfMatch")
    if match is None and at is None and size is None:
        await objects(ctx).delete(bucket, key)
        return
    only_if = OnlyIf(etag=unquoted(match) if match else None, modified=at, size=size)
    try:
        await objects(ctx).remove(bucket, key, None, only_if)
    except ConditionFailed:
        raise errors.PreconditionFailed("If-Match") from None
    except Missing:
        raise errors.NoSuchKey(key) from None


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
    elif req.get("ChecksumMode") == "ENABLED":
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
        "Parts": [{"PartNumber": number, "Size": sizes[number - 1]} for number in numbers],
    }
