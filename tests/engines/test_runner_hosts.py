"""Several runs that know each other by name: each has its own hosts file, host name and address."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clary.engines.runners.base import Runner
from clary.services.sagemaker.cluster import hosts
from tests.running import over, process_runner, python, result

PORT = 7710
MEET = f"""
import os, socket, time
me, other = os.environ["ME"], os.environ["OTHER"]
own = socket.create_server((socket.gethostbyname(me), {PORT}))
if me == "algo-1":
    far, where = own.accept()
else:
    for turn in range(500):
        try:
            far = socket.create_connection((other, {PORT}))
            break
        except ConnectionRefusedError:
            time.sleep(0.02)
far.sendall(socket.gethostname().encode())
print("met", far.recv(99).decode(), open("/etc/hostname").read().strip(), os.uname().nodename)
"""


@pytest.fixture(params=("bubblewrap", "mounts"))
async def runner(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Runner]:
    made = process_runner(request.param, tmp_path / "runs", monkeypatch)
    yield made
    for uid in await made.uids():
        await made.remove(uid)
    made.close()


async def test_hosts_meet_by_name_on_the_same_port(runner: Runner) -> None:
    cluster = hosts("some-job", 2)
    for me, other in (("algo-1", "algo-2"), ("algo-2", "algo-1")):
        await runner.start(me, python(MEET, hostname=me, hosts=cluster, env={"ME": me, "OTHER": other}))
    for me, other in (("algo-1", "algo-2"), ("algo-2", "algo-1")):
        run = await over(runner, me)
        assert run.log is not None
        assert (run.exit_code, run.log.read_text()) == (0, f"met {other} {me} {me}\n")


async def test_a_run_by_itself_finds_its_own_name(runner: Runner) -> None:
    code = "import socket; print(socket.gethostname(), socket.gethostbyname('algo-1'))"
    assert await result(runner, "u", python(code)) == (0, "algo-1 127.0.0.1\n")


async def test_without_namespaces_a_file_tells_the_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = process_runner("plain", tmp_path / "runs", monkeypatch)
    cluster = hosts("some-job", 2)
    code = "import os; print(open(os.environ['CLARY_HOSTS_FILE']).read())"
    _, said = await result(runner, "u", python(code, hostname="algo-2", hosts=cluster))
    assert all(f"{address} {name}" in said.splitlines() for name, address in cluster)
    await runner.remove("u")
    runner.close()
