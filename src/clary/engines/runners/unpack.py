"""Archives of strangers, unpacked below one directory: nothing outside of it is touched, and what they may cost is
bounded before it is spent.

tarfile reads the members; what it reads is counted here, and so is what a member says it is: the size of a file, before
a byte of it is written; the bytes of its headers, since tarfile keeps those in memory; the names, since each costs an
inode. The rule against bombs is a ratio: no model that was ever saved is a hundred times as large as its archive.
"""

import bz2
import gzip
import os
import re
import shutil
import stat
import sys
import tarfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from clary.engines.runners.base import Archive, StartError

GROWTH: Final = 100
"""How many times its own size an archive may unpack to, beyond FREELY."""
FREELY: Final = 1 << 30
"""So many bytes any archive may unpack to."""
MOST_NAMES: Final = 100_000
"""Members and directories together."""
SPARE: Final = 0.1
"""The part of the disk's free space that is left to others."""
_HEADER_BYTES: Final = 32 * 1024
"""The headers of one member: two paths of 4,096 bytes, and as much again for attributes."""
_LONG_HEADERS_BYTES: Final = 64 << 20
"""All headers that are longer than a plain one."""
# No name has a number of so many digits; tarfile searches one in a time that grows with its square.
_NUMBER: Final = re.compile(rb"[0-9]{256}")
_BLOCK: Final = 512
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Allowed:
    """What one archive may unpack to, and the rule that says so, for its owner."""

    size: int
    why: str


def allowed(packed: int, free: int, most: int) -> Allowed:
    """For an archive of `packed` bytes on a disk with `free` bytes, when `most` are allowed anyhow."""
    rules = (
        Allowed(FREELY + GROWTH * packed, f"an archive of {packed:,} bytes may unpack to {FREELY + GROWTH * packed:,}"),
        Allowed(int(free * (1 - SPARE)), f"the disk has room for {int(free * (1 - SPARE)):,}"),
        Allowed(most, f"{most:,} are left of what all archives of a run together may unpack to"),
    )
    return min(rules, key=lambda rule: rule.size)


def unpack(archive: Archive, target: Path, most: int) -> int:
    """The archive's members stand below `target`; returns their bytes, at most `most`. Raises StartError in words for
    the owner: what it holds, and how much."""
    name = archive.path.name
    try:
        bound = allowed(archive.path.stat().st_size, shutil.disk_usage(target).free, most)
        with archive.path.open("rb") as raw:
            stream = _Bounded(_opened(raw), name, bound)
            with _begun(stream) as tar:
                unpacking = _Unpacking(target, name)
                while True:
                    stream.header()
                    member = tar.next()
                    vars(tar)["members"].clear()  # it keeps them all: megabytes, then gigabytes
                    if member is None:
                        break
                    stream.content(member.size if member.isreg() else 0)
                    unpacking.add(tar, member)
            # tarfile stops at the end mark; the checksum of the whole stands after it.
            stream.content(0)
            while stream.read(_CHUNK):
                pass
            return stream.spent
    except FileNotFoundError:
        raise StartError(f"the archive {name} is not there") from None
    except RecursionError:
        raise StartError(f"{name} is not a readable .tar.gz: its headers lie too deep in each other") from None
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise StartError(f"{name} is not a readable .tar.gz: {str(error) or 'it is cut off'}") from None


