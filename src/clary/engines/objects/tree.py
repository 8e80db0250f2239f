"""The directory tree of the buckets, walked by directory handles so that no symbolic link is ever followed."""

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from clary.engines.objects import names
from clary.engines.objects.base import BucketNotEmpty, NoBucket
from clary.engines.objects.names import Place
from clary.kernel.errors import Missing

T = TypeVar("T")

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ABSENT: Final = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO}
"""What opening says where no regular file is: nothing, a file on the way, a link, a directory, a socket."""


class Later:
    """A file that cannot be put by a mere rename."""


LATER: Final = Later()

Allowed = Callable[[os.stat_result | None], None]
"""Is shown what a key holds at the moment of a change, and may refuse the change by raising."""


class Tree:
    """Buckets as directories. Changes within one bucket happen one after another; looking needs no lock."""

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._locks: dict[str, threading.Lock] = {}

    def close(self) -> None:
        os.close(self._root)

    def make_bucket(self, bucket: str) -> None:
        _check(bucket)
        with contextlib.suppress(FileExistsError):
            os.mkdir(bucket, 0o755, dir_fd=self._root)
        os.fsync(self._root)

    def has_bucket(self, bucket: str) -> bool:
        try:
            with self._bucket(bucket):
                return True
        except NoBucket:
            return False

    def remove_bucket(self, bucket: str) -> None:
        """Gone, with directories that hold nothing. Raises BucketNotEmpty, NoBucket."""
        with self._lock(bucket):
            self._remove_empty(bucket)
            os.rmdir(bucket, dir_fd=self._root)
            os.fsync(self._root)

    def open(self, bucket: str, key: str) -> tuple[int, os.stat_result]:
        """A handle on the object's file. Raises Missing."""

        def look(directory: int, leaf: str) -> tuple[int, os.stat_result] | None:
            handle = os.open(leaf, _FILE, dir_fd=directory)
            found = os.fstat(handle)
            if stat.S_ISREG(found.st_mode):
                return handle, found
            os.close(handle)
            return None

        return self._find(bucket, key, look)[1]

    def stat(self, bucket: str, key: str) -> os.stat_result:
        """Raises Missing."""
        return self.locate(bucket, key)[1]

    def locate(self, bucket: str, key: str) -> tuple[Place, os.stat_result]:
        """Where the object's file is now. Raises Missing."""
        return self._find(bucket, key, _regular)

    def put(self, bucket: str, key: str, source: int, name: str, allowed: Allowed) -> os.stat_result | None:
        """The file `name` of the directory `source` is the object, durably; returns what was replaced."""
        with self._lock(bucket):
            old, directory, leaf = self._plain_way(bucket, key, allowed) or self._any_way(bucket, key, allowed)
            try:
                os.rename(name, leaf, src_dir_fd=source, dst_dir_fd=directory)  # the commit point
            except BaseException:
                os.close(directory)
                raise
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return old

    def put_at_once(
        self, bucket: str, files: Sequence[tuple[str, str]], source: int
    ) -> list[os.stat_result | Later | None]:
        """Each (key, name in the directory `source`) is the object now, but nothing is synced; returns what was
        replaced. LATER: nothing has happened, because a lock is held, or a directory is missing or in the way."""
        lock = self._lock(bucket)
        if not lock.acquire(blocking=False):
            return [LATER for _ in files]
        directories: dict[tuple[str, ...], int] = {}
        try:
            return [self._put_at_once(bucket, key, source, name, directories) for key, name in files]
        finally:
            lock.release()
            for handle in directories.values():
                os.close(handle)

    def _put_at_once(
        self, bucket: str, key: str, source: int, name: str, directories: dict[tuple[str, ...], int]
    ) -> os.stat_result | Later | None:
        at, beside = names.place(key), names.aside(key)
        if at.dirs != beside.dirs:
            return LATER
        try:
            if at.dirs not in directories:
                directories[at.dirs] = self._enter(bucket, at.dirs)
            directory = directories[at.dirs]
            old = _found(directory, at.leaf)
            if (old is None and _found(directory, beside.leaf)) or (old is not None and not stat.S_ISREG(old.st_mode)):
                return LATER
            os.rename(name, at.leaf, src_dir_fd=source, dst_dir_fd=directory)
        except (OSError, NoBucket):  # the long way finds out what it is, and says so
            return LATER
        return old

    def sync_files(self, places: Iterable[tuple[str, str]], whole: int | None) -> None:
        """The files at these (bucket, key), and their directories, are on the disk; those that are gone are passed
        over. With `whole`, a handle on something in the file system, all of that is."""
        if whole is not None and sync_file_system(whole):
            return
        touched: set[tuple[str, tuple[str, ...]]] = set()
        for bucket, key in places:
            with contextlib.suppress(Missing):
                handle, _ = self.open(bucket, key)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
                touched |= {(bucket, names.place(key).dirs), (bucket, names.aside(key).dirs)}
        for bucket, dirs in touched:
            with contextlib.suppress(Missing), self.directory(bucket, dirs) as directory:
                os.fsync(directory)

    def link(self, bucket: str, key: str, target: int, name: str) -> os.stat_result:
        """The object's file has a second name in the directory `target`. Raises Missing."""

        def look(directory: int, leaf: str) -> bool | None:
            if _regular(directory, leaf) is None:
                return None
            os.link(leaf, name, src_dir_fd=directory, dst_dir_fd=target, follow_symlinks=False)
            return True

        self._find(bucket, key, look)
        return os.stat(name, dir_fd=target, follow_symlinks=False)

    def remove(self, bucket: str, key: str, allowed: Allowed) -> tuple[os.stat_result | None, tuple[str, ...]]:
        """No file is the object any more; returns what was, and the directory to `sync`."""
        with self._lock(bucket):
            try:
                at, old = self.locate(bucket, key)
            except NoBucket:
                raise
            except Missing:
                allowed(None)
                return None, ()
            allowed(old)
            # A file in the first place hides one that lies aside: that one goes first, or it would come back.
            beside = names.aside(key)
            if at != beside:
                self._unlink(bucket, beside)
            self._unlink(bucket, at)
            return old, at.dirs

    def sync(self, bucket: str, dirs: tuple[str, ...]) -> None:
        """What was removed from this directory stays removed, whatever happens to the machine."""
        for depth in range(len(dirs), -1, -1):
            # Where the directory went too, its removal is what has to last: that is written in the next one up.
            with contextlib.suppress(Missing), self.directory(bucket, dirs[:depth]) as handle:
                os.fsync(handle)
                return

    @contextlib.contextmanager
    def directory(self, bucket: str, dirs: tuple[str, ...]) -> Iterator[int]:
        """A handle on a directory below the bucket. Raises Missing."""
        try:
            handle = self._enter(bucket, dirs)
        except OSError as error:
            if error.errno in _ABSENT:
                raise Missing("/".join(dirs)) from None
            raise
        try:
            yield handle
        finally:
            os.close(handle)

    def _lock(self, bucket: str) -> threading.Lock:
        return self._locks.setdefault(bucket, threading.Lock())

    @contextlib.contextmanager
    def _bucket(self, bucket: str) -> Iterator[int]:
        top = self._open_bucket(bucket)
        try:
            yield top
        finally:
            os.close(top)

    def _open_bucket(self, bucket: str) -> int:
        _check(bucket)
        try:
            return os.open(bucket, _DIRECTORY, dir_fd=self._root)
        except OSError as error:
            if error.errno in _ABSENT:
                raise NoBucket(bucket) from None
            raise

    def _enter(self, bucket: str, dirs: tuple[str, ...], *, make: bool = False) -> int:
        here = self._open_bucket(bucket)
        for name in dirs:
            try:
                below = _step(here, name, make)
            finally:
                os.close(here)
            here = below
        return here

    def _plain_way(self, bucket: str, key: str, allowed: Allowed) -> tuple[os.stat_result | None, int, str] | None:
        """What `_any_way` returns, for less, where nothing lies aside and nothing is in the way; else None."""
        at, beside = names.place(key), names.aside(key)
        if at.dirs != beside.dirs:
            return None
        try:
            directory = self._enter(bucket, at.dirs)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            old = _found(directory, at.leaf)
            hidden = old is None and _found(directory, beside.leaf) is not None
            plain = not hidden and (old is None or stat.S_ISREG(old.st_mode))
            if plain:
                allowed(old)
        except BaseException:
            os.close(directory)
            raise
        if not plain:
            os.close(directory)
            return None
        return old, directory, at.leaf

    def _any_way(self, bucket: str, key: str, allowed: Allowed) -> tuple[os.stat_result | None, int, str]:
        """(what is there, the directory, the name) of the file that is to be the object: directories are made, and
        what stands in their way lies aside."""
        try:
            at, old = self.locate(bucket, key)
        except NoBucket:
            raise
        except Missing:
            at, old = names.place(key), None
        allowed(old)
        return old, *self._make_way(bucket, key, at, free=old is None)

    def _make_way(self, bucket: str, key: str, at: Place, *, free: bool) -> tuple[int, str]:
        """The directory (a handle, the caller's to close) and name where the object's file can be put."""
        while True:
            try:
                directory = self._enter(bucket, at.dirs, make=True)
                break
            except NotADirectoryError:
                if not self._move_aside(bucket, key):
                    raise
        if free and at == names.place(key):
            try:
                os.rmdir(at.leaf, dir_fd=directory)
            except (FileNotFoundError, NotADirectoryError):
                pass
            except OSError:  # a directory with something in it
                os.close(directory)
                return self._make_way(bucket, key, names.aside(key), free=False)
        return directory, at.leaf

    def _move_aside(self, bucket: str, key: str) -> bool:
        """One object whose file stands where `key` needs a directory lies aside now. One rename: at every moment the
        object is in its first place or aside, and readers look in both."""
        for above in names.ancestors(key):
            try:
                at, _ = self.locate(bucket, above)
            except Missing:
                continue
            beside = names.aside(above)
            if at == beside:
                continue
            target = self._enter(bucket, beside.dirs, make=True)
            try:
                with self.directory(bucket, at.dirs) as source:
                    os.rename(at.leaf, beside.leaf, src_dir_fd=source, dst_dir_fd=target)
                    os.fsync(target)
                    os.fsync(source)
            finally:
                os.close(target)
            return True
        return False

    def _unlink(self, bucket: str, at: Place) -> None:
        with contextlib.suppress(Missing, FileNotFoundError), self.directory(bucket, at.dirs) as directory:
            os.unlink(at.leaf, dir_fd=directory)
            for depth in range(len(at.dirs) - 1, -1, -1):
                with self.directory(bucket, at.dirs[:depth]) as above:
                    try:
                        os.rmdir(at.dirs[depth], dir_fd=above)
                    except OSError:  # something else is in it
                        break

    def _remove_empty(self, bucket: str) -> None:
        """No directory is left in the bucket. Raises BucketNotEmpty as soon as anything else is met."""
        found: list[tuple[str, ...]] = [()]
        for dirs in found:  # grows while it is walked
            with self.directory(bucket, dirs) as here, os.scandir(here) as entries:
                for entry in entries:
                    if not entry.is_dir(follow_symlinks=False):
                        raise BucketNotEmpty(bucket)
                    found.append((*dirs, entry.name))
        for dirs in reversed(found[1:]):
            with self.directory(bucket, dirs[:-1]) as above:
                os.rmdir(dirs[-1], dir_fd=above)

    def _find(self, bucket: str, key: str, look: Callable[[int, str], T | None]) -> tuple[Place, T]:
        # First place first: an object only ever moves from there to lie aside, so one of the two looks finds it.
        for place in (names.place(key), names.aside(key)):
            try:
                directory = self._enter(bucket, place.dirs)
                try:
                    found = look(directory, place.leaf)
                finally:
                    os.close(directory)
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                continue
            if found is not None:
                return place, found
        raise Missing(f"{bucket}/{key}")


def sync_file_system(handle: int) -> bool:
    """All that was written to the file system of `handle` is on the disk; False where the system has no such call."""
    import ctypes  # here: a process that never puts many small objects need not load it

    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if call is None:
        return False
    if call(handle) != 0:
        raise OSError(ctypes.get_errno(), "syncfs failed")
    return True


def _check(bucket: str) -> None:
    """Whatever a caller takes for a bucket's name, it leads to a directory right below the root, and not to our own."""
    if bucket.startswith(".") or "/" in bucket or "\0" in bucket or not bucket:
        raise NoBucket(bucket)


def _found(directory: int, leaf: str) -> os.stat_result | None:
    try:
        return os.stat(leaf, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _regular(directory: int, leaf: str) -> os.stat_result | None:
    found = os.stat(leaf, dir_fd=directory, follow_symlinks=False)
    return found if stat.S_ISREG(found.st_mode) else None


def _step(here: int, name: str, make: bool) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=here)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=here)
    os.fsync(here)  # or the files below could outlive their directory's name
    return os.open(name, _DIRECTORY, dir_fd=here)
