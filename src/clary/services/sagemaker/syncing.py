"""From files of a running run to S3: what changes below a path is stored while it runs, and all of it at its end.

What has been stored is remembered in memory only. Who remembers nothing (a new server, a run whose files came from S3)
asks S3 first, so what is there with the same content is not stored again.
"""

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.jobs import outputs
from clary.jobs.locations import Location
from clary.kernel.clock import Clock

EVERY_SECONDS: Final = 2.0
"""Between two passes over one path. A file is stored by the second pass that sees it as it is: what is being written
waits."""
SLICE_SECONDS: Final = 2.0
"""A pass that lasts longer goes on at the next look, so that the run's other affairs are looked after."""
PATIENCE_PASSES: Final = 5
"""A file that was never found at rest is stored after so many passes, as far as it goes then."""
_LIST_TRIES: Final = 3

Mark = tuple[int, int, int]
"""What tells two states of a file apart: (inode, size, time of the last change in ns)."""


@dataclass(slots=True)
class _Followed:
    """One path of one run."""

    stored: dict[str, Mark] = field(default_factory=dict)
    last: dict[str, Mark] = field(default_factory=dict)
    """As the pass before saw it."""
    restless: Counter[str] = field(default_factory=Counter)
    """By name, in how many passes on end it was found changed."""
    there: dict[str, tuple[int, str]] | None = None
    """By name, (size, ETag) of what S3 had before our first pass; None: not asked yet."""
    due: float = 0.0

    def at_rest(self, name: str, mark: Mark) -> bool:
        if self.last.get(name) == mark or self.restless[name] >= PATIENCE_PASSES:
            return True
        self.restless[name] += 1
        return False


class Syncing:
    """Belongs to one reconciler; `sync` is called at each of its looks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._followed: dict[tuple[str, str], _Followed] = {}

    async def sync(self, ctx: Context, uid: str, root: Path, path: str, to: Location, *, final: bool) -> int:
        """Changed files below `path` of the run are objects below `to`; returns how many were stored now. Each object
        is the old one or the new one, whole; what is deleted below `path` stays in S3.

        With `final` nobody writes there any more: all of it is stored. Without, at most every EVERY_SECONDS, and what
        is being written waits. Raises outputs.OutputError; what could not be stored is tried again by the next call."""
        followed = self._followed.setdefault((uid, path), _Followed())
        begun = self._clock.ticks()
        if begun < followed.due and not final:
            return 0
        followed.due = begun + EVERY_SECONDS
        found = await asyncio.to_thread(_found, root, path, final)
        if found and followed.there is None:
            followed.there = await _objects(ctx, to)
        count = 0
        for name, (file, mark) in found.items():
            if followed.stored.get(name) == mark or not (final or followed.at_rest(name, mark)):
                continue
            count += await _store(ctx, followed, name, file, mark, to.child(name), final)
            if not final and self._clock.ticks() - begun > SLICE_SECONDS:
                followed.due = 0.0
                return count
        followed.last = {name: mark for name, (_, mark) in found.items()}
        return count

    def forget(self, uid: str) -> None:
        """The run is gone."""
        for key in [key for key in self._followed if key[0] == uid]:
            del self._followed[key]


async def _store(
    ctx: Context, followed: _Followed, name: str, file: Path, mark: Mark, to: Location, final: bool
) -> int:
    """1: it was uploaded. What changed meanwhile counts as not stored, and is met again."""
    there = followed.there or {}
    count = 0
    try:
        if not await asyncio.to_thread(_same, file, mark, there.pop(name, None)):
            await outputs.upload(ctx, file, to)
            count = 1
    except (FileNotFoundError, outputs.OutputError) as error:
        # A file that was cut or removed while it was read is no failure: its next state is looked at next time.
        if final or _mark(file) == mark:
            raise error if isinstance(error, outputs.OutputError) else outputs.OutputError(f"{name} is gone") from error
        return 0
    if final or _mark(file) == mark:
        followed.stored[name] = mark
        followed.restless.pop(name, None)
    return count


def _found(root: Path, path: str, final: bool) -> dict[str, tuple[Path, Mark]]:
    for _ in range(_LIST_TRIES):
        try:
            marked = [(name, file, _mark(file)) for name, file in outputs.files(root, path)]
        except FileNotFoundError:
            if final:
                raise
            continue  # renamed or removed while we listed, as checkpoints are
        return {name: (file, mark) for name, file, mark in marked if mark is not None}
    return {}


def _mark(file: Path) -> Mark | None:
    try:
        seen = file.stat()
    except FileNotFoundError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns


async def _objects(ctx: Context, below: Location) -> dict[str, tuple[int, str]]:
    """(size, ETag) by name of what S3 has below there; nothing where it cannot be listed."""
    prefix = f"{below.key.rstrip('/')}/" if below.key else ""
    found: dict[str, tuple[int, str]] = {}
    asked = {"Bucket": below.bucket, "Prefix": prefix}
    try:
        while True:
            page = await ctx.call("s3", "ListObjectsV2", asked)
            for one in page.get("Contents") or []:
                found[one["Key"][len(prefix) :]] = one.get("Size", -1), one.get("ETag", "")
            if "NextContinuationToken" not in page:
                return found
            asked["ContinuationToken"] = page["NextContinuationToken"]
    except ServiceError:
        return {}  # only a saving is lost; whether storing fails is seen by storing


def _same(file: Path, mark: Mark, there: tuple[int, str] | None) -> bool:
    """The object has the file's content: its ETag is the file's MD5, as of all that was stored in one piece."""
    if there is None or there[0] != mark[1]:
        return False
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == there[1].strip(
            '"'
        )
