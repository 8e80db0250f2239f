"""A scenario in a real child process that is killed at its n-th await, for every n there is.

    def test_nothing_is_lost(tmp_path):
        for crash in crashes(scenario, tmp_path):
            assert asyncio.run(recovered(crash.directory)) == expected, crash

`scenario(directory)` is a coroutine function that keeps all its state below `directory` and opens everything itself:
what it holds in memory dies with it. It runs in a fork, so a run costs milliseconds and its imports are there already.
Nothing that is open in the test (a SQLite file above all) may be used by the scenario, nor the other way round.
"""

import asyncio
import faulthandler
import importlib
import inspect
import json
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NoReturn

Scenario = Callable[[Path], Coroutine[Any, Any, object]]
Say = Callable[[str], None]

_NOT_MEANT = (str(Path(asyncio.__file__).parent), __file__)


@dataclass(frozen=True, slots=True)
class Crash:
    """What one run of the scenario left behind."""

    number: int
    """The point at which it was killed, from 0; for the last run, how many points there are."""
    directory: Path
    where: str
    """What was waiting, or about to run, as "file.py:12 function"; "" when it was not killed."""
    completed: bool
    """This run was not disturbed: the last one."""


def crashes(
    scenario: Scenario,
    root: Path,
    *,
    lines_of: Iterable[ModuleType] = (),
    limit: int = 2_000,
    step: int = 1,
    timeout: float = 90.0,
    fresh: bool = False,
) -> Iterator[Crash]:
    """Runs `scenario` in a fresh directory below `root`, killed with SIGKILL at its first point, then again at its
    second, and so on until it completes undisturbed; yields what each run left.

    A point is the begin and the end of every task of the scenario and each place where it gives way to the event loop.
    With `lines_of`, the points are instead the lines of these modules, just before they run: finer, and also there
    where an await does not give way (`pausing` makes the calls of a port do so).

    With `step`, only every so many points are tried: for scenarios of thousands of lines.

    With `fresh`, each run is a Python of its own instead of a fork, at some 0.3 s more: for scenarios that enter
    libraries with locks of their own (OpenSSL's). A fork copies those as they are, also when a thread that another test
    has left holds one, and nobody opens it then. `scenario` must be a function of a module.

    Raises AssertionError with the child's traceback when the scenario raises, when a run takes longer than `timeout`
    seconds (a sync takes tens of them while another test fills the disk), or when there are more than `limit`
    points."""
    files = frozenset(str(module.__file__) for module in lines_of)
    for number in range(0, limit, step):
        directory = root / f"crash-{number:04d}"
        directory.mkdir(parents=True)
        life = _Life(scenario, directory, number, files)
        said, status = _fresh(life, timeout) if fresh else _forked(life, timeout)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            yield Crash(number, directory, said, completed=False)
        elif status == 0:
            yield Crash(number, directory, "", completed=True)
            return
        else:
            raise AssertionError(f"the scenario failed by itself in run {number} (wait status {status}):\n{said}")
    raise AssertionError(f"the scenario has more than {limit} points")


class pausing:
    """The same port, but every call of it gives way to the event loop before it begins and after it is done."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._port, name)
        if not inspect.iscoroutinefunction(member):
            return member

        async def call(*args: Any, **named: Any) -> Any:
            await asyncio.sleep(0)
            result = await member(*args, **named)
            await asyncio.sleep(0)
            return result

        return call


def _forked(live: Callable[[Say], None], timeout: float) -> tuple[str, int]:
    """What the child said, and its wait status."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        # Newer Pythons warn where there are threads; the child waits for no lock of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(reading)
        # Where it hangs stands in the test's captured stderr.
        faulthandler.dump_traceback_later(0.9 * timeout, file=2)
        _as_child(live, writing)
    os.close(writing)
    status = 0
    try:
        said = _read_all(reading, timeout, child)
    finally:
        os.close(reading)
        _, status = os.waitpid(child, 0)
    return said, status


def _fresh(life: "_Life", timeout: float) -> tuple[str, int]:
    """As `_forked`, in a new interpreter."""
    scenario = {"module": life.scenario.__module__, "name": life.scenario.__qualname__}
    about = {**scenario, "directory": str(life.directory), "fatal": life.fatal, "files": sorted(life.files)}
    begin = "import sys; from tests.crash.harness import as_told; as_told(sys.argv[1])"
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", begin, json.dumps(about)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))},
    ) as child:
        assert child.stdout is not None
        said = _read_all(child.stdout.fileno(), timeout, child.pid)
    code = child.returncode
    return said, -code if code < 0 else code << 8


