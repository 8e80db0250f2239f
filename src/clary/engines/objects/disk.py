"""Objects as plain files under <root>/<bucket>/<key>, with what else is known of them in <root>/.clary.

    <root>/<bucket>/<key>       the current object; keys that no file system can hold: see names.py
    <root>/.clary/index.db      metadata, multipart uploads, bytes of small objects that are not synced yet (index.sql)
    <root>/.clary/tmp/          files on their way in
    <root>/.clary/parts/        parts of multipart uploads
    <root>/.clary/versions/     versions of keys, where a bucket keeps them (versions.py)

A put is two changes, the file and its record, and one commit point, the rename. The record goes first and is bound to
the new file's identity, so it says nothing until that file is at the key; the old file's record goes last. At every
moment the key holds one whole file and the record that fits it. (Small objects come to the same end with fewer syncs:
fresh.py.) A file without a record was written in place, by Spark or by hand; it is served with what the file itself
tells.
"""

import errno
import fcntl
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, islice
from pathlib import Path
from typing import Final

from clary.engines.objects.base import (
    BucketNotEmpty,
    Hash,
    NoBucket,
    OnlyIf,
    Page,
    Part,
    Removed,
    Upload,
    Version,
    VersionPage,
)
from clary.engines.objects.draft import DiskDraft, DiskOpened
from clary.engines.objects.fresh import Fresh
from clary.engines.objects.index import Index, Statement
from clary.engines.objects.site import Identity, Moments, Site, boot_id, doubt, forget, identity, remember, settle
from clary.engines.objects.tree import Tree
from clary.engines.objects.turns import Turns
from clary.engines.objects.uploads import Uploads
from clary.engines.objects.version_pages import VersionPages
from clary.engines.objects.versions import NULL, Versions
from clary.engines.objects.walk import Found, Walker
from clary.kernel.clock import Clock, SystemClock
from clary.kernel.errors import KernelError, Missing
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc

_THREADS: Final = 16
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_AT_ONCE_BYTES: Final = 1 << 16
"""Of an object that is read where it is asked for: its copy costs less than a thread."""
_NOT_NOW: Final = {errno.EAGAIN, errno.EOPNOTSUPP, errno.EINVAL}
_NOWAIT: Final[int] = getattr(os, "RWF_NOWAIT", 0)
_OWN: Final = ".clary"
"""No bucket can have this name."""


class InUse(KernelError):
    """Another process has the directory open as its object store."""


