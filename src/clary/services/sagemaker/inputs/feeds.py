"""Input mode Pipe: the objects are streamed into named pipes while the run reads them."""

import asyncio
import errno
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clary.aws.service import Context
from clary.engines.pipes.base import Channel, Part, command, write_channel, write_items
from clary.jobs import files, locations
from clary.jobs.locations import Location
from clary.jobs.refusals import InputError
from clary.kernel import ids
from clary.kernel.objects import ObjectStore
from clary.kernel.resource import Doc
from clary.services.sagemaker.inputs import parts, sources

_REFERENCE = "-ref"
"""The end of the name of an attribute whose value is the URI of what is meant."""
_NO_LINK = (errno.EXDEV, errno.EMLINK, errno.EPERM, errno.EOPNOTSUPP)


@dataclass(frozen=True, slots=True)
class Stream:
    """How a channel is streamed, besides which objects it has."""

    pipe: str
    """Absolute path inside the run, without the epoch."""
    gzip: bool = False
    recordio: bool = False
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A channel of one host, ready to be fed."""

    pipe: str
    """The first epoch's."""
    channel: Path
    """What the feeder is told."""


async def feeds(
    ctx: Context, objects: ObjectStore, scratch: Path, stream: Stream, source: Doc, hosts: int
) -> tuple[Feed, ...]:
    """One a host: all of the objects, or its part of them. They are held by links below `scratch` from now on, whatever
    becomes of them in S3. Raises InputError."""
    if source.get("S3DataType") == "AugmentedManifestFile":
        items = await _lines(ctx, source)
    else:
        items = [[one.at] for one in await sources.objects(ctx, source)]
    wanted = [part for item in items for part in item if isinstance(part, Location)]
    with files.told(source["S3Uri"]):
        paths = await files.local(ctx, objects, scratch, wanted)
    # A name of its own at each attempt: a run that was started by an earlier one reads from what that one made.
    place = scratch / f"pipe-{ids.new()}"
    await asyncio.to_thread(_hold, place, items, paths)
    made = []
    for host in range(hosts):
        part = (host, hosts) if parts.sharded(source, hosts) else (0, 1)
        channel = Channel(
            stream.pipe,
            place / "items",
            place / "files",
            gzip=stream.gzip,
            recordio=stream.recordio,
            seed=stream.seed,
            host=part[0],
            hosts=part[1],
        )
        told = place / f"host-{host + 1}" / stream.pipe.rsplit("/", 1)[-1]
        told.parent.mkdir()
        write_channel(told, channel)
        made.append(Feed(channel.first_pipe(), told))
    return tuple(made)


def fed(given: Sequence[Feed]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """(Work.pipes, Work.companions) of a host with these channels."""
    if not given:
        return (), ()
    return tuple(one.pipe for one in given), (command([one.channel for one in given]),)


def _hold(place: Path, items: Sequence[Sequence[Location | Part]], paths: Sequence[Path]) -> None:
    below = place / "files"
    below.mkdir(parents=True)
    for number, path in enumerate(paths):
        source, link = path.resolve() if path.is_symlink() else path, below / str(number)
        try:
            link.hardlink_to(source)
        except FileNotFoundError:
            raise InputError("an object of the input was deleted while the job was prepared") from None
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            shutil.copyfile(source, link)
    write_items(place / "items", _parts(items))


def _parts(items: Iterable[Sequence[Location | Part]]) -> Iterable[list[Part]]:
    number = 0
    for item in items:
        found = []
        for part in item:
            if isinstance(part, Location):
                part, number = Part(str(part), file=str(number)), number + 1
            found.append(part)
        yield found


async def _lines(ctx: Context, source: Doc) -> list[list[Location | Part]]:
    """What each line of an augmented manifest says of AttributeNames, in their order."""
    uri, names = source["S3Uri"], source["AttributeNames"]
    found: list[list[Location | Part]] = []
    with files.told(uri):
        async for number, text in sources.lines(ctx, uri):
            if len(found) == sources.MOST_FILES:
                raise InputError(f"{uri} has more than {sources.MOST_FILES:,} lines: split it")
            found.append([_attribute(f"line {number} of {uri}", _members(uri, number, text), name) for name in names])
    if not found:
        raise InputError(f"The augmented manifest {uri} is empty: it must hold a JSON object a line")
    return found


def _members(uri: str, number: int, text: bytes) -> Doc:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{uri} is no augmented manifest: line {number} is no JSON object: {error}") from None
    if not isinstance(line, dict):
        raise InputError(f"{uri} is no augmented manifest: line {number} is no JSON object")
    return line


def _attribute(where: str, line: Doc, name: str) -> Location | Part:
    if name not in line:
        raise InputError(f"{where} has no attribute {name!r}, which AttributeNames asks for")
    value = line[name]
    if not name.endswith(_REFERENCE):
        return Part(where, data=value if isinstance(value, str) else json.dumps(value))
    if not isinstance(value, str) or not value.startswith("s3://"):
        raise InputError(f"{where}: the attribute {name!r} must be the URI of an object, s3://bucket/key")
    return locations.parse(value)
