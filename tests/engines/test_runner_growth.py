"""Hints of new lines: soon, not too often, and only for runs that somebody looks at."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clary.engines.runners.growth import EVERY_SECONDS, Growth
from clary.engines.runners.process import ProcessRunner
from tests.running import python, until


class Hints:
    """What was told, and when."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.came = asyncio.Event()
        self.growth = Growth(self._grown)

    def _grown(self, uid: str) -> None:
        self.at.append(time.monotonic())
        self.came.set()

    async def next(self) -> None:
        async with asyncio.timeout(10):
            await self.came.wait()
        self.came.clear()


@pytest.fixture
async def hints() -> AsyncIterator[Hints]:
    made = Hints()
    yield made
    made.growth.close()


def say(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


async def test_a_line_is_told_once_for_each_look(tmp_path: Path, hints: Hints) -> None:
    log = tmp_path / "log"
    log.touch()
    hints.growth.arm("u", log)
    hints.growth.arm("u", log)
    say(log, "one\n")
    say(log, "two\n")
    await hints.next()
    say(log, "nobody looks\n")
    hints.growth.arm("u", log)
    say(log, "three\n")
    await hints.next()
    assert len(hints.at) == 2
    assert hints.at[1] - hints.at[0] >= EVERY_SECONDS * 0.9


async def test_what_is_no_longer_of_interest_is_not_told(tmp_path: Path, hints: Hints) -> None:
    gone, there = tmp_path / "gone", tmp_path / "there"
    gone.touch()
    there.touch()
    hints.growth.arm("gone", gone)
    hints.growth.arm("there", there)
    say(gone, "x")
    hints.growth.disarm("gone")
    say(there, "x")
    await hints.next()
    assert len(hints.at) == 1
    hints.growth.arm("none", tmp_path / "none")


async def test_a_real_run_tells_that_it_has_printed(tmp_path: Path) -> None:
    runner = ProcessRunner(tmp_path / "runs")
    told: list[str] = []
    runner.watch(told.append)
    go = (
        "import os, time\n"
        "while not os.path.exists('/opt/ml/go'): time.sleep(0.01)\n"
        "print('a line', flush=True)\n"
        "while True: time.sleep(9)"
    )
    await runner.start("u", python(go))
    run = await runner.observe("u")
    assert run.root is not None
    assert run.log is not None
    (run.root / "go").touch()
    await until(lambda: told == ["u"], "a hint of the line")
    assert run.log.read_text() == "a line\n"
    await runner.remove("u")
    runner.close()
