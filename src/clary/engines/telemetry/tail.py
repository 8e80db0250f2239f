"""A run's log file, brought into a log stream line by line and exactly once, however often anybody crashes."""

from pathlib import Path

from clary.kernel.clock import Clock
from clary.kernel.telemetry import LogEvent, LogSink, LogStreamName

LINE_BYTES = 256 * 1024 - 26
"""The longest event, as CloudWatch Logs counts; a longer line becomes several events."""
_LEAST = 2 * LINE_BYTES


def ship(
    log_file: Path,
    sink: LogSink,
    stream: LogStreamName,
    producer: str,
    clock: Clock,
    *,
    final: bool,
    limit_bytes: int = 1024 * 1024,
) -> bool:
    """Whole lines that the file has gained since the last call are in the stream; True: call again, there is more.

    `producer` names the file for ever (a run's uid): the stream keeps its byte offset beside the events. A line without
    its end waits, unless `final`: then nobody writes any more and it is shipped as it is. Empty lines are left out, as
    CloudWatch Logs knows no empty event. Of a line that went back with carriage returns (a progress bar) the last
    state is kept, as a terminal would show it. Bytes that are no UTF-8 become U+FFFD. Nothing happens while there is no
    such file."""
    start = sink.position(stream, producer)
    limit = max(limit_bytes, _LEAST)
    try:
        with log_file.open("rb") as file:
            file.seek(start)
            data = file.read(limit)
    except FileNotFoundError:
        return False
    full = len(data) == limit
    lines, taken = _split(data, final=final and not full)
    if not taken:
        return False
    messages = [text for line in lines if (text := _text(line))]
    now = int(clock.now() * 1000)
    if messages and (last := sink.last(stream, 1)):
        # Who follows a stream goes on behind its newest timestamp: a clock set back must not hide lines from them.
        now = max(now, last[-1].timestamp)
    # The offset goes in the same frame as the events: both are there after a crash, or neither.
    sink.append(stream, [LogEvent(now, text) for text in messages], producer=producer, position=start + taken)
    return full


def _split(data: bytes, *, final: bool) -> tuple[list[bytes], int]:
    """(lines without their ends and no longer than an event, how many bytes they take)."""
    *whole, rest = data.split(b"\n")
    taken = len(data) - len(rest)
    lines = [piece for line in whole for piece in _pieces(_shown(line))]
    if final:
        return lines + _pieces(_shown(rest)), len(data)
    while len(rest) > LINE_BYTES:
        piece = _pieces(rest)[0]
        lines.append(_shown(piece))
        taken += len(piece)
        rest = rest[len(piece) :]
    return lines, taken


def _shown(line: bytes) -> bytes:
    """What a terminal shows of the line at its end: all behind the last carriage return that anything follows."""
    return line.rstrip(b"\r").rpartition(b"\r")[2]


def _pieces(line: bytes) -> list[bytes]:
    """The line in pieces of at most LINE_BYTES, cut between characters."""
    pieces = []
    while len(line) > LINE_BYTES:
        cut = LINE_BYTES
        while cut > LINE_BYTES - 4 and line[cut] & 0xC0 == 0x80:
            cut -= 1
        pieces.append(line[:cut])
        line = line[cut:]
    return [*pieces, line]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
