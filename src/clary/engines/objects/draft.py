"""Objects on their way in and out: temporary files with their digests, and open files read in threads."""

import asyncio
import contextlib
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, ParamSpec, Self, TypeVar

import orjson

from clary.engines.objects.base import Hash, NoUpload, OnlyIf, Opened, Part, Upload
from clary.engines.objects.fresh import SMALL, Fresh
from clary.engines.objects.site import Identity, Site, forget, identity, remember
from clary.engines.objects.versions import Arrived, Versions
from clary.kernel import ids
from clary.kernel.objects import Held, Stat
from clary.kernel.resource import Doc

P = ParamSpec("P")
T = TypeVar("T")

_BATCH: Final = 1 << 20
"""Bytes that are carried to or from a thread at once."""
_NO_FAST_COPY: Final = {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF}


class DiskOpened:
    """An open file: whatever is put at its key, the bytes stay. A small one is read at once and holds no handle."""

    def __init__(self, site: Site, handle: int, stat: Stat, data: bytes | None = None) -> None:
        """`data`: the whole of it, where it has been read already; then there is no handle."""
        self._site = site
        self._handle = handle
        self._stat = stat
        self._small = data

    def taken_in(self) -> Self:
        """In a thread: a small one is in memory, and holds no handle."""
        if self._small is None and self._stat.size <= _BATCH:
            try:
                self._small = self.read(0, self._stat.size)
            finally:
                self.close()
        return self

    @property
    def stat(self) -> Stat:
        return self._stat

    @property
    def handle(self) -> int | None:
        return self._handle if self._handle >= 0 else None

    def read(self, start: int, end: int) -> bytes:
        """In a thread. Raises EOFError when the file was cut short in place."""
        if self._small is not None:
            return self._small[start:end]
        pieces = []
        while start < end:
            piece = os.pread(self._handle, min(end - start, _BATCH), start)
            if not piece:
                raise EOFError(f"{self._stat.bucket}/{self._stat.key} has become shorter while it was read")
            pieces.append(piece)
            start += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def stream(self, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        stop = self._stat.size if end is None else min(end, self._stat.size)
        if self._small is not None:
            return Held(self._small[start:stop])
        return self._pieces(start, stop)

    async def _pieces(self, start: int, stop: int) -> AsyncIterator[bytes]:
        ahead: asyncio.Future[bytes] | None = None
        try:
            while start < stop:
                upto = min(start + _BATCH, stop)
                data = await (ahead or self._site.run(self.read, start, upto))
                start = upto
                # The next piece is read while this one is on its way to the client.
                ahead = (
                    asyncio.ensure_future(self._site.run(self.read, start, min(start + _BATCH, stop)))
                    if start < stop
                    else None
                )
                yield data
        finally:
            if ahead is not None:
                # The thread may still be reading: its handle must not be closed, and perhaps reused, under it.
                await asyncio.wait([ahead])
                ahead.cancelled() or ahead.exception()
            self.close()

    def close(self) -> None:
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def __del__(self) -> None:
        self.close()


class DiskDraft:
    """A temporary file and the digests of what was written to it. One task writes; the disk work happens in threads,
    one piece behind."""

    def __init__(
        self, site: Site, versions: Versions, fresh: Fresh, bucket: str, hashes: Mapping[str, Hash] | None = None
    ) -> None:
        self._site = site
        self._versions = versions
        self._fresh = fresh
        self._bucket = bucket
        self._name = ids.new()
        self._md5: Any = hashlib.md5(usedforsecurity=False)
        self._known_md5: bytes | None = None
        self._hashes = dict(hashes or {})
        self._handle = -1
        self._held: list[bytes] = []
        self._held_size = 0
        self._counted = b""
        """Small bytes that were hashed before they are written."""
        self._behind: asyncio.Future[Any] | None = None
        self._size = 0
        self._published = False

    @property
    def size(self) -> int:
        return self._size

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        if self._behind is not None:
            # A thread that is writing or committing is not interrupted, whatever became of the request.
            if not self._behind.done():
                await asyncio.wait([self._behind])
            self._behind.cancelled() or self._behind.exception()
        if self._handle >= 0:
            await self._site.run(self._discard)

    async def write(self, data: bytes) -> None:
        self._held.append(data)
        self._held_size += len(data)
        self._size += len(data)
        if self._held_size >= _BATCH:
            held, self._held, self._held_size = self._held, [], 0
            await self._settled()
            self._behind = self._site.begin(self._store, held)

    async def copy(self, source: Opened, start: int = 0, end: int | None = None) -> None:
        stop = source.stat.size if end is None else end
        whole = start == 0 and stop == source.stat.size and self._size == 0
        if whole and not self._hashes and "-" not in source.stat.etag and isinstance(source, DiskOpened):
            # The same bytes have the same MD5: the disk copies them and nobody reads them.
            self._size = stop
            self._known_md5 = bytes.fromhex(source.stat.etag)
            await self._in_thread(self._copy_whole, source)
            return
        async with contextlib.aclosing(source.stream(start, stop)) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                await self.write(piece)

    async def adopt(self, bucket: str, key: str) -> Stat:
        stat = await self._in_thread(self._adopt, bucket, key)
        await self._settled()
        self._size = stat.size
        return stat

    async def digests(self) -> dict[str, bytes]:
        if self._is_small():
            # Sooner hashed than handed to a thread; the file is written when it is committed.
            self._take()
        else:
            await self._in_thread(self._flush)
        digests = {name: one.digest() for name, one in self._hashes.items()}
        return {"MD5": self._known_md5 or self._md5.digest(), **digests}

    async def commit(self, key: str, meta: Doc, only_if: OnlyIf | None = None) -> Stat:
        if self._is_small() and only_if is None and not self._versions.state(self._bucket):
            self._take()
            stat = await self._fresh.put(self._bucket, key, self._counted, self._etag(), meta)
            if stat is not None:
                return stat
        return await self._in_thread(self._commit, key, meta, only_if)

    async def commit_part(self, upload: Upload, number: int, meta: Doc) -> Part:
        return await self._in_thread(self._commit_part, upload, number, meta)

    def _is_small(self) -> bool:
        """All of it is in memory, and little."""
        return self._handle < 0 and self._behind is None and self._known_md5 is None and self._size <= SMALL

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        await self._settled()
        task = self._behind = self._site.begin(work, *args, **kwargs)
        return await asyncio.shield(task)

    async def _settled(self) -> None:
        """The thread that works behind has ended; raises what it raised."""
        behind, self._behind = self._behind, None
        if behind is not None:
            try:
                await asyncio.shield(behind)
            except asyncio.CancelledError:
                self._behind = behind
                raise

    # Below here: in threads, one at a time.

    def _open(self) -> int:
        if self._handle < 0:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._handle = os.open(self._name, flags, 0o644, dir_fd=self._site.tmp_handle)
        return self._handle

    def _store(self, pieces: list[bytes]) -> None:
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._count(data)
        write_all(self._open(), data)

    def _count(self, data: bytes) -> None:
        self._md5.update(data)
        for one in self._hashes.values():
            one.update(data)

    def _copy_whole(self, source: DiskOpened) -> None:
        handle = self._open()
        if source.handle is None:
            write_all(handle, source.read(0, source.stat.size))
        else:
            append_file(handle, source.handle, source.stat.size)
        source.close()

    def _adopt(self, bucket: str, key: str) -> Stat:
        with self._fresh.beside(bucket, [key]):
            while True:
                # A second name of the same file, which the commit renames into place. A crash before that leaves the
                # object under its first name, with the time of this attempt, and the second name is swept.
                found = self._site.tree.link(bucket, key, self._site.tmp_handle, self._name)
                self._handle = os.open(self._name, os.O_RDWR | os.O_CLOEXEC, dir_fd=self._site.tmp_handle)
                stat = self._site.known(bucket, key, found)
                if stat is not None:
                    break
                self._discard()  # replaced between two looks
        if stat.size > SMALL and "-" not in stat.etag:
            self._known_md5 = bytes.fromhex(stat.etag)
            return stat
        # A little one is sooner written than synced; of one without an MD5, the bytes have to be read for it.
        source, self._handle = self._handle, -1
        os.unlink(self._name, dir_fd=self._site.tmp_handle)
        with os.fdopen(source, "rb", buffering=0) as file:
            if stat.size <= SMALL:
                self._held.append(file.read())
                self._held_size = len(self._held[0])
            else:
                while data := file.read(_BATCH):
                    self._store([data])
        return stat

    def _take(self) -> None:
        """All that is held is counted now, to be written later."""
        data = b"".join(self._held)
        self._held, self._held_size = [], 0
        self._count(data)
        self._counted += data

    def _flush(self) -> None:
        counted, self._counted = self._counted, b""
        if counted:
            write_all(self._open(), counted)
        held, self._held, self._held_size = self._held, [], 0
        if held:
            self._store(held)

    def _etag(self) -> str:
        return (self._known_md5 or self._md5.digest()).hex()

    def _commit(self, key: str, meta: Doc, only_if: OnlyIf | None) -> Stat:
        self._flush()
        with self._fresh.beside(self._bucket, [key]):
            return self._commit_beside(key, meta, only_if)

    def _commit_beside(self, key: str, meta: Doc, only_if: OnlyIf | None) -> Stat:
        file = stamp(self._site, self._open())
        version = self._versions.new_id(self._bucket)
        if self._versions.state(self._bucket):
            os.fsync(self._handle)
            arrived = Arrived(self._name, file, self._etag(), meta, version)
            self._versions.put(self._bucket, key, arrived, only_if)
        else:
            self._replace(key, file, meta, only_if)
        self._published = True
        self._discard()
        return Stat(self._bucket, key, file.size, self._etag(), file.mtime / 1e9, meta, version)

    def _replace(self, key: str, file: Identity, meta: Doc, only_if: OnlyIf | None) -> None:
        # The record first, synced, then the rename: a crash between them leaves the old object with the old record. The
        # record's sync and the file's go on side by side.
        recorded = self._site.index.begin(remember(self._bucket, key, file, self._etag(), meta))
        try:
            os.fsync(self._handle)
            recorded.result()
            self._site.publish(self._bucket, key, self._name, file, only_if)
        except BaseException:
            self._site.index.later(forget(self._bucket, key, file))
            raise

    def _commit_part(self, upload: Upload, number: int, meta: Doc) -> Part:
        self._flush()
        file = finish(self._site, self._open())
        part = Part(number, file.size, self._etag(), file.mtime / 1e9, meta, f"{number}.{self._name}")
        home = self._site.parts / upload.id
        try:
            os.rename(self._name, home / part.file, src_dir_fd=self._site.tmp_handle)
        except FileNotFoundError:
            raise NoUpload(upload.id) from None
        self._published = True
        sync_directory(home)
        # The row is the commit: until it names the file, the part is the old one. It refuses an upload that has ended.
        old = self._site.index.read("SELECT file FROM part WHERE upload = ? AND number = ?", (upload.id, number))
        values = (upload.id, number, part.file, part.size, part.etag, part.modified, orjson.dumps(meta).decode())
        (written,) = self._site.index.write(
            (
                "INSERT OR REPLACE INTO part SELECT ?, ?, ?, ?, ?, ?, ? WHERE EXISTS"
                " (SELECT 1 FROM upload WHERE bucket = ? AND key = ? AND id = ? AND phase = 'open')",
                (*values, upload.bucket, upload.key.encode(), upload.id),
            )
        )
        gone = [part.file] if not written else [row[0] for row in old]
        for name in gone:
            with contextlib.suppress(FileNotFoundError):
                (home / name).unlink()
        self._discard()
        if not written:
            raise NoUpload(upload.id)
        return part

    def _discard(self) -> None:
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)
            if not self._published:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._name, dir_fd=self._site.tmp_handle)


def write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def append_file(handle: int, source: int, size: int) -> None:
    """`size` bytes of `source` from its start are at the end of `handle`: shared or copied by the kernel if it can."""
    done = 0
    os.lseek(handle, 0, os.SEEK_END)
    while done < size:
        try:
            copied = os.copy_file_range(source, handle, min(size - done, 1 << 30), done)
        except OSError as error:
            if error.errno not in _NO_FAST_COPY:
                raise
            data = os.pread(source, min(size - done, _BATCH), done)
            write_all(handle, data)
            copied = len(data)
        if copied == 0:
            raise EOFError("a file has become shorter while it was copied")
        done += copied


def finish(site: Site, handle: int) -> Identity:
    """The file's bytes and its time, which is now, are on the disk."""
    file = stamp(site, handle)
    os.fsync(handle)
    return file


def stamp(site: Site, handle: int) -> Identity:
    """The time of the file is now; nothing of it is to change any more."""
    now = site.moments.next()
    os.utime(handle, ns=(now, now))
    return identity(os.fstat(handle))


def sync_directory(path: os.PathLike[str]) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