def as_told(about: str) -> NoReturn:
    """The life of a fresh interpreter: the scenario that the test names."""
    told = json.loads(about)
    scenario = getattr(importlib.import_module(told["module"]), told["name"])
    _as_child(_Life(scenario, Path(told["directory"]), told["fatal"], frozenset(told["files"])), 1)


def _as_child(live: Callable[[Say], None], writing: int) -> NoReturn:
    code = 1
    try:
        live(lambda text: _write(writing, text))
        code = 0
    except BaseException:
        _write(writing, traceback.format_exc())
    finally:
        os._exit(code)  # Never through the exit of the test run, which is not this process's to end.


def _write(pipe: int, text: str) -> None:
    os.write(pipe, text.encode(errors="replace")[-60_000:])


def _read_all(reading: int, timeout: float, child: int) -> str:
    parts: list[bytes] = []
    waiting = select.poll()  # not select.select, which knows no descriptor beyond 1023
    waiting.register(reading, select.POLLIN)
    while True:
        if not waiting.poll(timeout * 1000):
            os.kill(child, signal.SIGKILL)
            raise AssertionError(f"the scenario took longer than {timeout} seconds")
        part = os.read(reading, 65_536)
        if not part:
            return b"".join(parts).decode(errors="replace")
        parts.append(part)


@dataclass(frozen=True, slots=True)
class _Life:
    """One run of the scenario, in the child."""

    scenario: Scenario
    directory: Path
    fatal: int
    files: frozenset[str]

    def __call__(self, say: Say) -> None:
        asyncio._set_running_loop(None)  # An async test's loop came along with the fork, but does not run here.
        points = _Points(self.fatal, say)
        if self.files:
            trace = _line_trace(self.files, points)
            threading.settrace(trace)
            sys.settrace(trace)
        factory = asyncio.new_event_loop if self.files else lambda: _counting_loop(points)
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(self._main(points))

    async def _main(self, points: "_Points") -> None:
        await self.scenario(self.directory)
        sys.settrace(None)
        if not self.files:
            points(lambda: "end of the scenario")
        points.armed = False  # What the loop does to close itself is no part of it.


class _Points:
    def __init__(self, fatal: int, say: Say) -> None:
        self._left = fatal
        self._say = say
        self.armed = True

    def __call__(self, where: Callable[[], str]) -> None:
        if self._left == 0 and self.armed:
            self._say(where())
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


def _line_trace(files: frozenset[str], points: _Points) -> Any:
    def on_line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            points(lambda: _place(frame))
        return on_line

    def on_call(frame: FrameType, event: str, _: Any) -> Any:
        return on_line if frame.f_code.co_filename in files else None

    return on_call


def _counting_loop(points: _Points) -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()

    def task(its_loop: asyncio.AbstractEventLoop, coro: Any, **named: Any) -> asyncio.Task[Any]:
        return asyncio.Task(_counted(coro, points), loop=its_loop, **named)

    loop.set_task_factory(task)
    return loop


async def _counted(coro: Coroutine[Any, Any, Any], points: _Points) -> Any:
    return await _Driven(coro, points)


class _Driven:
    """Drives a coroutine as `await` would, and counts each time it gives way."""

    def __init__(self, coro: Coroutine[Any, Any, Any], points: _Points) -> None:
        self._coro: Any = coro
        self._points = points

    def __await__(self) -> Generator[Any, Any, Any]:
        coro: Any = self._coro
        self._points(self._where)
        resume: Callable[[], Any] = lambda: coro.send(None)  # noqa: E731 - set again below, by what is sent in
        while True:
            try:
                given = resume()
            except StopIteration as done:
                self._points(lambda: f"end of {coro.__qualname__}")
                return done.value
            self._points(self._where)
            try:
                sent = yield given
            except GeneratorExit:
                coro.close()
                raise
            except BaseException as error:
                resume = _thrower(coro, error)
            else:
                resume = _sender(coro, sent)

    def _where(self) -> str:
        """The innermost frame that belongs neither to asyncio nor to this file."""
        inner: Any = self._coro
        where = str(self._coro.__qualname__)
        while inner is not None:
            frame = getattr(inner, "cr_frame", None)
            if frame is not None and not frame.f_code.co_filename.startswith(_NOT_MEANT):
                where = _place(frame)
            inner = getattr(inner, "cr_await", None)
        return where


def _sender(coro: Coroutine[Any, Any, Any], value: Any) -> Callable[[], Any]:
    return lambda: coro.send(value)


def _thrower(coro: Coroutine[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: coro.throw(error)


def _place(frame: FrameType) -> str:
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {frame.f_code.co_name}"
