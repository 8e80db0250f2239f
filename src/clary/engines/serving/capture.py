"""Data capture at a front: of the inferences that a rule picks, the bytes go to files beside the route table.

A request that no rule looks at pays one comparison, and one that is picked the making of its frame. The files are
written by a thread of their own, so that a slow disk holds up nobody's answer; who ships them to S3 is the control
process. Memory and disk are bounded: what does not fit is dropped, counted and told in the log.
"""

import asyncio
import fcntl
import logging
import os
import queue
import random
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from clary.engines.serving.base import Reply, Route
from clary.engines.serving.captured import OPEN, WHOLE, Origin, frame
from clary.engines.serving.counters import Counters
from clary.engines.serving.exchange import Exchange
from clary.engines.serving.paths import captured_dir
from clary.engines.serving.routes import RouteKey
from clary.kernel import ids
from clary.kernel.clock import Clock, SystemClock

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
"""What was captured is on the disk (in the kernel's hands) after that time: more than that no kill of a front loses."""
BATCH_BYTES = 64 * 1024
"""So much of one variant goes to the disk at once."""
COMPLAINT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class CaptureBounds:
    """What capture may cost. Seconds and bytes."""

    seconds: float = 10.0
    """After that time a file is closed, and may be shipped."""
    file_bytes: int = 5 * 1024 * 1024
    held_bytes: int = 32 * 1024 * 1024
    """In memory, on the way to the disk."""
    spool_bytes: int = 256 * 1024 * 1024
    """On the disk, of all fronts together, on the way to S3; each endpoint may take a quarter of it."""


@dataclass(slots=True)
class _Spool:
    """A file that is being written."""

    descriptor: int
    path: Path
    size: int
    began: float
    """Of the clock's ticks."""


class Capturer:
    """Of one variant, as long as its rule stays what it is."""

    __slots__ = ("_captures", "_chance", "_frames", "_inputs", "_outputs", "_share", "_size", "origin")

    def __init__(self, captures: "Captures", origin: Origin, chance: Callable[[], float]) -> None:
        self.origin = origin
        self._captures = captures
        self._chance = chance
        self._share = origin.rule.percentage / 100
        self._inputs, self._outputs = origin.rule.inputs, origin.rule.outputs
        self._frames: list[bytes] = []
        self._size = 0

    def answered(self, exchange: Exchange, reply: Reply, event: str) -> None:
        """The model has answered well: the inference is kept if it is its turn. Answers in parts are not kept."""
        if self._chance() >= self._share or exchange.sink is not None:
            return
        captures, headers = self._captures, exchange.headers
        put = exchange.body if self._inputs else b""
        got = reply.body if self._outputs else b""
        size = len(put) + len(got)
        if captures.taken - captures.written + size > captures.bounds.held_bytes:
            captures.drop(self.origin, 1, "more is captured than the disk takes")
            return
        made = frame(
            captures.clock.now(),
            event or ids.request_id(),
            headers.get("x-amzn-sagemaker-inference-id", ""),
            headers.get("x-amzn-sagemaker-custom-attributes", ""),
            headers.get("content-type", ""),
            reply.headers.get("content-type", ""),
            put,
            got,
        )
        if not self._frames:
            captures.flush_soon()
        self._frames.append(made)
        self._size += len(made)
        captures.taken += len(made)
        if self._size >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """What is held goes to the thread that writes."""
        if self._frames:
            frames, self._frames, self._size = self._frames, [], 0
            self._captures.write(self.origin, frames)


@dataclass
class Captures:
    """Every capturer of one process. `take` the routes; `close` at the end. Belongs to one event loop."""

    directory: Path
    name: str
    """Of the process: two that write at the same time are not of one name."""
    bounds: CaptureBounds = field(default_factory=CaptureBounds)
    clock: Clock = field(default_factory=SystemClock)
    chance: Callable[[], float] = random.random
    taken: int = 0
    """Bytes that were ever in memory; counted by the event loop."""
    written: int = 0
    """Bytes that are in memory no more; counted by the thread that writes."""
    dropped: int = 0
    """Inferences that were picked and are lost, since the process started."""

    def __post_init__(self) -> None:
        self._capturers: dict[tuple[RouteKey, str], Capturer] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writer: _Writer | None = None
        self._lock = threading.Lock()
        self._complained = -COMPLAINT_SECONDS

    def take(self, routes: Mapping[RouteKey, Route], counters: Counters) -> None:
        """From now on inferences of these routes are captured as they say, wherever `counters` hears of them."""
        wanted: dict[tuple[RouteKey, str], Origin] = {}
        for key, route in routes.items():
            if route.capture is not None and route.capture.percentage > 0:
                for one in route.variants:
                    wanted[key, one.name] = Origin(*key, one.name, one.role, route.capture)
        for name, capturer in list(self._capturers.items()):
            if wanted.get(name) != capturer.origin:
                capturer.flush()
                counters.of(*name).capture = None
                del self._capturers[name]
        for name, origin in wanted.items():
            if name not in self._capturers:
                self._capturers[name] = Capturer(self, origin, self.chance)
            counters.of(*name).capture = self._capturers[name]

    def flush_soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """What is held is on its way to the disk."""
        self._timer = None
        for capturer in self._capturers.values():
            capturer.flush()

    def write(self, origin: Origin, frames: list[bytes]) -> None:
        if self._writer is None:
            self._writer = _Writer(self)
        self._writer.put(origin, frames)

    def close(self) -> None:
        """What was captured is on the disk, in files that may be shipped."""
        if self._timer is not None:
            self._timer.cancel()
        self.flush()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def drop(self, origin: Origin, count: int, why: str) -> None:
        """From any thread: so many inferences are lost."""
        with self._lock:
            self.dropped += count
            now = self.clock.ticks()
            if now - self._complained < COMPLAINT_SECONDS:
                return
            self._complained = now
        about = {"endpoint": origin.endpoint, "variant": origin.variant, "why": why, "dropped": self.dropped}
        logger.warning("captured inferences were dropped", extra=about)


