"""What every way to run work keeps. A new runner is one more line in KINDS."""

import asyncio
import http.client
import io
import json
import os
import socket
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clary.engines.runners.base import Archive, Runner, StartError, Tree, Work
from clary.engines.runners.process import ProcessRunner
from clary.engines.spark.warm import WarmSpark
from tests import spark_standin
from tests.running import over, process_runner, python, result, said, until

KINDS = ("bubblewrap", "mounts", "plain", "spare")
"""spare: handed to a process that was started ahead, where the work is such that one can take it."""


@pytest.fixture(params=KINDS)
async def runner(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Runner]:
    kind = "bubblewrap" if request.param == "spare" else request.param
    made: WarmSpark | ProcessRunner = process_runner(kind, tmp_path / "runs", monkeypatch)
    if request.param == "spare":
        made = spark_standin.warm(made)
        await spark_standin.spare(made)
    yield made
    for uid in await made.uids():
        await made.remove(uid)
    if isinstance(made, WarmSpark):
        await made.rest()
    made.close()


_SHARED = (".etc", ".keeper", ".spark", "spare-")
"""What is no run's, or nobody's: a spare that waits for another."""


def _another(runner: ProcessRunner | WarmSpark) -> Runner:
    below = ProcessRunner(runner.root)
    return below if isinstance(runner, ProcessRunner) else spark_standin.warm(below)


# Programs in runs find /opt/ml as the algorithms do: where it is private it is there, else CLARY_ML_ROOT names it.
ML = "import os; ml = os.environ.get('CLARY_ML_ROOT', '/opt/ml');"


async def test_a_run_that_was_never_started_is_absent(runner: Runner) -> None:
    assert (await runner.observe("never")).phase == "absent"
    assert await runner.uids() == []
    await runner.stop("never", 1.0)
    await runner.remove("never")


async def test_a_run_writes_its_log_and_ends_with_its_exit_code(runner: Runner) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    await runner.start("a", python(code))
    run = await over(runner, "a")
    assert (run.phase, run.exit_code, run.out_of_memory) == ("ended", 3, False)
    assert run.log is not None and sorted(run.log.read_text().split()) == ["err", "out"]
    assert run.started is not None and run.ended is not None and 0 <= run.ended - run.started < 30
    assert await runner.uids() == ["a"]


@pytest.mark.parametrize(("number", "code"), [(9, 137), (11, 139), (15, 143)])
async def test_death_by_signal_is_told_as_a_shell_does(runner: Runner, number: int, code: int) -> None:
    assert (await result(runner, "a", python(f"import os; os.kill(os.getpid(), {number})")))[0] == code


async def test_a_missing_command_ends_with_127_and_says_so(runner: Runner) -> None:
    code, log = await result(runner, "a", Work(command=("no-such-program", "x")))
    assert code == 127
    assert "no-such-program" in log and "No such file" in log


async def test_a_file_that_is_no_program_ends_with_126(runner: Runner) -> None:
    assert (await result(runner, "a", Work(command=("/etc/hosts",))))[0] == 126


async def test_the_environment_is_the_asked_one_and_what_the_runner_adds(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "1")
    env = {"SM_HP_max-depth": "3", "AWS_REGION": "eu-west-1", "WITH_LINES": 'a\nb "c" $d', "PATH": "/usr/bin:/bin"}
    code, log = await result(
        runner, "a", python("import json, os; print(json.dumps(dict(os.environ)))", env=env, cpus=1.5)
    )
    assert code == 0
    seen = json.loads(log)
    assert {name: seen.get(name) for name in env if name != "PATH"} == {k: v for k, v in env.items() if k != "PATH"}
    assert seen["PATH"].endswith(":/usr/bin:/bin") and seen["LANG"] == "C.UTF-8" and seen["PYTHONUNBUFFERED"] == "1"
    assert seen["OMP_NUM_THREADS"] == "2"
    assert "SECRET_OF_THE_SERVER" not in seen
    # A shell's variables, bwrap's PWD; nothing of the server's.
    known = {
        "HOME",
        "TMPDIR",
        "PWD",
        "LC_CTYPE",
        "PYTHONDONTWRITEBYTECODE",
        "CLARY_RUN",
        "CLARY_ML_ROOT",
        "CLARY_HOSTS_FILE",
    }
    known |= {"OLDPWD", "OMP_WAIT_POLICY", "PYTHONUSERBASE", *env, "LANG", "PYTHONUNBUFFERED"}
    assert {name for name in seen if not name.endswith("_NUM_THREADS")} <= known


