"""S3 locations as SageMaker's requests write them, and looking at what they hold."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.kernel.resource import Doc


@dataclass(frozen=True, slots=True)
class Location:
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def child(self, *parts: str) -> "Location":
        """The location one or more levels below; empty parts and doubled slashes fall away at the seams."""
        path = [self.key.rstrip("/"), *(part.strip("/") for part in parts)]
        return Location(self.bucket, "/".join(part for part in path if part))


def parse(uri: str) -> Location:
    """`s3://bucket/key` or an https URL of S3 (path style or virtual-hosted). Raises ValidationException."""
    if uri.startswith("s3://"):
        bucket, _, key = uri[len("s3://") :].partition("/")
    else:
        host, _, path = uri.split("://", 1)[-1].partition("/")
        if host.startswith(("s3.", "s3-")):
            bucket, _, key = path.partition("/")
        else:
            bucket, key = host.split(".s3", 1)[0], path
    if not bucket:
        raise ValidationException(f"{uri!r} names no bucket: write s3://bucket/key")
    return Location(bucket, key)


async def keys(ctx: Context, at: Location, *, limit: int | None = None) -> AsyncIterator[list[str]]:
    """The keys that start with `at.key`, a page at a time. Raises the ServiceError of S3."""
    token: str | None = None
    while True:
        asked: Doc = {"Bucket": at.bucket, "Prefix": at.key}
        if limit is not None:
            asked["MaxKeys"] = limit
        if token is not None:
            asked["ContinuationToken"] = token
        page = await ctx.call("s3", "ListObjectsV2", asked)
        yield [one["Key"] for one in page.get("Contents") or []]
        token = page.get("NextContinuationToken")
        if token is None or limit is not None:
            return


async def has_object(ctx: Context, at: Location) -> bool:
    """There is an object of exactly that key. Raises the ServiceError of S3 for anything but its absence."""
    try:
        await ctx.call("s3", "HeadObject", {"Bucket": at.bucket, "Key": at.key})
    except ServiceError as error:
        if error.http_status == 404:
            return False
        raise
    return True


async def has_prefix(ctx: Context, at: Location) -> bool:
    """There is an object whose key starts with `at.key`."""
    try:
        async for found in keys(ctx, at, limit=1):
            return bool(found)
    except ServiceError as error:
        if error.http_status != 404:
            raise
    return False
