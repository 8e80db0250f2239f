"""The log store on plain files: a directory a group, a directory a stream, segments of checksummed frames.

    <root>/<account>/<region>/<group>/group.json
                                     /streams/<stream>/00000000000000000000-<uid>.log

Groups and streams come and go by renaming whole directories, so neither is ever there by half. Nothing is held for a
stream that nobody touches; what is known of touched ones is bounded, and rebuilt from the files when asked again.
"""

import errno
import os
import secrets
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Literal

from clary.engines.telemetry.arrival import arrived
from clary.engines.telemetry.group_files import GroupFiles
from clary.engines.telemetry.listeners import Listeners
from clary.engines.telemetry.names import escape, unescape
from clary.engines.telemetry.segment import found_in, name_of, read_start, start_bytes
from clary.engines.telemetry.stream import Stream, Vanished, write_whole
from clary.engines.telemetry.sweep import sweep
from clary.kernel.clock import Clock
from clary.kernel.errors import Exists, Missing
from clary.kernel.telemetry import Heard, LogEvent, LogGroup, LogPlace, LogStream, LogStreamName, LogWindow

SEGMENT_BYTES = 16 * 1024 * 1024
DAY_MS = 86_400_000
_TRIES = 16
"""Of an append whose stream somebody else deletes each time just after it was made (one for the group, one for the
stream when nobody does)."""


