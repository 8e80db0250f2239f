"""Objects as plain files under <root>/<bucket>/<key>, with what else is known of them in <root>/.clary.

    <root>/<bucket>/<key>       the current object; keys that no file system can hold: see names.py
    <root>/.clary/index.db      metadata, multipart uploads (index.sql)
    <root>/.clary/tmp/          files on their way in
    <root>/.clary/parts/        parts of multipart uploads

A put is two changes, the file and its record, and one commit point, the rename. The record goes first and is bound to
the new file's identity, so it says nothing until that file is at the key; the old file's record goes last. At every
moment the key holds one whole file and the record that fits it. A file without a record was written in place, by Spark
or by hand; it is served with what the file itself tells.
"""

import fcntl
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, islice
from pathlib import Path
from typing import Final

from clary.engines.objects.base import Hash, NoBucket, OnlyIf, Page, Part, Upload
from clary.engines.objects.draft import DiskDraft, DiskOpened
from clary.engines.objects.index import Index, Statement
from clary.engines.objects.site import Identity, Site, doubt, forget, identity, remember, settle
from clary.engines.objects.tree import Tree
from clary.engines.objects.uploads import Uploads
from clary.engines.objects.walk import Found, Walker
from clary.kernel.clock import Clock, SystemClock
from clary.kernel.errors import KernelError, Missing
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc

_THREADS: Final = 16
_OWN: Final = ".clary"
"""No bucket can have this name."""


class InUse(KernelError):
    """Another process has the directory open as its object store."""


class DiskObjects:
    """The object store of one directory, one process at a time. Opening it ends or undoes what a crash cut short."""

    def __init__(self, root: Path, clock: Clock | None = None) -> None:
        own = root / _OWN
        for path in (own / "tmp", own / "parts"):
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
            tmp_handle=os.open(own / "tmp", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC),
            parts=own / "parts",
            tree=Tree(root),
            index=Index(own / "index.db"),
            clock=clock or SystemClock(),
            pool=ThreadPoolExecutor(_THREADS, thread_name_prefix="objects"),
        )
        self._uploads = Uploads(self._site)
        self._walker = Walker(self._site.tree)
        self._recover()

    def close(self) -> None:
        self._site.pool.shutdown()
        self._site.index.close()
        self._site.tree.close()
        os.close(self._site.tmp_handle)
        self._lock.close()

    # Buckets

    async def create_bucket(self, bucket: str) -> None:
        await self._site.run(self._site.tree.make_bucket, bucket)

    async def delete_bucket(self, bucket: str) -> None:
        try:
            await self._site.run(self._site.tree.remove_bucket, bucket)
        except NoBucket:
            # Perhaps a crash came between the two lines: the uploads must not wait for a later bucket of that name.
            await self._site.run(self._uploads.forget_bucket, bucket)
            raise
        await self._site.run(self._uploads.forget_bucket, bucket)

    # Objects

    def draft(self, bucket: str, hashes: Mapping[str, Hash] | None = None) -> DiskDraft:
        return DiskDraft(self._site, bucket, hashes)

    async def put(self, bucket: str, key: str, body: AsyncIterator[bytes], meta: Doc) -> Stat:
        async with self.draft(bucket) as draft:
            async for data in body:
                await draft.write(data)
            return await draft.commit(key, meta)

    async def open(self, bucket: str, key: str) -> DiskOpened:
        return await self._site.run(self._open, bucket, key)

    async def get(self, bucket: str, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        return (await self.open(bucket, key)).stream(start, end)

    async def head(self, bucket: str, key: str) -> Stat:
        return await self._site.run(self._site.stat, bucket, key)

    async def set_meta(self, stat: Stat, meta: Doc) -> None:
        await self._site.run(self._set_meta, stat, meta)

    async def delete(self, bucket: str, key: str) -> None:
        await self.delete_many(bucket, [key])

    async def delete_if(self, bucket: str, key: str, only_if: OnlyIf) -> None:
        await self._site.run(self._delete, bucket, [key], only_if)

    async def delete_many(self, bucket: str, keys: Sequence[str]) -> None:
        await self._site.run(self._delete, bucket, keys, None)

    async def page(self, bucket: str, prefix: str, delimiter: str, after: str, limit: int) -> Page:
        return await self._site.run(self._page, bucket, prefix, delimiter, after, limit)

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

    # In threads

    def _open(self, bucket: str, key: str) -> DiskOpened:
        while True:
            handle, found = self._site.tree.open(bucket, key)
            try:
                known = self._site.known(bucket, key, found)
            except BaseException:
                os.close(handle)
                raise
            if known is not None:
                return DiskOpened(self._site, handle, known)
            os.close(handle)

    def _set_meta(self, stat: Stat, meta: Doc) -> None:
        found = self._site.tree.stat(stat.bucket, stat.key)
        file = identity(found)
        known = self._site.known(stat.bucket, stat.key, found)
        if known is None or known.etag != stat.etag:
            raise Missing(f"{stat.bucket}/{stat.key}")
        # Bound to the file: a put that comes in between replaces both.
        remembered = remember(stat.bucket, stat.key, file, stat.etag, meta)
        self._site.index.write(remembered, settle(stat.bucket, stat.key, file))

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

    def _recover(self) -> None:
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
            changes.append((settle if current else forget)(bucket, key, of_record))
        self._site.index.write(*changes)

    # The last method: above it, `list` means the type.

    async def list(self, bucket: str, prefix: str, after: str, limit: int) -> "list[Stat]":
        return (await self.page(bucket, prefix, "", after, limit)).objects
