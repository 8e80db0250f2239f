"""The report: everything is in the one file, whatever the measurement holds."""

import io
import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest
from rich.console import Console

from clary.stress.document import document
from clary.stress.histogram import Histogram
from clary.stress.measure import Measured, Run
from clary.stress.page import drawing, page
from clary.stress.target import Target
from clary.stress.terminal import show
from clary.stress.watch import Watch
from clary.stress.windows import Window
from tests.stress_house import plan

HOSTILE = '</script><img src="http://evil.test/x">'


def seen(name: str, offset: float, seconds: int, errors: int = 0, **given: Any) -> Run:
    run = Run(name, plan(**{"connections": 5, "requests": 10, **given}), 1, started=START + offset)
    for second in range(seconds):
        window = Window()
        for variant in ("model-a", "model-b"):
            histogram = window.variants.setdefault(variant, Histogram())
            for value in range(1, 40):
                histogram.record(value * 997 + second)
            window.compared[variant], window.right[variant] = 39, 30
        if errors and second == 1:
            window.errors["503 ServiceUnavailable"] = errors
            run.totals.firsts["503 ServiceUnavailable"] = {"message": HOSTILE, "second": 1.5}
        run.totals.series.add(second, window)
        run.totals.whole.merge(window)
    run.totals.sent = run.totals.whole.answered + run.totals.whole.failed
    run.totals.cpu[0] = [[float(second), 1.0, 0.95] for second in range(seconds)]
    return run


START = 1_700_000_000.0


def measured(*runs: Run, instances: bool = True) -> dict[str, Any]:
    target = Target("http://127.0.0.1:4810", "us-east-1", plan().keys, "iris-<production>")
    watch = Watch(target)
    watch.started = START
    if instances:
        watch.instances = {
            "model-a": [[START, 1, 1], [START + 3, 1, 10], [START + 5, 10, 10]],
            "model-b": [[START, 1, 1], [START + 8, 1, 1]],
        }
    found = Measured(target, list(runs), watch, START + 9, notes=["CloudWatch & co could not be asked"])
    found.server = {"model-a": {"Invocations": {"Sum": 5.0}, "ModelLatency": {"p50": 210.0, "Maximum": 1200.0}}}
    return document(found, f"clary stress {HOSTILE}", "1.2.3")


class Reader(HTMLParser):
    """Every address that a browser would fetch, and every element."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.elements: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.fetched += [
            value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "xlink:href")
        ]


def read(made: str) -> Reader:
    reader = Reader()
    reader.feed(made)
    reader.close()
    return reader


def test_nothing_is_loaded_from_anywhere_and_words_stay_words() -> None:
    made = page(measured(seen("5 clients", 1, 4, errors=3), seen("open", 6, 2, rate=7.0)))
    reader = read(made)
    assert reader.fetched == []
    assert "img" not in reader.elements
    assert reader.elements.count("script") == 2
    assert not re.search(r"url\(|@import", made)
    assert "default-src 'none'" in made
    assert "iris-&lt;production&gt;" in made


def test_figures_command_and_doubts_are_on_the_page() -> None:
    report = measured(seen("5 clients", 1, 4, errors=3))
    made = page(report)
    run = report["runs"][0]
    for words in ("1.2.3", "CloudWatch &amp; co", "503 ServiceUnavailable", "3 errors", "different signatures"):
        assert words in made
    assert f"{run['latency_ms']['p99']:.2f}" in made
    assert "The load generator was a limit" in made  # 95 % of a core
    assert "0.7692 of 156" in made
    assert "prefers-color-scheme: dark" in made
    assert "@media print" in made


@pytest.mark.parametrize("report", [measured(), measured(seen("short", 0, 1), instances=False)], ids=["empty", "one"])
def test_little_is_drawn_where_little_was_seen(report: dict[str, Any]) -> None:
    assert read(page(report)).fetched == []
    show(report, Console(width=80, file=io.StringIO()))


def test_the_time_line_holds_every_run_at_its_place() -> None:
    report = measured(seen("a", 1, 3), seen("b", 5, 2))
    assert [point["t"] for point in report["timeline"]] == [1, 2, 3, 5, 6]
    assert {point["run"] for point in report["timeline"]} == {"a", "b"}
    assert report["timeline"][0]["per_second"] == 78
    assert report["instances"]["model-a"] == [[0, 1, 1], [3, 1, 10], [5, 10, 10]]
    assert report["runs"][0]["variants"]["model-a"]["share"] == 0.5


def test_the_terminal_shows_the_same_figures() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    show(measured(seen("5 clients", 1, 4, errors=3)), console)
    said = console.export_text()
    for words in ("5 clients", "312", "503 ServiceUnavailable", "p99", "1-10 instances", "0.7692", "ModelLatency"):
        assert words in said


@pytest.mark.parametrize("top", [0.0, 0.003, 0.7, 1.0, 9.99, 10.0, 4321.0, 1e7])
def test_axes_hold_what_they_show(top: float) -> None:
    end, ticks = drawing.nice(top)
    assert end >= top
    assert 2 <= len(ticks) <= 6
    low, high, marks = drawing.decades(max(top / 30, 1e-3), max(top, 1e-2))
    assert low <= max(top / 30, 1e-3) * 1.001
    assert high >= max(top, 1e-2) * 0.999
    assert 2 <= len(marks) <= 10


def test_a_document_of_a_day_stays_small() -> None:
    began = time.process_time()
    run = seen("long", 0, 1)
    for second in range(0, 86_400, 7):
        run.totals.series.add(second, Window())
    assert len(measured(run)["timeline"]) <= 1200
    assert time.process_time() - began < 5