class DiskObjects:
    """The object store of one directory, one process at a time. Opening it ends or undoes what a crash cut short."""

    def __init__(self, root: Path, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        own = root / _OWN
        for path in (own / "tmp", own / "parts", own / "versions"):
            path.mkdir(parents=True, exist_ok=True)
        self._lock = (own / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise InUse(f"{root} is the object store of another process") from None
        self._site = Site(
            root=root,
            tmp=own / "tmp",
            tmp_handle=os.open(own / "tmp", _DIRECTORY),
            versions_handle=os.open(own / "versions", _DIRECTORY),
            parts=own / "parts",
            tree=Tree(root),
            index=Index(own / "index.db"),
            clock=clock,
            moments=Moments(clock),
            pool=ThreadPoolExecutor(_THREADS, thread_name_prefix="objects"),
            turns=Turns(),
        )
        self._versions = Versions(self._site)
        self._fresh = Fresh(self._site)
        self._uploads = Uploads(self._site, self._versions, self._fresh)
        self._walker = Walker(self._site.tree)
        self._version_pages = VersionPages(self._site, self._versions, self._walker)
        self._recover()

    def close(self) -> None:
        self._site.pool.shutdown()
        self._fresh.close()
        self._site.index.close()
        self._site.tree.close()
        os.close(self._site.tmp_handle)
        os.close(self._site.versions_handle)
        self._lock.close()

    # Buckets

    async def create_bucket(self, bucket: str) -> None:
        await self._site.run(self._site.tree.make_bucket, bucket)

    async def delete_bucket(self, bucket: str) -> None:
        await self._site.run(self._delete_bucket, bucket)

    async def versioning(self, bucket: str) -> str:
        return self._versions.state(bucket)

    async def set_versioning(self, bucket: str, state: str) -> None:
        await self._site.run(self._versions.set_state, bucket, state)

    # Objects

    def draft(self, bucket: str, hashes: Mapping[str, Hash] | None = None) -> DiskDraft:
        return DiskDraft(self._site, self._versions, self._fresh, bucket, hashes)

    async def put(self, bucket: str, key: str, body: AsyncIterator[bytes], meta: Doc) -> Stat:
        async with self.draft(bucket) as draft:
            async for data in body:
                await draft.write(data)
            return await draft.commit(key, meta)

    async def open(self, bucket: str, key: str, version: str | None = None) -> DiskOpened:
        if version is None and (found := self._open_at_once(bucket, key)) is not None:
            # Only the reading is a thread's work: each step there takes the interpreter from the loop.
            return found if found.handle is None else await self._site.run(found.taken_in)
        return await self._site.run(self._open, bucket, key, version)

    async def get(self, bucket: str, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        return (await self.open(bucket, key)).stream(start, end)

    async def head(self, bucket: str, key: str, version: str | None = None) -> Stat:
        if version is None and (found := self.seen(bucket, key)) is not None:
            return found
        return await self._site.run(self._head, bucket, key, version)

    def seen(self, bucket: str, key: str, version: str | None = None) -> Stat | None:
        try:
            return self._head(bucket, key, version)
        except Missing:
            return None

    async def set_meta(self, stat: Stat, meta: Doc) -> None:
        await self._site.run(self._set_meta, stat, meta)

    async def delete(self, bucket: str, key: str) -> None:
        await self.remove(bucket, key)

    async def remove(self, bucket: str, key: str, version: str | None = None, only_if: OnlyIf | None = None) -> Removed:
        return await self._site.run(self._remove, bucket, key, version, only_if)

    async def delete_many(self, bucket: str, keys: Sequence[str]) -> None:
        await self._site.run(self._delete_many, bucket, keys)

    async def page(self, bucket: str, prefix: str, delimiter: str, after: str, limit: int) -> Page:
        return await self._site.run(self._page, bucket, prefix, delimiter, after, limit)

    async def versions(
        self, bucket: str, prefix: str, delimiter: str, after: tuple[str, str], limit: int
    ) -> VersionPage:
        return await self._site.run(self._page_of_versions, bucket, prefix, delimiter, after, limit)

    def local(self, bucket: str, key: str) -> Path | None:
        try:
            place, _ = self._site.tree.locate(bucket, key)
        except Missing:
            return None
        return self._site.root / bucket / place.path

    # Multipart uploads

    async def create_upload(self, bucket: str, key: str, meta: Doc) -> Upload:
        return await self._site.run(self._uploads.create, bucket, key, meta)

    async def upload(self, bucket: str, key: str, upload_id: str) -> Upload:
        return await self._site.run(self._uploads.get, bucket, key, upload_id)

    async def uploads(self, bucket: str, prefix: str, after: tuple[str, str], limit: int) -> list[Upload]:
        return await self._site.run(self._uploads.page, bucket, prefix, after, limit)

    async def parts(self, upload: Upload, after: int, limit: int) -> list[Part]:
        return await self._site.run(self._uploads.parts, upload, after, limit)

    async def complete(
        self, upload: Upload, parts: Sequence[Part], etag: str, meta: Doc, only_if: OnlyIf | None = None
    ) -> Stat:
        return await self._site.run(self._uploads.complete, upload, parts, etag, meta, only_if)

    async def abort(self, upload: Upload) -> None:
        await self._site.run(self._uploads.abort, upload)

    def _open_at_once(self, bucket: str, key: str) -> DiskOpened | None:
        """With its bytes, if it is small and the kernel has them in memory; None: a thread should look. Two looks at
        what the kernel holds cost less than a thread that takes the interpreter from this one twenty times."""
        try:
            handle, found = self._site.tree.open(bucket, key)
        except Missing:
            return None
        data = None
        try:
            known = self._site.known(bucket, key, found)
            if known is not None and found.st_size <= _AT_ONCE_BYTES:
                data = _cached(handle, found.st_size)
        except BaseException:
            os.close(handle)
            raise
        if known is None or data is not None:
            os.close(handle)
            handle = -1
        return DiskOpened(self._site, handle, known, data) if known is not None else None

    # In threads

    def _delete_bucket(self, bucket: str) -> None:
        if self._site.tree.has_bucket(bucket) and self._versions.holds(bucket):
            raise BucketNotEmpty(bucket)
        try:
            self._site.tree.remove_bucket(bucket)
        except BucketNotEmpty:
            raise
        except NoBucket:
            # Perhaps a crash came between here and the next lines: what is known must not wait for a later bucket of
            # that name.
            self._forget_bucket(bucket)
            raise
        self._forget_bucket(bucket)

    def _forget_bucket(self, bucket: str) -> None:
        self._fresh.forget_bucket(bucket)
        self._uploads.forget_bucket(bucket)
        self._versions.forget_bucket(bucket)

    def _open(self, bucket: str, key: str, version: str | None) -> DiskOpened:
        while True:
            kept = self._versions.open(bucket, key, version) if version is not None else None
            if kept is not None:
                return DiskOpened(self._site, *kept).taken_in()
            try:
                handle, found = self._site.tree.open(bucket, key)
            except Missing as missing:
                raise self._versions.marked(bucket, key) or missing from None
            try:
                known = self._site.known(bucket, key, found)
            except BaseException:
                os.close(handle)
                raise
            if known is not None and not (version == NULL and known.version):
                return DiskOpened(self._site, handle, known).taken_in()
            os.close(handle)

    def _head(self, bucket: str, key: str, version: str | None) -> Stat:
        while True:
            kept = self._versions.stat(bucket, key, version) if version is not None else None
            if kept is not None:
                return kept
            try:
                stat = self._site.stat(bucket, key)
            except Missing as missing:
                raise self._versions.marked(bucket, key) or missing from None
            if not (version == NULL and stat.version):
                return stat

    def _set_meta(self, stat: Stat, meta: Doc) -> None:
        with self._fresh.beside(stat.bucket, [stat.key]), self._site.turns.of((stat.bucket, stat.key)):
            file, known = self._find_again(stat)
            if known is None or (known.etag, known.meta) != (stat.etag, stat.meta):
                raise Missing(f"{stat.bucket}/{stat.key}")
            # Bound to the file: a put that comes in between replaces both.
            remembered = remember(stat.bucket, stat.key, file, stat.etag, meta, stat.version)
            self._site.index.write(remembered, settle(stat.bucket, stat.key, file))

    def _find_again(self, stat: Stat) -> tuple[Identity, Stat | None]:
        """The file of a version, and what is known of it now. Raises Missing."""
        if self._versions.state(stat.bucket):
            kept = self._versions.open(stat.bucket, stat.key, stat.version or NULL)
            if kept is not None:
                try:
                    return identity(os.fstat(kept[0])), kept[1]
                finally:
                    os.close(kept[0])
        found = self._site.tree.stat(stat.bucket, stat.key)
        return identity(found), self._site.known(stat.bucket, stat.key, found)

    def _remove(self, bucket: str, key: str, version: str | None, only_if: OnlyIf | None) -> Removed:
        with self._fresh.beside(bucket, [key]):
            return self._remove_beside(bucket, key, version, only_if)

    def _remove_beside(self, bucket: str, key: str, version: str | None, only_if: OnlyIf | None) -> Removed:
        if not self._versions.state(bucket):
            if version in (None, NULL):
                self._delete(bucket, [key], only_if)
            return Removed(version)
        if version is None:
            return self._versions.mark(bucket, key, only_if)
        return self._versions.remove(bucket, key, version, only_if)

    def _delete_many(self, bucket: str, keys: Sequence[str]) -> None:
        with self._fresh.beside(bucket, keys):
            if self._versions.state(bucket):
                for key in keys:
                    self._versions.mark(bucket, key, None)
            else:
                self._delete(bucket, keys, None)

    def _delete(self, bucket: str, keys: Sequence[str], only_if: OnlyIf | None) -> None:
        # Marked first, so that no record outlives its file unnoticed; forgotten when the file is gone for good.
        self._site.index.write(*(doubt(bucket, key) for key in keys))
        gone: list[tuple[str, Identity]] = []
        touched: set[tuple[str, ...]] = set()
        for key in keys:
            old, dirs = self._site.tree.remove(bucket, key, self._site.allowed(bucket, key, only_if))
            if old is not None:
                gone.append((key, identity(old)))
                touched.add(dirs)
        for dirs in touched:
            self._site.tree.sync(bucket, dirs)
        self._site.index.later(*(forget(bucket, key, file) for key, file in gone))

    def _page(self, bucket: str, prefix: str, delimiter: str, after: str, limit: int) -> Page:
        found = list(islice(self._walker.walk(bucket, prefix, delimiter, after), limit + 1))
        truncated, found = len(found) > limit, found[:limit]
        prefixes = [one.key for one in found if one.path is None]
        return Page(self._stats(bucket, found), prefixes, found[-1].key if found else "", truncated)

    def _stats(self, bucket: str, found: Sequence[Found]) -> list[Stat]:
        """Of all that are still there, a directory at a time."""
        stats: list[Stat] = []
        for dirs, ones in groupby(
            (one for one in found if one.path), key=lambda one: one.path[:-1] if one.path else ()
        ):
            stats += self._site.stats(bucket, dirs, [(one.key, one.path[-1]) for one in ones if one.path])
        return stats

    def _page_of_versions(
        self, bucket: str, prefix: str, delimiter: str, after: tuple[str, str], limit: int
    ) -> VersionPage:
        if self._versions.state(bucket):
            return self._version_pages.page(bucket, prefix, delimiter, after, limit)
        page = self._page(bucket, prefix, delimiter, after[0], limit)
        every = [Version(stat.key, NULL, True, stat.modified, stat) for stat in page.objects]
        last = (page.last, "" if page.last in page.prefixes else NULL)
        return VersionPage(every, page.prefixes, last, page.truncated)

    def _recover(self) -> None:
        self._fresh.recover(boot_id())
        self._versions.recover()
        self._uploads.recover()
        for entry in list(self._site.tmp.iterdir()):
            entry.unlink()
        changes: list[Statement] = []
        records = self._site.index.read(
            "SELECT bucket, key, ino, size, mtime FROM object"
            " WHERE (bucket, key) IN (SELECT bucket, key FROM object WHERE pending = 1)"
        )
        for bucket, raw, *file in records:
            key, of_record = raw.decode(), Identity(*file)
            try:
                current = identity(self._site.tree.stat(bucket, key)) == of_record
            except Missing:
                current = False
            current = current or self._versions.is_version(bucket, key, of_record)
            changes.append((settle if current else forget)(bucket, key, of_record))
        self._site.index.write(*changes)

    # The last method: above it, `list` means the type.

    async def list(self, bucket: str, prefix: str, after: str, limit: int) -> "list[Stat]":
        return (await self.page(bucket, prefix, "", after, limit)).objects


def _cached(handle: int, size: int) -> bytes | None:
    """The whole file, if the kernel has it in memory; None where it would have to wait, or cannot say."""
    data = bytearray(size)
    try:
        count = os.preadv(handle, [data], 0, _NOWAIT) if size else 0
    except OSError as error:
        if error.errno not in _NOT_NOW:
            raise
        return None
    return bytes(data) if count == size else None