async def test_what_is_given_in_the_environment_beats_the_default(runner: Runner) -> None:
    env = {"PYTHONUNBUFFERED": "0", "OMP_NUM_THREADS": "7", "LANG": "C"}
    _, log = await result(
        runner, "a", python("import os; print(os.environ['OMP_NUM_THREADS'], os.environ['LANG'])", env=env, cpus=1)
    )
    assert log.split() == ["7", "C"]


async def test_secrets_of_the_environment_are_on_no_command_line(runner: Runner) -> None:
    await runner.start("a", python("import time; print('up'); time.sleep(60)", env={"AWS_SECRET": "very-secret-word"}))
    await said(runner, "a", "up")
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        assert b"very-secret-word" not in line


async def test_the_run_gets_no_descriptors_but_its_output(runner: Runner) -> None:
    look = (
        "import os; d = '/proc/self/fd/'; print([os.readlink(d + n) for n in os.listdir(d) if os.path.exists(d + n)])"
    )
    code, log = await result(runner, "a", python(look))
    assert code == 0
    links = [link for link in eval(log) if not link.startswith("/proc/")]
    assert {link.rpartition("/")[2] for link in links} <= {"null", "log"}, links


async def test_signals_that_the_server_ignores_are_not_ignored_in_the_run(runner: Runner) -> None:
    code, log = await result(
        runner, "a", python("import signal; print(signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGHUP))")
    )
    assert code == 0 and "SIG_IGN" not in log


async def test_files_directories_and_cwd_are_laid_out(runner: Runner) -> None:
    work = python(
        ML + "import json; print(os.getcwd() == f'{ml}/code', json.load(open(f'{ml}/input/config/a.json')),"
        "os.path.isdir(f'{ml}/output/data')); open(f'{ml}/model/m', 'w').write('made')",
        cwd="/opt/ml/code",
        files={"/opt/ml/input/config/a.json": b'{"a": 1}'},
        directories=("/opt/ml/model", "/opt/ml/output/data"),
    )
    code, log = await result(runner, "a", work)
    assert (code, log) == (0, "True {'a': 1} True\n")
    run = await runner.observe("a")
    assert run.root is not None
    made = run.root / "model" / "m"
    assert made.read_text() == "made"
    assert made.stat().st_uid == os.getuid()


@pytest.mark.parametrize("path", ["/etc/x", "/opt/ml/../x", "/opt/mlx", "relative", "/opt/ml/a/../../../x"])
async def test_nothing_is_laid_out_outside_of_opt_ml(runner: Runner, path: str) -> None:
    with pytest.raises(StartError, match="below /opt/ml"):
        await runner.start("a", Work(command=("true",), files={path: b""}))
    assert (await runner.observe("a")).phase == "absent"
    assert await runner.uids() == []


