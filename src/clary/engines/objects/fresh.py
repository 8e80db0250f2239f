"""Small objects: one sync makes many of them durable.

An object that is put in the ordinary way pays for three syncs: of the file, of its record, of the directory. The bytes
of a small one go into the index, in the transaction of its record; that transaction's sync is the only one that its
answer waits for, and all puts that wait share it. Then its file is renamed into place, and the answer goes out. The
file itself is synced later, many at once, and only then do the bytes leave the index.

Killed after the transaction and before the rename: the put was not answered, the key holds what it held, and the record
goes when the store opens. Killed after the rename: the file is with the kernel, which lives. When the machine itself
lost power, which a new boot id tells, the kernel's part is in doubt: every file whose bytes are still in the index is
written anew from them (`recover`).

That holds because nobody else changes a key meanwhile. A change that goes the ordinary way (a condition, a large
object, a deletion) happens `beside`: it waits for the put of that key that is under way, makes its file durable, and
keeps others of this kind away until it is done.
"""

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import orjson

from clary.engines.objects.index import Statement
from clary.engines.objects.site import Identity, Site, as_text, doubt, forget, identity, remember
from clary.engines.objects.tree import Later
from clary.kernel import ids
from clary.kernel.errors import Missing
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc

LOG = logging.getLogger(__name__)

SMALL: Final = 1 << 14
"""Bytes of the largest object that goes this way: it is written twice."""
_GROUP: Final = 256
_SYNC_SECONDS: Final = 1.0
"""How long bytes stay in the index, at least."""
_MOST_BYTES: Final = 64 << 20
"""In the index: beyond that, objects go the ordinary way until files have been synced."""
_SLOW_SECONDS: Final = 0.1
"""A write into the kernel's memory that took so long met a disk that cannot follow ..."""
_SPARE_SECONDS: Final = 1.0
"""... and for so long nothing is written on the event loop."""
_STALL_NANOSECONDS: Final = 10_000_000_000
"""How long after its creation a file has had its time set, at most."""
_MANY: Final = 32
"""Files that are synced one by one; more by one sync of the file system."""

Place = tuple[str, str]
"""(bucket, key)."""


@dataclass(slots=True)
class _Put:
    place: Place
    seq: int
    name: str
    """In tmp/."""
    file: Identity
    etag: str
    meta: Doc
    data: bytes
    done: asyncio.Future[None]