class _Writer:
    """The thread that writes, and the files that it has open."""

    def __init__(self, captures: Captures) -> None:
        self._captures = captures
        self._bounds = captures.bounds
        self._queue: queue.SimpleQueue[tuple[Origin, list[bytes]] | None] = queue.SimpleQueue()
        self._spools: dict[Origin, _Spool] = {}
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    def put(self, origin: Origin, frames: list[bytes]) -> None:
        self._queue.put((origin, frames))

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                wait = min(self._bounds.seconds, 1.0) if self._spools else None
                job = self._queue.get(timeout=wait)
            except queue.Empty:
                self._close_old()
                continue
            if job is None:
                break
            self._write(*job)
            self._close_old()
        for origin in list(self._spools):
            self._finish(origin)

    def _write(self, origin: Origin, frames: list[bytes]) -> None:
        data = b"".join(frames)
        try:
            spool = self._spools.get(origin) or self._begun(origin)
            written = os.write(spool.descriptor, data)
            spool.size += written
            if written < len(data):
                raise OSError("the disk took only a part")
            if spool.size >= self._bounds.file_bytes:
                self._finish(origin)
        except OSError as error:
            # A torn frame may stand at its end: nothing may follow it, or the reader would lose its way.
            self._finish(origin)
            self._captures.drop(origin, len(frames), str(error))
        finally:
            self._captures.written += len(data)

    def _begun(self, origin: Origin) -> _Spool:
        """A new file. Raises OSError, also when the directory is as full as it may be."""
        captures = self._captures
        captures.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark = mark_of(origin)
        every, own = 0, 0
        for one in captures.directory.iterdir():
            with suppress(FileNotFoundError):  # it was shipped meanwhile
                size = one.stat().st_size
                every += size
                own += size if one.name.startswith(mark) else 0
        if every >= self._bounds.spool_bytes or own >= self._bounds.spool_bytes // 4:
            raise OSError(f"{own} bytes of the endpoint and {every} of all wait to be stored in S3 already")
        new = captures.directory / f"{mark}-{captures.name}-{ids.new()}.new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Only now it gets the name under which others look for it: who finds it unlocked knows that its writer is dead.
        path = new.rename(new.with_suffix(OPEN))
        spool = self._spools[origin] = _Spool(descriptor, path, 0, captures.clock.ticks())
        line = origin.line()
        spool.size += os.write(descriptor, line)
        if spool.size < len(line):
            raise OSError("the disk took only a part")
        return spool

    def _close_old(self) -> None:
        now = self._captures.clock.ticks()
        for origin, spool in list(self._spools.items()):
            if now - spool.began >= self._bounds.seconds:
                self._finish(origin)

    def _finish(self, origin: Origin) -> None:
        spool = self._spools.pop(origin, None)
        if spool is None:
            return
        try:
            spool.path.rename(spool.path.with_suffix(WHOLE))
        except OSError:
            logger.exception("a file of captured inferences could not be closed", extra={"path": str(spool.path)})
        finally:
            os.close(spool.descriptor)


def mark_of(origin: Origin) -> str:
    """What the names of an endpoint's files begin with."""
    whole = f"{origin.account}/{origin.region}/{origin.endpoint}"
    return sha256(whole.encode()).hexdigest()[:16]


def captures_of(serving: Path, name: str, seconds: float, spool_bytes: int, clock: Clock) -> Captures:
    """Those of the process `name`, as the settings say; `serving` is the directory of the route table."""
    bounds = CaptureBounds(seconds=seconds, spool_bytes=spool_bytes)
    return Captures(captured_dir(serving), name, bounds, clock)