async def test_a_tree_is_there_and_its_originals_never_change(runner: Runner, tmp_path: Path) -> None:
    objects = tmp_path / "objects"
    objects.mkdir()
    for name in ("one.csv", "two.csv"):
        (objects / name).write_text(f"original {name}")
    target = "/opt/ml/input/data/train"
    tree = Tree(
        target, (("one.csv", objects / "one.csv"), ("deep/er/two.csv", objects / "two.csv"), ("empty/", objects))
    )
    code = (
        f"{ML} d = ml + '/input/data/train'\n"
        "print(open(d + '/one.csv').read(), open(d + '/deep/er/two.csv').read(), os.path.isdir(d + '/empty'))\n"
        "for name in ('one.csv', 'deep/er/two.csv', 'cache'):\n"
        "  try:\n"
        "    open(f'{d}/{name}', 'a').write(' changed'); print('wrote')\n"
        "  except OSError as error: print(error.strerror)\n"
        "os.unlink(d + '/one.csv')\n"
    )
    exit_code, log = await result(runner, "a", python(code, trees=(tree,)))
    assert log.splitlines() == ["original one.csv original two.csv True", "wrote", "wrote", "wrote"]
    assert exit_code == 0
    assert [(objects / name).read_text() for name in ("one.csv", "two.csv")] == ["original one.csv", "original two.csv"]


async def test_a_tree_may_stand_in_another_and_files_in_both(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    outer = Tree("/opt/ml/input", (("a", tmp_path / "x"),))
    inner = Tree("/opt/ml/input/data/train", (("b", tmp_path / "x"),))
    work = python(
        f"{ML} print(sorted(os.path.join(d, f)[len(ml):] for d, _, fs in os.walk(ml) for f in fs))",
        trees=(inner, outer),
        files={"/opt/ml/input/config/c.json": b"{}", "/opt/ml/input/a": b"replaced"},
    )
    code, log = await result(runner, "a", work)
    assert code == 0
    assert eval(log) == ["/input/a", "/input/config/c.json", "/input/data/train/b"]
    assert (tmp_path / "x").read_text() == "x"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ((("../a", "x"),), "below"),
        ((("/a", "x"),), "below"),
        ((("a", "gone"),), "is not there"),
        ((("a", "x"), ("a/b", "x")), "where a file stands"),
        ((("a", "x"), ("a", "x")), "two input files"),
        ((("n" * 300, "x"),), "too long"),
    ],
)
async def test_a_tree_that_cannot_be_laid_out_fails_the_start(
    runner: Runner, tmp_path: Path, files: tuple[tuple[str, str], ...], words: str
) -> None:
    (tmp_path / "x").write_text("x")
    tree = Tree("/opt/ml/input/data/train", tuple((name, tmp_path / source) for name, source in files))
    with pytest.raises(StartError, match=words):
        await runner.start("a", Work(command=("true",), trees=(tree,)))
    assert await runner.uids() == []


async def test_an_archive_is_unpacked_before_the_command(runner: Runner, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("./code/run.sh")
        info.size, info.mode = 4, 0o755
        tar.addfile(info, io.BytesIO(b"true"))
    work = python(
        f"{ML} print(open(ml + '/model/code/run.sh').read(), os.access(ml + '/model/code/run.sh', os.X_OK))",
        archives=(Archive("/opt/ml/model", tmp_path / "model.tar.gz"),),
    )
    assert await result(runner, "a", work) == (0, "true True\n")


async def test_starting_again_is_the_same_run(runner: Runner) -> None:
    work = python(ML + "open(ml + '/starts', 'a').write('x')")
    await asyncio.gather(*(runner.start("a", work) for _ in range(4)))
    run = await over(runner, "a")
    await runner.start("a", work)
    again = await runner.observe("a")
    assert again == run and run.root is not None
    assert (run.root / "starts").read_text() == "x"


async def test_another_runner_on_the_same_root_sees_and_stops_the_run(runner: Runner) -> None:
    assert isinstance(runner, ProcessRunner | WarmSpark)
    await runner.start("a", python("import time; print('up', flush=True); time.sleep(60)"))
    await said(runner, "a", "up")
    other = _another(runner)
    seen = await other.observe("a")
    assert seen.phase == "running" and seen == await runner.observe("a")
    await other.stop("a", 20.0)
    assert (await over(runner, "a")).exit_code == 143


async def test_stop_asks_first(runner: Runner) -> None:
    code = (
        "import signal, sys, time\n"
        "def asked(*_):\n print('asked', flush=True); sys.exit(7)\n"
        "signal.signal(signal.SIGTERM, asked); print('up', flush=True)\n"
        "while True: time.sleep(1)"
    )
    await runner.start("a", python(code))
    await said(runner, "a", "up")
    await runner.stop("a", 20.0)
    await runner.stop("a", 20.0)
    run = await over(runner, "a")
    assert run.exit_code == 7 and run.log is not None
    assert run.log.read_text().split() == ["up", "asked"]
    await runner.stop("a", 20.0)
    assert await runner.observe("a") == run


async def test_a_command_hears_of_a_stop_once_however_often_it_is_asked(runner: Runner) -> None:
    """A Python that is on its way out has its handlers no more, and would die of the second signal."""
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True)); print('up', flush=True)\n"
        "sys.stdin.read() or time.sleep(1.0); [time.sleep(0.02) for _ in range(50)]; sys.exit(7)"
    )
    await runner.start("a", python(code))
    await said(runner, "a", "up")
    for _ in range(40):
        await runner.stop("a", 20.0)
    run = await over(runner, "a")
    assert run.exit_code == 7 and run.log is not None
    assert run.log.read_text().split() == ["up", "asked"]


