"""The log store: what was acknowledged is there, once, in order, whatever was killed or torn."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clary.engines.telemetry.names import escape, unescape
from clary.engines.telemetry.segment import Segment
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.clock import ManualClock
from clary.kernel.errors import Exists, Missing
from clary.kernel.telemetry import LogEvent, LogGroup, LogMark, LogStreamName, LogWindow

ONE = LogStreamName("111122223333", "us-east-1", "/aws/sagemaker/TrainingJobs", "car/algo-1-1700000000")


OPENED: list[SegmentLogs] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """What a test opened is closed behind it: each writer holds two descriptors."""
    yield
    while OPENED:
        OPENED.pop().close()


def store(root: Path, **settings: int) -> SegmentLogs:
    OPENED.append(SegmentLogs(root, ManualClock(), **settings))
    return OPENED[-1]


def events(*pairs: tuple[int, str]) -> list[LogEvent]:
    return [LogEvent(at, message) for at, message in pairs]


def read(
    logs: SegmentLogs, stream: LogStreamName = ONE, window: LogWindow | None = None, **how: bool
) -> list[LogEvent]:
    found = logs.read(stream.account, stream.region, stream.group, [stream.stream], window or LogWindow(), **how)
    return [event for _, event in found]


def messages(logs: SegmentLogs, stream: LogStreamName = ONE) -> list[str]:
    return [event.message for event in read(logs, stream)]


def test_the_sink_makes_groups_and_streams(tmp_path: Path) -> None:
    logs = store(tmp_path)
    logs.append(ONE, events((1, "a")))
    assert logs.groups(ONE.account, ONE.region) == [ONE.group]
    assert logs.streams(ONE.account, ONE.region, ONE.group) == [ONE.stream]
    assert logs.group(ONE.account, ONE.region, ONE.group).created == 1_700_000_000_000
    assert logs.groups(ONE.account, "eu-west-1") == []


def test_a_repeat_of_a_position_is_dropped(tmp_path: Path) -> None:
    logs = store(tmp_path)
    logs.append(ONE, events((1, "a")), producer="run", position=10)
    logs.append(ONE, events((1, "a")), producer="run", position=10)
    logs.append(ONE, events((1, "b")), producer="other", position=5)
    assert messages(logs) == ["a", "b"]
    again = store(tmp_path)
    again.append(ONE, events((1, "a")), producer="run", position=10)
    again.append(ONE, [], producer="run", position=12)
    assert messages(again) == ["a", "b"]
    assert (again.position(ONE, "run"), again.position(ONE, "other"), again.position(ONE, "nobody")) == (12, 5, 0)


def test_positions_outlive_the_segments_that_held_them(tmp_path: Path) -> None:
    logs = store(tmp_path, segment_bytes=200)
    logs.append(ONE, events((1, "a")), producer="first", position=7)
    for i in range(20):
        logs.append(ONE, events((i, "x" * 100)))
    assert len(list(tmp_path.rglob("*.log"))) > 5
    assert store(tmp_path).position(ONE, "first") == 7


def test_segments_without_events_roll_too(tmp_path: Path) -> None:
    logs = store(tmp_path, segment_bytes=1)
    for i in range(1, 6):
        logs.append(ONE, [], producer="run", position=i)
    logs.append(ONE, events((5, "a")))
    again = store(tmp_path)
    assert again.position(ONE, "run") == 5
    assert messages(again) == ["a"]


def test_last_is_the_newest_oldest_first(tmp_path: Path) -> None:
    logs = store(tmp_path)
    assert logs.last(ONE, 3) == []
    logs.append(ONE, events(*((i, str(i)) for i in range(9))))
    assert [event.message for event in logs.last(ONE, 3)] == ["6", "7", "8"]
    assert len(logs.last(ONE, 100)) == 9


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_BATCH = st.lists(st.tuples(st.integers(0, 50), _TEXT), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(_BATCH, max_size=12), size=st.sampled_from([1, 150, 1_000_000]))
def test_every_event_comes_back_in_the_order_of_time(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[int, str]]], size: int
) -> None:
    logs = store(root := tmp_path_factory.mktemp("logs"), segment_bytes=size)
    logs.create_group(LogGroup(ONE.account, ONE.region, ONE.group, 0))
    logs.create_stream(ONE)
    for batch in batches:
        logs.append(ONE, events(*batch))
    arrived = [pair for batch in batches for pair in batch]
    expected = [(at, message) for at, _, message in sorted((at, i, message) for i, (at, message) in enumerate(arrived))]
    for one in (logs, store(root)):
        assert [(event.timestamp, event.message) for event in read(one)] == expected
        assert [(event.timestamp, event.message) for event in read(one, descending=True)] == expected[::-1]
    info = logs.stream(ONE)
    assert (info.first, info.last) == ((expected[0][0], expected[-1][0]) if expected else (None, None))


@settings(max_examples=40, deadline=None)
@given(
    batches=st.lists(_BATCH, min_size=1, max_size=8),
    start=st.none() | st.integers(0, 50),
    end=st.none() | st.integers(0, 50),
    cut=st.integers(0, 40),
)
def test_windows_and_marks_split_what_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[tuple[int, str]]],
    start: int | None,
    end: int | None,
    cut: int,
) -> None:
    logs = store(tmp_path_factory.mktemp("logs"), segment_bytes=200)
    names = ["a", "b", "c"]
    for i, batch in enumerate(batches):
        logs.append(LogStreamName("1", "r", "g", names[i % 3]), events(*batch))
    found = list(logs.read("1", "r", "g", names, LogWindow(start, end)))
    assert found == [
        one
        for one in logs.read("1", "r", "g", names, LogWindow())
        if (start is None or one[1].timestamp >= start) and (end is None or one[1].timestamp < end)
    ]
    if found:
        name, event = found[cut % len(found)]
        mark = LogMark(event.timestamp, name, event.number)
        before = list(logs.read("1", "r", "g", names, LogWindow(start, end, before=mark)))
        after = list(logs.read("1", "r", "g", names, LogWindow(start, end, after=mark)))
        assert [*before, (name, event), *after] == found
        assert (
            list(logs.read("1", "r", "g", names, LogWindow(start, end, before=mark), descending=True)) == before[::-1]
        )


@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(st.lists(st.text("abcä", max_size=6), min_size=1, max_size=8), min_size=1, max_size=6),
    needs=st.lists(st.lists(st.text("abcä", min_size=1, max_size=2), min_size=1, max_size=2), min_size=1, max_size=2),
)
def test_the_sieve_loses_nothing_that_matches(
    tmp_path_factory: pytest.TempPathFactory, texts: list[list[str]], needs: list[list[str]]
) -> None:
    logs = store(tmp_path_factory.mktemp("logs"), segment_bytes=300)
    for batch in texts:
        logs.append(ONE, events(*((1, text) for text in batch)))
    sieve = tuple(tuple(one.encode() for one in group) for group in needs)

    def matches(text: str) -> bool:
        return all(any(one in text for one in group) for group in needs)

    through = [event for event in read(logs, window=LogWindow(needs=sieve)) if matches(event.message)]
    assert through == [event for event in read(logs) if matches(event.message)]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=600), st.text(max_size=600))
def test_names_become_directories_one_to_one(one: str, other: str) -> None:
    spelt = escape(one)
    assert spelt and not spelt.startswith(".") and "/" not in spelt and "\0" not in spelt and len(spelt) < 255
    assert unescape(spelt) in (one, None)
    assert (escape(one) == escape(other)) == (one == other)


@pytest.mark.parametrize(
    "name", ["..", ".", "a/../../b", "/etc", "~", "%2E", "é" * 512, "x" * 512, "a\tb", "group.json"]
)
def test_no_name_leaves_its_place(tmp_path: Path, name: str) -> None:
    logs = store(tmp_path / "logs")
    odd = LogStreamName("1", "r", name, name)
    logs.append(odd, events((1, "a")))
    again = store(tmp_path / "logs")
    assert again.groups("1", "r") == [name]
    assert again.streams("1", "r", name) == [name]
    assert messages(again, odd) == ["a"]
    assert [one.name for one in tmp_path.iterdir()] == ["logs"]


def test_a_torn_tail_is_cut_wherever_it_was_torn(tmp_path: Path) -> None:
    logs = store(tmp_path)
    logs.append(ONE, events((1, "first")), producer="run", position=1)
    file = next(tmp_path.rglob("*.log"))
    whole = file.stat().st_size
    logs.append(ONE, events((2, "second"), (3, "third")), producer="run", position=2)
    content = file.read_bytes()
    for size in range(whole, len(content)):
        file.write_bytes(content[:size])
        again = store(tmp_path)
        assert messages(again) == ["first"]
        assert again.position(ONE, "run") == 1
        # The repeat of what was never answered is taken, once, behind a clean cut.
        again.append(ONE, events((2, "second"), (3, "third")), producer="run", position=2)
        assert file.read_bytes()[: len(content)] == content
        assert messages(store(tmp_path)) == ["first", "second", "third"]


def test_a_flipped_bit_in_the_newest_frame_is_found(tmp_path: Path) -> None:
    logs = store(tmp_path)
    logs.append(ONE, events((1, "first")))
    file = next(tmp_path.rglob("*.log"))
    whole = file.stat().st_size
    logs.append(ONE, events((2, "second")))
    content = bytearray(file.read_bytes())
    for at in range(whole, len(content)):
        bad = bytearray(content)
        bad[at] ^= 0x40
        file.write_bytes(bad)
        assert messages(store(tmp_path)) == ["first"]


def test_zeros_behind_the_last_frame_are_no_frame(tmp_path: Path) -> None:
    logs = store(tmp_path)
    logs.append(ONE, events((1, "first")))
    file = next(tmp_path.rglob("*.log"))
    with file.open("ab") as tail:
        tail.write(bytes(4096))
    again = store(tmp_path)
    again.append(ONE, events((2, "second")))
    assert messages(store(tmp_path)) == ["first", "second"]


def test_a_refused_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = store(tmp_path)
    logs.append(ONE, events((1, "first")))
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:20]))
    with pytest.raises(OSError, match="disk took only a part"):
        logs.append(ONE, events((2, "second")), producer="run", position=2)
    monkeypatch.undo()
    assert messages(logs) == ["first"]
    logs.append(ONE, events((2, "second")), producer="run", position=2)
    assert messages(logs) == messages(store(tmp_path)) == ["first", "second"]


def test_a_roll_that_died_half_way_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = store(tmp_path, segment_bytes=100)
    logs.append(ONE, events((1, "a" * 100)), producer="run", position=1)

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("clary.engines.telemetry.stream.write_whole", dies)
    with pytest.raises(KeyboardInterrupt):
        logs.append(ONE, events((2, "b")), producer="run", position=2)
    monkeypatch.undo()
    again = store(tmp_path, segment_bytes=100)
    assert again.position(ONE, "run") == 1
    again.append(ONE, events((2, "b")), producer="run", position=2)
    assert messages(store(tmp_path)) == ["a" * 100, "b"]


def test_two_stores_on_one_root_see_each_other(tmp_path: Path) -> None:
    """As two processes do: appends, rolls, deletion and a stream made again under its old name."""
    one, two = store(tmp_path, segment_bytes=300), store(tmp_path, segment_bytes=300)
    for i in range(30):
        (one, two)[i % 2].append(ONE, events((i, f"line {i}")), producer="run", position=i + 1)
        (two, one)[i % 2].append(ONE, events((i, f"line {i}")), producer="run", position=i + 1)
    expected = [f"line {i}" for i in range(30)]
    assert messages(one) == messages(two) == expected
    one.delete_stream(ONE)
    two.append(ONE, events((1, "anew")))
    assert messages(one) == messages(two) == ["anew"]
    two.delete_group(ONE.account, ONE.region, ONE.group)
    one.append(ONE, events((1, "again")))
    assert messages(one) == messages(two) == ["again"]


def test_threads_lose_nothing(tmp_path: Path) -> None:
    logs = store(tmp_path, segment_bytes=2000, open_files=2)
    streams = [LogStreamName("1", "r", "g", f"s{i}") for i in range(4)]

    def write(worker: int) -> None:
        for i in range(60):
            logs.append(streams[i % 4], events((i, f"{worker}-{i}")))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    found = [message for stream in streams for message in messages(logs, stream)]
    assert sorted(found) == sorted(f"{worker}-{i}" for worker in range(4) for i in range(60))


def test_idle_streams_hold_no_files(tmp_path: Path) -> None:
    logs = store(tmp_path, open_files=8)
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0  # noqa: PTH208 - counting only
    for i in range(60):
        logs.append(LogStreamName("1", "r", "g", f"s{i}"), events((i, "a")))
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before + 2 * 8  # noqa: PTH208
    logs.close()
    assert [messages(logs, LogStreamName("1", "r", "g", f"s{i}")) for i in range(60)] == [["a"]] * 60


def test_groups_and_streams_are_made_once_and_go(tmp_path: Path) -> None:
    logs = store(tmp_path)
    group = LogGroup("1", "r", "g", 5, None, {"tags": {"a": "b"}})
    with pytest.raises(Missing):
        logs.create_stream(LogStreamName("1", "r", "g", "s"))
    logs.create_group(group)
    with pytest.raises(Exists):
        logs.create_group(group)
    assert logs.group("1", "r", "g") == group
    logs.create_stream(LogStreamName("1", "r", "g", "s"))
    with pytest.raises(Exists):
        logs.create_stream(LogStreamName("1", "r", "g", "s"))
    assert logs.stream(LogStreamName("1", "r", "g", "s")).last is None
    assert logs.group_bytes("1", "r", "g") == logs.stream(LogStreamName("1", "r", "g", "s")).stored_bytes > 0
    logs.delete_stream(LogStreamName("1", "r", "g", "s"))
    with pytest.raises(Missing):
        logs.delete_stream(LogStreamName("1", "r", "g", "s"))
    with pytest.raises(Missing):
        logs.stream(LogStreamName("1", "r", "g", "s"))
    logs.delete_group("1", "r", "g")
    for call in (logs.delete_group, logs.group, logs.streams):
        with pytest.raises(Missing):
            call("1", "r", "g")
    with pytest.raises(Missing):
        logs.change_group(group)
    assert not [one for one in tmp_path.rglob("*") if one.name.startswith(".")]


def test_trim_drops_whole_segments_by_age(tmp_path: Path) -> None:
    clock = ManualClock()
    logs = SegmentLogs(tmp_path, clock, segment_bytes=300)
    day = 86_400_000
    now = int(clock.now() * 1000)
    for age in range(10, -1, -1):
        logs.append(ONE, events((now - age * day, f"{age} days " + "x" * 300)), producer="run", position=20 - age)
    assert logs.trim() == 0
    logs.change_group(LogGroup(ONE.account, ONE.region, ONE.group, 0, 3))
    assert logs.trim() == 7
    assert [message.split()[0] for message in messages(logs)] == ["3", "2", "1", "0"]
    clock.advance(40 * 86_400)
    assert logs.trim() == 4
    assert messages(logs) == messages(store(tmp_path)) == []
    assert store(tmp_path).position(ONE, "run") == 20
    assert logs.stream(ONE).last is None
    logs.append(ONE, events((now, "new")))
    assert read(logs)[0].number == 11


_WRITER = """
import sys
from pathlib import Path
from clary.engines.telemetry.segment import Segment
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.clock import SystemClock
from clary.kernel.telemetry import LogEvent, LogStreamName

