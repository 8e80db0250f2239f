"""CPU, memory, processes and open files of a run are bounded, and what killed it is told truthfully."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clary.engines.runners import cgroups
from clary.engines.runners.process import ProcessRunner
from clary.engines.runners.rundir import RunDir
from tests.running import over, process_runner, python, result, said, until

EAT = "import sys; print('eating', flush=True); x = b'x' * (300 << 20); print(len(x))"


@pytest.fixture(params=["groups", "rlimits"])
async def runner(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ProcessRunner]:
    if request.param == "rlimits":
        monkeypatch.setattr(cgroups, "find", lambda: cgroups.Controllers({}))
    made = process_runner("bubblewrap", tmp_path / "runs", monkeypatch, max_open_files=128, max_processes=64)
    if request.param == "groups" and not made.probe().controllers:
        pytest.skip(made.describe())
    yield made
    for uid in await made.uids():
        await made.remove(uid)
    made.close()


def groups_of(runner: ProcessRunner, uid: str) -> list[Path]:
    return [Path(line) for line in RunDir.of(runner.root, uid).cgroups.read_text().splitlines()]


async def test_memory(runner: ProcessRunner) -> None:
    await runner.start("a", python(EAT, memory_bytes=150 << 20))
    run = await over(runner, "a")
    assert run.log is not None
    if "memory" in runner.probe().controllers.parents:
        assert (run.exit_code, run.out_of_memory) == (137, True)
    else:
        assert (run.exit_code, run.out_of_memory) == (1, False)
        assert "MemoryError" in run.log.read_text()
    assert (await result(runner, "b", python(EAT, memory_bytes=600 << 20)))[0] == 0


async def test_a_killed_run_is_not_said_to_be_out_of_memory(runner: ProcessRunner) -> None:
    await runner.start("a", python("import os; os.kill(os.getpid(), 9)", memory_bytes=150 << 20))
    run = await over(runner, "a")
    assert (run.exit_code, run.out_of_memory) == (137, False)


async def test_cpus(runner: ProcessRunner) -> None:
    code = (
        "import os, time\nstart = time.monotonic(); used = time.process_time()\n"
        "while time.process_time() - used < 0.5: pass\n"
        "print(len(os.sched_getaffinity(0)), time.monotonic() - start)"
    )
    exit_code, log = await result(runner, "a", python(code, cpus=0.5))
    assert exit_code == 0
    cpus, seconds = log.split()
    if "cpu" in runner.probe().controllers.parents:
        assert float(seconds) > 0.8
    else:
        assert int(cpus) == 1


async def test_open_files(runner: ProcessRunner) -> None:
    code, log = await result(runner, "a", python("f = [open('/dev/null') for _ in range(200)]"))
    assert code == 1 and "Too many open files" in log


async def test_processes(runner: ProcessRunner) -> None:
    if "pids" not in runner.probe().controllers.parents and os.getuid() == 0:
        pytest.skip("root is not bound by RLIMIT_NPROC")
    code, log = await result(
        runner, "a", python("import os, time\nfor _ in range(200):\n if os.fork() == 0: time.sleep(60)")
    )
    assert code == 1 and "BlockingIOError" in log


async def test_groups_are_gone_after_the_end_and_after_a_killed_keeper(runner: ProcessRunner) -> None:
    await result(runner, "a", python("pass", cpus=1, memory_bytes=100 << 20))
    await runner.start(
        "b", python("import time; print('up', flush=True); time.sleep(60)", cpus=1, memory_bytes=100 << 20)
    )
    run = await said(runner, "b", "up")
    made = groups_of(runner, "a") + groups_of(runner, "b")
    assert len(made) == 2 * len(set(runner.probe().controllers.parents.values()))
    await until(lambda: not any(path.exists() for path in groups_of(runner, "a")), "the groups of a are gone")
    assert run.pid is not None
    os.kill(run.pid, 9)
    assert (await over(runner, "b")).phase == "lost"
    await runner.remove("b")
    assert not any(path.exists() for path in made)


def test_groups_are_found_below_a_bind_mount_and_only_where_they_work(tmp_path: Path) -> None:
    """As in a container that sees its own part of the hierarchy."""
    mount = tmp_path / "memory"
    (mount / "inner").mkdir(parents=True)
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "cgroup").write_text("4:memory:/docker/abc/inner\n2:cpu,cpuacct:/docker/abc\n0::/\n")
    (proc / "mountinfo").write_text(f"30 23 0:26 /docker/abc {mount} rw - cgroup cgroup rw,memory\n")
    # A directory of a plain file system shows no controller files in a new group.
    assert not cgroups.find(proc)
    assert cgroups._below(str(mount), "/docker/abc", "/docker/abc/inner") == mount / "inner"
    assert cgroups._below("/sys/fs/cgroup", "/", "/user.slice/x") == Path("/sys/fs/cgroup/user.slice/x")


def test_a_machine_without_groups_has_none(tmp_path: Path) -> None:
    assert not cgroups.find(tmp_path)


def test_cpus_are_spread() -> None:
    assert cgroups.spread(0.1, "a", [0, 1, 2, 3]) < {0, 1, 2, 3}
    assert len(cgroups.spread(2.5, "a", [0, 1, 2, 3])) == 3
    assert cgroups.spread(9, "a", [4, 7]) == {4, 7}
    assert len({cgroups.spread(1, uid, range(8)) for uid in ("a", "b", "c", "d")}) > 1
