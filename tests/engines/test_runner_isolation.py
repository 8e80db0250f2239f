"""What a sandboxed run cannot see, change or keep."""

import contextlib
import os
import pwd
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import clary
from clary.engines.runners.base import StartError, Tree, Work
from clary.engines.runners.guest import Guest, guest
from clary.engines.runners.process import ProcessRunner
from clary.engines.runners.sandbox import Bubblewrap, View, arguments
from clary.engines.runners.stage import Mount
from tests.running import over, process_runner, python, result, said


@pytest.fixture
async def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ProcessRunner]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "credentials.json").write_text("secret")
    made = process_runner("bubblewrap", home / "runs", monkeypatch, hide=[home])
    yield made
    for uid in await made.uids():
        await made.remove(uid)
    made.close()


async def exists(runner: ProcessRunner, uid: str, *paths: Path | str) -> list[bool]:
    words = [os.fspath(path) for path in paths]
    code, log = await result(runner, uid, python(f"import os; print([os.path.lexists(p) for p in {words!r}])"))
    assert code == 0
    return list(eval(log))


async def test_home_secrets_and_other_runs_are_not_there(runner: ProcessRunner) -> None:
    await runner.start("other", python("import time; print('up'); time.sleep(60)"))
    other = await said(runner, "other", "up")
    assert other.root is not None
    home = runner.root.parent
    unseen = [
        home, home / "credentials.json", runner.root, other.root, "/etc/shadow", "/etc/sudoers", "/root/.ssh",
        "/root/.bashrc", "/home", "/var/lib", "/var/log", "/boot", "/mnt", "/run/clary", "/etc/ssl/private",
        Path(clary.__file__).parents[2] / "pyproject.toml",
    ]  # fmt: skip
    assert await exists(runner, "a", *unseen) == [False] * len(unseen)


async def test_what_programs_need_is_there(runner: ProcessRunner) -> None:
    seen = [
        "/usr/bin/env",
        "/bin/sh",
        "/etc/passwd",
        "/etc/hosts",
        "/dev/null",
        "/dev/shm",
        "/proc/self",
        "/tmp",
        clary.__file__,
    ]
    assert await exists(runner, "a", *seen) == [True] * len(seen)
    code, log = await result(runner, "b", Work(command=("python3", "-c", "import clary.algorithms, pwd, os, socket;"
        "print(pwd.getpwuid(os.getuid()).pw_dir, os.path.expanduser('~'), socket.gethostname(),"
        "socket.gethostbyname('algo-1'), socket.gethostbyname('localhost'), os.getcwd())")))  # fmt: skip
    assert (code, log.split()) == (0, [log.split()[0], "/tmp", "algo-1", "127.0.0.1", "127.0.0.1", "/"])


@pytest.mark.parametrize(
    "path", ["/usr/x", "/etc/x", "/x", "/bin/x", "/var/x", "/opt/x", "/root/x", "/run/x", clary.__file__]
)
async def test_nothing_outside_can_be_written(runner: ProcessRunner, path: str) -> None:
    code, log = await result(runner, "a", python(f"open({path!r}, 'a')"))
    assert code == 1
    assert "Read-only file system" in log or "No such file" in log or "Permission denied" in log


async def test_tmp_is_private_and_writable(runner: ProcessRunner, tmp_path: Path) -> None:
    code, _ = await result(
        runner, "a", python("open('/tmp/mine', 'w'); open('/var/tmp/too', 'w'); open('/dev/shm/x', 'w')")
    )
    assert code == 0 and not Path("/tmp/mine").exists()
    assert await exists(runner, "b", "/tmp/mine", tmp_path) == [False, False]


async def test_a_run_has_no_capabilities_and_its_files_are_ours(runner: ProcessRunner) -> None:
    code, log = await result(runner, "a", python(
        "import os; open('/opt/ml/x', 'w'); print(os.getuid(), [l.split()[1] for l in open('/proc/self/status')"
        " if l.startswith(('CapEff', 'CapPrm', 'CapBnd', 'CapInh', 'NoNewPrivs'))])"))  # fmt: skip
    assert code == 0
    uid, _, caps = log.partition(" ")
    assert int(uid) == os.getuid()
    assert eval(caps) == ["0" * 16] * 4 + ["1"]
    run = await runner.observe("a")
    assert run.root is not None and (run.root / "x").stat().st_uid == os.getuid()


async def test_processes_outside_cannot_be_seen_or_signalled(runner: ProcessRunner) -> None:
    code, log = await result(
        runner,
        "a",
        python(f"import os; print(sum(n.isdecimal() for n in os.listdir('/proc'))); os.kill({os.getpid()}, 0)"),
    )
    assert code == 1 and int(log.split()[0]) <= 3 and "ProcessLookupError" in log


