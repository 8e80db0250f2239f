"""A run that calls the server of another run: its address is there inside, whatever the sandbox, nothing else is."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clary.engines.runners.base import Runner, StartError, Work
from tests.running import process_runner, python, result, until

SERVER = (
    "import os, socket; s = socket.socket(socket.AF_UNIX); s.bind(os.environ['CLARY_BIND'][5:]); s.listen()\n"
    "while True: c, _ = s.accept(); c.sendall(c.recv(99)[::-1]); c.close()"
)
CALLER = (
    "import os, socket; s = socket.socket(socket.AF_UNIX); s.connect(os.environ['PEER'][5:]); s.sendall(b'abc');"
    "print(s.recv(99).decode())"
)


@pytest.fixture(params=("bubblewrap", "mounts", "plain"))
async def runner(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Runner]:
    made = process_runner(request.param, tmp_path / "runs", monkeypatch)
    yield made
    for uid in await made.uids():
        await made.remove(uid)
    made.close()


async def serving(runner: Runner) -> str:
    await runner.start("server", python(SERVER, serves=True, network=False))
    address = (await runner.observe("server")).address
    assert address is not None
    await until(Path(address.removeprefix("unix:")).is_socket, "the socket of the server")
    return address


async def test_a_run_without_a_network_calls_the_server_of_another(runner: Runner) -> None:
    address = await serving(runner)
    assert await result(runner, "caller", python(CALLER, network=False, peers={"PEER": address})) == (0, "cba\n")


async def test_two_servers_are_told_apart(runner: Runner) -> None:
    first = await serving(runner)
    await runner.start("second", python(SERVER.replace("[::-1]", ".upper()"), serves=True))
    second = (await runner.observe("second")).address
    assert second is not None
    await until(Path(second.removeprefix("unix:")).is_socket, "the socket of the second")
    code = CALLER.replace("'PEER'", "'A'") + "\n" + CALLER.replace("'PEER'", "'B'")
    assert await result(runner, "caller", python(code, peers={"A": second, "B": first})) == (0, "ABC\ncba\n")


async def test_other_addresses_are_told_as_they_are(runner: Runner) -> None:
    work = python("import os; print(os.environ['PEER'])", peers={"PEER": "127.0.0.1:8080"})
    assert await result(runner, "caller", work) == (0, "127.0.0.1:8080\n")


async def test_a_server_that_is_gone_fails_the_start(runner: Runner) -> None:
    address = await serving(runner)
    await runner.remove("server")
    with pytest.raises(StartError, match="is gone"):
        await runner.start("caller", Work(command=("true",), peers={"PEER": address}))
