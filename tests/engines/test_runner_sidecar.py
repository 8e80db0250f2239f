"""A program that stands by a run: started by the first connection, again when it died, gone with the run."""

import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clary.engines.runners.process import ProcessRunner
from clary.engines.runners.sidecar import Sidecar, merged
from tests.running import over, process_runner, python, result, said, until

KINDS = ("bubblewrap", "mounts", "plain")

# Answers each connection with its own pid and what it was given, until its parent has ended.
STANDS_BY = """
import os, select, socket, sys
listener, parent = socket.socket(fileno=int(sys.argv[2])), os.pidfd_open(int(sys.argv[4]))
assert os.getppid() == int(sys.argv[4])
print('stands by', flush=True, file=sys.stderr)
while parent not in (ready := select.select([listener, parent], [], [])[0]):
    client, _ = listener.accept()
    client.sendall(f"{os.getpid()} {os.environ['WORD']}".encode())
    client.close()
"""
ASK = """
import os, socket
def ask():
    with socket.create_connection(('127.0.0.1', int(os.environ['SIDECAR_PORT'])), timeout=30) as client:
        return client.makefile().read()
"""
IDLE = ASK + "print('up', flush=True); import time; time.sleep(600)"


class Beside:
    """Runners whose runs have a sidecar, and what is seen of these."""

    def __init__(self, tmp_path: Path) -> None:
        self.log = tmp_path / "sidecar.log"
        self.bundle = tmp_path / "bundle.pem"
        self.bundle.write_text("trusted")
        (tmp_path / "key.pem").write_text("secret")

    def __call__(self) -> Sidecar:
        return Sidecar(
            command=(sys.executable, "-S", "-c", STANDS_BY),
            log=self.log,
            environment={"WORD": "two words"},
            files=(self.bundle,),
            variables=lambda port, seen: {"SIDECAR_PORT": str(port), "BUNDLE": seen(self.bundle), "Asked": "told"},
        )

    def started(self) -> int:
        return self.log.read_text().count("stands by") if self.log.exists() else 0


@pytest.fixture
def beside(tmp_path: Path) -> Beside:
    return Beside(tmp_path)


@pytest.fixture(params=KINDS)
async def runner(
    request: pytest.FixtureRequest, tmp_path: Path, beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ProcessRunner]:
    made = process_runner(request.param, tmp_path / "runs", monkeypatch, sidecar=beside)
    yield made
    for uid in await made.uids():
        await made.remove(uid)
    made.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_it_is_started_by_the_first_connection_and_serves_all(runner: ProcessRunner, beside: Beside) -> None:
    code, log = await result(runner, "a", python(ASK + "print(*{ask() for _ in range(20)})"))
    assert code == 0
    assert log.split()[1:] == ["two", "words"], "one process answered all, with its own environment"
    assert beside.started() == 1
    await until(lambda: not alive(int(log.split()[0])), "the sidecar ends with the run")


async def test_a_run_that_never_connects_never_has_one(runner: ProcessRunner, beside: Beside) -> None:
    assert (await result(runner, "a", python("print('done')")))[1] == "done\n"
    assert not beside.log.exists()


async def test_what_the_run_is_told_and_what_it_asked_for(runner: ProcessRunner) -> None:
    code = "import os; print(open(os.environ['BUNDLE']).read(), os.environ.get('Asked'), os.environ['ASKED'])"
    assert (await result(runner, "a", python(code, env={"ASKED": "mine"})))[1] == "trusted None mine\n"


async def test_the_sandbox_shows_the_named_files_and_not_what_lies_beside_them(
    tmp_path: Path, beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = process_runner("bubblewrap", tmp_path / "runs", monkeypatch, sidecar=beside)
    code = "import os; d = os.path.dirname(os.environ['BUNDLE']); print(os.listdir(d))\n"
    code += "try: open(os.environ['BUNDLE'], 'w')\nexcept OSError as error: print(error.strerror)"
    assert (await result(runner, "a", python(code)))[1] == "['bundle.pem']\nRead-only file system\n"


async def test_one_that_was_killed_is_started_again_by_the_next_connection(
    runner: ProcessRunner, beside: Beside
) -> None:
    code = ASK + "print('first', ask(), flush=True)\nimport time\nwhile not os.path.exists(MARK): time.sleep(0.01)\n"
    mark = "MARK = os.environ.get('CLARY_ML_ROOT', '/opt/ml') + '/go'\n"
    await runner.start("a", python("import os\n" + mark + code + "print('second', ask())"))
    run = await said(runner, "a", "words")
    assert run.log is not None and run.root is not None
    first = int(run.log.read_text().split()[1])
    os.kill(first, signal.SIGKILL)
    await until(lambda: not alive(first), "it is dead")
    (run.root / "go").touch()
    assert (await over(runner, "a")).exit_code == 0
    assert "second" in run.log.read_text() and beside.started() == 2
    assert run.log.read_text().split()[5] != str(first)


@pytest.mark.parametrize("how", ["stop", "remove", "keeper killed"])
async def test_nothing_stays_however_the_run_ends(runner: ProcessRunner, beside: Beside, how: str) -> None:
    await runner.start("a", python(ASK + "print(ask(), flush=True); " + IDLE))
    run = await said(runner, "a", "up")
    assert run.log is not None and run.pid is not None
    pid = int(run.log.read_text().split()[0])
    assert alive(pid)
    if how == "stop":
        await runner.stop("a", 5.0)
        assert (await over(runner, "a")).exit_code == 143
    elif how == "remove":
        await runner.remove("a")
    else:
        os.kill(run.pid, signal.SIGKILL)
        assert (await over(runner, "a")).phase == "lost"
    await until(lambda: not alive(pid), "the sidecar ends")


async def test_a_run_without_a_network_has_none(
    tmp_path: Path, beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = process_runner("bubblewrap", tmp_path / "runs", monkeypatch, sidecar=beside)
    assert (await result(runner, "a", python("import os; print('BUNDLE' in os.environ)", network=False)))[
        1
    ] == "False\n"


async def test_the_command_gets_neither_the_socket_nor_the_keeper_s_environment(runner: ProcessRunner) -> None:
    code = "import os; d = '/proc/self/fd/'\n"
    code += "print([os.readlink(d + n) for n in os.listdir(d) if os.path.exists(d + n)], os.environ.get('WORD'))"
    _, log = await result(runner, "a", python(code))
    assert "socket" not in log and log.endswith("None\n"), log


async def test_a_start_whose_starter_dies_before_the_socket_is_owned_never_was(
    tmp_path: Path, beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clary.engines.runners import keeper

    runner = process_runner("bubblewrap", tmp_path / "runs", monkeypatch, sidecar=beside)

    class Died(Exception):
        pass

    def dies(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(keeper, "wake", dies)
        with pytest.raises(Died):
            await runner.start("a", python("print('once')"))
    assert (await over(runner, "a")).phase == "absent"  # once its keeper has heard that nobody comes
    assert await result(runner, "a", python("print('once')")) == (0, "once\n")


def test_what_is_asked_wins_in_either_case_and_hosts_without_a_proxy_add_up() -> None:
    told = {"HTTPS_PROXY": "ours", "https_proxy": "ours", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "A": "1"}
    assert merged(told, {"https_proxy": "theirs"}) == {
        "https_proxy": "theirs", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "A": "1",
    }  # fmt: skip
    both = merged(told, {"no_proxy": "x.example"})
    assert both["NO_PROXY"] == both["no_proxy"] == "x.example,127.0.0.1"
    assert merged({}, {"B": "2"}) == {"B": "2"}
