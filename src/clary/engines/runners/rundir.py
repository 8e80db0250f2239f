"""Where one run stands on this disk, and how its few facts are read back.

<root>/<uid>/
  staging   flock: one starter at a time
  lock      OFD lock, held by the keeper and the sandbox's first process: held = alive
  started   made by the keeper before the command: "<pid> <start ticks>"; its mtime is when the run started
  exit      blank until the keeper writes "<exit code> <oom kills>"; its mtime is when the run ended
  stop      made by the first stop: "<grace>"; its mtime is when it was asked
  log       stdout and stderr
  companions, broken   what those that stand by it say; the exit code of one that failed
  cgroups   the control groups made for it, one a line
  socket    where a serving run listens
  ml, tmp   what the run sees as /opt/ml and /tmp
  trees/    linked inputs and what the run wrote over them
  etc/      hosts and hostname of a run that is one of several
"""

import fcntl
import hashlib
import os
import re
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_FLOCK = struct.Struct("hhqqi4x")
EXIT_SIZE = 64
_LAST_WORDS = 4096


@dataclass(frozen=True, slots=True)
class Keeper:
    """Which process keeps a run. A pid alone may be given out again; with its start time it names one process."""

    pid: int
    born: int
    """Clock ticks since boot, as in /proc/<pid>/stat."""


@dataclass(frozen=True, slots=True)
class RunDir:
    """The paths of one run. Nothing here is kept in memory: every answer is read from the disk and the kernel."""

    path: Path

    @classmethod
    def of(cls, root: Path, uid: str) -> "RunDir":
        """Raises ValueError when `uid` is no plain file name."""
        if not _UID.fullmatch(uid):
            raise ValueError(f"a run's uid is 1 to 128 of letters, digits, '.', '_' and '-', not {uid!r}")
        return cls(root / uid)

    @property
    def uid(self) -> str:
        return self.path.name

    @property
    def staging(self) -> Path:
        return self.path / "staging"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def started(self) -> Path:
        return self.path / "started"

    @property
    def exit(self) -> Path:
        return self.path / "exit"

    @property
    def stop(self) -> Path:
        return self.path / "stop"

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def cgroups(self) -> Path:
        return self.path / "cgroups"

    @property
    def socket(self) -> Path:
        return self.path / "socket"

    @property
    def ml(self) -> Path:
        return self.path / "ml"

    @property
    def tmp(self) -> Path:
        return self.path / "tmp"

    @property
    def trees(self) -> Path:
        return self.path / "trees"

    @property
    def etc(self) -> Path:
        return self.path / "etc"

    def digest(self) -> str:
        """A short name for things of this run that cannot stand in its directory (control groups, sockets)."""
        return hashlib.sha256(os.fsencode(self.path.absolute())).hexdigest()[:12]

    def held(self) -> bool:
        """The run's lock is held: its keeper or something in its sandbox is alive. Asking takes no lock."""
        try:
            fd = os.open(self.lock, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            asked = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
            kind: int = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_OFD_GETLK, asked))[0]
            return kind != fcntl.F_UNLCK
        finally:
            os.close(fd)

    def keeper(self) -> Keeper | None:
        """None: never started, or the word was cut off."""
        try:
            words = self.started.read_text().split()
        except FileNotFoundError:
            return None
        return Keeper(int(words[0]), int(words[1])) if len(words) == 2 else None

    def ended(self) -> tuple[int, bool, float] | None:
        """(exit code, killed for its memory, when); None while the keeper has not said so."""
        try:
            with self.exit.open() as file:
                words = file.readline().split()
                if len(words) != 2:
                    return None
                return int(words[0]), int(words[1]) > 0, os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return None

    def broken(self) -> str | None:
        """The last words of a companion that failed, or how it ended; None: none did."""
        try:
            code = (self.path / "broken").read_text().strip()
        except FileNotFoundError:
            return None
        with suppress(FileNotFoundError), (self.path / "companions").open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LAST_WORDS))
            lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
            if lines:
                return lines[-1].strip()
        return f"what feeds the run was ended, with exit code {code}"

    def address(self) -> str | None:
        try:
            return f"unix:{self.socket.read_text()}"
        except FileNotFoundError:
            return None


def take(path: Path) -> int | None:
    """The file's OFD write lock, as a descriptor that owns it; None when somebody holds it. The lock belongs to the
    open file, so a child that inherits the descriptor keeps it after this process has died."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    except (BlockingIOError, PermissionError):
        os.close(fd)
        return None
    except BaseException:
        os.close(fd)
        raise
    return fd
