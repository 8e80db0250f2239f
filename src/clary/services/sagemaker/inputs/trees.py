"""Input modes File and FastFile: the objects stand as files below a directory, linked, before the run starts."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from clary.aws.service import Context
from clary.engines.runners.base import Tree
from clary.jobs import files
from clary.jobs.refusals import InputError
from clary.kernel.objects import ObjectStore
from clary.kernel.resource import Doc
from clary.services.sagemaker.inputs import parts, sources
from clary.services.sagemaker.inputs.sources import Named

LONGEST_NAME = 255
"""Bytes of a file's name on any file system here; a key may be longer between two slashes."""


async def tree(ctx: Context, objects: ObjectStore, scratch: Path, target: str, source: Doc) -> Tree:
    """The files of an S3 data source (S3DataType, S3Uri) below `target`. Raises InputError when there are none, or they
    cannot be laid out as files."""
    (only,) = await trees(ctx, objects, scratch, target, source, 1)
    return only


async def trees(
    ctx: Context,
    objects: ObjectStore,
    scratch: Path,
    target: str,
    source: Doc,
    hosts: int,
    seed: int | None = None,
) -> tuple[Tree, ...]:
    """One tree a host: all of the objects, or its part of them where S3DataDistributionType says ShardedByS3Key, after
    a shuffle with `seed`. Raises InputError."""
    named = await sources.objects(ctx, source)
    _check_layout(source["S3Uri"], named)
    with files.told(source["S3Uri"]):
        paths = await files.local(ctx, objects, scratch, [one.at for one in named])
    found = [(one.name, path) for one, path in zip(named, paths, strict=True)]
    if not parts.sharded(source, hosts):
        return (Tree(target, tuple(found)),) * hosts
    parts.shuffled(found, seed)
    return tuple(Tree(target, tuple(parts.part(found, host, hosts))) for host in range(hosts))


def _check_layout(uri: str, named: Sequence[Named]) -> None:
    """Raises InputError for what no directory can hold: a name that leaves it, or is file and folder at once."""
    taken: set[PurePosixPath] = set()
    for one in named:
        name, at = one.name, one.at
        path = PurePosixPath(name)
        if ".." in path.parts or path.is_absolute() or "\0" in name:
            raise InputError(f"The key {at.key!r} under {uri} cannot be a file name inside the job")
        if any(len(part.encode()) > LONGEST_NAME for part in path.parts):
            raise InputError(f"The key {at.key!r} under {uri} cannot be a file name inside the job: it is too long")
        if path in taken:
            raise InputError(f"Two objects under {uri} would be the file {name!r} inside the job")
        taken.add(path)
    for path in taken:
        for above in path.parents:
            if above in taken:
                raise InputError(
                    f"Under {uri}, {above} is an object and the folder of {path}: it cannot be both on disk"
                )
