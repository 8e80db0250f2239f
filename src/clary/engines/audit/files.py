"""The audit as files of lines: appended to, never rewritten, dropped whole when they are past their time.

A line is small and lines come in order of time, so the newest stand at the end and a search runs backwards through the
file in memory, at the speed of `rfind`: no index is kept that a crash could part from the lines.
"""

import asyncio
import logging
import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from clary.kernel.audit import AuditPlace
from clary.kernel.clock import Clock

FILE_BYTES: Final = 16 * 1024 * 1024
MOST_BYTES: Final = 2 * 1024**3
"""What all files together may take."""
_HELD_BYTES: Final = 256 * 1024
_MOST_HELD_BYTES: Final = 8 * 1024 * 1024
_HELD_SECONDS: Final = 0.5
_DAY: Final = 86_400.0

log = logging.getLogger(__name__)


class AuditFiles:
    """kernel.audit.AuditLog below `directory`, which only its owner may read."""

    def __init__(self, directory: Path, clock: Clock, *, days: int = 90, most_bytes: int = MOST_BYTES) -> None:
        self._directory = directory
        self._clock = clock
        self._days = days
        self._most_bytes = most_bytes
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._lost = 0
        self._timer: asyncio.TimerHandle | None = None
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._handle, self._size = self._open_last()

    def append(self, line: bytes, *, now: bool) -> None:
        self._held.append(line + b"\n")
        self._held_bytes += len(line) + 1
        if now or self._held_bytes >= _HELD_BYTES:
            self.flush()
        elif self._timer is None:
            try:
                self._timer = asyncio.get_running_loop().call_later(_HELD_SECONDS, self.flush)
            except RuntimeError:  # no loop runs here, so nobody would come back to write it
                self.flush()

    def flush(self) -> None:
        """What is held is written. A disk that refuses is asked again with the next line; what it cannot take for long
        is lost, and the server's log says how much."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._held:
            return
        data = b"".join(self._held)
        try:
            if self._size and self._size + len(data) > FILE_BYTES:
                self._next()
            self._write(data)
        except OSError:
            if self._held_bytes < _MOST_HELD_BYTES:
                log.exception("the audit cannot be written now")
                return
            self._lost += len(self._held)
            log.exception("lines of the audit are lost", extra={"lines": self._lost})
        self._held, self._held_bytes = [], 0

    def newest(
        self, needles: Sequence[bytes], before: AuditPlace | None = None, *, since: float = 0.0
    ) -> Iterator[tuple[AuditPlace, bytes]]:
        rarest = max(needles, key=len, default=b"")
        for path in reversed(self._files()):
            if before is not None and path.name > before.file:
                continue
            end = before.offset if before is not None and path.name == before.file else None
            try:
                if path.stat().st_mtime < since:
                    return
                with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
                    for offset, line in _backwards(data, rarest, end):
                        if all(needle in line for needle in needles):
                            yield AuditPlace(path.name, offset), line
            except (FileNotFoundError, ValueError):  # dropped meanwhile; mmap refuses an empty file
                continue

    def trim(self) -> int:
        files = self._files()[:-1]  # the last is written to
        oldest, total, gone = self._clock.now() - self._days * _DAY, 0, 0
        for path in reversed(files):
            with suppress(FileNotFoundError):
                stat = path.stat()
                total += stat.st_size
                if stat.st_mtime < oldest or total > self._most_bytes:
                    path.unlink()
                    gone += 1
        return gone

    def close(self) -> None:
        self.flush()
        os.close(self._handle)

    def _files(self) -> list[Path]:
        return sorted(self._directory.glob("*.jsonl"))

    def _open_last(self) -> tuple[int, int]:
        files = self._files()
        path = files[-1] if files else self._directory / self._name()
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            size += os.write(handle, b"\n")  # a line that was torn by a crash ends here, and is none
        return handle, size

    def _name(self) -> str:
        return f"{int(self._clock.now() * 1000):015d}.jsonl"

    def _next(self) -> None:
        """Later lines go to a new file. Its name is behind every other's, whatever the clock says."""
        files = self._files()
        name = self._name()
        if files and name <= files[-1].name:
            name = f"{int(files[-1].stem) + 1:015d}.jsonl"
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        handle = os.open(self._directory / name, flags, 0o600)
        os.close(self._handle)
        self._handle, self._size = handle, 0

    def _write(self, data: bytes) -> None:
        written = os.write(self._handle, data)
        self._size += written
        if written < len(data):
            raise OSError("the disk took only a part")


def _backwards(data: mmap.mmap, needle: bytes, end: int | None) -> Iterator[tuple[int, bytes]]:
    """(offset, line) of the lines that hold `needle` and begin before `end`, last first."""
    stop = len(data) if end is None else end
    while stop > 0:
        if needle:
            at = data.rfind(needle, 0, stop)
            if at < 0:
                return
            start = data.rfind(b"\n", 0, at) + 1
            finish = data.find(b"\n", at)
        else:
            finish = data.rfind(b"\n", 0, stop)
            if finish < 0:
                return
            start = data.rfind(b"\n", 0, finish) + 1
        if finish >= 0:
            yield start, data[start:finish]
        stop = start