class SegmentLogs:
    """The LogStore of one machine. Safe from threads, and from several processes at once.

    `sync`: "normal": what was answered survives a killed process; "full": also a power cut, at the price of one
    flush to the medium per append."""

    def __init__(
        self,
        root: Path,
        clock: Clock,
        *,
        sync: Literal["normal", "full"] = "normal",
        segment_bytes: int = SEGMENT_BYTES,
        open_files: int = 128,
        known_streams: int = 4096,
    ) -> None:
        self._root = root
        self._clock = clock
        self._full = sync == "full"
        self._segment_bytes = segment_bytes
        self._open_files = open_files
        self._known_streams = known_streams
        self._lock = RLock()
        self._groups = GroupFiles()
        self._listeners = Listeners()
        self._streams: OrderedDict[Path, Stream] = OrderedDict()
        self._writers: OrderedDict[Path, Stream] = OrderedDict()

    # The sink.

    def append(
        self, stream: LogStreamName, events: Sequence[LogEvent], *, producer: str = "", position: int | None = None
    ) -> None:
        if not events and position is None:
            return
        path = self._stream_path(stream)
        for _ in range(_TRIES):
            known = self._known(path, writes=True)
            now = self._now()
            try:
                if known.append(events, now, producer, position) and events:
                    self._listeners.tell(stream, events, now)
                return
            except Vanished:
                self._forget(path)
                self._make(stream)
        raise OSError(errno.EIO, "a log stream's directory is there but holds no segment", str(path))

    def position(self, stream: LogStreamName, producer: str) -> int:
        try:
            return self._known(self._stream_path(stream)).position(producer)
        except Vanished:
            return 0

    def last(self, stream: LogStreamName, count: int) -> list[LogEvent]:
        newest: list[LogEvent] = []
        events = self.read(stream.account, stream.region, stream.group, [stream.stream], LogWindow(), descending=True)
        while len(newest) < count and (one := next(events, None)) is not None:
            newest.append(one[1])
        return newest[::-1]

    # Groups.

    def create_group(self, group: LogGroup) -> None:
        path = self._group_path(group.account, group.region, group.name)
        draft = path.with_name(f".new-{secrets.token_hex(8)}")
        (draft / "streams").mkdir(parents=True)
        self._groups.write(draft, group)
        try:
            # Renaming a directory onto one that is not empty is refused, and a group is never empty: whoever comes
            # first makes the group, and it is whole from its first moment.
            draft.rename(path)
        except OSError:
            shutil.rmtree(draft)
            if path.exists():
                raise Exists(f"there is a log group {group.name!r} already") from None
            raise

    def group(self, account: str, region: str, name: str) -> LogGroup:
        return self._groups.read(self._group_path(account, region, name), account, region)

    def groups(self, account: str, region: str, prefix: str = "") -> list[str]:
        names = []
        path = self._region_path(account, region)
        for directory in _names(path):
            name = unescape(directory)
            if name is None:
                try:
                    name = self._groups.read(path / directory, account, region).name
                except Missing:
                    continue
            if name.startswith(prefix):
                names.append(name)
        return sorted(names)

    def change_group(self, group: LogGroup) -> None:
        path = self._group_path(group.account, group.region, group.name)
        self._groups.write(path, group)

    def delete_group(self, account: str, region: str, name: str) -> None:
        path = self._group_path(account, region, name)
        self._remove(path, f"there is no log group {name!r}")

    def group_bytes(self, account: str, region: str, name: str) -> int:
        streams = self._group_path(account, region, name) / "streams"
        return sum(_bytes_in(directory) for directory in _directories(streams))

    # Streams.

    def create_stream(self, stream: LogStreamName) -> None:
        path = self._stream_path(stream)
        draft = path.with_name(f".new-{secrets.token_hex(8)}")
        try:
            draft.mkdir()
        except FileNotFoundError:
            raise Missing(f"there is no log group {stream.group!r}") from None
        write_whole(draft / name_of(0, secrets.token_hex(8)), start_bytes(stream.stream, self._now(), {}, None))
        try:
            draft.rename(path)  # refused when there is one, as for groups
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)  # or gone with its group
            if path.exists():
                raise Exists(f"there is a log stream {stream.stream!r} already") from None
            raise Missing(f"there is no log group {stream.group!r}") from None

    def stream(self, stream: LogStreamName) -> LogStream:
        known = self._known(self._stream_path(stream))
        try:
            full = [one.known for one in known.segments() if one.known.count]
            return LogStream(
                name=stream.stream,
                created=known.created(),
                first=min((one.low for one in full), default=None),
                last=max((one.high for one in full), default=None),
                ingested=max((one.ingested for one in full), default=None),
                stored_bytes=_bytes_in(known.path),
            )
        except Vanished:
            self._forget(known.path)
            raise Missing(f"there is no log stream {stream.stream!r}") from None

    def streams(self, account: str, region: str, group: str, prefix: str = "") -> list[str]:
        path = self._group_path(account, region, group) / "streams"
        if not path.is_dir():
            raise Missing(f"there is no log group {group!r}")
        names = []
        for directory in _names(path):
            name = unescape(directory)
            if name is None:
                try:
                    name = str(read_start(found_in(path / directory)[-1].path)["name"])
                except (FileNotFoundError, IndexError):
                    continue
            if name.startswith(prefix):
                names.append(name)
        return sorted(names)

    def delete_stream(self, stream: LogStreamName) -> None:
        path = self._stream_path(stream)
        known = self._known(path)
        try:
            with known.alone():  # an append that was answered before the deletion is deleted, never half of one
                self._remove(path, f"there is no log stream {stream.stream!r}")
        except Vanished:
            raise Missing(f"there is no log stream {stream.stream!r}") from None
        finally:
            self._forget(path)

    # Reading.

    def read(
        self,
        account: str,
        region: str,
        group: str,
        streams: Sequence[str],
        window: LogWindow,
        *,
        descending: bool = False,
    ) -> Iterator[tuple[str, LogEvent]]:
        sources = []
        for name in sorted(set(streams)):
            path = self._stream_path(LogStreamName(account, region, group, name))
            try:
                sources.append((name, self._known(path).segments()))
            except Vanished:
                self._forget(path)
        return sweep(sources, window, descending=descending)

    def arrived(
        self, stream: LogStreamName, place: LogPlace | None, limit: int, since: int = 0
    ) -> tuple[list[LogEvent], LogPlace]:
        path = self._stream_path(stream)
        try:
            segments = self._known(path).segments()
        except Vanished:
            self._forget(path)
            raise Missing(f"there is no log stream {stream.stream!r}") from None
        return arrived(segments, place, limit, since)

    def listen(self, heard: Heard) -> Callable[[], None]:
        return self._listeners.add(heard)

    def trim(self) -> int:
        gone = 0
        for region in (place for account in _directories(self._root) for place in _directories(account)):
            self._sweep_out(region)
            for directory in _directories(region):
                self._sweep_out(directory / "streams")
                try:
                    days = self._groups.read(directory, "", "").retention_days
                except Missing:
                    continue
                if days is not None:
                    before = self._now() - days * DAY_MS
                    gone += sum(self._trim(path, before) for path in _directories(directory / "streams"))
        return gone

    def close(self) -> None:
        """No file is open. The store may be used again."""
        with self._lock:
            for stream in self._writers.values():
                stream.close()
            self._writers.clear()

    # Inside.

    def _now(self) -> int:
        return int(self._clock.now() * 1000)

    def _region_path(self, account: str, region: str) -> Path:
        return self._root / escape(account) / escape(region)

    def _group_path(self, account: str, region: str, group: str) -> Path:
        return self._region_path(account, region) / escape(group)

    def _stream_path(self, stream: LogStreamName) -> Path:
        return self._group_path(stream.account, stream.region, stream.group) / "streams" / escape(stream.stream)

    def _known(self, path: Path, *, writes: bool = False) -> Stream:
        """The open state of a stream that may or may not be there."""
        with self._lock:
            stream = self._streams.get(path)
            if stream is None:
                stream = self._streams[path] = Stream(path, segment_bytes=self._segment_bytes, full=self._full)
            self._streams.move_to_end(path)
            if len(self._streams) > self._known_streams:
                dropped, _ = self._streams.popitem(last=False)
                self._shut(dropped)
            if writes:
                self._writers[path] = stream
                self._writers.move_to_end(path)
                if len(self._writers) > self._open_files:
                    self._shut(next(iter(self._writers)))
            return stream

    def _forget(self, path: Path) -> None:
        with self._lock:
            stream = self._streams.pop(path, None)
            self._writers.pop(path, None)
        if stream is not None:
            stream.close()

    def _shut(self, path: Path) -> None:
        stream = self._writers.pop(path, None)
        if stream is not None:
            stream.close()

    def _make(self, stream: LogStreamName) -> None:
        """The stream and its group are there, whoever made them."""
        with suppress(Exists):
            try:
                self.create_stream(stream)
            except Missing:
                self.create_group(LogGroup(stream.account, stream.region, stream.group, self._now()))

    def _trim(self, path: Path, before: int) -> int:
        try:
            return self._known(path).trim(before)
        except Vanished:
            self._forget(path)
            return 0

    def _remove(self, path: Path, missing: str) -> None:
        grave = path.with_name(f".gone-{secrets.token_hex(8)}")
        try:
            path.rename(grave)
        except FileNotFoundError:
            raise Missing(missing) from None
        shutil.rmtree(grave)

    def _sweep_out(self, directory: Path) -> None:
        """What a dead process left of a creation or deletion is gone. An hour is longer than either can take."""
        try:
            left = [one for one in directory.iterdir() if one.name.startswith((".new-", ".gone-"))]
        except FileNotFoundError:
            return
        for one in left:
            try:
                if one.stat().st_mtime < self._clock.now() - 3600:
                    shutil.rmtree(one)
            except FileNotFoundError:  # its owner was alive and has finished
                continue


def _directories(path: Path) -> list[Path]:
    return [path / name for name in _names(path)]


def _names(path: Path) -> list[str]:
    """Of the directories in it that are not Clary's own drafts; none when it is not there."""
    try:
        return [name for name in os.listdir(path) if not name.startswith(".")]  # noqa: PTH208 - no Path each of 10,000
    except FileNotFoundError:
        return []


def _bytes_in(directory: Path) -> int:
    total = 0
    try:
        for one in directory.iterdir():
            total += one.stat().st_size
    except FileNotFoundError:
        pass
    return total
