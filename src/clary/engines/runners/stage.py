"""What a run finds under /opt/ml: directories, files, linked trees, unpacked archives. Blocks: call in a thread."""

import errno
import fcntl
import os
import posixpath
import shutil
import stat
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from typing import IO, Literal

from clary.engines.runners.base import Archive, StartError, Tree, Work
from clary.engines.runners.rundir import RunDir

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
        self._limit = max_archive_bytes
        self._places: list[tuple[str, Path]] = [(ML, run.ml)]
        """(path inside, directory on this machine), the deepest last."""

    def fill(self, work: Work) -> tuple[Mount, ...]:
        """Everything that `work` asks for stands. Raises StartError in words for the owner of the job."""
        with _told():
            self._run.ml.mkdir()
            self._run.tmp.mkdir()
            mounts = self._trees(work.trees)
            for directory in (*work.directories, *([work.cwd] if _below(work.cwd, ML) else [])):
                _make(self._host(directory), directory)
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
            if self._placing != "copy":
                if target not in mounts:
                    base = self._run.trees / str(len(mounts))
                    mounts[target] = Mount(target, base / "files", base / "upper", base / "work")
                    for path in (mounts[target].files, mounts[target].upper, mounts[target].work):
                        path.mkdir(parents=True)
                    self._places.append((target, mounts[target].files))
                place = mounts[target].files
            _place(tree, place, link=self._placing != "copy")
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
        try:
            with tarfile.open(archive.path, "r:*") as tar:
                unpacking = _Unpacking(target)
                for member in tar:
                    self._spend(member.size if member.isreg() else 0, archive)
                    unpacking.add(tar, member)
                # tarfile stops at the end mark; the checksum of the whole stands after it.
                while tar.fileobj is not None and (rest := tar.fileobj.read(_CHUNK)):
                    self._spend(len(rest), archive)
        except FileNotFoundError:
            raise StartError(f"the archive {archive.path.name} is not there") from None
        except (tarfile.TarError, EOFError, zlib.error, LZMAError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            # tarfile tells of every compression that it tried, a line each: for a file that is none, the first says it.
            said = "it is no archive" if "\n" in str(error) else str(error)
            raise StartError(f"{archive.path.name} is not a readable .tar.gz: {said}") from None

    def _spend(self, size: int, archive: Archive) -> None:
        self._left -= size
        if self._left < 0:
            raise StartError(f"the archive {archive.path.name} holds more than {self._limit} bytes: that is refused")


class _Unpacking:
    """Members of a tar, written below one directory and never through a link.

    tarfile's own filters resolve links by path, which released Pythons have got wrong; here a parent is a real
    directory or the member is refused, and a link may only climb first and then descend."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._directories = {target}

    def add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        name = member.name
        parts = _parts(name)
        if parts is None:
            raise StartError(f"the archive's member {name!r} would be written outside of its directory")
        if not parts:
            return
        path = self._target.joinpath(*parts)
        if member.isdir():
            self._directory(path, name)
            return
        self._directory(path.parent, name)
        with suppress(FileNotFoundError):
            path.unlink()
        if member.issym():
            if not _climbs_within(parts[:-1], member.linkname):
                raise StartError(
                    f"the archive's member {name!r} links to {member.linkname!r}, outside of its directory"
                )
            path.symlink_to(member.linkname)
        elif member.islnk():
            source = _parts(member.linkname)
            if not source:
                raise StartError(
                    f"the archive's member {name!r} links to {member.linkname!r}, outside of its directory"
                )
            origin = self._target.joinpath(*source)
            self._directory(origin.parent, name)
            if not stat.S_ISREG(origin.lstat().st_mode):
                raise StartError(f"the archive's member {name!r} links to {member.linkname!r}, which is no file")
            os.link(origin, path, follow_symlinks=False)
        elif member.isreg():
            self._file(tar, member, path)
        else:
            raise StartError(f"the archive's member {name!r} is a device or a pipe: only files and links are unpacked")

    def _directory(self, path: Path, name: str) -> None:
        missing = []
        while path not in self._directories:
            missing.append(path)
            path = path.parent
        for directory in reversed(missing):
            with suppress(FileExistsError):
                directory.mkdir()
            if not stat.S_ISDIR(directory.lstat().st_mode):
                raise StartError(
                    f"the archive's member {name!r} would be written through {directory.name!r}, which is no directory"
                )
            self._directories.add(directory)

    def _file(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
        mode = 0o755 if member.mode & 0o111 else 0o644
        content = tar.extractfile(member)
        if content is None:
            raise tarfile.ReadError(f"{member.name} has no content")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(fd, "wb") as out, content:
            shutil.copyfileobj(content, out, _CHUNK)


def _place(tree: Tree, place: Path, *, link: bool) -> None:
    """The tree's files stand below `place`."""
    made = {place}
    for name, given in tree.files:
        parts = _parts(name)
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


def _parts(name: str) -> list[str] | None:
    """The components of a relative path; None when it is absolute, climbs or cannot be a file name."""
    if name.startswith("/") or "\0" in name:
        return None
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return None if ".." in parts else parts


def _climbs_within(directory: list[str], link: str) -> bool:
    """A relative link that climbs at most to the top, then only descends: no link on its way can lead it out."""
    parts = [part for part in link.split("/") if part not in ("", ".")]
    climbs = 0
    while climbs < len(parts) and parts[climbs] == "..":
        climbs += 1
    return not link.startswith("/") and climbs <= len(directory) and ".." not in parts[climbs:]


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
