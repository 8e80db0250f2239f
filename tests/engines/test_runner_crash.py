"""kill -9 of whoever starts, at every system call that Python makes: there is always exactly one run in the end."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clary.engines.runners.process import ProcessRunner
from clary.engines.runners.rundir import RunDir, take
from clary.kernel.clock import ManualClock
from tests.running import over, process_runner, python, said, until

# Forks a child for each step; the child starts the run and kills itself at the n-th of Python's audit events (each file
# opened, made, linked or renamed, each process started), or n/3 ms after it has started the keeper. Prints what became
# of each run, which two more children then start at the same time and are not killed.
DRIVER = """
import asyncio, json, os, signal, sys, threading
from pathlib import Path
from clary.engines.runners.base import Archive, Tree, Work
from clary.engines.runners.process import ProcessRunner
from clary.engines.runners.sidecar import Sidecar

root, sandbox, source = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
beside = Sidecar(('true',), root.parent / 'sidecar.log', variables=lambda port, seen: {'PORT': str(port)})
given = {'sidecar': (lambda: beside)} if sys.argv[5] else {}
kind = 'plain' if sandbox != 'bubblewrap' else 'auto'
runner = ProcessRunner(root, sandbox=kind, **given)
runner.probe()

def work():
    return Work(command=('sh', '-c', 'echo x >> /opt/ml/output/count; cat /opt/ml/in/o; sleep 0.05'),
        directories=('/opt/ml/output',), files={'/opt/ml/config.json': b'{}'}, cpus=1.0, memory_bytes=200 << 20,
        trees=(Tree('/opt/ml/in', (('o', source / 'object'),)),), serves=True,
        archives=(Archive('/opt/ml/model', source / 'm.tar.gz'),))

WATCHED = ('open', 'os.', 'subprocess.', 'fcntl.', 'shutil.', 'tempfile.')

def child(uid, step):
    seen = 0
    def hook(event, args):
        nonlocal seen
        if event == 'subprocess.Popen' and step < 0:
            threading.Timer(-step / 3000, os.kill, (os.getpid(), signal.SIGKILL)).start()
        if event.startswith(WATCHED):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)
    pid = os.fork()
    if pid == 0:
        try:
            if step is not None:
                sys.addaudithook(hook)
            asyncio.run(runner.start(uid, work()))
            os._exit(0)
        except BaseException:
            import traceback; traceback.print_exc()
            os._exit(99)
    return pid

def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def attempt(step):
    uid = f'run{step}'.replace('-', 'after')
    first = wait(child(uid, step))
    seen = asyncio.run(runner.observe(uid)).phase
    both = [child(uid, None), child(uid, None)]
    found.append((uid, first, seen, [wait(pid) for pid in both]))
    return first

step, found, stride = 0, [], int(sys.argv[4])
while attempt(step := step + stride) != 0:
    pass
for step in range(1, 40, stride):
    attempt(-step)
