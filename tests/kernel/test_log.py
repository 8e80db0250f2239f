"""Every record is one line of JSON with the ids of the work at hand."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from clary.kernel import log
from clary.kernel.log import JsonFormatter, bind, configure, ids, unbind


class Lines:
    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.logger = logging.Logger("clary.test")
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(JsonFormatter())
        self.logger.addHandler(handler)

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def lines() -> Lines:
    return Lines()


def test_a_line_is_message_and_extra(lines: Lines) -> None:
    lines.logger.info("served", extra={"status": 200, "path": "/ö"})
    [line] = lines.read()
    assert isinstance(line.pop("time"), float)
    assert line == {"level": "INFO", "logger": "clary.test", "message": "served", "status": 200, "path": "/ö"}


def test_an_error_brings_its_stack_on_one_line(lines: Lines) -> None:
    try:
        raise ValueError("bad\nnews")
    except ValueError:
        lines.logger.exception("it failed")
    [line] = lines.read()
    assert "test_log.py" in line["error"] and line["error"].endswith("ValueError: bad\nnews\n")


def test_no_line_is_lost_to_a_strange_value(lines: Lines) -> None:
    for strange in (object(), {1: {2}}, 2**70, "\ud800", b"\xff"):
        lines.logger.warning("strange", extra={"value": strange})
    assert [line["message"] for line in lines.read()] == ["strange"] * 5


async def test_ids_belong_to_the_task_that_bound_them(lines: Lines) -> None:
    async def request(number: str) -> None:
        token = bind(request_id=number)
        await asyncio.sleep(0)
        bind(step="x")
        lines.logger.info("seen", extra={"number": number})
        await asyncio.create_task(inner(number))
        unbind(token)
        assert ids() == {}

    async def inner(number: str) -> None:
        lines.logger.info("seen", extra={"number": number})

    await asyncio.gather(request("1"), request("2"))
    assert ids() == {}
    assert len(lines.read()) == 4
    assert all(line["request_id"] == line["number"] and line["step"] == "x" for line in lines.read())


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    before, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers[:] = before
    logger.setLevel(level)


def test_configure_sends_everything_to_one_stream(root: logging.Logger) -> None:
    stream = io.StringIO()
    configure("WARNING", io.StringIO())
    configure("WARNING", stream)
    logging.getLogger("clary.any").info("silent")
    logging.getLogger("clary.any").warning("told")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["told"]


def test_the_short_way_writes_the_same_line(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    stream = io.StringIO()
    configure("INFO", stream)
    logger = logging.getLogger("clary.test.short")
    token = bind(request_id="r-1")
    logger.info("request", extra={"status": 200, "strange": "\ud800"})
    log.info(logger, "request", {"status": 200, "strange": "\ud800"})
    log.info(logging.getLogger("clary.test.quiet"), "request", {})
    unbind(token)
    long, short, _ = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert abs(long.pop("time") - short.pop("time")) < 5
    assert list(long.items()) == list(short.items())
    root.setLevel("WARNING")
    log.info(logger, "request", {})
    assert len(stream.getvalue().splitlines()) == 3


def test_the_short_way_is_heard_by_whoever_listens(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        log.info(logging.getLogger("clary.test.heard"), "request", {"status": 201})
    assert [(one.message, one.__dict__["status"]) for one in caplog.records] == [("request", 201)]
