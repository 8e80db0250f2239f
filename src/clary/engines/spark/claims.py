"""Which run of a process started ahead does whose work, on the disk. Blocks for microseconds.

<root>/.spark/
  lock          flock: one decision at a time, of all processes
  free/<spare>  a spare that nobody has: the key of its shape
  claims/<uid>  the spare that this uid has, and when the work began in it, once it has
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from clary.engines.runners.rundir import RunDir

PREFIX = "spare-"


@dataclass(frozen=True, slots=True)
class Claim:
    uid: str
    spare: str
    begun: float | None = None
    """Epoch seconds at which the spare took the work. None: it has not been seen to."""


class Claims:
    """Holds no truth in memory: two of these on one root, in any processes, agree."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._place = root / ".spark"
        self._free = self._place / "free"
        self._claims = self._place / "claims"
        for path in (self._place, self._free, self._claims):
            path.mkdir(mode=0o700, exist_ok=True)

    def of(self, uid: str) -> Claim | None:
        """Raises ValueError when `uid` is no plain file name."""
        RunDir.of(self.root, uid)
        # A rename made it, and renames replace it: it is there wholly or not at all.
        try:
            said = (self._claims / uid).read_bytes()
        except FileNotFoundError:
            return None
        spare, begun = orjson.loads(said)[1:]
        return Claim(uid, spare, begun)

    def all(self) -> list[Claim]:
        found = (self.of(path.name) for path in self._claims.iterdir() if not path.name.startswith("."))
        return [one for one in found if one is not None]

    def decide(self, uid: str, key: str) -> Claim | None:
        """A spare of that shape is the uid's from now on; None: the uid starts by itself. Decided once: whoever asks
        again, also after a crash, hears the same."""
        with self._alone():
            claim = self.of(uid)
            if claim is not None:
                return claim
            own = self.root / uid
            if own.exists():
                return None
            for path in sorted(self._free.iterdir()):
                if path.name.startswith(PREFIX) and orjson.loads(path.read_bytes())[0] == key:
                    # One step: the spare is no more free, and the uid has it.
                    path.rename(self._claims / uid)
                    return Claim(uid, path.name)
            own.mkdir(mode=0o700)
            return None

    def begun(self, claim: Claim, at: float) -> None:
        """The spare has taken the uid's work."""
        self._write(self._claims / claim.uid, [None, claim.spare, at])

    def drop(self, uid: str) -> None:
        """The uid has no spare: it may be decided again."""
        with self._alone():
            (self._claims / uid).unlink(missing_ok=True)

    def offer(self, spare: str, key: str) -> None:
        """The spare may be claimed."""
        self._write(self._free / spare, [key, spare, None])

    def withdraw(self, spare: str) -> bool:
        """Nobody may claim the spare any more; False: somebody has, or it was not on offer."""
        with self._alone():
            try:
                (self._free / spare).unlink()
            except FileNotFoundError:
                return False
            return True

    def offered(self) -> dict[str, str]:
        """Spare -> key of its shape."""
        found = {}
        for path in self._free.iterdir():
            with suppress(FileNotFoundError):
                if path.name.startswith(PREFIX):
                    found[path.name] = str(orjson.loads(path.read_bytes())[0])
        return found

    def _write(self, path: Path, said: list[object]) -> None:
        new = self._place / f".new-{secrets.token_hex(8)}"
        new.write_bytes(orjson.dumps(said))
        new.rename(path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        fd = os.open(self._place / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)