print(json.dumps(found))
"""


async def ended(*argv: str) -> tuple[int | None, str, str]:
    """Exit code, output and errors of a program."""
    process = await asyncio.create_subprocess_exec(*argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, errors = await process.communicate()
    return process.returncode, out.decode(), errors.decode()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    import tarfile

    (tmp_path / "object").write_text("object")
    with tarfile.open(tmp_path / "m.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "object", "model")
    return tmp_path


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("kind", "stride", "beside"), [("bubblewrap", 1, ""), ("mounts", 7, ""), ("bubblewrap", 3, "sidecar")]
)
async def test_a_start_that_is_killed_anywhere_and_repeated_is_one_run(
    kind: str, stride: int, beside: str, tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = process_runner(kind, tmp_path / "runs", monkeypatch)
    line = [sys.executable, "-c", DRIVER, str(runner.root), kind, str(source), str(stride), beside]
    code, out, errors = await ended(*line)
    assert code == 0, errors
    found = json.loads(out)
    assert len(found) > 80 / stride, "the steps of a start were not seen"
    for uid, first, seen, both in found:
        assert first in (-9, 0) and both == [0, 0], (uid, first, both, errors[-2000:])
        assert seen in ("absent", "running", "ended"), (uid, seen)
        run = await over(runner, uid)
        assert run.phase == "ended" and run.exit_code == 0 and run.root is not None and run.log is not None, (uid, run)
        assert (run.root / "output" / "count").read_text() == "x\n", uid
        assert run.log.read_text() == "object", uid
        assert (run.root / "model" / "model").read_text() == "object", uid
        await runner.remove(uid)
    assert await runner.uids() == []
    assert (source / "object").read_text() == "object" and (source / "object").stat().st_nlink == 1


async def test_a_keeper_that_died_before_its_word_left_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = process_runner("bubblewrap", tmp_path / "runs", monkeypatch)
    run = RunDir.of(runner.root, "a")
    run.path.mkdir()
    lock = take(run.lock)
    assert lock is not None
    assert (await runner.observe("a")).phase == "running"  # somebody is about to start it
    assert take(run.lock) is None
    os.close(lock)
    assert (await runner.observe("a")).phase == "absent"
    await runner.start("a", python("print('once')"))
    assert (await over(runner, "a")).exit_code == 0


async def test_after_a_reboot_a_run_is_lost_and_never_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = process_runner("bubblewrap", tmp_path / "runs", monkeypatch)
    run = RunDir.of(runner.root, "a")
    run.path.mkdir()
    # What a machine that went down leaves: a pid that is another's now, no lock, a blank last word.
    run.lock.touch()
    run.started.write_text(f"{os.getpid()} 1\n")
    run.exit.write_bytes(b" " * 63 + b"\n")
    assert (await runner.observe("a")).phase == "lost"
    await runner.start("a", python("pass"))
    await runner.stop("a", 0.0)
    assert (await runner.observe("a")).phase == "lost"
    await runner.remove("a")
    assert (await runner.observe("a")).phase == "absent"


async def test_a_word_that_was_cut_off_is_no_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = process_runner("bubblewrap", tmp_path / "runs", monkeypatch)
    run = RunDir.of(runner.root, "a")
    run.path.mkdir()
    run.lock.touch()
    run.started.touch()
    assert (await runner.observe("a")).phase == "lost"
    await runner.remove("a")


async def test_the_first_stop_is_the_one_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    runner = process_runner("bubblewrap", tmp_path / "runs", monkeypatch, clock=clock)
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    await runner.start("a", python(deaf))
    run = await said(runner, "a", "up")
    assert run.pid is not None
    # The keeper's own timer is an hour away: what kills is the later call.
    await runner.stop("a", 3600.0)
    clock.advance(3599.0)
    await runner.stop("a", 3600.0)
    assert (await runner.observe("a")).phase == "running"
    clock.advance(1.0)
    later = ProcessRunner(runner.root, clock=clock)
    await later.stop("a", 3600.0)
    assert (await over(runner, "a")).exit_code == 137
    await until(lambda: not Path(f"/proc/{run.pid}").exists(), "the keeper and its timer are gone")
    await runner.remove("a")


async def test_a_removal_that_was_killed_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = process_runner("bubblewrap", tmp_path / "runs", monkeypatch)
    half = runner.root / ".gone-a-1-2"
    (half / "ml").mkdir(parents=True)
    assert await runner.uids() == []
    await runner.remove("a")
    assert not half.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
async def test_the_end_is_told_even_on_a_full_disk(tmp_path: Path) -> None:
    """In a mount namespace of its own: a disk of 8 MB that the run fills to the last byte."""
    code = """
import asyncio, sys, time
from pathlib import Path
from clary.engines.runners.base import Work
from clary.engines.runners.process import ProcessRunner
async def main():
    runner = ProcessRunner(Path(sys.argv[1]) / 'runs')
    fill = "import sys\\ntry:\\n while True: open('/opt/ml/x', 'ab', 0).write(bytes(4096))\\n"
    fill += "except OSError as e: sys.exit(e.errno)"
    await runner.start('a', Work(('python3', '-S', '-c', fill)))
    deadline = time.monotonic() + 20
    while (run := await runner.observe('a')).phase == 'running' and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    print(run.phase, run.exit_code)
asyncio.run(main())
"""
    mount = 'mount -t tmpfs -o size=8m small "$1" && exec "$2" -c "$3" "$1"'
    _, out, errors = await ended("unshare", "--mount", "sh", "-c", mount, "sh", str(tmp_path), sys.executable, code)
    if "mount" in errors:
        pytest.skip(errors)
    assert out.split() == ["ended", "28"], errors


async def test_a_durable_runner_writes_the_same_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = process_runner("bubblewrap", tmp_path / "runs", monkeypatch, durable=True)
    await runner.start("a", python("import sys; sys.exit(4)"))
    run = await over(runner, "a")
    assert (run.phase, run.exit_code) == ("ended", 4)
    await runner.remove("a")
