"""Where serving runs listen: short, private directories, since a socket's path has 107 bytes at most.

<temporary directory>/clary-<user>/<digest of the run's path>/serve.sock
"""

import os
import socket
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from clary.engines.runners.base import StartError

NAME = "serve.sock"
_LONGEST_PATH = 107


def place_of(digest: str) -> Path:
    """The directory of the run with that digest exists. Raises StartError when its parent is not ours alone."""
    parent = _parent()
    with suppress(FileExistsError):
        parent.mkdir(mode=0o700)
    if not _ours(parent):
        raise StartError(f"{parent} must be a directory that only the user of Clary can enter, for sockets; it is not")
    directory = parent / digest
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory


def all_places() -> list[Path]:
    """The directories of all runs of this user, of whatever home."""
    parent = _parent()
    try:
        return sorted(parent.iterdir()) if _ours(parent) else []
    except FileNotFoundError:
        return []


def dead(place: Path) -> bool:
    """Nobody listens there. Only a clear refusal counts: a server with a full queue is alive."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.setblocking(False)
        try:
            trial.connect(str(place / NAME))
        except (ConnectionRefusedError, FileNotFoundError):
            return True
        except OSError:
            return False
    return False


def _parent() -> Path:
    base = Path(tempfile.gettempdir())
    if len(os.fsencode(base)) > _LONGEST_PATH - 60:
        base = Path("/tmp")
    return base / f"clary-{os.getuid()}"


def _ours(parent: Path) -> bool:
    # Anybody may make names in /tmp: a directory that is not ours alone is no place for a socket.
    found = parent.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