logs = SegmentLogs(Path(sys.argv[1]), SystemClock(), segment_bytes=4000)
stream = LogStreamName("1", "r", "g", "s")
at = logs.position(stream, "run")
while True:
    logs.append(stream, [LogEvent(at + i, f"line {at + i}") for i in range(3)], producer="run", position=at + 3)
    at += 3
    print(at, flush=True)
"""


def test_kill_9_while_appending_loses_and_doubles_nothing(tmp_path: Path) -> None:
    stream = LogStreamName("1", "r", "g", "s")
    acknowledged = 0
    for round_ in range(4):
        child = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for _ in range(30 + 17 * round_):
            acknowledged = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        # A line without its end was cut by the kill: the answer did not come.
        answers = [line for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        acknowledged = max([acknowledged, *map(int, answers)])
        child.wait()
        child.stdout.close()
        logs = store(tmp_path)
        kept = logs.position(stream, "run")
        assert kept >= acknowledged
        assert messages(logs, stream) == [f"line {i}" for i in range(kept)]


def test_listeners_hear_what_is_stored_once(tmp_path: Path) -> None:
    logs = store(tmp_path)
    heard: list[tuple[str, list[str], int]] = []
    remove = logs.listen(lambda name, events, at: heard.append((name.stream, [one.message for one in events], at)))
    logs.listen(lambda name, events, at: 1 // 0)  # harms nobody
    logs.append(ONE, events((1, "a"), (2, "b")), producer="run", position=2)
    logs.append(ONE, events((1, "a"), (2, "b")), producer="run", position=2)
    logs.append(ONE, [], producer="run", position=3)
    remove()
    logs.append(ONE, events((3, "c")))
    assert heard == [(ONE.stream, ["a", "b"], 1_700_000_000_000)]


@settings(max_examples=40, deadline=None)
@given(batches=st.lists(_BATCH, max_size=10), size=st.sampled_from([1, 200, 100_000]), limit=st.integers(1, 7))
def test_events_are_told_in_the_order_of_arrival(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[int, str]]], size: int, limit: int
) -> None:
    logs = store(root := tmp_path_factory.mktemp("logs"), segment_bytes=size)
    logs.append(ONE, [], producer="run", position=1)
    place, told = None, []
    for batch in batches:
        logs.append(ONE, events(*batch))
        found, place = (logs, store(root))[len(told) % 2].arrived(ONE, place, limit)
        told += found
    while found := (step := store(root).arrived(ONE, place, limit))[0]:
        told, place = told + found, step[1]
    assert [(one.timestamp, one.message) for one in told] == [pair for batch in batches for pair in batch]
    numbers = [one.number for one in told]
    assert numbers == sorted(set(numbers))


def test_a_stream_made_again_is_told_from_its_beginning(tmp_path: Path) -> None:
    clock = ManualClock()
    logs = SegmentLogs(tmp_path, clock, segment_bytes=300)
    for i in range(9):
        logs.append(ONE, events((i, f"{i}" * 100)))
        clock.advance(1)
    now = int(clock.now() * 1000)
    late, place = logs.arrived(ONE, None, 100, since=now - 2000)
    assert [one.message[0] for one in late] == ["7", "8"]
    assert logs.arrived(ONE, place, 100) == ([], place)
    logs.delete_stream(ONE)
    with pytest.raises(Missing):
        logs.arrived(ONE, place, 100)
    logs.append(ONE, events((1, "anew")))
    assert [one.message for one in logs.arrived(ONE, place, 100)[0]] == ["anew"]


def test_a_full_segment_is_found_by_the_word_of_its_successor(tmp_path: Path) -> None:
    logs = store(tmp_path, segment_bytes=200_000)
    for i in range(12):
        logs.append(ONE, events(*((i, f"{i} {j} " + "x" * 90) for j in range(500))))
    logs.append(ONE, events((99, "needle \\u0041")))
    again = store(tmp_path, segment_bytes=200_000)
    found = again._known(again._stream_path(ONE)).segments()
    assert len(found) > 2
    assert all(one.index for one in found[:-1])
    for one in found[:-1]:
        one.load()
        whole = Segment(one.path, one.base)
        whole.load()
        assert [astuple(chunk) for chunk in one.chunks] == [astuple(chunk) for chunk in whole.chunks]
        assert one.known == whole.known
    for needs, count in (
        (((b"needle",),), 1),
        (((b"none", b"\\u"),), 1),
        (((b"11 499", b"\\u"),), 2),
        (((b"no",),), 0),
    ):
        assert len(list(again.read(ONE.account, ONE.region, ONE.group, [ONE.stream], LogWindow(needs=needs)))) == count


class Killed(BaseException):
    """Stands for SIGKILL: nothing that catches errors catches it."""


@pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
def test_a_kill_at_every_write_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: float
) -> None:
    """The n-th effect on the disk is done by `part`, and is the last one of its process."""
    effects = {"write": os.write, "ftruncate": os.ftruncate, "replace": Path.replace, "rename": Path.rename}
    left = 0

    def dies(name: str) -> object:
        def effect(*given: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                if name == "write":
                    effects[name](given[0], given[1][: int(len(given[1]) * part)])  # type: ignore[index]
                elif part == 1.0:
                    effects[name](*given)
                raise Killed
            return effects[name](*given)

        return effect

    for at in range(1, 60):
        root = tmp_path / str(at)
        root.mkdir()
        left = at
        monkeypatch.setattr(os, "write", dies("write"))
        monkeypatch.setattr(os, "ftruncate", dies("ftruncate"))
        monkeypatch.setattr(Path, "replace", dies("replace"))
        monkeypatch.setattr(Path, "rename", dies("rename"))
        answered = 0
        try:
            logs = store(root, segment_bytes=250)
            for i in range(8):
                logs.append(ONE, events((i, f"line {i} " + "x" * 60)), producer="run", position=i + 1)
                answered = i + 1
        except Killed:
            pass
        monkeypatch.undo()
        again = store(root, segment_bytes=250)
        kept = again.position(ONE, "run")
        assert answered <= kept <= answered + 1
        for i in range(kept, 8):
            again.append(ONE, events((i, f"line {i} " + "x" * 60)), producer="run", position=i + 1)
        assert [one.split(" x")[0] for one in messages(store(root))] == [f"line {i}" for i in range(8)]
        if left > 0:
            break
    assert at > 20
