"""What is asked is durable, and what is served is observed."""

import asyncio
from pathlib import Path

import pytest

from clary.engines.serving.ask import NoFront, answer_at, ask
from clary.engines.serving.base import NoRoute, Route, RouteVariant
from clary.engines.serving.paths import UnsafeDirectory, front_socket, socket_dir
from clary.engines.serving.plane import FrontSilent, Plane
from clary.engines.serving.routes import BadTable, RouteFile
from tests.serving import ACCOUNT, REGION, ModelServer, read_reply, short_directory, site


def route(endpoint: str = "e", weight: float = 1.0, *addresses: str) -> Route:
    return Route(ACCOUNT, REGION, endpoint, (RouteVariant("v", weight, addresses),))


async def test_serves_is_observed(tmp_path: Path) -> None:
    with short_directory() as sockets:
        plane = Plane(tmp_path, sockets)
        await plane.publish(route())
        assert not await plane.serves(route())  # no front runs, so nobody serves it
    async with site(tmp_path) as here:
        await here.plane.publish(route())
        assert await here.plane.serves(route())
        assert not await here.plane.serves(route(weight=2.0))
        assert not await here.plane.serves(route("other"))
        await here.plane.withdraw(ACCOUNT, REGION, "e")
        await here.plane.withdraw(ACCOUNT, REGION, "e")
        assert not await here.plane.serves(route())


async def test_a_front_started_later_reads_the_table(tmp_path: Path) -> None:
    async with site(tmp_path) as here, ModelServer(here.sockets / "m.sock") as model:
        asked = await here.serve("cars", ("v", 1.0, [model.address]))
        async with site(tmp_path) as again:
            assert await again.plane.serves(asked)
            assert (await again.invoke("cars", b"still here"))["Body"] == b"still here"


async def test_a_front_that_hears_no_hint_looks_by_itself(tmp_path: Path) -> None:
    async with site(tmp_path) as here, ModelServer(here.sockets / "m.sock") as model:
        RouteFile(here.directory).put(route("quiet", 1.0, model.address))
        reader, writer = await here.connect()
        async with asyncio.timeout(5):
            while True:
                writer.write(here.request("quiet"))
                if (await read_reply(reader)).status == 200:
                    break


async def test_a_front_that_does_not_answer_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clary.engines.serving.plane.PATIENCE_SECONDS", 0.1)
    async with site(tmp_path) as here:
        release = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await release.wait()
            writer.close()

        stuck = await asyncio.start_unix_server(silent, front_socket(here.sockets, "stuck"))
        await here.plane.publish(route())
        assert not await here.plane.serves(route())
        with pytest.raises(FrontSilent):
            await here.plane.withdraw(ACCOUNT, REGION, "e")
        stuck.close()
        release.set()
        await here.plane.counters()


async def test_sockets_of_dead_fronts_do_not_count(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        (await answer_at(front_socket(here.sockets, "dead"), dict)).close()
        assert front_socket(here.sockets, "dead").exists()
        await here.plane.publish(route())
        assert await here.plane.serves(route())
        with pytest.raises(NoFront):
            await ask(front_socket(here.sockets, "dead"), {}, 1)


async def test_the_plane_invokes_by_the_same_router(tmp_path: Path) -> None:
    with short_directory() as sockets:
        plane = Plane(tmp_path, sockets)
        with pytest.raises(NoRoute):
            await plane.invoke(ACCOUNT, REGION, "e", b"x", {})
        async with ModelServer(sockets / "m.sock") as model:
            assert await plane.ready(model.address)
            await plane.publish(route("e", 1.0, model.address))
            reply = await plane.invoke(ACCOUNT, REGION, "e", b"x", {"Content-Type": "text/csv"})
            assert (reply.status, reply.body, reply.variant) == (200, b"x", "v")
            assert reply.headers["content-type"] == "text/csv"
        plane.close()


@pytest.mark.parametrize("address", ["", "unix:relative", "host", "host:0", "host:99999", ":80", "http://x"])
async def test_an_address_that_cannot_be_is_refused(tmp_path: Path, address: str) -> None:
    with short_directory() as sockets, pytest.raises(ValueError, match="is not an address"):
        await Plane(tmp_path, sockets).publish(route("e", 1.0, address))


def test_the_table_is_replaced_whole(tmp_path: Path) -> None:
    file = RouteFile(tmp_path)
    assert file.read().generation == 0
    before = file.stamp()
    assert file.put(route()).generation == 1
    assert file.stamp() != before
    stamp = file.stamp()
    assert file.put(route()).generation == 1 and file.stamp() == stamp  # asked again: nothing is written
    assert file.put(route("f")).generation == 2
    assert set(RouteFile(tmp_path).read().routes) == {(ACCOUNT, REGION, "e"), (ACCOUNT, REGION, "f")}
    assert file.remove(ACCOUNT, REGION, "e").generation == 3
    assert file.remove(ACCOUNT, REGION, "e").generation == 3


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"generation": 1}', b'{"generation": 1, "routes": [{}]}'])
def test_a_broken_table_is_set_aside_by_the_next_writer(tmp_path: Path, text: bytes) -> None:
    file = RouteFile(tmp_path)
    file.path.write_bytes(text)
    with pytest.raises(BadTable):
        file.read()
    file.put(route())
    assert file.read().routes
    assert file.path.with_suffix(".bad").read_bytes() == text


async def test_a_front_keeps_its_table_when_the_file_breaks(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.serve("cars", ("v", 1.0, []))
        (here.directory / "routes.json").write_bytes(b"{")
        await here.plane.counters()
        assert here.front.router.serves(ACCOUNT, REGION, "cars") is not None


def test_the_directory_for_sockets_is_private_and_short(tmp_path: Path) -> None:
    home = tmp_path / ("deep" * 20) / ("deeper" * 20)
    made = socket_dir(home)
    assert made == socket_dir(home) != socket_dir(tmp_path)
    assert made.stat().st_mode & 0o777 == 0o700
    assert len(str(front_socket(made, "0"))) < 100
    made.chmod(0o755)
    with pytest.raises(UnsafeDirectory):
        socket_dir(home)
    made.rmdir()
    socket_dir(tmp_path).rmdir()
