"""One stream on disk: append exactly once, cut what a power cut tore, roll to the next segment."""

import errno
import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

from clary.engines.telemetry.frames import SEAL, encode, walk
from clary.engines.telemetry.segment import Segment, Summary, fill_summaries, found_in, name_of, start_bytes, uid_of
from clary.kernel.telemetry import LogEvent

log = logging.getLogger(__name__)


class Vanished(Exception):
    """The stream's directory is not there (any more)."""


class Stream:
    """The open state of one stream. Safe from threads; other processes may append to the same stream, they are seen.

    An append is one `write` of one frame to a file opened for appending, under a lock on the directory that other
    processes respect. What `write` has taken is the operating system's, so a killed process loses nothing of it; with
    `full` the frame is on the medium before `append` returns."""

    def __init__(self, path: Path, *, segment_bytes: int, full: bool) -> None:
        self.path = path
        self._segment_bytes = segment_bytes
        self._full = full
        self._lock = RLock()
        self._segments: list[Segment] = []
        self._directory: int | None = None
        self._file: int | None = None

    def append(self, events: Sequence[LogEvent], ingested: int, producer: str, position: int | None) -> bool:
        """Written once; False when this position was already there. Raises Vanished; OSError, and then nothing is
        written."""
        with self._writing() as segment:
            if producer and position is not None and position <= segment.producers.get(producer, 0):
                return False
            if segment.end >= self._segment_bytes:
                segment = self._roll(segment)
            frame = encode(events, ingested, producer, position)
            self._write(segment, frame)
            written = next(walk(frame, verify=False))
            segment.note(segment.end + len(frame), len(events), written.low, written.high, ingested, written.plain)
            if producer and position is not None:
                segment.producers[producer] = position
            return True

    def position(self, producer: str) -> int:
        with self._lock:
            self._refresh()
            return self._segments[-1].producers.get(producer, 0)

    def segments(self) -> list[Segment]:
        """The segments as of now, oldest first, each with its summary. Raises Vanished."""
        with self._lock:
            self._refresh()
            fill_summaries(self._segments)
            return list(self._segments)

    def created(self) -> int:
        with self._lock:
            self._refresh()
            return int(self._segments[-1].start["created"])

    def trim(self, before: int) -> int:
        """Segments whose events are all older than `before` (milliseconds) are gone; the newest is kept but emptied by
        rolling. Returns how many went."""
        if all(known.count == 0 or known.high >= before for known in map(_known, self.segments())):
            return 0
        with self._writing() as newest:
            if newest.count and newest.high < before:
                self._roll(newest)
            fill_summaries(self._segments)
            old = [one for one in self._segments[:-1] if one.known.high < before or one.known.count == 0]
            for one in old:
                one.path.unlink(missing_ok=True)
            self._segments = [one for one in self._segments if one not in old]
            return len(old)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No append runs, in any process, while the block does. Raises Vanished."""
        with self._writing():
            yield

    def close(self) -> None:
        """No file is open. What is known of the stream stays; an append opens again."""
        with self._lock:
            for one in (self._file, self._directory):
                if one is not None:
                    os.close(one)
            self._file = self._directory = None

    @contextmanager
    def _writing(self) -> Iterator[Segment]:
        """The newest segment, read to its end, unsealed, cut to whole frames, with nobody else writing."""
        with self._lock:
            try:
                segment = self._settle()
                if segment.sealed:  # its writer died before it made the next one
                    segment = self._next(segment)
                self._cut(segment)
                yield segment
            finally:
                if self._directory is not None:
                    fcntl.flock(self._directory, fcntl.LOCK_UN)

    def _settle(self) -> Segment:
        """The directory is locked and what stands in it is known. Raises Vanished."""
        while True:
            if self._directory is None:
                try:
                    self._directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
                except FileNotFoundError:
                    raise Vanished(str(self.path)) from None
            fcntl.flock(self._directory, fcntl.LOCK_EX)
            self._refresh()
            if self._directory is not None:
                return self._segments[-1]
            # The stream was deleted and made again: what we had locked was its forerunner.

    def _refresh(self) -> None:
        """What stands in the files is known. Raises Vanished."""
        if self._segments:
            newest = self._segments[-1]
            try:
                size = newest.path.stat().st_size
            except FileNotFoundError:  # deleted, or deleted and made again, or trimmed by another process
                self._segments = []
                self.close()
                self._load()
                return
            if size == newest.end and not newest.sealed:
                return
            self._read_on(newest)
            if newest.sealed:
                self._find_newer()
        else:
            self._load()

    def _load(self) -> None:
        try:
            self._segments = found_in(self.path)
        except FileNotFoundError:
            raise Vanished(str(self.path)) from None
        if not self._segments:
            raise Vanished(str(self.path))
        self._read_on(self._segments[-1])
        if not self._segments[-1].start:
            raise OSError(errno.EIO, "the newest segment of a log stream does not begin as one", str(self.path))

    def _find_newer(self) -> None:
        known = {one.path for one in self._segments}
        newer = [one for one in found_in(self.path) if one.path not in known]
        if newer:
            self._close_file()
            self._segments += newer
            self._read_on(newer[-1])

    def _read_on(self, segment: Segment) -> None:
        with segment.path.open("rb") as file:
            file.seek(segment.end)
            segment.extend(file.read(), segment.end)
        segment.loaded = True

    def _cut(self, segment: Segment) -> None:
        """The newest segment is open for appending and ends with a whole frame. Called with the lock held, so what
        stands behind the last whole frame is nobody's work in progress: its writer was cut off, and never answered."""
        if self._file is None:
            self._file = os.open(segment.path, os.O_WRONLY | os.O_APPEND)
        torn = os.fstat(self._file).st_size - segment.end
        if torn > 0:
            os.ftruncate(self._file, segment.end)
            log.warning("cut a torn frame off a log segment", extra={"path": str(segment.path), "bytes": torn})

    def _write(self, segment: Segment, frame: bytes) -> None:
        assert self._file is not None
        try:
            written = os.write(self._file, frame)
            if written != len(frame):
                raise OSError(errno.ENOSPC, "the disk took only a part of a log frame")
            if self._full:
                os.fdatasync(self._file)
        except OSError:
            # Nothing of a refused frame may stay: a repeat would be written twice. When even this fails, the frame is
            # cut (or, if whole, taken in with its position) by the next look, because the file is opened anew.
            with suppress(OSError):
                os.ftruncate(self._file, segment.end)
            os.close(self._file)
            self._file = None
            raise

    def _roll(self, segment: Segment) -> Segment:
        """`segment` is sealed and an empty one follows it."""
        # Sealed first: a process that still holds the old segment then sees it change and looks for the next one. If we
        # die in between, whoever comes next finds a sealed newest segment and goes on here.
        seal = encode((), 0, kind=SEAL)
        self._write(segment, seal)
        segment.end += len(seal)
        segment.sealed = True
        return self._next(segment)

    def _next(self, sealed: Segment) -> Segment:
        path = self.path / name_of(sealed.base + sealed.count, uid_of(sealed.path))
        if path == sealed.path:  # a segment without events cannot grow its name; it holds positions only
            path = self.path / name_of(sealed.base + sealed.count + 1, uid_of(sealed.path))
        word = start_bytes(sealed.start["name"], sealed.start["created"], sealed.producers, sealed)
        write_whole(path, word)
        fresh = Segment(path, int(path.name[:20]))
        self._close_file()
        self._segments.append(fresh)
        self._read_on(fresh)
        self._cut(fresh)
        return fresh

    def _close_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _known(segment: Segment) -> Summary:
    return segment.known


def write_whole(path: Path, content: bytes) -> None:
    """`path` holds `content`, or what it held before: never a part of it, not even after a power cut."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # before the name: a file that can be found is a file that can be read
    draft.replace(path)
