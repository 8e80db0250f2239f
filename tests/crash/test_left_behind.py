"""What crashes and vanished homes leave on the machine is gone after the next start; what lives is left alone."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from clary import home
from clary.config import read
from clary.engines.runners import clean, sockets
from clary.engines.runners.base import Work
from clary.engines.serving import paths
from clary.kernel import ids
from clary.kernel.resource import Resource
from clary.world import World

OLD, NEW = 1_000.0, 2_000.0
"""Before and after what the tests call stale."""


def at(path: Path, when: float) -> Path:
    os.utime(path, (when, when))
    return path


def listening(path: Path, kind: int = socket.SOCK_STREAM) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, kind)
    made.bind(str(path))
    made.listen()
    return made


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory whose path is short enough for sockets."""
    import tempfile

    made = Path(tempfile.mkdtemp(prefix="left-"))
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made


async def test_runs_whose_resource_is_gone_are_removed_at_the_start(tmp_path: Path) -> None:
    config = read({}, home=tmp_path / "home", sandbox="plain")
    made = home.make(config)
    known, gone = ids.new(), ids.new()
    world = World(config, made)
    job = Resource("training-job", "job", made.account, "us-east-1", uid=known, arn="a", phase="Completed", due=None)
    world.store.create(job)
    for uid in (known, f"{gone}-1-0-0"):
        await world.runner.start(uid, Work(command=("sleep", "600")))
        (config.runs_dir / ".scratch" / uid).mkdir()
    half = config.runs_dir / ".gone-x-1-2"
    (half / "ml").mkdir(parents=True)
    stop = asyncio.Event()
    running = asyncio.create_task(world.run(stop))
    try:
        while f"{gone}-1-0-0" in await world.runner.uids() or half.exists():
            assert not running.done()
            await asyncio.wait({running}, timeout=0.02)
        assert await world.runner.uids() == [known]
        assert (await world.runner.observe(known)).phase == "running"
        while len(list((config.runs_dir / ".scratch").iterdir())) > 1:
            await asyncio.wait({running}, timeout=0.02)
    finally:
        stop.set()
        await running
        await world.runner.remove(known)
        world.close()


def test_sockets_of_vanished_homes_are_swept(temporary: Path) -> None:
    dead, live, fresh = (paths.socket_dir(temporary / name) for name in ("dead", "live", "fresh"))
    listening(dead / "front-0.sock").close()
    with listening(paths.adopt_socket(live), socket.SOCK_SEQPACKET):
        for one in (dead, live):
            at(one, OLD)
        at(fresh, NEW)
        paths.sweep(NEW - 1)
        assert [one.exists() for one in (dead, live, fresh)] == [False, True, True]
        paths.leave(live)
        assert live.exists()
    paths.leave(live)
    assert not live.exists()
    temporary.joinpath(fresh).rmdir()
    temporary.rmdir()


def test_places_of_model_servers_of_vanished_homes_are_swept(temporary: Path, tmp_path: Path) -> None:
    dead, live, fresh = (sockets.place_of(name) for name in ("dead", "live", "fresh"))
    listening(dead / sockets.NAME).close()
    with listening(live / sockets.NAME):
        for one in (dead, live):
            at(one, OLD)
        at(fresh, NEW)
        clean.sweep_all(tmp_path, NEW - 1)
        assert [one.exists() for one in (dead, live, fresh)] == [False, True, True]
    clean.delete(temporary)


def test_a_directory_that_a_starting_process_takes_up_is_not_swept(temporary: Path) -> None:
    directory = at(paths.socket_dir(temporary / "home"), OLD)
    paths.socket_dir(temporary / "home")
    paths.sweep(NEW)
    assert directory.exists()
    clean.delete(temporary)
