"""What the parts of the disk store share: where things lie, and how a file and its record find each other."""

import asyncio
import contextlib
import hashlib
import os
import stat
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, ParamSpec, TypeVar

import orjson

from clary.engines.objects.base import ConditionFailed, OnlyIf
from clary.engines.objects.index import Index, Statement
from clary.engines.objects.tree import Allowed, Tree
from clary.engines.objects.turns import Turns
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc

P = ParamSpec("P")
T = TypeVar("T")

_VERSION: Final = "_version"
_AT_ONCE: Final = 500
"""Keys in one query."""


class Identity(NamedTuple):
    """What tells one file of a key from every other that it ever was: a rewrite in place moves size or time, a
    replacement the inode. A rename or a hard link moves none of them."""

    ino: int
    size: int
    mtime: int
    """Nanoseconds."""


def identity(found: os.stat_result) -> Identity:
    # SQLite's integers are signed; some file systems use the whole of 64 bits.
    ino = found.st_ino - (1 << 64) if found.st_ino >> 63 else found.st_ino
    return Identity(ino, found.st_size, found.st_mtime_ns)


class Moments:
    """The times of files: now, and no two alike, so that an inode that is used again makes no old file of a new one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        self._guard = threading.Lock()

    def next(self) -> int:
        """Nanoseconds."""
        with self._guard:
            self._last = max(int(self._clock.now() * 1e9), self._last + 1)
            return self._last


@dataclass(frozen=True, slots=True)
class Site:
    root: Path
    tmp: Path
    """Files on their way in; swept when the store opens."""
    tmp_handle: int
    parts: Path
    """Parts of multipart uploads: <upload>/<file>."""
    versions_handle: int
    """Every version of buckets that keep them: versions.py."""
    tree: Tree
    index: Index
    clock: Clock
    moments: Moments
    pool: ThreadPoolExecutor
    turns: Turns
    """Of (bucket, key): changes of one key that take more than one step."""

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`work` done in a thread: the event loop never waits for the disk."""
        return await self.begin(work, *args, **kwargs)

    def begin(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """`work` begun in a thread."""
        return asyncio.get_running_loop().run_in_executor(self.pool, partial(work, *args, **kwargs))

    def stat(self, bucket: str, key: str) -> Stat:
        """Raises Missing."""
        while True:
            found = self.tree.stat(bucket, key)
            known = self.known(bucket, key, found)
            if known is not None:
                return known

    def known(self, bucket: str, key: str, found: os.stat_result) -> Stat | None:
        """What is known of this file of the key; None: the key holds another one meanwhile, look again."""
        file = identity(found)
        record = self.record(bucket, key, file)
        if record is None:
            # A record is there before its file is at the key and forgotten after another is: no record, and afterwards
            # still the same file, means that it never had one and was written in place.
            try:
                if identity(self.tree.stat(bucket, key)) != file:
                    return None
            except Missing:
                return None
            record = in_place_etag(file), "{}"
        return described(bucket, key, file, *record)

    def stats(self, bucket: str, dirs: tuple[str, ...], files: Sequence[tuple[str, str]]) -> list[Stat]:
        """Of those (key, name) below one directory that are still there: as `stat`, for many at once."""
        try:
            with self.tree.directory(bucket, dirs) as handle:
                files_now = [(key, name, _look(handle, name)) for key, name in files]
                records = self._records(bucket, [key for key, _ in files])
                found: list[Stat | str] = []
                for key, name, file in files_now:
                    if file is None:
                        found.append(key)
                    elif (record := records.get((key, file))) is not None:
                        found.append(described(bucket, key, file, *record))
                    elif _look(handle, name) == file:
                        found.append(Stat(bucket, key, file.size, in_place_etag(file), file.mtime / 1e9))
                    else:
                        found.append(key)
        except Missing:
            found = [key for key, _ in files]
        stats: list[Stat] = []
        for one in found:
            if isinstance(one, Stat):
                stats.append(one)
            else:  # changed between two looks: look again, alone
                with contextlib.suppress(Missing):
                    stats.append(self.stat(bucket, one))
        return stats

    def _records(self, bucket: str, keys: Sequence[str]) -> dict[tuple[str, Identity], tuple[str, str]]:
        found = {}
        for start in range(0, len(keys), _AT_ONCE):
            some = [key.encode() for key in keys[start : start + _AT_ONCE]]
            marks = ",".join("?" * len(some))
            rows = self.index.read(
                f"SELECT key, ino, size, mtime, etag, meta FROM object WHERE bucket = ? AND key IN ({marks})",
                (bucket, *some),
            )
            found.update({(row[0].decode(), Identity(*row[1:4])): (row[4], row[5]) for row in rows})
        return found

    def record(self, bucket: str, key: str, file: Identity) -> tuple[str, str] | None:
        """(ETag, metadata as JSON)."""
        rows = self.index.read(
            "SELECT etag, meta FROM object WHERE bucket = ? AND key = ? AND ino = ? AND size = ? AND mtime = ?",
            (bucket, key.encode(), *file),
        )
        return rows[0] if rows else None

    def publish(self, bucket: str, key: str, name: str, file: Identity, only_if: OnlyIf | None) -> None:
        """The temporary file `name`, whose record is on the disk as pending, is the object. Raises ConditionFailed,
        Missing, NoBucket; then nothing has changed."""
        old = self.tree.put(bucket, key, self.tmp_handle, name, self.allowed(bucket, key, only_if))
        forgotten = [forget(bucket, key, identity(old))] if old is not None and identity(old) != file else []
        self.index.later(settle(bucket, key, file), *forgotten)

    def allowed(self, bucket: str, key: str, only_if: OnlyIf | None) -> Allowed:
        def check(found: os.stat_result | None) -> None:
            if only_if is None:
                return
            if found is None:
                if only_if.etag is not None or only_if.modified is not None or only_if.size is not None:
                    raise Missing(f"{bucket}/{key}")
                return
            record = self.record(bucket, key, identity(found))
            etag = record[0] if record else in_place_etag(identity(found))
            if (
                only_if.absent
                or only_if.etag not in (None, "*", etag)
                or only_if.size not in (None, found.st_size)
                or only_if.modified not in (None, float(int(found.st_mtime_ns / 1e9)))
            ):
                raise ConditionFailed(f"{bucket}/{key}")

        return check


def _look(directory: int, name: str) -> Identity | None:
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return identity(found) if stat.S_ISREG(found.st_mode) else None


def in_place_etag(file: Identity) -> str:
    """The ETag of a file that was not put but written in place: it changes when the file does, and costs no reading.
    Like a multipart upload's it has a dash, so nobody takes it for the MD5 of the content."""
    return hashlib.md5(b"%d %d %d" % file, usedforsecurity=False).hexdigest() + "-1"


def described(bucket: str, key: str, file: Identity, etag: str, meta: str) -> Stat:
    """What a file and its record say together."""
    said: Doc = orjson.loads(meta)
    version = said.pop(_VERSION, None)
    return Stat(bucket, key, file.size, etag, file.mtime / 1e9, said, version)


def remember(
    bucket: str, key: str, file: Identity, etag: str, meta: Doc, version: str | None = None, *, pending: int = 1
) -> Statement:
    return (
        "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (bucket, key.encode(), *file, etag, as_text(meta, version), pending),
    )


def boot_id() -> str:
    """Another one whenever the machine's memory was lost; "" where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def as_text(meta: Doc, version: str | None) -> str:
    """As a record keeps it: the version id stands among the metadata."""
    return orjson.dumps(meta if version is None else {**meta, _VERSION: version}).decode()


def settle(bucket: str, key: str, file: Identity) -> Statement:
    return ("UPDATE object SET pending = 0" + _ONE, (bucket, key.encode(), *file))


def forget(bucket: str, key: str, file: Identity) -> Statement:
    return ("DELETE FROM object" + _ONE, (bucket, key.encode(), *file))


def doubt(bucket: str, key: str) -> Statement:
    """The key's records are compared with its file when the store next opens."""
    return ("UPDATE object SET pending = 1 WHERE bucket = ? AND key = ?", (bucket, key.encode()))


_ONE = " WHERE bucket = ? AND key = ? AND ino = ? AND size = ? AND mtime = ?"
