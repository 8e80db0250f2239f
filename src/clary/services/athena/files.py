"""Data of tables: the objects below a location that whoever asked may list and read."""

from collections.abc import AsyncIterator

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.engines.queries.base import QueryError
from clary.kernel.objects import ObjectStore
from clary.kernel.resource import Doc


def place_of(uri: str) -> tuple[str, str]:
    """(bucket, key) of an s3:// address. Raises QueryError."""
    for scheme in ("s3://", "s3a://", "s3n://"):
        if uri.startswith(scheme):
            bucket, _, key = uri.removeprefix(scheme).partition("/")
            if bucket:
                return bucket, key
    raise QueryError(f"{uri!r} is not an s3:// location", code="HIVE_INVALID_METADATA")


async def objects(ctx: Context, location: str) -> AsyncIterator[Doc]:
    """The data below a location that the caller may list and read: `path` on this machine, `uri`, `size`. What begins
    with a dot or an underscore is none, as in Hive."""
    bucket, key = place_of(location)
    prefix = key if not key or key.endswith("/") else f"{key}/"
    more: Doc = {}
    empty = True
    while True:
        answer = await _listed(ctx, {"Bucket": bucket, "Prefix": prefix, **more})
        for one in answer.get("Contents", []):
            empty = False
            rest = one["Key"][len(prefix) :]
            if one["Size"] and not any(part[:1] in ("_", ".") for part in rest.split("/")):
                yield await _file(ctx, bucket, one)
        if not answer.get("IsTruncated"):
            break
        more = {"ContinuationToken": answer["NextContinuationToken"]}
    if empty and key and not key.endswith("/"):
        answer = await _listed(ctx, {"Bucket": bucket, "Prefix": key, "MaxKeys": 1})
        for one in answer.get("Contents", []):
            if one["Key"] == key:  # a location may be one object
                yield await _file(ctx, bucket, one)


async def _listed(ctx: Context, asked: Doc) -> Doc:
    try:
        return await ctx.call("s3", "ListObjectsV2", asked)
    except ServiceError as error:
        if error.error_code != "NoSuchBucket":
            raise
        told = f"the bucket {asked['Bucket']} of the table's location does not exist"
        raise QueryError(told, code="HIVE_METASTORE_ERROR") from None


async def _file(ctx: Context, bucket: str, one: Doc) -> Doc:
    """The object in place. Raises AccessDenied."""
    key = one["Key"]
    if ctx.principal.kind != "root":
        # The same question to the same policies as if it were read over the wire.
        await ctx.call("s3", "HeadObject", {"Bucket": bucket, "Key": key})
    path = ctx.port(ObjectStore).local(bucket, key)
    if path is None:
        raise QueryError(f"s3://{bucket}/{key} is not a file of this machine", code="HIVE_CANNOT_OPEN_SPLIT")
    return {"path": str(path), "uri": f"s3://{bucket}/{key}", "size": one["Size"], "modified": one["LastModified"]}


async def file_at(ctx: Context, uri: str) -> Doc:
    """One object that a query found in the metadata of its table. Raises QueryError, AccessDenied."""
    bucket, key = place_of(uri)
    try:
        head = await ctx.call("s3", "HeadObject", {"Bucket": bucket, "Key": key})
    except ServiceError as error:
        if error.http_status != 404:
            raise
        raise QueryError(f"{uri} does not exist", code="ICEBERG_MISSING_METADATA") from None
    path = ctx.port(ObjectStore).local(bucket, key)
    if path is None:
        raise QueryError(f"{uri} is not a file of this machine", code="ICEBERG_CANNOT_OPEN_SPLIT")
    return {"path": str(path), "uri": uri, "size": head["ContentLength"]}