async def test_without_network_nothing_is_reached(runner: ProcessRunner) -> None:
    reach = (
        "import socket as s; x = s.create_server(('127.0.0.1', 0)); s.create_connection(x.getsockname()); print('in')"
    )
    assert await result(runner, "a", python(reach, network=False)) == (0, "in\n")
    with socket_server() as port:
        out = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5); print('out')"
        assert await result(runner, "b", python(out)) == (0, "out\n")
        code, log = await result(runner, "c", python(out, network=False))
        assert code == 1 and "refused" in log


@contextlib.contextmanager
def socket_server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


async def test_what_a_run_writes_over_its_input_is_gone_with_it(runner: ProcessRunner, tmp_path: Path) -> None:
    if runner.probe().placing != "overlay":
        pytest.skip("no overlay on this file system")
    (tmp_path / "object").write_text("object")
    tree = Tree("/opt/ml/input/data/train", (("o", tmp_path / "object"),))
    work = python("f = '/opt/ml/input/data/train/o'; open(f, 'w').write('new'); print(open(f).read())", trees=(tree,))
    assert await result(runner, "a", work) == (0, "new\n")
    assert await result(runner, "b", python("print(open('/opt/ml/input/data/train/o').read())", trees=(tree,))) == (
        0,
        "object\n",
    )
    assert (tmp_path / "object").read_text() == "object"
    assert (tmp_path / "object").stat().st_nlink == 3  # linked, not copied
    await runner.remove("a")
    await runner.remove("b")
    assert (tmp_path / "object").stat().st_nlink == 1


async def test_without_overlays_inputs_are_read_only(
    runner: ProcessRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the older bwrap of a distribution."""
    shown, found = runner._starter.machine()
    assert found.bubblewrap is not None
    monkeypatch.setattr(
        runner._starter, "_found", (shown, replace(found, bubblewrap=replace(found.bubblewrap, placing="read-only")))
    )
    (tmp_path / "object").write_text("object")
    tree = Tree("/opt/ml/input/data/train", (("o", tmp_path / "object"),))
    code, log = await result(
        runner, "a", python("f = '/opt/ml/input/data/train/o'; print(open(f).read()); open(f, 'a')", trees=(tree,))
    )
    assert code == 1 and log.startswith("object") and "Read-only" in log


async def test_a_keeper_that_is_killed_takes_its_run_along(runner: ProcessRunner) -> None:
    await runner.start("a", Work(command=("sh", "-c", "echo up; setsid nohup sleep 600 & sleep 600")))
    run = await said(runner, "a", "up")
    assert run.pid is not None
    os.kill(run.pid, 9)
    run = await over(runner, "a")
    assert (run.phase, run.exit_code) == ("lost", None)
    # The lock is held by the sandbox too: lost means that nothing of it is left.
    await runner.start("a", Work(command=("true",)))
    assert (await runner.observe("a")).phase == "lost"


def test_what_is_hidden_is_hidden_also_inside_of_what_is_shown(tmp_path: Path) -> None:
    for name in ("shown/home/venv", "shown/home/secret"):
        (tmp_path / name).mkdir(parents=True)
    shown, home, venv = tmp_path / "shown", tmp_path / "shown/home", tmp_path / "shown/home/venv"
    view = View(tmp_path / "ml", tmp_path / "tmp", tmp_path / "etc", mounts=(Mount("/opt/ml/x", *[tmp_path] * 3),))
    words = arguments(Bubblewrap(Path("bwrap"), "0"), Guest("python3", (shown, venv)), [home], view, {}, True).split(
        b"\0"
    )
    options = [word.decode() for word in words]
    last = {path: max(i for i, word in enumerate(options) if word == str(path)) for path in (shown, home, venv)}
    assert last[shown] < last[home] < last[venv]
    assert options[last[home] - 1] == "--tmpfs" and options[last[venv] - 2] == "--ro-bind"


def test_the_guest_shows_this_python_and_no_more_of_the_home_of_its_user() -> None:
    shown = guest().visible
    assert Path(clary.__file__).parent in shown
    assert Path(pwd.getpwuid(os.getuid()).pw_dir) not in shown and Path("/") not in shown


async def test_a_directory_of_the_home_may_be_shown_and_bring_its_own_python(runner: ProcessRunner) -> None:
    place = runner.root.parent / "environments" / "one"
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python3").write_text("#!/bin/sh\necho mine $1\n")
    (place / "bin" / "python3").chmod(0o755)
    work = Work(command=("python3", "x"), python=place / "bin" / "python3", shown=(place,))
    assert await result(runner, "mine", work) == (0, "mine x\n")
    tries = f"echo no > {place}/new; ls -A {place.parent} {place.parent.parent}"
    code, log = await result(runner, "tries", Work(command=("/bin/sh", "-c", tries), shown=(place,)))
    assert code == 0 and not (place / "new").exists()
    assert "credentials.json" not in log and "one" in log
    with pytest.raises(StartError, match="'gone' that the run was to see is gone"):
        await runner.start("gone", Work(command=("true",), shown=(place / "gone",)))
