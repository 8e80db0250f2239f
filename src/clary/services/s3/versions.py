"""Versions: whether a bucket keeps them, and the list of them."""

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.engines.objects.base import NoBucket, Version
from clary.kernel.resource import Doc
from clary.services.s3 import errors
from clary.services.s3.api import objects, opened_bucket, owner, service
from clary.services.s3.listing import asked_limit, content, echoed, encoder


@service.operation("PutBucketVersioning", ignores=("ChecksumAlgorithm",))
async def put_bucket_versioning(ctx: Context, req: Doc) -> Doc:
    """From the next write on, versions are kept (Enabled), or only the version "null" is written (Suspended). Errors:
    IllegalVersioningConfigurationException."""
    bucket, asked = opened_bucket(ctx, req), req["VersioningConfiguration"]
    if asked.get("MFADelete") == "Enabled" or "MFA" in req:
        raise NotImplementedHere("MFADelete is not implemented: no device could be asked.")
    if "Status" not in asked:
        raise errors.IllegalVersioningConfigurationException
    try:
        await objects(ctx).set_versioning(bucket, asked["Status"])
    except NoBucket:
        raise errors.NoSuchBucket(bucket) from None
    return {}


@service.operation("GetBucketVersioning")
async def get_bucket_versioning(ctx: Context, req: Doc) -> Doc:
    """Nothing at all where versions were never kept."""
    state = await objects(ctx).versioning(opened_bucket(ctx, req))
    return {"Status": state} if state else {}


@service.operation("ListObjectVersions", ignores=("RequestPayer", "OptionalObjectAttributes"))
async def list_object_versions(ctx: Context, req: Doc) -> Doc:
    """By key, the newest version first. Errors: InvalidArgument."""
    bucket, limit = opened_bucket(ctx, req), asked_limit(req, "MaxKeys", "max-keys")
    encode, prefix, delimiter = encoder(req), req.get("Prefix", ""), req.get("Delimiter", "")
    after = (req.get("KeyMarker", ""), req.get("VersionIdMarker", ""))
    if after[1] and not after[0]:
        raise errors.InvalidArgument(
            "A version-id marker cannot be specified without a key marker.", "version-id-marker", after[1]
        )
    answer: Doc = {
        "Name": bucket,
        "Prefix": encode(prefix),
        "KeyMarker": encode(after[0]),
        "VersionIdMarker": after[1],
        "MaxKeys": limit,
        "IsTruncated": False,
    } | echoed(req, ("Delimiter",), encode)
    answer |= echoed(req, ("EncodingType",), str)
    if limit == 0:
        return answer
    try:
        found = await objects(ctx).versions(bucket, prefix, delimiter, after, limit)
    except NoBucket:
        raise errors.NoSuchBucket(bucket) from None
    whose = owner(ctx.account)
    answer |= {
        "IsTruncated": found.truncated,
        "Versions": [content(one.stat, encode, whose) | _which(one) for one in found.versions if one.stat is not None],
        "DeleteMarkers": [
            {"Key": encode(one.key), "LastModified": float(int(one.modified)), "Owner": whose} | _which(one)
            for one in found.versions
            if one.stat is None
        ],
        "CommonPrefixes": [{"Prefix": encode(one)} for one in found.prefixes],
    }
    if found.truncated:
        answer["NextKeyMarker"] = encode(found.last[0])
        if found.last[1]:
            answer["NextVersionIdMarker"] = found.last[1]
    return answer


def _which(one: Version) -> Doc:
    return {"VersionId": one.id, "IsLatest": one.latest}
