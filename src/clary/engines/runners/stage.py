"""What a run finds under /opt/ml: directories, files, linked trees, unpacked archives. Blocks: call in a thread."""

import errno
import fcntl
import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from clary.engines.runners.base import Archive, StartError, Tree, Work
from clary.engines.runners.rundir import RunDir
from clary.engines.runners.unpack import plain_parts, unpack

ML = "/opt/ml"
Placing = Literal["overlay", "read-only", "copy"]
"""overlay: links below, what the run writes above; read-only: links that it cannot write; copy: its own files."""

_FICLONE = 0x40049409
_NO_LINK = (errno.EXDEV, errno.EMLINK, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Mount:
    """A staged tree that must be laid over its target when the run starts."""

    target: str
    files: Path
    upper: Path
    work: Path


class Stage:
    """The directory of one run, being filled. A stage is used once, from empty."""

    def __init__(self, run: RunDir, placing: Placing, max_archive_bytes: int) -> None:
        self._run = run
        self._placing = placing
        self._left = max_archive_bytes
        self._places: list[tuple[str, Path]] = [(ML, run.ml)]
        """(path inside, directory on this machine), the deepest last."""

    def fill(self, work: Work) -> tuple[Mount, ...]:
        """Everything that `work` asks for stands. Raises StartError in words for the owner of the job."""
        with _told():
            self._run.ml.mkdir()
            self._run.tmp.mkdir()
            return self.lay(work)

    def lay(self, work: Work) -> tuple[Mount, ...]:
        """As `fill`, where /opt/ml is there already, with nothing in the way. Raises StartError."""
        with _told():
            mounts = self._trees(work.trees)
            for directory in (*work.directories, *([work.cwd] if _below(work.cwd, ML) else [])):
                _make(self._host(directory), directory)
            for pipe in work.pipes:
                place = self._host(pipe)
                _make(place.parent, posixpath.dirname(pipe))
                os.mkfifo(place, 0o644)
            for archive in work.archives:
                self._unpack(archive)
            for path, data in work.files.items():
                self._write(path, data)
            return mounts

    def _host(self, inside: str) -> Path:
        """Where a path of the run stands on this machine while it is staged."""
        path = posixpath.normpath(inside)
        if not _below(path, ML) or ".." in inside.split("/") or "\0" in inside:
            raise StartError(f"{inside!r} is not a path below {ML}")
        for target, place in reversed(self._places):
            if _below(path, target):
                return place / posixpath.relpath(path, target)
        raise AssertionError("every path below /opt/ml has a place")

    def _trees(self, trees: tuple[Tree, ...]) -> tuple[Mount, ...]:
        mounts: dict[str, Mount] = {}
        # Parents first, so that a tree inside another finds its mount point in the outer one.
        for tree in sorted(trees, key=lambda tree: posixpath.normpath(tree.target).count("/")):
            target = posixpath.normpath(tree.target)
            place = self._host(target)
            _make(place, target)
            link = self._placing != "copy" and not tree.own
            if link:
                if target not in mounts:
                    base = self._run.trees / str(len(mounts))
                    mounts[target] = Mount(target, base / "files", base / "upper", base / "work")
                    for path in (mounts[target].files, mounts[target].upper, mounts[target].work):
                        path.mkdir(parents=True)
                    self._places.append((target, mounts[target].files))
                place = mounts[target].files
            _place(tree, place, link=link)
        return tuple(mounts.values())

    def _write(self, inside: str, data: bytes) -> None:
        path = self._host(inside)
        _make(path.parent, posixpath.dirname(inside))
        # Unlinked first: what stands there may be a link to an object, and must not be written through.
        with suppress(FileNotFoundError):
            path.unlink()
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with os.fdopen(fd, "wb") as file:
            file.write(data)

    def _unpack(self, archive: Archive) -> None:
        target = self._host(archive.target)
        _make(target, archive.target)
        self._left -= unpack(archive, target, self._left)


def _place(tree: Tree, place: Path, *, link: bool) -> None:
    """The tree's files stand below `place`."""
    made = {place}
    for name, given in tree.files:
        parts = plain_parts(name)
        if not parts:
            raise StartError(f"{name!r} is not a path below {tree.target}")
        path = place.joinpath(*parts)
        parent = path if name.endswith("/") else path.parent
        if parent not in made:
            _make(parent, name)
            made.add(parent)
        if parent is path:
            continue
        try:
            # link(2) would link a symbolic link itself, and where that leads is not seen inside.
            source = given.resolve() if given.is_symlink() else given
            if not link:
                _copy(source, path, name)
                continue
            try:
                os.link(source, path)
            except OSError as error:
                if error.errno not in _NO_LINK:
                    raise
                _copy(source, path, name)
        except FileNotFoundError:
            raise StartError(f"the input file {name!r} is not there") from None
        except FileExistsError:
            raise StartError(f"two input files stand at {name!r}") from None


def _copy(source: Path, path: Path, name: str) -> None:
    """A file of the run's own; blocks are shared where the file system can."""
    try:
        origin: IO[bytes] = source.open("rb")
    except PermissionError:
        raise StartError(f"the input file {name!r} cannot be read") from None
    with origin, path.open("xb") as copy:
        try:
            fcntl.ioctl(copy, _FICLONE, origin.fileno())
            return
        except OSError:
            pass  # no shared blocks between these two: byte by byte then
        while sent := os.sendfile(copy.fileno(), origin.fileno(), None, 64 * _CHUNK):
            if sent < 0:
                raise OSError(errno.EIO, "sendfile")


def _make(path: Path, inside: str) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise StartError(f"{inside!r} needs a directory where a file stands") from None


def _below(path: str, parent: str) -> bool:
    return path == parent or path.startswith(parent + "/")


@contextmanager
def _told() -> Iterator[None]:
    """What the file system refuses for good is a StartError; anything else goes up as it is and may be tried again."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StartError("the disk is full: there is no room for the run's input") from error
        if error.errno in (errno.ENAMETOOLONG, errno.EACCES, errno.EISDIR, errno.ENOTDIR):
            # The last name only: where it lies on this machine is no business of the job's.
            name = posixpath.basename(os.fsdecode(error.filename2 or error.filename or ""))
            raise StartError(f"the run's input cannot be laid out: {error.strerror}: {name[:300]!r}") from error
        raise