def member(path: Path, name: str, most: int) -> bytes | None:
    """What the archive holds under that name, at most `most` bytes of it; None where it holds no such file. It is read
    no further, nothing is written, and the bounds are those of `unpack`. Raises StartError."""
    bound = allowed(path.stat().st_size, sys.maxsize, sys.maxsize)
    wanted = plain_parts(name)
    try:
        with path.open("rb") as raw:
            stream = _Bounded(_opened(raw), path.name, bound)
            with _begun(stream) as tar:
                while True:
                    stream.header()
                    found = tar.next()
                    vars(tar)["members"].clear()
                    if found is None:
                        return None
                    stream.content(found.size if found.isreg() else 0)
                    content = tar.extractfile(found) if found.isreg() and plain_parts(found.name) == wanted else None
                    if content is not None:
                        return content.read(most)
    except (tarfile.TarError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise StartError(f"{path.name} is not a readable .tar.gz: {str(error) or 'it is cut off'}") from None


def _begun(stream: "_Bounded") -> tarfile.TarFile:
    given: Any = stream  # as much of a file as tarfile asks for
    try:
        return tarfile.open(fileobj=given, mode="r:")
    except tarfile.ReadError:
        # tarfile speaks of the first member's head: of something that has none.
        raise tarfile.ReadError("it is no archive") from None


def _opened(raw: IO[bytes]) -> IO[bytes]:
    """What the file holds, decompressed as it is read, in bounded memory."""
    first = raw.read(6)
    raw.seek(0)
    if first.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if first.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if first.startswith(b"\xfd7zXZ"):
        raise tarfile.ReadError("it was packed with xz; gzip is what is unpacked")
    return raw


class _Bounded:
    """A file that is read forwards only, and refuses to give more than it may."""

    def __init__(self, inner: IO[bytes], name: str, bound: Allowed) -> None:
        self._inner = inner
        self._name = name
        self._bound = bound
        self._at = 0
        self._in_header = True
        self._header_left = _HEADER_BYTES
        self._long_left = _LONG_HEADERS_BYTES
        self._promised = 0

    @property
    def spent(self) -> int:
        """The larger of what was read and what the members said they hold: a sparse file says more."""
        return max(self._at, self._promised)

    def header(self) -> None:
        """What is read now is the head of the next member."""
        self._in_header, self._header_left = True, _HEADER_BYTES

    def content(self, size: int) -> None:
        """What is read now is a member of that size. Raises StartError when it is too large."""
        self._in_header = False
        self._promised += size
        self._check()

    def read(self, size: int = -1) -> bytes:
        if self._in_header:
            self._header_left -= size
            self._long_left -= max(0, size - _BLOCK)
            if size < 0 or self._header_left < 0 or self._long_left < 0:
                raise StartError(f"the archive {self._name} holds headers of more than {_HEADER_BYTES:,} bytes")
        data = self._inner.read(size)
        if self._in_header and len(data) > _BLOCK and _NUMBER.search(data):
            raise StartError(f"the archive {self._name} holds a header with a number of more than 255 digits")
        self._at += len(data)
        self._check()
        return data

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence != 0 or offset < self._at:
            raise tarfile.ReadError("its members lie on top of each other")
        while self._at < offset:
            data = self._inner.read(min(_CHUNK, offset - self._at))
            if not data:
                break
            self._at += len(data)
            self._check()
        return self._at

    def _check(self) -> None:
        if self.spent > self._bound.size:
            raise StartError(
                f"the archive {self._name} is refused: it holds {self.spent:,} bytes or more, and {self._bound.why}"
            )


class _Unpacking:
    """Members of a tar, written below one directory and never through a link.

    tarfile's own filters resolve links by path, which released Pythons have got wrong; here a parent is a real
    directory or the member is refused, and a link may only climb first and then descend."""

    def __init__(self, target: Path, archive: str) -> None:
        self._target = target
        self._archive = archive
        self._directories = {target}
        self._names = 0

    def add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        self._count()
        name = member.name
        parts = plain_parts(name)
        if parts is None:
            raise StartError(
                f"the archive's member {name!r} would be written outside of its directory: "
                "pack it under a relative path"
            )
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
                    f"the archive's member {name!r} links to {member.linkname!r}, outside of its directory: "
                    "pack the file itself"
                )
            path.symlink_to(member.linkname)
        elif member.islnk():
            source = plain_parts(member.linkname)
            if not source:
                raise StartError(
                    f"the archive's member {name!r} links to {member.linkname!r}, outside of its directory: "
                    "pack the file itself"
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

    def _count(self) -> None:
        self._names += 1
        if self._names > MOST_NAMES:
            raise StartError(
                f"the archive {self._archive} holds more than {MOST_NAMES:,} files and directories, and is refused"
            )

    def _directory(self, path: Path, name: str) -> None:
        missing = []
        while path not in self._directories:
            missing.append(path)
            path = path.parent
        for directory in reversed(missing):
            self._count()
            with suppress(FileExistsError):
                directory.mkdir()
            if not stat.S_ISDIR(directory.lstat().st_mode):
                raise StartError(
                    f"the archive's member {name!r} would be written through {directory.name!r}, which is no directory"
                )
            self._directories.add(directory)

    def _file(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
        mode = 0o755 if member.mode & 0o111 else 0o644
        content: Any = tar.extractfile(member)
        if content is None:
            raise tarfile.ReadError(f"{member.name} has no content")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(fd, "wb") as out, content:
            if member.size:  # a reader has buffers, and of empty files there may be very many
                shutil.copyfileobj(content, out, _CHUNK)


def plain_parts(name: str) -> list[str] | None:
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
