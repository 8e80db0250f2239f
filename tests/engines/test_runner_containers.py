"""What every runner keeps, on containers too; and what only a container has."""

import asyncio
import http.client
import json
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from clary.engines.runners.base import Run, StartError, Tree, Usage, Work
from clary.engines.runners.chosen import ChosenRunner
from clary.engines.runners.container import plan, starter
from clary.engines.runners.container.runner import ContainerRunner
from clary.engines.runners.process import ProcessRunner
from clary.engines.runners.rundir import RunDir
from tests.containers import Machine, machine
from tests.engines import test_runner_contract as contract
from tests.running import over, python, result, said, until

pytestmark = pytest.mark.slow
SECONDS = 60.0


class InImage:
    """The runner with every work in the image, whose command begins the container."""

    def __init__(self, runner: ContainerRunner, image: str) -> None:
        self.inner = runner
        self._image = image

    async def start(self, uid: str, work: Work) -> None:
        if work.image is None:
            work = replace(work, image=self._image, entrypoint=work.command, command=())
        await self.inner.start(uid, work)

    async def observe(self, uid: str) -> Run:
        return await self.inner.observe(uid)

    async def stop(self, uid: str, grace: float) -> None:
        await self.inner.stop(uid, grace)

    async def remove(self, uid: str) -> None:
        await self.inner.remove(uid)

    async def usage(self, uid: str) -> Usage | None:
        return await self.inner.usage(uid)

    async def uids(self) -> list[str]:
        return await self.inner.uids()

    def watch(self, changed: Callable[[str], None]) -> None:
        self.inner.watch(changed)


@pytest.fixture
def engine() -> Machine:
    return machine()


@pytest.fixture
async def runner(engine: Machine, tmp_path: Path) -> AsyncIterator[InImage]:
    made = ContainerRunner(tmp_path / "runs", engine=engine.address)
    yield InImage(made, engine.image)
    for uid in await made.uids():
        await made.remove(uid)
    made.close()
    assert containers(engine, made.root) == []


def containers(engine: Machine, root: Path) -> list[Any]:
    filters = '{"label":["%s=%s"]}' % (plan.ROOT_LABEL, root)  # noqa: UP031 (braces)
    found: list[Any] = engine.engine.api.ask("GET", "/containers/json", query={"all": "1", "filters": filters})
    return found


# The contract, as far as it says nothing of processes.
test_never_started = contract.test_a_run_that_was_never_started_is_absent
test_log_and_exit_code = contract.test_a_run_writes_its_log_and_ends_with_its_exit_code
test_missing_command = contract.test_a_missing_command_ends_with_127_and_says_so
test_no_program = contract.test_a_file_that_is_no_program_ends_with_126
test_laid_out = contract.test_files_directories_and_cwd_are_laid_out
test_tree = contract.test_a_tree_is_there_and_its_originals_never_change
test_tree_in_tree = contract.test_a_tree_may_stand_in_another_and_files_in_both
test_archive = contract.test_an_archive_is_unpacked_before_the_command
test_same_run = contract.test_starting_again_is_the_same_run
test_stop_asks_first = contract.test_stop_asks_first
test_stop_kills = contract.test_stop_kills_when_the_grace_is_over_without_being_called_again
test_shorter_grace = contract.test_a_later_shorter_grace_kills_at_once
test_told = contract.test_the_end_is_told_to_who_watches


@pytest.mark.parametrize(("number", "code"), [(9, 137), (11, 139)])
async def test_death_by_signal_is_told_as_a_shell_does(runner: InImage, number: int, code: int) -> None:
    # From a child of the first process, which the kernel lets no signal of its own namespace kill.
    work = Work(command=("/bin/sh", "-c", f"sh -c 'kill -{number} $$'"))
    assert (await result(runner, "a", work))[0] == code


async def test_the_environment_is_the_images_and_the_asked_one(runner: InImage) -> None:
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    env = {"SM_HP_max-depth": "3", "WITH_LINES": 'a\nb "c" $d'}
    exit_code, log = await result(runner, "a", python(code, env=env))
    assert exit_code == 0
    seen = json.loads(log)
    assert {name: seen[name] for name in env} == env
    assert seen["PATH"].startswith("/usr/local/sbin")


