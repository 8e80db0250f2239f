"""Lists of multipart uploads and of their parts."""

from clary.aws.service import Context
from clary.engines.objects.base import NoUpload, Upload
from clary.kernel.resource import Doc
from clary.services.s3 import checksums, errors, metadata
from clary.services.s3.api import checked_key, objects, opened_bucket, owner, quoted, service
from clary.services.s3.listing import asked_limit, echoed, encoder

_AFTER_EVERY_ID = "~"
"""Sorts after every upload id."""


@service.operation("ListParts", ignores=("RequestPayer",))
async def list_parts(ctx: Context, req: Doc) -> Doc:
    bucket, limit = opened_bucket(ctx, req), asked_limit(req, "MaxParts", "max-parts")
    try:
        upload = await objects(ctx).upload(bucket, checked_key(req), req["UploadId"])
    except NoUpload:
        raise errors.NoSuchUpload(req["UploadId"]) from None
    if upload.result is not None:
        raise errors.NoSuchUpload(upload.id)
    marker = req.get("PartNumberMarker", 0)
    found = await objects(ctx).parts(upload, marker, limit + 1)
    shown = found[:limit]
    answer: Doc = {
        "Bucket": bucket,
        "Key": upload.key,
        "UploadId": upload.id,
        "PartNumberMarker": marker,
        "MaxParts": limit,
        "IsTruncated": len(found) > limit > 0,
        "Parts": [
            {
                "PartNumber": part.number,
                "LastModified": float(int(part.modified)),
                "ETag": quoted(part.etag),
                "Size": part.size,
                **checksums.members(part.meta["_sums"]),
            }
            for part in shown
        ],
        "Initiator": owner(ctx.account),
        "Owner": owner(ctx.account),
        "StorageClass": upload.meta.get("StorageClass", metadata.STANDARD),
        **_algorithm(upload),
    }
    return answer | ({"NextPartNumberMarker": shown[-1].number} if shown else {})


@service.operation("ListMultipartUploads", ignores=("RequestPayer",))
async def list_multipart_uploads(ctx: Context, req: Doc) -> Doc:
    """Unfinished uploads by key, then by the time of their start."""
    bucket, limit = opened_bucket(ctx, req), asked_limit(req, "MaxUploads", "max-uploads")
    encode, prefix, delimiter = encoder(req), req.get("Prefix", ""), req.get("Delimiter", "")
    found, prefixes, truncated = await _page(ctx, bucket, req, limit)
    answer: Doc = {
        "Bucket": bucket,
        "KeyMarker": encode(req.get("KeyMarker", "")),
        "UploadIdMarker": req.get("UploadIdMarker", ""),
        "MaxUploads": limit,
        "IsTruncated": truncated,
        "Prefix": encode(prefix),
        "Uploads": [
            {
                "UploadId": upload.id,
                "Key": encode(upload.key),
                "Initiated": float(int(upload.initiated)),
                "StorageClass": upload.meta.get("StorageClass", metadata.STANDARD),
                "Owner": owner(ctx.account),
                "Initiator": owner(ctx.account),
                **_algorithm(upload),
            }
            for upload in found
        ],
        "CommonPrefixes": [{"Prefix": encode(one)} for one in prefixes],
    }
    answer |= echoed(req, ("EncodingType",), str) | ({"Delimiter": encode(delimiter)} if delimiter else {})
    if truncated:
        last = found[-1] if found else None
        if prefixes and (last is None or prefixes[-1] > last.key):
            answer |= {"NextKeyMarker": encode(prefixes[-1]), "NextUploadIdMarker": ""}
        elif last is not None:
            answer |= {"NextKeyMarker": encode(last.key), "NextUploadIdMarker": last.id}
    return answer


async def _page(ctx: Context, bucket: str, req: Doc, limit: int) -> tuple[list[Upload], list[str], bool]:
    prefix, delimiter = req.get("Prefix", ""), req.get("Delimiter", "")
    key = req.get("KeyMarker", "")
    after = (key, req.get("UploadIdMarker") or (_AFTER_EVERY_ID if key else ""))
    found: list[Upload] = []
    prefixes: list[str] = []
    while limit:
        batch = await objects(ctx).uploads(bucket, prefix, after, limit + 1)
        for upload in batch:
            after = (upload.key, upload.id)
            at = upload.key.find(delimiter, len(prefix)) if delimiter else -1
            rolled = upload.key[: at + len(delimiter)] if at >= 0 else ""
            if rolled and (rolled == key or (prefixes and prefixes[-1] == rolled)):
                continue
            if len(found) + len(prefixes) == limit:
                return found, prefixes, True
            if rolled:
                prefixes.append(rolled)
            else:
                found.append(upload)
        if len(batch) <= limit:
            break
    return found, prefixes, False


def _algorithm(upload: Upload) -> Doc:
    if not upload.meta.get("_asked"):
        return {}
    return {"ChecksumAlgorithm": upload.meta["_algorithm"], "ChecksumType": upload.meta["_sum_type"]}
