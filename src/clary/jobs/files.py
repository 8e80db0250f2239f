"""Objects as files of this machine: linked where the object is one, fetched where it is not."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from clary.aws.access import Ask
from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.jobs import locations
from clary.jobs.locations import Location
from clary.jobs.refusals import InputError
from clary.kernel import ids
from clary.kernel.objects import ObjectStore


async def local(ctx: Context, objects: ObjectStore, scratch: Path, wanted: Sequence[Location]) -> list[Path]:
    """Each object as a file, which must be read or linked and never changed. Raises InputError when one is not there,
    and S3's ServiceError otherwise."""
    # What has a file here is linked, not fetched, so nobody but us asks whether the role may read it.
    asks = replace(ctx, family="s3")
    for at in wanted:
        asks.require(Ask("s3:GetObject", f"arn:aws:s3:::{at.bucket}/{at.key}"))

    def look() -> list[Path | None]:
        return [objects.local(at.bucket, at.key) for at in wanted]

    found = zip(wanted, await asyncio.to_thread(look), strict=True)
    return [path if path is not None else await _fetch(ctx, scratch, at) for at, path in found]


async def local_file(ctx: Context, objects: ObjectStore, scratch: Path, uri: str) -> Path:
    """The object as a file on this machine. Raises InputError."""
    with told(uri):
        (path,) = await local(ctx, objects, scratch, [locations.parse(uri)])
    return path


async def body_of(ctx: Context, at: Location) -> AsyncIterator[bytes]:
    """The object's bytes, in chunks. Raises the ServiceError of S3."""
    answer = await ctx.call("s3", "GetObject", {"Bucket": at.bucket, "Key": at.key})
    body = answer.get("Body", b"")
    if isinstance(body, bytes):
        yield body
        return
    async for chunk in body:
        yield chunk


@contextmanager
def told(uri: str) -> Iterator[None]:
    """What S3 refuses of the input at `uri` is an InputError that names it."""
    try:
        yield
    except ServiceError as error:
        if error.http_status == 403:
            said = f"Data download failed: {error.error_code} (403) when reading {uri}: {error.message}"
            raise InputError(said) from error
        if isinstance(error, ValidationException):
            raise InputError(error.message) from None
        raise InputError(f"{uri} could not be read: {error.message}") from error


async def _fetch(ctx: Context, scratch: Path, at: Location) -> Path:
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / ids.new()
    try:
        with path.open("wb") as file:
            async for chunk in body_of(ctx, at):
                await asyncio.to_thread(file.write, chunk)
    except ServiceError as error:
        if error.http_status == 404:
            raise InputError(
                f"{at} is not there: {error.message} Put the object there, or correct what names it."
            ) from error
        raise
    return path
