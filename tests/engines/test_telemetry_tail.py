"""A run's log file in the log store: every line once, whatever the file looks like and whoever dies in between."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clary.engines.telemetry.segments import SegmentLogs
from clary.engines.telemetry.tail import LINE_BYTES, ship
from clary.kernel.clock import ManualClock
from clary.kernel.telemetry import LogStreamName

STREAM = LogStreamName("1", "r", "/aws/sagemaker/TrainingJobs", "job/algo-1")


class Place:
    def __init__(self, root: Path) -> None:
        self.file = root / "log"
        self.clock = ManualClock()
        self.logs = SegmentLogs(root / "logs", self.clock)

    def write(self, data: bytes) -> None:
        with self.file.open("ab") as file:
            file.write(data)

    def ship(self, *, final: bool = False, limit_bytes: int = 1 << 20) -> bool:
        return ship(self.file, self.logs, STREAM, "run", self.clock, final=final, limit_bytes=limit_bytes)

    def lines(self) -> list[str]:
        return [event.message for event in self.logs.last(STREAM, 10**6)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.logs.close()


def test_whole_lines_go_and_the_last_part_waits(place: Place) -> None:
    assert place.ship() is False
    place.write(b"one\n\ntwo\nthr")
    assert place.ship() is False
    assert place.lines() == ["one", "two"]
    place.write(b"ee\r\nfour")
    place.ship()
    assert place.lines() == ["one", "two", "three"]
    place.ship(final=True)
    place.ship(final=True)
    assert place.lines() == ["one", "two", "three", "four"]


def test_a_repeat_after_a_crash_ships_nothing_twice(place: Place) -> None:
    place.write(b"one\ntwo\n")
    place.ship()
    again = SegmentLogs(place.file.parent / "logs", place.clock)
    ship(place.file, again, STREAM, "run", place.clock, final=False)
    assert place.lines() == ["one", "two"]


def test_a_progress_bar_shows_its_last_state(place: Place) -> None:
    place.write(b"\r 10%\r 50%\r100%\ndone\r\n50%\r")
    place.ship()
    assert place.lines() == ["100%", "done"]
    place.write(b"60%\r")
    place.ship(final=True)
    assert place.lines() == ["100%", "done", "60%"]


def test_bytes_that_are_no_text_are_replaced(place: Place) -> None:
    place.write(b"caf\xc3\xa9 \xff\xfe\n")
    place.ship()
    assert place.lines() == ["café \ufffd\ufffd"]


def test_a_long_line_is_split_between_characters(place: Place) -> None:
    line = "ä" * LINE_BYTES  # two bytes each
    place.write(line.encode())
    assert place.ship() is False
    assert len(place.lines()) == 1
    place.write(b"\nnext\n")
    place.ship()
    shipped = place.lines()
    assert "".join(shipped[:-1]) == line
    assert shipped[-1] == "next"
    assert all(len(one.encode()) <= LINE_BYTES for one in shipped)


def test_a_big_file_comes_in_parts(place: Place) -> None:
    lines = [f"line {i} " + "x" * 1000 for i in range(2000)]
    place.write("\n".join(lines).encode() + b"\n")
    calls = 1
    while place.ship(limit_bytes=1):
        calls += 1
    assert calls > 3
    assert place.lines() == lines


def test_a_clock_set_back_keeps_the_order(place: Place) -> None:
    place.write(b"one\n")
    place.ship()
    place.clock.advance(-3600)
    place.write(b"two\n")
    place.ship()
    assert place.lines() == ["one", "two"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=8))
def test_any_bytes_in_any_pieces_give_the_lines_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    place = Place(tmp_path_factory.mktemp("tail"))
    place.write(b"")
    for piece in pieces:
        place.write(piece)
        place.ship()
    place.ship(final=True)
    whole = Place(tmp_path_factory.mktemp("whole"))
    whole.write(b"".join(pieces))
    whole.ship(final=True)
    assert place.lines() == whole.lines()
    assert place.logs.position(STREAM, "run") == len(b"".join(pieces))
