"""Where the processes of one home meet: a short, private directory for Unix sockets.

The path of a Unix socket may have 107 bytes, and a home may lie deeper than that, or on a file system without sockets.
"""

import errno
import os
import shutil
import socket
import stat
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path


class UnsafeDirectory(Exception):
    """The directory for sockets is there, but somebody else could enter it; the message says which it is."""


def socket_dir(home: Path) -> Path:
    """A directory that only this user may enter, the same for every process of `home`. Raises UnsafeDirectory."""
    digest = sha256(os.fsencode(home.absolute())).hexdigest()[:16]
    directory = Path(tempfile.gettempdir()) / f"clary-{os.geteuid()}-{digest}"
    directory.mkdir(mode=0o700, exist_ok=True)
    # The name can be guessed and the parent may be open to everybody: what is there must be ours, and no link.
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise UnsafeDirectory(f"{directory} must be a directory of this user with mode 0700; remove it and start again")
    os.utime(directory)  # in use: see `sweep`
    return directory


def leave(sockets: Path) -> None:
    """The directory is gone, unless a process still answers in it; `socket_dir` makes it anew."""
    if not any(answered(path) for path in sockets.glob("*.sock")):
        shutil.rmtree(sockets, ignore_errors=True)


def sweep(older_than: float) -> None:
    """What homes that are no more have left is gone: directories where nobody answers, unchanged since `older_than`
    (epoch seconds). A process that is about to bind its socket has touched its directory just now."""
    for directory in Path(tempfile.gettempdir()).glob(f"clary-{os.geteuid()}-*"):
        with suppress(OSError):
            found = directory.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and found.st_mtime < older_than:
                leave(directory)


def answered(path: Path) -> bool:
    """Somebody listens at the Unix socket. Only a clear refusal counts as nobody: a full queue is somebody."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        with socket.socket(socket.AF_UNIX, kind) as trial:
            trial.setblocking(False)
            try:
                trial.connect(str(path))
            except (ConnectionRefusedError, FileNotFoundError):
                return False
            except OSError as error:
                if error.errno == errno.EPROTOTYPE:
                    continue  # it is of the other kind
            return True
    return True


def adopt_socket(sockets: Path) -> Path:
    """Where the control process takes over connections; `sockets` is what `socket_dir` gave."""
    return sockets / "adopt.sock"


def control_socket(home: Path) -> Path:
    """Where the control process of `home` takes over connections."""
    return adopt_socket(socket_dir(home))


def front_socket(sockets: Path, name: str) -> Path:
    """Where the front `name` answers what it serves."""
    return sockets / f"front-{name}.sock"


def captured_dir(serving: Path) -> Path:
    """Where captured inferences wait to be shipped; `serving` is the directory of the route table."""
    return serving / "captured"


def graphs_socket(sockets: Path, worker: int) -> Path:
    """Where a worker of compiled models answers."""
    return sockets / f"graphs-{worker}.sock"


def wake_socket(sockets: Path) -> Path:
    """Where the control process hears how much serverless endpoints are asked for."""
    return sockets / "wake.sock"


def front_sockets(sockets: Path) -> list[Path]:
    """The sockets of every front that runs, and perhaps of some that ended without a word."""
    return sorted(sockets.glob("front-*.sock"))
