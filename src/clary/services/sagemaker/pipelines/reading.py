"""Small objects of S3, read whole with somebody's rights: definitions, property files."""

from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.jobs.locations import Location
from clary.kernel.resource import Doc


class TooLarge(Exception):
    """The object has more bytes than anybody wants to read."""


async def whole(ctx: Context, at: Location, most: int, version: str | None = None) -> bytes:
    """The object's bytes. Raises TooLarge beyond `most` of them, and the ServiceError of S3."""
    asked: Doc = {"Bucket": at.bucket, "Key": at.key}
    if version is not None:
        asked["VersionId"] = version
    answer = await ctx.call("s3", "GetObject", asked)
    body = answer.get("Body", b"")
    if isinstance(body, bytes):
        found = bytearray(body)
    else:
        found = bytearray()
        async for chunk in body:
            found += chunk
            if len(found) > most:
                raise TooLarge
    if len(found) > most:
        raise TooLarge
    return bytes(found)


def unread(what: str, at: Location, error: ServiceError) -> ServiceError:
    """What the caller is told of an object that S3 refuses; what is S3's own fault stays so."""
    if error.http_status >= 500:
        return error
    return ValidationException(f"Failed to read {what} at {at}: {error.error_code}: {error.message}")
