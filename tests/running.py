"""Real runs in tests: runners to try, and bounded waits for what real processes do."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from clary.engines.runners import probe as probing
from clary.engines.runners.base import Run, Runner, Work
from clary.engines.runners.process import ProcessRunner

SECONDS = 30.0


def python(code: str, **work: object) -> Work:
    """A run of a few lines of Python, quick to start."""
    return Work(command=("python3", "-S", "-c", code), **work)  # type: ignore[arg-type]


async def until(true: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    """Wait for something in a real process; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.004)


async def over(runner: Runner, uid: str, seconds: float = SECONDS) -> Run:
    """The run as it is once it runs no more."""
    deadline = time.monotonic() + seconds
    while (run := await runner.observe(uid)).phase == "running":
        assert time.monotonic() < deadline, f"{uid} still runs after {seconds} s"
        await asyncio.sleep(0.004)
    return run


async def said(runner: Runner, uid: str, words: str, seconds: float = SECONDS) -> Run:
    """The run once its log holds `words`."""
    run = await runner.observe(uid)
    log = run.log
    assert log is not None
    await until(lambda: words in log.read_text(errors="replace"), f"{words!r} in the log of {uid}", seconds)
    return await runner.observe(uid)


async def result(runner: Runner, uid: str, work: Work) -> tuple[int | None, str]:
    """Exit code and log of a whole run."""
    await runner.start(uid, work)
    run = await over(runner, uid)
    assert run.phase == "ended", run
    assert run.log is not None
    return run.exit_code, run.log.read_text(errors="replace")


def process_runner(kind: str, root: Path, monkeypatch: pytest.MonkeyPatch, **given: object) -> ProcessRunner:
    """A ProcessRunner of the sandbox `kind`; skips where this machine cannot have it."""
    if kind == "plain":
        monkeypatch.setattr(probing, "_mounts_work", lambda: False)
    runner = ProcessRunner(root, sandbox="auto" if kind == "bubblewrap" else "plain", **given)  # type: ignore[arg-type]
    found = runner.probe()
    if found.sandbox != kind:
        pytest.skip(f"no {kind} here: {found.detail}")
    return runner