async def test_stop_kills_when_the_grace_is_over_without_being_called_again(runner: Runner) -> None:
    await runner.start("a", python(DEAF))
    await said(runner, "a", "up")
    await runner.stop("a", 0.3)
    assert (await runner.observe("a")).phase == "running"
    run = await over(runner, "a")
    assert run.exit_code == 137 and not run.out_of_memory


async def test_a_later_shorter_grace_kills_at_once(runner: Runner) -> None:
    await runner.start("a", python(DEAF))
    await said(runner, "a", "up")
    await runner.stop("a", 600.0)
    assert (await runner.observe("a")).phase == "running"
    await runner.stop("a", 0.0)
    assert (await over(runner, "a")).exit_code == 137


DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"

# A child in its own session that ignores what it can, and a grandchild of it.
BROOD = (
    "import os, signal, time\n"
    "if os.fork() == 0:\n"
    " os.setsid()\n"
    " for n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\n"
    " os.fork(); os.environ['x'] = 'y'\n"
    " open(MARK + str(os.getpid()), 'w'); time.sleep(600)\n"
    "while len(os.listdir(MARK)) < 2: time.sleep(0.01)\n"
    "print('brood', flush=True)\n"
)


def brood(end: str) -> Work:
    code = f"{ML} MARK = ml + '/brood/'\n{BROOD}{end}"
    # argv carries a word by which the test finds the whole family from outside.
    return Work(command=("python3", "-S", "-c", code, FAMILY), directories=("/opt/ml/brood",))


FAMILY = "family-of-test-runner-contract"


def family() -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
            state = path.with_name("stat").read_text().rpartition(") ")[2][0]
        except OSError:
            continue
        if FAMILY.encode() in words and words[0].endswith(b"python3") and state not in "ZX":
            found.append(int(path.parent.name))
    return found


@pytest.mark.xdist_group("family")
@pytest.mark.parametrize("how", ["ends", "stop", "remove"])
async def test_the_whole_tree_ends_with_the_run(runner: Runner, how: str) -> None:
    await runner.start("a", brood("" if how == "ends" else "time.sleep(600)"))
    if how == "stop":
        await said(runner, "a", "brood")
        assert len(family()) >= 3
        await runner.stop("a", 0.0)
    if how == "remove":
        await said(runner, "a", "brood")
        await runner.remove("a")
        assert (await runner.observe("a")).phase == "absent"
    else:
        assert (await over(runner, "a")).exit_code in ((0,) if how == "ends" else (137, 143))
    await until(lambda: not family(), "every process of the run is gone")


