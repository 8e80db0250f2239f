"""Versions of keys: how they come, go, and how the key follows.

    <root>/.clary/versions/<file>   every version that is not a delete marker, the current one too
    <root>/<bucket>/<key>           a hard link to the current one; not there when that is a delete marker

Writers of one key take turns. Each writes its bytes, links them into versions/, and then commits with one transaction
of rows: from there on the version is there, or gone for good, whatever happens. Making the key's file follow comes
after that, and is repeated when the store opens for every key that has an unsettled row. Bytes without a row are known
by their twin in tmp/, which is there until the row is.

A file that was written in place has no row. It is the version "null" as long as it is at the key, and gets a row when a
write would hide it.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from clary.engines.objects.base import IsMarker, NoVersion, OnlyIf, Removed
from clary.engines.objects.index import Statement
from clary.engines.objects.site import Identity, Site, described, forget, identity, in_place_etag, remember
from clary.kernel import ids
from clary.kernel.errors import Missing
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc

ENABLED: Final = "Enabled"
NULL: Final = "null"
SETTLED, ARRIVING, LEAVING = 0, 1, 2
COLUMNS: Final = "seq, id, phase, marker, file, ino, size, mtime, modified"
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OF_KEY: Final = " FROM version WHERE bucket = ? AND key = ?"


class Row(NamedTuple):
    seq: int
    id: str
    phase: int
    marker: int
    file: str | None
    ino: int | None
    size: int | None
    mtime: int | None
    modified: float

    @property
    def identity(self) -> Identity | None:
        if self.ino is None or self.size is None or self.mtime is None:
            return None
        return Identity(self.ino, self.size, self.mtime)


class Arrived(NamedTuple):
    """A temporary file, synced, that is to be a version."""

    name: str
    file: Identity
    etag: str
    meta: Doc
    version: str | None
    """None: the version "null"."""


class Versions:
    """All methods run in threads."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._states: dict[str, str] = dict(site.index.read("SELECT name, versioning FROM bucket"))

    # The state of a bucket

    def state(self, bucket: str) -> str:
        return self._states.get(bucket, "")

    def set_state(self, bucket: str, state: str) -> None:
        with self._site.tree.directory(bucket, ()):
            pass  # raises NoBucket
        self._site.index.write(("INSERT OR REPLACE INTO bucket VALUES (?, ?)", (bucket, state)))
        self._states[bucket] = state

    def holds(self, bucket: str) -> bool:
        """Some version or delete marker is there."""
        return bool(self._site.index.read("SELECT 1 FROM version WHERE bucket = ? AND phase != 2 LIMIT 1", (bucket,)))

    def forget_bucket(self, bucket: str) -> None:
        """Nothing is known of the bucket. Called when its directory is gone."""
        self._states.pop(bucket, None)
        files = self._site.index.read("SELECT file FROM version WHERE bucket = ?", (bucket,))
        self._site.index.write(
            ("DELETE FROM version WHERE bucket = ?", (bucket,)), ("DELETE FROM bucket WHERE name = ?", (bucket,))
        )
        for (file,) in files:
            self._unlink(file)

    def new_id(self, bucket: str) -> str | None:
        """For an object that is about to be written. Begins with the time, so that a list can go on after it even when
        it is gone."""
        if self.state(bucket) != ENABLED:
            return None
        return f"{int(self._site.clock.now() * 1e6):014x}{ids.new()[:18]}"

    # Writes

    def put(self, bucket: str, key: str, new: Arrived, only_if: OnlyIf | None) -> None:
        """The arrived file is the current version, durably. Raises ConditionFailed, Missing, NoBucket; then nothing has
        changed."""
        with self._site.turns.of((bucket, key)):
            old = self._current(bucket, key)
            self._site.allowed(bucket, key, only_if)(old)
            hidden, twin = self._hidden(bucket, key, old, keep=new.version is not None)
            seq, at = self._next(bucket, key), new.file.mtime / 1e9
            row = Row(seq, new.version or NULL, ARRIVING, 0, new.name, *new.file, at)
            record = remember(bucket, key, new.file, new.etag, new.meta, new.version, pending=0)
            with self._linked(new.name, twin):
                self._site.index.write(*hidden, record, _insert(bucket, key, row))  # the commit point
            self._forget_twin(twin)
            try:
                self._site.tree.put(bucket, key, self._site.tmp_handle, new.name, _anything)
            except BaseException:
                # No place for it in the tree (the bucket has just gone, say): then it never was.
                self._site.index.write(_phase(bucket, key, row.seq, LEAVING))
                self._follow(bucket, key)
                self._settle(bucket, key)
                raise
            self._settle(bucket, key)

    def mark(self, bucket: str, key: str, only_if: OnlyIf | None) -> Removed:
        """A delete marker is the current version. Raises ConditionFailed, Missing, NoBucket."""
        with self._site.turns.of((bucket, key)):
            old = self._current(bucket, key)
            self._site.allowed(bucket, key, only_if)(old)
            version = self.new_id(bucket)
            hidden, twin = self._hidden(bucket, key, old, keep=version is not None)
            seq, now = self._next(bucket, key), self._site.clock.now()
            row = Row(seq, version or NULL, ARRIVING, 1, None, None, None, None, now)
            with self._linked(twin):
                self._site.index.write(*hidden, _insert(bucket, key, row))  # the commit point
            self._forget_twin(twin)
            if old is not None:
                self._take_away(bucket, key)
            self._settle(bucket, key)
            return Removed(row.id, True)

    def remove(self, bucket: str, key: str, version: str, only_if: OnlyIf | None) -> Removed:
        """The version is gone for good, and the one before it current if it was. Raises ConditionFailed, Missing,
        NoBucket."""
        with self._site.turns.of((bucket, key)):
            current = self._current(bucket, key)
            stranger = current if version == NULL and self._is_stranger(bucket, key, current) else None
            found = self._live(bucket, key, version)
            held = stranger or (self._kept_stat(found[0].file) if found else None)
            self._site.allowed(bucket, key, only_if)(held)
            if stranger is None and not found:
                return Removed(version)
            newest = self.newest(bucket, key)
            statements = [_phase(bucket, key, row.seq, LEAVING) for row in found]
            if stranger is not None:
                statements.append(_insert(bucket, key, self._gone(bucket, key, stranger)))
            self._site.index.write(*statements)  # the commit point
            if stranger is not None or found[0] == newest:
                self._follow(bucket, key)
            self._settle(bucket, key)
            return Removed(version, stranger is None and bool(found[0].marker))

    # Reads

    def open(self, bucket: str, key: str, version: str) -> tuple[int, Stat] | None:
        """A handle on the version's file; None: the key's own file is that version. Raises NoVersion, IsMarker."""
        row = self._find(bucket, key, version)
        if row is None:
            return None
        file = row.identity
        try:
            handle = os.open(row.file or "", _FILE, dir_fd=self._site.versions_handle)
        except FileNotFoundError:  # it has just been deleted
            raise NoVersion(version) from None
        if file is None or identity(os.fstat(handle)) != file:
            os.close(handle)
            raise NoVersion(f"{version}: its bytes were changed in place")
        return handle, self._stat(bucket, key, file)

    def stat(self, bucket: str, key: str, version: str) -> Stat | None:
        """As `open`, without a handle."""
        found = self.open(bucket, key, version)
        if found is None:
            return None
        os.close(found[0])
        return found[1]

    def marked(self, bucket: str, key: str) -> IsMarker | None:
        """Why a key of a bucket with versions holds nothing."""
        newest = self.newest(bucket, key) if self.state(bucket) else None
        return IsMarker(newest.id, newest.modified) if newest and newest.marker else None

    def newest(self, bucket: str, key: str) -> Row | None:
        """The newest version, which is what the key holds unless something was written in place."""
        rows = self._read(bucket, key, " AND phase != 2 ORDER BY seq DESC LIMIT 1")
        return rows[0] if rows else None

    def is_version(self, bucket: str, key: str, file: Identity, *, leaving: bool = False) -> bool:
        """The file is one of the key's versions; `leaving`: or just was."""
        more = "" if leaving else " AND phase != 2"
        return bool(self._read(bucket, key, " AND ino = ? AND size = ? AND mtime = ?" + more, *file))

    # After a crash

    def recover(self) -> None:
        """Called before anything else is served: keys follow their rows, and bytes without a row are gone."""
        for bucket, raw in self._site.index.read("SELECT DISTINCT bucket, key FROM version WHERE phase != 0"):
            key = raw.decode()
            if not self._site.tree.has_bucket(bucket):
                self.forget_bucket(bucket)
                continue
            (top,) = self._read(bucket, key, " ORDER BY seq DESC LIMIT 1")
            if top.phase != SETTLED:
                self._follow(bucket, key)
            self._settle(bucket, key)
        for twin in list(self._site.tmp.iterdir()):
            if not self._site.index.read("SELECT 1 FROM version WHERE file = ? LIMIT 1", (twin.name,)):
                self._unlink(twin.name)

    # Inside a turn

    def _hidden(
        self, bucket: str, key: str, old: os.stat_result | None, *, keep: bool
    ) -> tuple[list[Statement], str | None]:
        """What becomes of the version "null" when another version comes: kept as it is, or, when the other is to be
        "null" itself, replaced. A file that was written in place gets its row here; the twin in tmp/ of a file that is
        kept is returned."""
        stranger = old if self._is_stranger(bucket, key, old) else None
        if keep and stranger is None:
            return [], None
        leaving = [_phase(bucket, key, row.seq, LEAVING) for row in self._live(bucket, key, NULL)]
        if stranger is None:
            return leaving, None
        if not keep:
            return [*leaving, _insert(bucket, key, self._gone(bucket, key, stranger))], None
        name = ids.new()
        old = self._site.tree.link(bucket, key, self._site.tmp_handle, name)
        row = Row(self._next(bucket, key) - 1, NULL, SETTLED, 0, name, *identity(old), old.st_mtime_ns / 1e9)
        return [*leaving, _insert(bucket, key, row)], name

    def _gone(self, bucket: str, key: str, old: os.stat_result) -> Row:
        """For a file written in place that is not kept: the key must follow, whoever wrote what it holds."""
        return Row(self._next(bucket, key) - 1, NULL, LEAVING, 0, None, *identity(old), old.st_mtime_ns / 1e9)

    def _follow(self, bucket: str, key: str) -> None:
        """The key holds what its newest version says, unless something was written in place meanwhile."""
        newest = self.newest(bucket, key)
        try:
            current = self._current(bucket, key)
        except Missing:  # the bucket is gone
            return
        if self._is_stranger(bucket, key, current):
            return
        if newest is None or newest.file is None:
            if current is not None:
                self._take_away(bucket, key)
            return
        if current is not None and identity(current) == newest.identity:
            return
        name = ids.new()
        os.link(newest.file, name, src_dir_fd=self._site.versions_handle, dst_dir_fd=self._site.tmp_handle)
        self._site.tree.put(bucket, key, self._site.tmp_handle, name, _anything)

    def _settle(self, bucket: str, key: str) -> None:
        """The key has followed: what leaves is gone, what arrived is settled."""
        changes: list[Statement] = []
        for row in self._read(bucket, key, " AND phase != 0"):
            if row.phase == ARRIVING:
                changes.append(_phase(bucket, key, row.seq, SETTLED))
            elif row.phase == LEAVING:
                self._unlink(row.file)
                changes.append(("DELETE" + _OF_KEY + " AND seq = ?", (bucket, key.encode(), row.seq)))
                if row.identity is not None:
                    changes.append(forget(bucket, key, row.identity))
        self._site.index.later(*changes)

    def _take_away(self, bucket: str, key: str) -> None:
        _, dirs = self._site.tree.remove(bucket, key, _anything)
        self._site.tree.sync(bucket, dirs)

    def _current(self, bucket: str, key: str) -> os.stat_result | None:
        """Raises NoBucket."""
        try:
            return self._site.tree.stat(bucket, key)
        except Missing:
            if not self._site.tree.has_bucket(bucket):
                raise
            return None

    def _next(self, bucket: str, key: str) -> int:
        """Leaves room for one below it."""
        rows = self._read(bucket, key, " ORDER BY seq DESC LIMIT 1")
        return max(int(self._site.clock.now() * 1e6), rows[0].seq + 2 if rows else 0)

    def _find(self, bucket: str, key: str, version: str) -> Row | None:
        # What was written in place is the newest "null" there is.
        if version == NULL and self._is_stranger(bucket, key, self._current(bucket, key)):
            return None
        rows = self._live(bucket, key, version)
        if not rows:
            raise NoVersion(version)
        if rows[0].marker:
            raise IsMarker(rows[0].id, rows[0].modified)
        return rows[0]

    def _stat(self, bucket: str, key: str, file: Identity) -> Stat:
        record = self._site.record(bucket, key, file)
        return described(bucket, key, file, *(record or (in_place_etag(file), "{}")))

    def _is_stranger(self, bucket: str, key: str, current: os.stat_result | None) -> bool:
        """What the key holds was written in place, or before versions were kept."""
        return current is not None and not self.is_version(bucket, key, identity(current), leaving=True)

    def _live(self, bucket: str, key: str, version: str) -> list[Row]:
        return self._read(bucket, key, " AND id = ? AND phase != 2 ORDER BY seq DESC", version)

    def _read(self, bucket: str, key: str, more: str, *values: Any) -> list[Row]:
        found = self._site.index.read(f"SELECT {COLUMNS}" + _OF_KEY + more, (bucket, key.encode(), *values))
        return [Row(*one) for one in found]

    def _kept_stat(self, file: str | None) -> os.stat_result | None:
        if file is None:
            return None
        return os.stat(file, dir_fd=self._site.versions_handle, follow_symlinks=False)

    @contextlib.contextmanager
    def _linked(self, *names: str | None) -> Iterator[None]:
        """Files of tmp/ lie in versions/ too, durably; when what is inside fails, no more."""
        kept = [name for name in names if name is not None]
        try:
            for name in kept:
                os.link(name, name, src_dir_fd=self._site.tmp_handle, dst_dir_fd=self._site.versions_handle)
            if kept:
                os.fsync(self._site.versions_handle)  # a row promises its file
            yield
        except BaseException:
            for name in kept:
                self._unlink(name)
            raise

    def _forget_twin(self, name: str | None) -> None:
        if name is not None:
            os.unlink(name, dir_fd=self._site.tmp_handle)

    def _unlink(self, file: str | None) -> None:
        if file is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(file, dir_fd=self._site.versions_handle)


def _insert(bucket: str, key: str, row: Row) -> Statement:
    return ("INSERT INTO version VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (bucket, key.encode(), *row))


def _phase(bucket: str, key: str, seq: int, phase: int) -> Statement:
    return (
        "UPDATE version SET phase = ? WHERE bucket = ? AND key = ? AND seq = ?",
        (phase, bucket, key.encode(), seq),
    )


def _anything(found: os.stat_result | None) -> None:
    """Whatever the key holds: the decision has been made."""
