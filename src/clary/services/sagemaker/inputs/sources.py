"""Which objects a data source names, and where each shall stand below its channel."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from clary.aws.service import Context
from clary.jobs import locations
from clary.jobs.files import body_of, told
from clary.jobs.locations import Location
from clary.jobs.refusals import InputError
from clary.kernel.resource import Doc

MOST_FILES = 1_000_000
MANIFEST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Named:
    """An object of an input."""

    name: str
    """Its path below the channel, with "/" between the levels."""
    at: Location


async def objects(ctx: Context, source: Doc) -> list[Named]:
    """What S3DataType and S3Uri name, in the order of the keys or of the manifest. Raises InputError, also when they
    name nothing."""
    uri = source["S3Uri"]
    with told(uri):
        at = locations.parse(uri)
        if source.get("S3DataType", "S3Prefix") == "ManifestFile":
            found = await _manifest(ctx, at)
        else:
            found = [Named(relative(at.key, key), Location(at.bucket, key)) async for key in _keys(ctx, at)]
    found = [one for one in found if one.name]
    if not found:
        raise InputError(
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that objects exist '
            "there: keys that end with / do not count"
        )
    return found


def relative(prefix: str, key: str) -> str:
    """Where an object of a string prefix stands below its channel.

    A prefix that ends at a path boundary is stripped; one that ends inside a name keeps that name whole, so that the
    prefix "data/train" gives data/train/a.csv -> a.csv, data/train.csv -> train.csv, data/train2/b.csv -> train2/b.csv.
    Markers of folders (keys that end with "/") have no file: ""."""
    if key.endswith("/"):
        return ""
    rest = key[len(prefix) :]
    if prefix and rest and not prefix.endswith("/") and not rest.startswith("/"):
        rest = key[prefix.rfind("/") + 1 :]
    if not rest:
        rest = key.rsplit("/", 1)[-1]
    return rest.lstrip("/")


async def lines(ctx: Context, uri: str) -> AsyncIterator[tuple[int, bytes]]:
    """(number, text) of the lines of an augmented manifest, blank ones left out. Raises InputError for a line that is
    longer than a manifest may be."""
    at = locations.parse(uri)
    number, rest = 0, b""
    async for chunk in body_of(ctx, at):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            number += 1
            if line.strip():
                yield number, line
        if len(rest) > MANIFEST_BYTES:
            raise InputError(f"{at} is no augmented manifest: line {number + 1} has more than {MANIFEST_BYTES:,} bytes")
    if rest.strip():
        yield number + 1, rest


async def _keys(ctx: Context, at: Location) -> AsyncIterator[str]:
    count = 0
    async for found in locations.keys(ctx, at):
        count += len(found)
        if count > MOST_FILES:
            raise InputError(f"{at} holds more than {MOST_FILES:,} objects: name a narrower prefix")
        for key in found:
            yield key


async def _manifest(ctx: Context, at: Location) -> list[Named]:
    """`[{"prefix": "s3://bucket/folder/"}, "a.csv", "sub/b.csv"]`: the objects at prefix + name, laid out by name."""
    body = b""
    async for chunk in body_of(ctx, at):
        body += chunk
        if len(body) > MANIFEST_BYTES:
            raise InputError(f"{at} is no manifest: it has more than {MANIFEST_BYTES:,} bytes")
    try:
        first, *names = json.loads(body)
        prefix = first["prefix"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InputError(
            f'{at} is no manifest: it must be a JSON list that starts with {{"prefix": "s3://..."}}'
        ) from None
    if not all(isinstance(name, str) for name in (prefix, *names)):
        raise InputError(f"{at} is no manifest: the prefix and everything after it must be strings")
    return [Named(name.lstrip("/"), locations.parse(prefix + name)) for name in names]