@pytest.mark.parametrize("network", [True, False])
async def test_a_serving_run_answers_at_its_address(runner: Runner, network: bool) -> None:
    await runner.start("a", python(SERVER, serves=True, network=network))
    run = await said(runner, "a", "up")
    assert run.address is not None
    path = run.address.removeprefix("unix:")
    assert len(path) <= 100
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(path)
        client.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert (answer.status, answer.read()) == (200, b"pong")
    assert not Path(path).parent.stat().st_mode & 0o077
    await runner.remove("a")
    assert not Path(path).parent.exists()


SERVER = """
import os, socket
server = socket.socket(socket.AF_UNIX)
server.bind(os.environ['CLARY_BIND'].removeprefix('unix:'))
server.listen()
print('up', flush=True)
while True:
    client, _ = server.accept()
    client.recv(1000)
    client.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\npong')
    client.close()
"""


async def test_remove_leaves_nothing_and_the_uid_may_be_used_again(runner: Runner) -> None:
    assert isinstance(runner, ProcessRunner | WarmSpark)
    for _ in range(2):
        code = (
            ML
            + "d = ml + '/shut/in'; os.makedirs(d); open(d + '/f', 'w'); os.symlink('/', d + '/link'); os.chmod(d, 0)"
        )
        await runner.start("a", python(code))
        assert (await over(runner, "a")).exit_code == 0
        await runner.remove("a")
        assert (await runner.observe("a")).phase == "absent"
        assert [path.name for path in runner.root.iterdir() if not path.name.startswith(_SHARED)] == []
    assert Path("/usr").is_dir()


async def test_removals_at_the_same_time_do_not_stumble_over_each_other(runner: Runner) -> None:
    assert isinstance(runner, ProcessRunner | WarmSpark)
    many = ML + "[os.makedirs(ml + f'/many/{one}/{two}/three') for one in range(30) for two in range(10)]"
    for _ in range(3):
        await runner.start("a", python(many))
        assert (await over(runner, "a")).exit_code == 0
        await asyncio.gather(*(runner.remove("a") for _ in range(6)))
        assert [path.name for path in runner.root.iterdir() if not path.name.startswith(_SHARED)] == []


async def test_the_end_is_told_to_who_watches(runner: Runner) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    runner.watch(told.put_nowait)
    await runner.start("a", python("pass"))
    await runner.start("b", python("input()"))
    assert {await asyncio.wait_for(told.get(), 20), await asyncio.wait_for(told.get(), 20)} == {"a", "b"}
    # Not before it is true.
    assert {(await runner.observe(uid)).phase for uid in "ab"} == {"ended"}


async def test_a_runner_made_later_watches_what_runs(runner: Runner) -> None:
    assert isinstance(runner, ProcessRunner | WarmSpark)
    await runner.start("a", python("import time; print('up', flush=True); time.sleep(600)"))
    await said(runner, "a", "up")
    later = _another(runner)
    told: asyncio.Queue[str] = asyncio.Queue()
    later.watch(told.put_nowait)
    await runner.stop("a", 20.0)
    assert await asyncio.wait_for(told.get(), 20) == "a"
    later.close()


@pytest.mark.parametrize(
    "work",
    [
        Work(command=()),
        Work(command=("a\0b",)),
        Work(command=("a",), env={"a=b": ""}),
        Work(command=("a",), env={"": ""}),
    ],
)
async def test_work_that_cannot_be_told_to_the_kernel_is_refused(runner: Runner, work: Work) -> None:
    with pytest.raises(StartError):
        await runner.start("a", work)
    assert await runner.uids() == []


@pytest.mark.parametrize("uid", ["", "../x", "a/b", ".hidden", "a" * 200])
async def test_a_uid_is_a_plain_name(runner: Runner, uid: str) -> None:
    with pytest.raises(ValueError, match="uid"):
        await runner.observe(uid)
