"""Multipart uploads: rows for uploads and parts, files for the bytes of parts.

phase   open -> completing -> done
                    +-> open    the object was not put after all (a condition, or a crash before its rename)
"""

import contextlib
import os
import shutil
from collections.abc import Sequence
from typing import Any, Final

import orjson

from clary.engines.objects.base import NoUpload, OnlyIf, Part, PartChanged, Upload
from clary.engines.objects.draft import append_file, finish, sync_directory
from clary.engines.objects.fresh import Fresh
from clary.engines.objects.index import Statement
from clary.engines.objects.site import Identity, Site, as_text, described, forget, identity, remember
from clary.engines.objects.turns import Turns
from clary.engines.objects.versions import Arrived, Versions
from clary.kernel import ids
from clary.kernel.errors import Missing
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc

_REMEMBERED_SECONDS: Final = 86_400.0
"""How long the answer to a completed upload is kept for clients that ask again."""
_COLUMNS: Final = "bucket, key, id, initiated, meta, phase, size, mtime, etag, result"
_THIS: Final = " WHERE bucket = ? AND key = ? AND id = ?"


class Uploads:
    """All methods run in threads."""

    def __init__(self, site: Site, versions: Versions, fresh: Fresh) -> None:
        self._site = site
        self._fresh = fresh
        self._versions = versions
        self._turns = Turns()
        """One upload ends once: completions and aborts of it take turns."""

    def create(self, bucket: str, key: str, meta: Doc) -> Upload:
        now = self._site.clock.now()
        upload = Upload(f"{int(now * 1e6):014x}{ids.new()}", bucket, key, now, meta)
        # The directory first: a row promises that parts can be stored.
        (self._site.parts / upload.id).mkdir()
        sync_directory(self._site.parts)
        self._site.index.write(
            (
                "INSERT INTO upload (bucket, key, id, initiated, meta, phase) VALUES (?, ?, ?, ?, ?, 'open')",
                (*_this(upload), now, orjson.dumps(meta).decode()),
            ),
            ("DELETE FROM upload WHERE phase = 'done' AND ended < ?", (now - _REMEMBERED_SECONDS,)),
        )
        return upload

    def get(self, bucket: str, key: str, upload_id: str) -> Upload:
        rows = self._site.index.read(f"SELECT {_COLUMNS} FROM upload" + _THIS, (bucket, key.encode(), upload_id))
        if not rows:
            raise NoUpload(upload_id)
        return _upload(rows[0])

    def page(self, bucket: str, prefix: str, after: tuple[str, str], limit: int) -> list[Upload]:
        start, below = prefix.encode(), prefix.encode() + b"\xff"  # no UTF-8 key has this byte
        rows = self._site.index.read(
            f"SELECT {_COLUMNS} FROM upload WHERE bucket = ? AND key >= ? AND key < ? AND (key, id) > (?, ?)"
            " AND phase != 'done' ORDER BY key, id LIMIT ?",
            (bucket, start, below, after[0].encode(), after[1], limit),
        )
        return [_upload(row) for row in rows]

    def parts(self, upload: Upload, after: int, limit: int) -> list[Part]:
        rows = self._site.index.read(
            "SELECT number, size, etag, modified, meta, file FROM part WHERE upload = ? AND number > ?"
            " ORDER BY number LIMIT ?",
            (upload.id, after, limit),
        )
        return [Part(row[0], row[1], row[2], row[3], orjson.loads(row[4]), row[5]) for row in rows]

    def complete(self, upload: Upload, parts: Sequence[Part], etag: str, meta: Doc, only_if: OnlyIf | None) -> Stat:
        with self._turns.of(upload.id):
            now = self.get(upload.bucket, upload.key, upload.id)
            if now.result is not None:
                return now.result
            with self._fresh.beside(upload.bucket, [upload.key]):
                return self._complete(upload, parts, etag, meta, only_if)

    def abort(self, upload: Upload) -> None:
        with self._turns.of(upload.id):
            (gone, _) = self._site.index.write(
                ("DELETE FROM upload" + _THIS + " AND phase = 'open'", _this(upload)),
                (
                    "DELETE FROM part WHERE upload = ? AND NOT EXISTS (SELECT 1 FROM upload" + _THIS + ")",
                    (upload.id, *_this(upload)),
                ),
            )
            if not gone:
                raise NoUpload(upload.id)
            shutil.rmtree(self._site.parts / upload.id, ignore_errors=True)

    def forget_bucket(self, bucket: str) -> None:
        """No upload of the bucket is left."""
        for upload in self.page(bucket, "", ("", ""), -1):
            with contextlib.suppress(NoUpload):
                self.abort(upload)
        self._site.index.write(("DELETE FROM upload WHERE bucket = ?", (bucket,)))

    def recover(self) -> None:
        """Called before anything else is served: what a crash left half done is done or undone, and its files gone."""
        rows = self._site.index.read(f"SELECT {_COLUMNS}, ino FROM upload WHERE phase = 'completing'")
        for row in rows:
            upload = _upload(row)
            file = Identity(row[10], row[6], row[7])
            try:
                done = identity(self._site.tree.stat(upload.bucket, upload.key)) == file
            except Missing:
                done = False
            done = done or self._versions.is_version(upload.bucket, upload.key, file)
            self._site.index.write(*(_done(upload, self._site.clock.now()) if done else [_reopen(upload)]))
        for (bucket,) in self._site.index.read("SELECT DISTINCT bucket FROM upload WHERE phase = 'open'"):
            if not self._site.tree.has_bucket(bucket):
                self.forget_bucket(bucket)
        wanted: dict[str, set[str]] = {
            row[0]: set() for row in self._site.index.read("SELECT id FROM upload WHERE phase = 'open'")
        }
        for upload_id, file in self._site.index.read("SELECT upload, file FROM part"):
            wanted.setdefault(upload_id, set()).add(file)
        for home in list(self._site.parts.iterdir()):
            if home.name not in wanted:
                shutil.rmtree(home)
                continue
            for part in list(home.iterdir()):
                if part.name not in wanted[home.name]:
                    part.unlink()

    def _complete(self, upload: Upload, parts: Sequence[Part], etag: str, meta: Doc, only_if: OnlyIf | None) -> Stat:
        name = ids.new()
        handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=self._site.tmp_handle)
        try:
            try:
                for part in parts:
                    self._append(handle, upload, part)
                file = finish(self._site, handle)
            finally:
                os.close(handle)
            arrived = Arrived(name, file, etag, meta, self._versions.new_id(upload.bucket))
            self._publish(upload, arrived, only_if)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._site.tmp_handle)
            raise
        # Synced before the parts go: an upload that is opened again must have all of them.
        self._site.index.write(*_done(upload, self._site.clock.now()))
        shutil.rmtree(self._site.parts / upload.id, ignore_errors=True)
        return Stat(upload.bucket, upload.key, file.size, etag, file.mtime / 1e9, meta, arrived.version)

    def _append(self, handle: int, upload: Upload, part: Part) -> None:
        try:
            source = os.open(self._site.parts / upload.id / part.file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise PartChanged(str(part.number)) from None
        try:
            append_file(handle, source, part.size)
        finally:
            os.close(source)

    def _publish(self, upload: Upload, new: Arrived, only_if: OnlyIf | None) -> None:
        # One transaction says what the key will hold and that this upload made it. After a crash, the file that the key
        # then holds, or the row of the version, tells whether it came to pass: `recover`.
        bucket, key = upload.bucket, upload.key
        (_, held) = self._site.index.write(
            remember(bucket, key, new.file, new.etag, new.meta, new.version),
            (
                "UPDATE upload SET phase = 'completing', ino = ?, size = ?, mtime = ?, etag = ?, result = ?" + _THIS,
                (*new.file, new.etag, as_text(new.meta, new.version), *_this(upload)),
            ),
        )
        try:
            if not held:
                raise NoUpload(upload.id)
            if self._versions.state(bucket):
                self._versions.put(bucket, key, new, only_if)
            else:
                self._site.publish(bucket, key, new.name, new.file, only_if)
        except BaseException:
            self._site.index.write(_reopen(upload), forget(bucket, key, new.file))
            raise


def _this(upload: Upload) -> tuple[str, bytes, str]:
    return upload.bucket, upload.key.encode(), upload.id


def _reopen(upload: Upload) -> Statement:
    return ("UPDATE upload SET phase = 'open'" + _THIS, _this(upload))


def _done(upload: Upload, now: float) -> list[Statement]:
    return [
        ("UPDATE upload SET phase = 'done', ended = ?" + _THIS, (now, *_this(upload))),
        ("DELETE FROM part WHERE upload = ?", (upload.id,)),
    ]


def _upload(row: Sequence[Any]) -> Upload:
    bucket, key, upload_id, initiated, meta, phase, size, mtime, etag, result = row[:10]
    stat = None
    if phase == "done":
        stat = described(bucket, key.decode(), Identity(0, size, mtime), etag, result)
    return Upload(upload_id, bucket, key.decode(), initiated, orjson.loads(meta), stat)
