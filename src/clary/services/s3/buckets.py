"""Buckets: a row that says whose it is, and a directory."""

import re
from typing import Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.engines.objects.base import BucketNotEmpty, NoBucket
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.s3 import acl, bucket_tagging, errors, ownership, public_access
from clary.services.s3.api import (
    BUCKET,
    REGION,
    bucket_named,
    is_taken_by_another,
    objects,
    opened_bucket,
    owner,
    service,
)
from clary.services.s3.bucket_errors import InvalidBucketAclWithObjectOwnership

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
_ADDRESS: Final = re.compile(r"\d+\.\d+\.\d+\.\d+")
_RESERVED_STARTS: Final = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS: Final = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_CLASSIC: Final = "us-east-1"
_PAGE_MAX: Final = 10_000
_GRANTS: Final = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP")


@service.operation("CreateBucket")
async def create_bucket(ctx: Context, req: Doc) -> Doc:
    """The bucket exists, in the region that the request names. Errors: InvalidBucketName, BucketAlreadyExists,
    BucketAlreadyOwnedByYou (but not in us-east-1, as ever), IllegalLocationConstraintException."""
    name = req["Bucket"]
    _check_name(name)
    if req.get("ObjectLockEnabledForBucket"):
        raise NotImplementedHere("ObjectLockEnabledForBucket is not implemented: nothing would be locked.")
    for member in ("Location", "Bucket"):
        if member in req.get("CreateBucketConfiguration", {}):
            raise NotImplementedHere(f"CreateBucketConfiguration.{member} is not implemented: no directory buckets.")
    if req.get("BucketNamespace", "global") != "global":
        raise NotImplementedHere("BucketNamespace is not implemented: bucket names are one space for all.")
    made = Resource(
        kind=BUCKET,
        name=name,
        account=ctx.account,
        region=REGION,
        uid=ids.new(),
        arn=f"arn:aws:s3:::{name}",
        phase="Active",
        spec=req,
        status={"_region": _region(ctx, req), **_status(req)},
    )
    made.status.update(acl.of_new_bucket(made, req))
    if is_taken_by_another(ctx, name):
        raise errors.BucketAlreadyExists(name)
    # The directory first: a bucket that is told of can be written to.
    await objects(ctx).create_bucket(name)
    try:
        ctx.store.create(made)
    except Exists:
        if not made.status["_region"] == ctx.region == _CLASSIC == bucket_named(ctx, name).status["_region"]:
            raise errors.BucketAlreadyOwnedByYou(name) from None
    return {"Location": f"/{name}", "BucketArn": f"arn:aws:s3:::{name}"}


@service.operation("HeadBucket")
async def head_bucket(ctx: Context, req: Doc) -> Doc:
    opened_bucket(ctx, req)
    bucket = bucket_named(ctx, req["Bucket"])
    return {"BucketRegion": bucket.status["_region"], "BucketArn": bucket.arn}


@service.operation("GetBucketLocation")
async def get_bucket_location(ctx: Context, req: Doc) -> Doc:
    """The region; nothing at all for us-east-1, as ever."""
    opened_bucket(ctx, req)
    region = bucket_named(ctx, req["Bucket"]).status["_region"]
    return {} if region == _CLASSIC else {"LocationConstraint": region}


@service.operation("ListBuckets")
async def list_buckets(ctx: Context, req: Doc) -> Doc:
    limit = req.get("MaxBuckets", _PAGE_MAX)
    if not 1 <= limit <= _PAGE_MAX:
        raise errors.InvalidArgument(
            f"Argument max-buckets must be an integer between 1 and {_PAGE_MAX}", "max-buckets", limit
        )
    prefix, wanted = req.get("Prefix", ""), req.get("BucketRegion")
    filters = page.digest("ListBuckets", ctx.account, prefix, wanted)
    after = _after(req.get("ContinuationToken"), filters)
    found: list[Resource] = []
    where = Where(account=ctx.account, name_prefix=prefix or None)
    while len(found) <= limit:
        more = ctx.store.page(BUCKET, where, after=after, limit=limit + 1)
        found += [one for one in more if wanted in (None, one.status["_region"])]
        if len(more) <= limit:
            break
        after = page.position(more[-1], "name")
    answer: Doc = {"Buckets": [_listed(one) for one in found[:limit]], "Owner": owner(ctx.account)}
    if len(found) > limit:
        answer["ContinuationToken"] = page.encode(page.position(found[limit - 1], "name"), filters)
    return answer | ({"Prefix": prefix} if prefix else {})


@service.operation("DeleteBucket")
async def delete_bucket(ctx: Context, req: Doc) -> Doc:
    """The bucket and its unfinished uploads are gone. Errors: BucketNotEmpty."""
    name = opened_bucket(ctx, req)
    bucket = bucket_named(ctx, name)
    try:
        await objects(ctx).delete_bucket(name)
    except BucketNotEmpty:
        raise errors.BucketNotEmpty(name) from None
    except NoBucket:
        pass  # a crash came between the directory's end and the row's
    try:
        ctx.store.delete(bucket)
    except Stale:
        raise errors.NoSuchBucket(name) from None
    return {}


def _check_name(name: str) -> None:
    if (
        not _NAME.fullmatch(name)
        or _ADDRESS.fullmatch(name)
        or name.startswith(_RESERVED_STARTS)
        or name.endswith(_RESERVED_ENDS)
    ):
        raise errors.InvalidBucketName(name)


def _status(req: Doc) -> Doc:
    """What a new bucket has set, as AWS makes them since 2023: access control lists do not count, and nothing of it can
    be opened to everybody before the public access block is taken away. Raises InvalidTag,
    InvalidBucketAclWithObjectOwnership."""
    owned = req.get("ObjectOwnership", ownership.ENFORCED)
    opens = req.get("ACL", "private") != "private" or any(name in req for name in _GRANTS)
    if opens and owned == ownership.ENFORCED:
        raise InvalidBucketAclWithObjectOwnership
    status: Doc = {"_ownership": owned, "_public_access_block": public_access.CLOSED}
    tags = bucket_tagging.checked(req.get("CreateBucketConfiguration", {}).get("Tags", []))
    return status | ({"_tags": tags} if tags else {})


def _region(ctx: Context, req: Doc) -> str:
    asked: str | None = req.get("CreateBucketConfiguration", {}).get("LocationConstraint")
    if asked == "EU":
        asked = "eu-west-1"
    if ctx.region == _CLASSIC:
        if asked == _CLASSIC:
            raise errors.InvalidLocationConstraint(asked)
        return asked or _CLASSIC
    if asked != ctx.region:
        raise errors.IllegalLocationConstraintException(asked or "unspecified")
    return ctx.region


def _after(token: str | None, filters: str) -> list[object] | None:
    if token is None:
        return None
    try:
        return page.decode(token, filters, str, str, str, str)
    except BadToken:
        raise errors.InvalidArgument(
            "The continuation token provided is incorrect", "continuation-token", token
        ) from None


def _listed(bucket: Resource) -> Doc:
    return {
        "Name": bucket.name,
        "CreationDate": bucket.created,
        "BucketRegion": bucket.status["_region"],
        "BucketArn": bucket.arn,
    }
