"""Programs that stand by a run from before its command starts until it ends, and whose failure is the run's."""

import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clary.engines.runners.base import Work
from clary.engines.runners.process import ProcessRunner
from tests.running import over, process_runner, python, result, said, until

KINDS = ("bubblewrap", "mounts", "plain")
ML = "import os, sys, time; ml = os.environ.get('CLARY_ML_ROOT', '/opt/ml');"
HERE = "import os, sys, signal, time; ml = os.environ['CLARY_RUN_ML'];"
STAY = "open(ml + '/pid', 'w').write(str(os.getpid()) + '\\n'); time.sleep(600)"


def stands(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", HERE + code)


def attended(code: str, *companions: str, **work: object) -> Work:
    return python(ML + code, companions=tuple(stands(one) for one in companions), **work)


@pytest.fixture(params=KINDS)
async def runner(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ProcessRunner]:
    made = process_runner(request.param, tmp_path / "runs", monkeypatch)
    yield made
    for uid in await made.uids():
        await made.remove(uid)
    made.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def pid_of(runner: ProcessRunner, uid: str) -> int:
    run = await runner.observe(uid)
    assert run.root is not None
    told = run.root / "pid"
    await until(lambda: told.exists() and told.read_text().endswith("\n"), "the companion is up")
    return int(told.read_text())


async def test_it_feeds_a_pipe_that_stands_before_the_command(runner: ProcessRunner) -> None:
    feeds = "out = open(ml + '/pipe', 'wb'); out.write(b'x' * 1000000); out.close(); time.sleep(600)"
    code, log = await result(
        runner, "a", attended("print(len(open(ml + '/pipe', 'rb').read()))", feeds, pipes=("/opt/ml/pipe",))
    )
    assert (code, log) == (0, "1000000\n")
    run = await runner.observe("a")
    assert run.broken is None


async def test_it_ends_with_the_command(runner: ProcessRunner) -> None:
    wait = "\nwhile not os.path.exists(ml + '/pid'): time.sleep(0.01)\n"
    await runner.start("a", attended(wait, STAY))
    pid = await pid_of(runner, "a")
    run = await over(runner, "a")
    assert (run.exit_code, run.broken) == (0, None)
    assert not alive(pid)


async def test_one_that_is_done_leaves_the_run_alone(runner: ProcessRunner) -> None:
    done = "\nwhile not os.path.exists(ml + '/done'): time.sleep(0.01)\ntime.sleep(0.05); sys.exit(4)"
    await runner.start("a", attended(done, "open(ml + '/done', 'w')", STAY))
    run = await over(runner, "a")
    assert (run.exit_code, run.broken) == (4, None)


async def test_one_that_is_killed_ends_the_run_which_never_counts_as_well_done(runner: ProcessRunner) -> None:
    await runner.start("a", attended("time.sleep(600)", STAY))
    os.kill(await pid_of(runner, "a"), signal.SIGKILL)
    run = await over(runner, "a")
    assert (run.phase, run.exit_code) == ("ended", 137)
    assert run.broken == "what feeds the run was ended, with exit code 137"


async def test_a_command_that_took_a_cut_for_the_end_has_not_done_well(runner: ProcessRunner) -> None:
    cut = "out = open(ml + '/pipe', 'wb'); out.write(b'half'); out.flush(); os.kill(os.getpid(), 9)"
    run_work = attended("open(ml + '/pipe', 'rb').read()", cut, pipes=("/opt/ml/pipe",))
    await runner.start("a", run_work)
    run = await over(runner, "a")
    assert run.exit_code != 0
    assert run.broken is not None


async def test_the_last_words_of_one_that_fails_are_the_reason(runner: ProcessRunner) -> None:
    fails = "print('ClientError: s3://b/k is no gzip', file=sys.stderr); sys.exit(1)"
    await runner.start("a", attended("time.sleep(600)", fails))
    run = await over(runner, "a")
    assert (run.exit_code, run.broken) == (137, "ClientError: s3://b/k is no gzip")


async def test_a_stop_reaches_the_command_and_not_its_companion_first(runner: ProcessRunner) -> None:
    code = "import signal; signal.signal(15, lambda *_: sys.exit(0)); print('up', flush=True); time.sleep(600)"
    await runner.start("a", attended(code, STAY))
    await said(runner, "a", "up")
    pid = await pid_of(runner, "a")
    await runner.stop("a", 20.0)
    run = await over(runner, "a")
    assert (run.exit_code, run.broken) == (0, None)
    assert not alive(pid)


async def test_nothing_is_left_of_it_when_the_keeper_is_killed(runner: ProcessRunner) -> None:
    await runner.start("a", attended("time.sleep(600)", STAY))
    pid = await pid_of(runner, "a")
    keeper = (await runner.observe("a")).pid
    assert keeper is not None
    os.kill(keeper, signal.SIGKILL)
    await runner.remove("a")
    await until(lambda: not alive(pid), "the companion is gone")