class Fresh:
    """Puts come from one event loop, what happens beside them from threads."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._landed = threading.Condition()
        """Guards all below; told when a put has ended."""
        self._flying: set[Place] = set()
        self._beside: dict[Place, int] = {}
        self._kept: dict[Place, tuple[int, int]] = {}
        """Landed, with bytes still in the index: (seq, size)."""
        self._old: list[int] = []
        """Rows of the index that later puts of their keys have replaced."""
        self._kept_bytes = 0
        self._seq = 0
        self._waiting: list[_Put] = []
        self._sending = False
        self._spared_until = 0.0
        self._sync_at = 0.0
        # Not the store's pool: its threads may all be waiting for what this one does.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="objects-fresh")

    async def put(self, bucket: str, key: str, data: bytes, etag: str, meta: Doc) -> Stat | None:
        """The key holds the object, durably; None: it must go the ordinary way, nothing has happened. Raises
        NoBucket."""
        place = (bucket, key)
        if time.monotonic() < self._spared_until or not self._enter(place):
            return None
        try:
            name, file = self._write(data)
        except BaseException:
            self._leave([place])
            raise
        loop = asyncio.get_running_loop()
        self._seq += 1
        put = _Put(place, self._seq, name, file, etag, meta, data, loop.create_future())
        self._waiting.append(put)
        if not self._sending:
            self._sending = True
            # Not at once: what else arrived in this turn of the loop shares the sync.
            loop.call_soon(self._send, loop)
        await asyncio.shield(put.done)  # whatever becomes of the request, the put ends
        return Stat(bucket, key, file.size, etag, file.mtime / 1e9, meta)

    @contextlib.contextmanager
    def beside(self, bucket: str, keys: Iterable[str]) -> Iterator[None]:
        """In a thread: what is inside may change these keys in the ordinary way. Their files are durable before it."""
        places = [(bucket, key) for key in keys]
        with self._landed:
            for place in places:
                self._beside[place] = self._beside.get(place, 0) + 1
        try:
            with self._landed:
                self._landed.wait_for(lambda: self._flying.isdisjoint(places))
                fresh = [place for place in places if place in self._kept]
            if fresh:
                # Else a power cut after the change would bring back what it replaced.
                self._sync(fresh)
            yield
        finally:
            with self._landed:
                for place in places:
                    self._beside[place] -= 1
                    if not self._beside[place]:
                        del self._beside[place]

    def forget_bucket(self, bucket: str) -> None:
        """Nothing of the bucket is in the index."""
        with self._landed:
            for place in [place for place in self._kept if place[0] == bucket]:
                self._kept_bytes -= self._kept.pop(place)[1]
        self._site.index.write(("DELETE FROM fresh WHERE bucket = ?", (bucket,)))

    def close(self) -> None:
        """What is in the index is durable as files, and gone from it."""
        self._threads.shutdown()
        self._sync(list(self._kept))

    # On the loop

    def _enter(self, place: Place) -> bool:
        with self._landed:
            # One of a key at a time: then the order of the rows is the order of the renames.
            if place in self._flying or place in self._beside or self._kept_bytes > _MOST_BYTES:
                return False
            self._flying.add(place)
            return True

    def _leave(self, places: Iterable[Place]) -> None:
        with self._landed:
            self._flying.difference_update(places)
            self._landed.notify_all()

    def _write(self, data: bytes) -> tuple[str, Identity]:
        """A file of tmp/. Nothing is synced, so this is a copy in memory, unless the disk is far behind."""
        began = time.monotonic()
        name = ids.new()
        written = _write_file(self._site, name, data, self._site.moments.next())
        ended = time.monotonic()
        if ended - began > _SLOW_SECONDS:
            self._spared_until = ended + _SPARE_SECONDS
        return name, written

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        puts, self._waiting = self._waiting[:_GROUP], self._waiting[_GROUP:]
        if not puts:
            self._sending = False
            return
        written = self._site.index.begin(*_records(puts))

        def told(done: "Future[list[int]]") -> None:
            try:
                loop.call_soon_threadsafe(self._land, loop, puts, done.exception())
            except RuntimeError:  # the loop has ended, and nobody waits: but the keys must be free again
                self._sending = False
                self._land_alone(puts, done.exception())

        written.add_done_callback(told)

    def _land(self, loop: asyncio.AbstractEventLoop, puts: list[_Put], error: BaseException | None) -> None:
        """The rows are on the disk, or `error`: the files go to their keys, and the next group sets out."""
        if error is not None:
            self._ended(puts, error)
        else:
            later = self._rename(puts)
            if later:
                self._threads.submit(self._land_slowly, later)
        self._send(loop)
        now = loop.time()
        if now >= self._sync_at:
            self._sync_at = now + _SYNC_SECONDS
            loop.call_later(_SYNC_SECONDS, self._sync_soon)

    def _rename(self, puts: list[_Put]) -> list[_Put]:
        """Returns those that need more than a rename."""
        later: list[_Put] = []
        forgotten: list[Statement] = []
        landed: list[_Put] = []
        for bucket in {put.place[0] for put in puts}:
            some = [put for put in puts if put.place[0] == bucket]
            files = [(put.place[1], put.name) for put in some]
            for put, old in zip(some, self._site.tree.put_at_once(bucket, files, self._site.tmp_handle), strict=True):
                if isinstance(old, Later):
                    later.append(put)
                    continue
                landed.append(put)
                if old is not None:
                    forgotten.append(forget(*put.place, identity(old)))
        if forgotten:
            self._site.index.later(*forgotten)
        self._ended(landed, None)
        return later

    # In threads

    def _land_alone(self, puts: Sequence[_Put], error: BaseException | None) -> None:
        """In the thread of the index, which must not wait for itself."""
        if error is None:
            with contextlib.suppress(RuntimeError):  # closed: the rows say what to do when the store opens
                self._threads.submit(self._land_slowly, puts)
        else:
            self._ended(puts, error)

    def _land_slowly(self, puts: Sequence[_Put]) -> None:
        """Where a directory has to be made, or something is in the way."""
        for put in puts:
            bucket, key = put.place
            try:
                old = self._site.tree.put(bucket, key, self._site.tmp_handle, put.name, _anything)
                if old is not None:
                    self._site.index.later(forget(bucket, key, identity(old)))
                self._ended([put], None)
            except BaseException as error:
                # Refused, so it must not come back from the index.
                self._site.index.write(("DELETE FROM fresh WHERE seq = ?", (put.seq,)), forget(bucket, key, put.file))
                self._ended([put], error)

    def _ended(self, puts: Sequence[_Put], error: BaseException | None) -> None:
        with self._landed:
            for put in puts:
                if error is None:
                    if put.place in self._kept:
                        seq, size = self._kept[put.place]
                        self._old.append(seq)
                        self._kept_bytes -= size
                    self._kept[put.place] = (put.seq, len(put.data))
                    self._kept_bytes += len(put.data)
                self._flying.discard(put.place)
            self._landed.notify_all()
        for put in puts:
            if error is not None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(put.name, dir_fd=self._site.tmp_handle)
            _tell(put.done, error)

    def _sync_soon(self) -> None:
        with contextlib.suppress(RuntimeError):  # closed, which has synced all
            self._threads.submit(self._sync_all)

    def _sync_all(self) -> None:
        with self._landed:
            places = list(self._kept)
        try:
            self._sync(places)
        except OSError:
            # Their bytes stay in the index, and the next round tries again.
            LOG.exception("files of small objects could not be synced")

    def _sync(self, places: Sequence[Place]) -> None:
        """The files of these keys are on the disk, and their bytes no longer in the index."""
        with self._landed:
            kept = {place: self._kept[place] for place in places if place in self._kept}
        if not kept:
            return
        self._site.tree.sync_files(kept, self._site.tmp_handle if len(kept) > _MANY else None)
        with self._landed:
            old, self._old = self._old, []
        seqs = [*old, *(seq for seq, _ in kept.values())]
        # Asked for before any change that goes the ordinary way now, and the index keeps that order: with the first
        # synced record of such a change, these rows are gone.
        self._site.index.later((f"DELETE FROM fresh WHERE seq IN ({','.join(map(str, seqs))})", ()))
        with self._landed:
            for place, entry in kept.items():
                if self._kept.get(place) == entry:
                    del self._kept[place]
                    self._kept_bytes -= entry[1]

    # After a crash

    def recover(self, boot: str) -> None:
        """Called before anything else is served: every answered put is there, as a synced file."""
        index = self._site.index
        rows = index.read("SELECT bucket, key, ino, size, mtime, data, seq FROM fresh ORDER BY seq")
        last = {(row[0], row[1].decode()): (Identity(*row[2:5]), row[5]) for row in rows}
        before = index.read("SELECT value FROM fact WHERE name = 'boot'")
        if not boot or before != [(boot,)]:
            for place, (file, data) in last.items():
                self._write_again(place, file, data)
        if rows:
            self._site.tree.sync_files(last, self._site.tmp_handle if len(last) > _MANY else None)
            # Whatever record is not of the file that is there now goes with those of other unfinished puts.
            index.write(*(doubt(*place) for place in last), ("DELETE FROM fresh", ()))
        if before != [(boot,)]:
            index.write(("INSERT OR REPLACE INTO fact VALUES ('boot', ?)", (boot,)))

    def _write_again(self, place: Place, file: Identity, data: bytes) -> None:
        """The machine went down: the key holds the object whose file may never have reached the disk."""
        bucket, key = place
        record = self._site.record(bucket, key, file)
        if record is None or not self._site.tree.has_bucket(bucket):
            return
        try:
            handle, found = self._site.tree.open(bucket, key)
        except Missing:
            pass
        else:
            with os.fdopen(handle, "rb") as held:
                # What somebody else wrote in place since then stays. Our own file, as a power cut may leave it, has
                # its inode and a time between its creation and the moment when its time was set.
                ours = identity(found).ino == file.ino and found.st_mtime_ns - file.mtime < _STALL_NANOSECONDS
                if (found.st_mtime_ns > file.mtime and not ours) or (identity(found) == file and held.read() == data):
                    return
        name = ids.new()
        again = _write_file(self._site, name, data, file.mtime, sync=True)
        self._site.index.write(remember(bucket, key, again, record[0], orjson.loads(record[1])))
        self._site.tree.put(bucket, key, self._site.tmp_handle, name, _anything)


def _records(puts: Sequence[_Put]) -> list[Statement]:
    """One statement for all records and one for all bytes: each is one step of the database."""
    records: list[object] = []
    bodies: list[object] = []
    for put in puts:
        bucket, key = put.place[0], put.place[1].encode()
        records += (bucket, key, *put.file, put.etag, as_text(put.meta, None), 0)
        bodies += (put.seq, bucket, key, *put.file, put.data)
    return [(_insert("object", 8, len(puts)), records), (_insert("fresh", 7, len(puts)), bodies)]


@lru_cache(maxsize=2 * _GROUP)
def _insert(table: str, columns: int, rows: int) -> str:
    row = f"({','.join('?' * columns)})"
    return f"INSERT OR REPLACE INTO {table} VALUES {','.join([row] * rows)}"


def _write_file(site: Site, name: str, data: bytes, at: int, *, sync: bool = False) -> Identity:
    """The file `name` of tmp/ has these bytes and this time."""
    handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=site.tmp_handle)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.utime(handle, ns=(at, at))
        if sync:
            os.fsync(handle)
        return identity(os.fstat(handle))
    except BaseException:
        os.unlink(name, dir_fd=site.tmp_handle)
        raise
    finally:
        os.close(handle)


def _tell(done: "asyncio.Future[None]", error: BaseException | None) -> None:
    """From any thread, once the loop that waits may have ended."""

    def tell() -> None:
        if not done.done():
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    loop = done.get_loop()
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running is loop:
        tell()
    else:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell)


def _anything(found: os.stat_result | None) -> None:
    """Whatever the key holds is replaced."""