async def test_what_follows_the_entry_point_is_given_to_the_images_own(runner: InImage, engine: Machine) -> None:
    work = Work(command=("-c", "print('own')"), image=engine.image, entrypoint=("python3",))
    assert await result(runner, "a", work) == (0, "own\n")


async def test_an_image_that_is_not_there_is_refused(runner: InImage) -> None:
    with pytest.raises(StartError, match="no image"):
        await runner.start("a", Work(command=("train",), image="localhost/not-there:1"))
    assert await runner.uids() == []


async def test_the_hosts_of_a_cluster_resolve(runner: InImage) -> None:
    hosts = (("algo-1", "127.7.7.1"), ("algo-2", "127.7.7.2"))
    code = "import socket; print(socket.gethostname(), socket.gethostbyname('algo-1'), socket.gethostbyname('algo-2'))"
    code_and_log = await result(runner, "a", python(code, hostname="algo-2", hosts=hosts))
    assert code_and_log == (0, "algo-2 127.7.7.1 127.7.7.2\n")


@pytest.mark.parametrize("network", [True, False])
async def test_a_server_answers_on_port_8080_and_reaches_the_wire_unless_isolated(
    runner: InImage, network: bool
) -> None:
    class Wire(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"the wire")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Wire) as wire:
        threading.Thread(target=wire.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{wire.server_port}"
        await runner.start("a", python(SERVER, serves=True, network=network, env={"AWS_ENDPOINT_URL": url}))
        await said(runner, "a", "up", SECONDS)
        await until(lambda: runner.inner.address("a") is not None, "it is known where it answers", SECONDS)
        run = await runner.observe("a")
        assert run.address is not None and run.address == runner.inner.address("a")
        assert await asyncio.to_thread(ask, run.address) == (b"the wire" if network else b"nothing")
        wire.shutdown()


def ask(address: str) -> bytes:
    host, _, port = address.rpartition(":")
    client = http.client.HTTPConnection(host, int(port), timeout=SECONDS)
    client.request("GET", "/ping")
    return client.getresponse().read()


SERVER = """
import http.server, os, urllib.request
class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            body = urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'], timeout=5).read()
        except OSError:
            body = b'nothing'
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
listening = http.server.HTTPServer(('', 8080), Server)
print('up', flush=True)
listening.serve_forever()
"""


async def test_a_run_whose_keeper_was_killed_is_lost_and_lives_no_more(runner: InImage, engine: Machine) -> None:
    await runner.start("a", python("import time; print('up', flush=True); time.sleep(600)"))
    run = await said(runner, "a", "up", SECONDS)
    assert run.pid is not None
    os.kill(run.pid, signal.SIGKILL)
    await over(runner, "a", SECONDS)
    assert (await runner.observe("a")).phase == "lost"
    assert containers(engine, runner.inner.root) == []


async def test_another_runner_on_the_same_root_sees_stops_and_sweeps(runner: InImage, engine: Machine) -> None:
    await runner.start("a", python("import time; print('up', flush=True); time.sleep(600)"))
    await said(runner, "a", "up", SECONDS)
    usage = await runner.usage("a")
    assert usage is not None and usage.memory_bytes > 1_000_000
    other = ContainerRunner(runner.inner.root, engine=engine.address)
    assert await other.observe("a") == await runner.observe("a")
    await asyncio.to_thread(other.sweep)
    assert (await runner.observe("a")).phase == "running"
    await other.stop("a", 0.0)
    assert (await over(runner, "a")).exit_code in (137, 143)


async def test_a_container_without_its_run_is_swept(runner: InImage, engine: Machine) -> None:
    gone = RunDir.of(runner.inner.root, "gone")
    body = {"Image": engine.image, "Cmd": ["true"], "Labels": plan.labels(gone)}
    engine.engine.api.ask("POST", "/containers/create", body, query={"name": plan.name_of(gone)})
    assert len(containers(engine, runner.inner.root)) == 1
    await asyncio.to_thread(runner.inner.sweep)
    assert containers(engine, runner.inner.root) == []


async def test_a_chooser_knows_whose_a_run_is(engine: Machine, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    containers_ = ContainerRunner(root, engine=engine.address)
    chosen = ChosenRunner(ProcessRunner(root), lambda: containers_)
    told: asyncio.Queue[str] = asyncio.Queue()
    chosen.watch(told.put_nowait)
    await chosen.start("p", python("print('process')"))
    await chosen.start("c", Work(command=(), entrypoint=("echo", "container"), image=engine.image))
    assert {await asyncio.wait_for(told.get(), 30), await asyncio.wait_for(told.get(), 30)} == {"p", "c"}
    later = ChosenRunner(ProcessRunner(root), lambda: ContainerRunner(root, engine=engine.address))
    for uid, words in (("p", "process\n"), ("c", "container\n")):
        run = await over(later, uid)
        assert run.log is not None and (run.exit_code, run.log.read_text()) == (0, words)
    assert await later.uids() == ["c", "p"]
    for uid in ("p", "c"):
        await later.remove(uid)
    assert await later.uids() == []
    chosen.close()
    later.close()


async def test_a_companion_stands_by_the_container_and_its_failure_breaks_the_run(
    runner: InImage, tmp_path: Path
) -> None:
    pipe = "/opt/ml/input/data/train_0"
    feeds = ("/bin/sh", "-c", 'echo fed > "$CLARY_RUN_ML/input/data/train_0"')
    work = python(f"print(open('{pipe}').read())", pipes=(pipe,), companions=(feeds,))
    assert await result(runner, "a", work) == (0, "fed\n\n")
    fails = ("/bin/sh", "-c", "echo why >&2; exit 3")
    await runner.start("b", python("import time; time.sleep(600)", companions=(fails,)))
    run = await over(runner, "b")
    assert (run.exit_code, run.broken) == (137, "why")


async def test_inputs_are_read_only_where_an_overlay_cannot_be(engine: Machine, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    made = ContainerRunner(tmp_path / "runs", engine=engine.address, overlays=lambda: False)
    tree = Tree("/opt/ml/input/data/train", (("a", tmp_path / "x"),))
    code = "print(open('/opt/ml/input/data/train/a').read(), flush=True); open('/opt/ml/input/data/train/a', 'w')"
    exit_code, log = await result(InImage(made, engine.image), "a", python(code, trees=(tree,)))
    assert exit_code == 1 and log.startswith("x\n") and "Read-only file system" in log
    await made.remove("a")
    assert containers(engine, made.root) == []


async def test_secrets_of_the_environment_are_on_no_command_line(runner: InImage) -> None:
    code = "import time; print('up', flush=True); time.sleep(600)"
    await runner.start("a", python(code, env={"AWS_SECRET": "very-secret-word"}))
    await said(runner, "a", "up", SECONDS)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            assert b"very-secret-word" not in path.read_bytes()


async def test_a_home_whose_path_no_engine_takes_is_refused_in_words(engine: Machine, tmp_path: Path) -> None:
    made = ContainerRunner(tmp_path / "with,comma", engine=engine.address)
    with pytest.raises(StartError, match="with,comma"):
        await made.start("a", Work(command=("true",), image=engine.image))
    assert await made.uids() == []


async def test_a_start_that_was_cut_short_begins_from_empty(
    runner: InImage, engine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_text("x")
    code = "open('/opt/ml/starts', 'a').write('x'); print(open('/opt/ml/input/data/train/a').read())"
    work = python(code, trees=(Tree("/opt/ml/input/data/train", (("a", tmp_path / "x"),)),))

    def killed(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        # The container and its volume are there, and no keeper ever came.
        patched.setattr(starter, "_launch", killed)
        with pytest.raises(KeyboardInterrupt):
            starting = runner.inner._starter
            starting.start(
                RunDir.of(runner.inner.root, "a"), replace(work, image=engine.image, entrypoint=work.command)
            )
    assert len(containers(engine, runner.inner.root)) == 1
    assert (await runner.observe("a")).phase == "absent"
    assert await runner.uids() == ["a"]
    assert await result(runner, "a", work) == (0, "x\n")
    run = await runner.observe("a")
    assert run.root is not None and (run.root / "starts").read_text() == "x"


async def test_what_was_cut_short_is_removed(runner: InImage, engine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(starter, "_launch", killed)
    with pytest.raises(KeyboardInterrupt):
        runner.inner._starter.start(RunDir.of(runner.inner.root, "a"), Work(command=("true",), image=engine.image))
    await runner.remove("a")
    assert (await runner.uids(), containers(engine, runner.inner.root)) == ([], [])
