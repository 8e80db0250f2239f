"""Multipart uploads: start, parts, the end."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from clary.aws.body import Body
from clary.aws.checksums import BadDigest, running
from clary.aws.service import Context
from clary.engines.objects.base import ConditionFailed, NoUpload, Part, PartChanged, Upload
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.s3 import acl, checksums, conditions, errors, metadata
from clary.services.s3.api import (
    IGNORED,
    MIB,
    PUT_MAX,
    asked_bucket,
    checked_key,
    limited,
    objects,
    opened_bucket,
    quoted,
    service,
    unquoted,
    versioned,
)
from clary.services.s3.copies import source, source_range

PARTS_MAX: Final = 10_000
_PART_MIN: Final = 5 * MIB


@service.operation("CreateMultipartUpload", ignores=IGNORED)
async def create_multipart_upload(ctx: Context, req: Doc) -> Doc:
    """An upload to which parts can be added. Errors: InvalidRequest (a checksum type that does not go with the
    algorithm)."""
    found, key = asked_bucket(ctx, req), checked_key(req)
    bucket, asked = found.name, req.get("ChecksumAlgorithm")
    meta = metadata.of_request(req) | acl.of_write(found, req)
    algorithm = asked or checksums.DEFAULT
    running(algorithm)  # refuses one that cannot be counted before anything is kept
    kind = checksums.asked_type(algorithm, req.get("ChecksumType"))
    meta |= {"_algorithm": algorithm, "_sum_type": kind, "_asked": asked is not None}
    answer: Doc = {"Bucket": bucket, "Key": key}
    if asked:
        answer |= {"ChecksumAlgorithm": algorithm, "ChecksumType": kind}
    upload = await objects(ctx).create_upload(bucket, key, meta)
    return answer | {"UploadId": upload.id} | metadata.encryption(meta)


@service.operation("UploadPart", ignores=("RequestPayer",))
async def upload_part(ctx: Context, req: Doc) -> Doc:
    """The upload has this part; a former one of the number is gone."""
    bucket, number = opened_bucket(ctx, req), _part_number(req)
    upload = await _upload(ctx, bucket, req)
    _check_algorithm(upload, req)
    wanted = checksums.Wanted(req, ctx.headers, *_counted(upload))
    body: Body = req["Body"]
    async with objects(ctx).draft(bucket, wanted.hashes | body.take_over()) as draft:
        async for data in limited(body, PUT_MAX):
            await draft.write(data)
        digests = await draft.digests()
        body.prove()
        sums = wanted.found(body, digests)
        try:
            part = await draft.commit_part(upload, number, {"_sums": sums})
        except NoUpload:
            raise errors.NoSuchUpload(upload.id) from None
    sent = checksums.given(req).keys() | {req.get("ChecksumAlgorithm")} | set(body.checksums)
    shown = {name: value for name, value in sums.items() if name in sent or upload.meta.get("_asked")}
    return {"ETag": quoted(part.etag), **checksums.members(shown)}


@service.operation("UploadPartCopy", ignores=("RequestPayer",))
async def upload_part_copy(ctx: Context, req: Doc) -> Doc:
    """The upload has bytes of another object as this part."""
    bucket, number = opened_bucket(ctx, req), _part_number(req)
    upload = await _upload(ctx, bucket, req)
    found = await source(ctx, req)
    try:
        start, end = source_range(req, found.stat.size)
        if end - start > PUT_MAX:
            raise errors.EntityTooLarge(end - start, PUT_MAX)
        wanted = checksums.Wanted({}, {}, *_counted(upload))
        async with objects(ctx).draft(bucket, wanted.hashes) as draft:
            await draft.copy(found, start, end)
            sums = wanted.found(None, await draft.digests())
            part = await draft.commit_part(upload, number, {"_sums": sums})
    except NoUpload:
        raise errors.NoSuchUpload(upload.id) from None
    finally:
        found.close()
    shown = sums if upload.meta.get("_asked") else {}
    result = {"ETag": quoted(part.etag), "LastModified": float(int(part.modified)), **checksums.members(shown)}
    version = {"CopySourceVersionId": found.stat.version} if found.stat.version is not None else {}
    return {"CopyPartResult": result, **version}


@service.operation("CompleteMultipartUpload", ignores=("RequestPayer",))
async def complete_multipart_upload(ctx: Context, req: Doc) -> Doc:
    """The key holds the parts that the request lists, and the upload is over. Asked again: the same answer. Errors:
    InvalidPart, InvalidPartOrder, EntityTooSmall, PreconditionFailed, BadDigest."""
    bucket = opened_bucket(ctx, req)
    only_if = conditions.of_write(req)
    upload = await _upload(ctx, bucket, req, ended=True)
    stat = upload.result
    if stat is None:
        listed = req.get("MultipartUpload", {}).get("Parts", [])
        parts = await _listed(ctx, upload, listed)
        size = sum(part.size for part in parts)
        if req.get("MpuObjectSize", size) != size:
            raise errors.InvalidRequest(
                f"The provided 'x-amz-mp-object-size' header value {req['MpuObjectSize']} does not match what was"
                f" computed: {size}"
            )
        etag = hashlib.md5(b"".join(bytes.fromhex(one.etag) for one in parts), usedforsecurity=False).hexdigest()
        try:
            stat = await objects(ctx).complete(
                upload, parts, f"{etag}-{len(parts)}", _meta(upload, parts, req), only_if
            )
        except NoUpload:
            raise errors.NoSuchUpload(upload.id) from None
        except PartChanged as changed:
            number = int(str(changed))
            tag = next(one["ETag"] for one in listed if one["PartNumber"] == number)
            raise errors.InvalidPart(upload.id, number, tag) from None
        except ConditionFailed:
            raise conditions.failed_write(only_if) from None
        except Missing:
            raise errors.NoSuchKey(upload.key) from None
    return {
        "Location": f"/{bucket}/{stat.key}",
        "Bucket": bucket,
        "Key": stat.key,
        "ETag": quoted(stat.etag),
        **checksums.of(stat),
        **metadata.encryption(stat.meta),
        **await versioned(ctx, stat),
    }


@service.operation("AbortMultipartUpload", ignores=("RequestPayer",))
async def abort_multipart_upload(ctx: Context, req: Doc) -> Doc:
    """The upload and its parts are gone."""
    bucket = opened_bucket(ctx, req)
    upload = await _upload(ctx, bucket, req)
    at = req.get("IfMatchInitiatedTime")
    if at is not None and at != float(int(upload.initiated)):
        raise errors.PreconditionFailed("If-Match-Initiated-Time")
    try:
        await objects(ctx).abort(upload)
    except NoUpload:
        raise errors.NoSuchUpload(upload.id) from None
    return {}


async def _upload(ctx: Context, bucket: str, req: Doc, *, ended: bool = False) -> Upload:
    try:
        upload = await objects(ctx).upload(bucket, checked_key(req), req["UploadId"])
    except NoUpload:
        raise errors.NoSuchUpload(req["UploadId"]) from None
    if upload.result is not None and not ended:
        raise errors.NoSuchUpload(req["UploadId"])
    return upload


def _part_number(req: Doc) -> int:
    number: int = req["PartNumber"]
    if not 1 <= number <= PARTS_MAX:
        raise errors.InvalidArgument(
            f"Part number must be an integer between 1 and {PARTS_MAX}, inclusive", "partNumber", number
        )
    return number


def _counted(upload: Upload) -> tuple[str, ...]:
    algorithm = upload.meta.get("_algorithm")
    return (algorithm,) if algorithm else ()


def _check_algorithm(upload: Upload, req: Doc) -> None:
    """What the upload was started with, its parts keep to."""
    sent = set(checksums.given(req)) or ({req["ChecksumAlgorithm"]} if "ChecksumAlgorithm" in req else set())
    asked = upload.meta.get("_algorithm") if upload.meta.get("_asked") else None
    if asked and sent and sent != {asked}:
        raise errors.InvalidRequest(
            f"Checksum Type mismatch occurred, expected checksum Type: {asked.lower()}, actual checksum Type:"
            f" {', '.join(sorted(sent)).lower()}"
        )


async def _listed(ctx: Context, upload: Upload, listed: Sequence[Doc]) -> list[Part]:
    """The parts that the request names, each as the client knows it."""
    if not listed or any("PartNumber" not in one or "ETag" not in one for one in listed):
        raise errors.MalformedXML
    numbers = [one["PartNumber"] for one in listed]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise errors.InvalidPartOrder(upload.id)
    stored = {part.number: part for part in await objects(ctx).parts(upload, 0, PARTS_MAX)}
    parts: list[Part] = []
    for one in listed:
        part = stored.get(one["PartNumber"])
        if part is None or unquoted(one["ETag"]) != part.etag or not _agrees(part, one):
            raise errors.InvalidPart(upload.id, one["PartNumber"], one["ETag"])
        parts.append(part)
    for part in parts[:-1]:
        if part.size < _PART_MIN:
            raise errors.EntityTooSmall(part.number, part.size, part.etag, _PART_MIN)
    _check_complete(upload, listed)
    return parts


def _agrees(part: Part, listed: Doc) -> bool:
    sums = part.meta["_sums"]
    return all(sums.get(name, value) == value for name, value in checksums.given(listed).items())


def _check_complete(upload: Upload, listed: Sequence[Doc]) -> None:
    """A composite checksum is made of what the client says of the parts, so it has to say it."""
    algorithm = upload.meta.get("_algorithm")
    if algorithm and upload.meta["_asked"] and upload.meta["_sum_type"] == checksums.COMPOSITE:
        for one in listed:
            if algorithm not in checksums.given(one):
                raise errors.InvalidRequest(
                    f"The upload was created using a {algorithm.lower()} checksum. The complete request must include"
                    f" the checksum for each part. It was missing for part {one['PartNumber']} in the request."
                )


def _meta(upload: Upload, parts: Sequence[Part], req: Doc) -> Doc:
    """The metadata of the object that the upload becomes."""
    meta = {name: value for name, value in upload.meta.items() if name not in ("_algorithm", "_sum_type", "_asked")}
    meta["_parts"] = [part.size for part in parts]
    algorithm = upload.meta.get("_algorithm")
    if algorithm:
        kind = upload.meta["_sum_type"]
        sums = [(part.meta["_sums"][algorithm], part.size) for part in parts]
        whole = checksums.of_parts(algorithm, kind, sums)
        said = checksums.given(req).get(algorithm)
        if said is not None and said.partition("-")[0] != whole.partition("-")[0]:
            raise BadDigest(f"The {algorithm} you specified did not match the calculated checksum.")
        meta |= {"_sums": {algorithm: whole}, "_sum_type": kind}
        if upload.meta["_asked"]:
            meta["_part_sums"] = {algorithm: [value for value, _ in sums]}
    return meta
