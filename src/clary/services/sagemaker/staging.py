"""From S3 to files that a run sees: linked where the object is a file of this machine, fetched where it is not."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from clary.aws.access import Ask
from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.engines.runners.base import Tree
from clary.kernel import ids
from clary.kernel.objects import ObjectStore
from clary.kernel.resource import Doc
from clary.services.sagemaker import locations
from clary.services.sagemaker.locations import Location

MOST_FILES = 1_000_000
MANIFEST_BYTES = 64 * 1024 * 1024
LONGEST_NAME = 255
"""Bytes of a file's name on any file system here; a key may be longer between two slashes."""


class InputError(Exception):
    """An input that the job's owner must mend; the message is for them."""


async def tree(ctx: Context, objects: ObjectStore, scratch: Path, target: str, source: Doc) -> Tree:
    """The files of an S3 data source (S3DataType, S3Uri) below `target`. Raises InputError when there are none, or they
    cannot be laid out as files."""
    uri = source["S3Uri"]
    at = locations.parse(uri)
    try:
        if source.get("S3DataType", "S3Prefix") == "ManifestFile":
            named = await _manifest(ctx, at)
        else:
            named = [(relative(at.key, key), Location(at.bucket, key)) async for key in _keys(ctx, at)]
        named = [(name, one) for name, one in named if name]
        if not named:
            raise InputError(f'No S3 objects found under S3 URL "{uri}" given in input data source')
        _check_layout(uri, named)
        files = await _files(ctx, objects, scratch, named)
    except ServiceError as error:
        raise _unreadable(uri, error) from error
    except ValidationException as error:
        raise InputError(error.message) from None
    return Tree(target, tuple(files))


async def local_file(ctx: Context, objects: ObjectStore, scratch: Path, uri: str) -> Path:
    """The object as a file on this machine. Raises InputError."""
    at = locations.parse(uri)
    try:
        ((_, path),) = await _files(ctx, objects, scratch, [("object", at)])
    except ServiceError as error:
        raise _unreadable(uri, error) from error
    return path


def _unreadable(uri: str, error: ServiceError) -> InputError:
    if error.http_status == 403:
        return InputError(f"Data download failed: {error.error_code} (403) when reading {uri}: {error.message}")
    return InputError(f"{uri} could not be read: {error.message}")


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


async def _keys(ctx: Context, at: Location) -> AsyncIterator[str]:
    count = 0
    async for found in locations.keys(ctx, at):
        count += len(found)
        if count > MOST_FILES:
            raise InputError(f"{at} holds more than {MOST_FILES:,} objects: name a narrower prefix")
        for key in found:
            yield key


async def _manifest(ctx: Context, at: Location) -> list[tuple[str, Location]]:
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
    return [(name.lstrip("/"), locations.parse(prefix + name)) for name in names]


def _check_layout(uri: str, named: list[tuple[str, Location]]) -> None:
    """Raises InputError for what no directory can hold: a name that leaves it, or is file and folder at once."""
    files: set[PurePosixPath] = set()
    for name, at in named:
        path = PurePosixPath(name)
        if ".." in path.parts or path.is_absolute() or "\0" in name:
            raise InputError(f"The key {at.key!r} under {uri} cannot be a file name inside the job")
        if any(len(part.encode()) > LONGEST_NAME for part in path.parts):
            raise InputError(f"The key {at.key!r} under {uri} cannot be a file name inside the job: it is too long")
        if path in files:
            raise InputError(f"Two objects under {uri} would be the file {name!r} inside the job")
        files.add(path)
    for path in files:
        for above in path.parents:
            if above in files:
                raise InputError(
                    f"Under {uri}, {above} is an object and the folder of {path}: it cannot be both on disk"
                )


async def _files(
    ctx: Context, objects: ObjectStore, scratch: Path, named: list[tuple[str, Location]]
) -> list[tuple[str, Path]]:
    # What has a file here is linked, not fetched, so nobody but us asks whether the role may read it.
    asks = replace(ctx, family="s3")
    for _, at in named:
        asks.require(Ask("s3:GetObject", f"arn:aws:s3:::{at.bucket}/{at.key}"))

    def look() -> list[Path | None]:
        return [objects.local(at.bucket, at.key) for _, at in named]

    files = []
    for (name, at), path in zip(named, await asyncio.to_thread(look), strict=True):
        files.append((name, path if path is not None else await _fetch(ctx, scratch, at)))
    return files


async def _fetch(ctx: Context, scratch: Path, at: Location) -> Path:
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / ids.new()
    with path.open("wb") as file:
        async for chunk in body_of(ctx, at):
            await asyncio.to_thread(file.write, chunk)
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
