"""The proxy of `clary run`, in process: what becomes of a request to AWS, to others, and of one that is none."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import pytest
import uvloop

from clary import home
from clary.config import read
from clary.kernel.clock import ManualClock
from clary.kernel.sqlite import SqliteStore
from clary.processes.certificates import Leaves, authority
from clary.processes.heads import BadHead, parse, read_head
from clary.processes.intercept import Interceptor
from clary.processes.lender import Lender

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
STS = "sts.us-east-1.amazonaws.com"
SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Proxy:
    port: int
    ca: Path

    async def connect(self) -> Streams:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def tunnel(self, host: str, port: int = 443) -> tuple[Streams, bytes]:
        """Streams behind a CONNECT, and its answer."""
        streams = await self.connect()
        streams[1].write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        return streams, await streams[0].readuntil(b"\r\n\r\n")

    async def tls(self, host: str) -> Streams:
        streams, said = await self.tunnel(host)
        assert said.startswith(b"HTTP/1.1 200 "), said
        context = ssl.create_default_context(cafile=str(self.ca))
        await streams[1].start_tls(context, server_hostname=host)
        return streams


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """A TCP server on a port of its own."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def proxying(tmp_path: Path, clary: int, **given: Any) -> AsyncIterator[Proxy]:
    """The proxy, on a loop of the kind that it has in its own process, with a Clary on that port."""
    ca = authority(tmp_path / "authority")
    given.setdefault("upstream", lambda scheme, host: None)
    interceptor = Interceptor(f"http://127.0.0.1:{clary}", Leaves(ca.parent), **given)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    loop = uvloop.new_event_loop()
    serving = loop.create_task(interceptor.serve(listener))

    def serve() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(serving)
        loop.close()

    thread = threading.Thread(target=serve, name="the proxy")
    thread.start()
    try:
        async with asyncio.timeout(SECONDS):
            yield Proxy(listener.getsockname()[1], ca)
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        await asyncio.to_thread(thread.join, SECONDS)
        listener.close()


async def upper(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says what it hears, in capitals, until nothing more comes."""
    while data := await reader.read(65536):
        writer.write(data.upper())
        await writer.drain()
    writer.write(b"<END>")
    writer.close()


async def close(streams: Streams) -> None:
    streams[1].close()
    with contextlib.suppress(OSError):
        await streams[1].wait_closed()


@pytest.mark.parametrize("host", [STS, "bucket.s3.amazonaws.com", "a.b.s3.cn-north-1.amazonaws.com.cn"])
async def test_aws_s_hosts_are_answered_by_clary_over_tls(tmp_path: Path, host: str) -> None:
    async with listening(upper) as clary, proxying(tmp_path, clary) as proxy:
        streams = await proxy.tls(host)
        streams[1].write(b"hello")
        assert await streams[0].readexactly(5) == b"HELLO"
        await close(streams)


async def test_megabytes_go_both_ways_and_a_slow_reader_holds_them_up(tmp_path: Path) -> None:
    taken = 0

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        while data := await reader.read(65536):
            taken += len(data)
            writer.write(data)
            await writer.drain()
        writer.close()

    size = 64 * 1024 * 1024
    async with listening(echo) as clary, proxying(tmp_path, clary) as proxy:
        reader, writer = await proxy.tls(STS)
        piece, sent = b"0123456789abcdef" * 65536, 0

        async def send() -> None:
            nonlocal sent
            while sent < size:
                writer.write(piece)
                await writer.drain()
                sent += len(piece)

        sending = asyncio.create_task(send())
        before = -1
        while before != sent or sent == 0:  # nobody reads the echo: some time nothing moves any more
            before = sent
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(sending), 0.5)
        assert taken < size / 2, "the proxy has swallowed what nobody reads"
        for _ in range(size // len(piece)):
            assert await reader.readexactly(len(piece)) == piece
        await sending
        await close((reader, writer))


async def test_an_answer_that_ends_with_the_connection_arrives_whole(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        writer.write(b"x" * 5_000_000)
        writer.close()

    async with listening(answer) as clary, proxying(tmp_path, clary) as proxy:
        streams = await proxy.tls(STS)
        streams[1].write(b"GET ")
        assert len(await streams[0].read()) == 5_000_000
        await close(streams)


async def test_a_tunnel_keeps_each_half_open_on_its_own(tmp_path: Path) -> None:
    async with listening(upper) as other, proxying(tmp_path, 1) as proxy:
        streams, said = await proxy.tunnel("127.0.0.1", other)
        assert said.startswith(b"HTTP/1.1 200 ")
        streams[1].write(b"some words")
        streams[1].write_eof()
        assert await streams[0].read() == b"SOME WORDS<END>"
        await close(streams)


async def test_what_follows_a_connect_at_once_is_not_lost(tmp_path: Path) -> None:
    async with listening(upper) as other, proxying(tmp_path, 1) as proxy:
        reader, writer = await proxy.connect()
        writer.write(f"CONNECT 127.0.0.1:{other} HTTP/1.1\r\n\r\nearly".encode())
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(5) == b"EARLY"
        await close((reader, writer))


async def test_plain_http_is_handed_on_in_origin_form_one_request_a_connection(tmp_path: Path) -> None:
    heard = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heard.set_result(head + await reader.readexactly(3))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with listening(answer) as clary, proxying(tmp_path, clary) as proxy:
        streams = await proxy.connect()
        streams[1].write(
            b"PUT http://b.s3.amazonaws.com/a%20b?x=/y HTTP/1.1\r\nHost: b.s3.amazonaws.com\r\nContent-Length: 3\r\n"
            b"Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic xx\r\n\r\nabc"
        )
        assert (await streams[0].read()).startswith(b"HTTP/1.1 200 OK")
        assert await heard == (
            b"PUT /a%20b?x=/y HTTP/1.1\r\nHost: b.s3.amazonaws.com\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
        )
        await close(streams)


@pytest.mark.parametrize("tunnel", [True, False])
async def test_clary_s_own_address_is_never_another_host(tmp_path: Path, tunnel: bool) -> None:
    """For programs whose list of hosts without a proxy does not name this machine."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0]
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + line)
        writer.close()

    async with listening(answer) as clary, proxying(tmp_path, clary, others="refuse") as proxy:
        if tunnel:
            streams, _ = await proxy.tunnel("127.0.0.1", clary)
            streams[1].write(b"GET /x HTTP/1.1\r\n\r\n")
        else:
            streams = await proxy.connect()
            streams[1].write(b"GET http://127.0.0.1:%d/x HTTP/1.1\r\nHost: a\r\n\r\n" % clary)
        assert (await streams[0].read()).endswith(b"GET /x HTTP/1.1")
        await close(streams)


async def test_keys_are_lent_to_none_but_who_shows_a_warrant(tmp_path: Path) -> None:
    config = read({}, home=tmp_path / "home")
    owner = home.make(config)
    SqliteStore(config.state_file, ManualClock()).close()
    gone = owner.ring.warrant({"kind": "endpoint", "uid": "gone", "role": "arn:aws:iam::1:role/r"})
    async with listening(upper) as clary, proxying(tmp_path, clary, lender=Lender(config)) as proxy:
        for warrant, words in (("", b"no warrant"), (owner.keys.secret_access_key, b"no warrant"), (gone, b"is gone")):
            streams = await proxy.connect()
            streams[1].write(f"GET /credentials HTTP/1.1\r\nAuthorization: {warrant}\r\n\r\n".encode())
            said = await streams[0].read()
            assert said.startswith(b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json") and words in said
            await close(streams)
    async with listening(upper) as clary, proxying(tmp_path, clary) as proxy:
        streams = await proxy.connect()
        streams[1].write(f"GET /credentials HTTP/1.1\r\nAuthorization: {gone}\r\n\r\n".encode())
        assert (await streams[0].read()).startswith(b"HTTP/1.1 400"), "the proxy of `clary run` lends nothing"
        await close(streams)


async def test_other_hosts_can_be_refused_and_pass_by_default_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "clary.processes.intercept")
    async with listening(upper) as other:
        async with proxying(tmp_path, 1, others="refuse") as proxy:
            streams, said = await proxy.tunnel("127.0.0.1", other)
            assert said.startswith(b"HTTP/1.1 403 ")
            assert b"CLARY_OTHER_HOSTS" in await streams[0].read()
            await close(streams)
        assert [record.message for record in caplog.records] == ["refused a host that is not AWS's"]
        caplog.clear()
        async with proxying(tmp_path, 1) as proxy:
            for _ in range(3):
                streams, said = await proxy.tunnel("127.0.0.1", other)
                assert said.startswith(b"HTTP/1.1 200 ")
                await close(streams)
    told = [(record.message, vars(record)["host"]) for record in caplog.records]
    assert told == [("passed through to a host that is not AWS's", "127.0.0.1")]


@pytest.mark.parametrize("tunnel", [True, False])
async def test_the_proxy_of_the_surroundings_is_asked_with_its_password(tmp_path: Path, tunnel: bool) -> None:
    heard: list[bytes] = []

    async def company(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 Fine\r\n\r\n")
        await upper(reader, writer)

    async with listening(company) as port:

        def upstream(scheme: str, host: str) -> SplitResult:
            return urlsplit(f"http://me:p%40ss@127.0.0.1:{port}")

        async with proxying(tmp_path, 1, upstream=upstream) as proxy:
            if tunnel:
                streams, said = await proxy.tunnel("pypi.example")
                assert said.startswith(b"HTTP/1.1 200 Fine")
                streams[1].write(b"tls")
                assert await streams[0].readexactly(3) == b"TLS"
                assert heard[0].startswith(b"CONNECT pypi.example:443 HTTP/1.1\r\n")
            else:
                streams = await proxy.connect()
                streams[1].write(b"GET http://pypi.example/simple HTTP/1.1\r\nHost: pypi.example\r\n\r\n")
                await streams[0].readuntil(b"\r\n\r\n")
                assert heard[0].startswith(b"GET http://pypi.example/simple HTTP/1.1\r\n")
            assert b"Proxy-Authorization: Basic bWU6cEBzcw==\r\n" in heard[0]
            await close(streams)


async def test_when_clary_is_gone_the_client_is_told_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with proxying(tmp_path, port) as proxy:
        streams, said = await proxy.tunnel(STS)
        assert said.startswith(b"HTTP/1.1 502 ")
        assert b"Clary does not answer" in await streams[0].read()
        await close(streams)


async def test_a_client_that_does_not_trust_the_authority_costs_only_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(upper) as clary, proxying(tmp_path, clary) as proxy:
        streams, _ = await proxy.tunnel(STS)
        with pytest.raises(ssl.SSLCertVerificationError):
            await streams[1].start_tls(ssl.create_default_context(), server_hostname=STS)
        await close(streams)
        streams = await proxy.tls(STS)
        streams[1].write(b"x")
        assert await streams[0].readexactly(1) == b"X"
        await close(streams)
    assert "a client broke off the TLS handshake" in caplog.text


async def test_many_connections_at_once(tmp_path: Path) -> None:
    async with listening(upper) as other, proxying(tmp_path, 1) as proxy:
        gate = asyncio.Semaphore(100)

        async def open_one() -> Streams:
            async with gate:
                streams, said = await proxy.tunnel("127.0.0.1", other)
            assert said.startswith(b"HTTP/1.1 200 ")
            return streams

        opened = await asyncio.gather(*(open_one() for _ in range(200)))
        for streams in opened:
            streams[1].write(b"hi")
        for streams in opened:
            assert await streams[0].readexactly(2) == b"HI"
        await asyncio.gather(*map(close, opened))


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1",
        b"CONNECT nowhere HTTP/1.1",
        b"CONNECT :443 HTTP/1.1",
        b"CONNECT a:99999 HTTP/1.1",
        b"CONNECT a.amazonaws.com:443 HTTP/2.0",
        b"GET ftp://a/b HTTP/1.1",
        b"GET http:/// HTTP/1.1",
        b"GET http://[::1/ HTTP/1.1",
        b"GET http://\xff/ HTTP/1.1",
        b"nonsense",
        b"",
    ],
)
async def test_what_is_no_request_to_a_proxy_is_refused(tmp_path: Path, head: bytes) -> None:
    with pytest.raises(BadHead):
        parse(head + b"\r\n\r\n")
    async with proxying(tmp_path, 1) as proxy:
        streams = await proxy.connect()
        streams[1].write(head + b"\r\n\r\n")
        assert (await streams[0].read()).startswith(b"HTTP/1.1 400 ")
        await close(streams)


async def test_a_head_without_end_is_refused(tmp_path: Path) -> None:
    async with proxying(tmp_path, 1) as proxy:
        streams = await proxy.connect()
        streams[1].write(b"GET http://a/ HTTP/1.1\r\nX: " + b"a" * 200_000)
        with contextlib.suppress(ConnectionError):
            assert (await streams[0].read()).startswith(b"HTTP/1.1 400 ")
        await close(streams)


@pytest.mark.parametrize("cut", range(1, 30, 4))
async def test_the_head_is_read_to_the_byte_wherever_it_is_cut(cut: int) -> None:
    text = b"CONNECT a:1 HTTP/1.1\r\nX: y\r\n\r\nrest\r\n\r\n"
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.sendall(text[:cut])
        reading = asyncio.create_task(read_head(near))
        await asyncio.wait({reading}, timeout=0.01)
        far.sendall(text[cut:])
        assert await reading == b"CONNECT a:1 HTTP/1.1\r\nX: y\r\n\r\n"
        assert near.recv(100) == b"rest\r\n\r\n"


async def test_a_client_that_leaves_in_its_head_is_forgotten() -> None:
    near, far = socket.socketpair()
    with near:
        near.setblocking(False)
        far.sendall(b"CONN")
        far.close()
        with pytest.raises(EOFError):
            await read_head(near)


@pytest.mark.parametrize(
    ("target", "host", "port", "line"),
    [
        (b"http://a.example", "a.example", 80, b"GET / HTTP/1.1"),
        (b"http://a.example?q=1", "a.example", 80, b"GET /?q=1 HTTP/1.1"),
        (b"http://u:p@a.example:81/x//y?a=http://b/c", "a.example", 81, b"GET /x//y?a=http://b/c HTTP/1.1"),
        (b"http://[::1]:8080/", "::1", 8080, b"GET / HTTP/1.1"),
    ],
)
def test_whole_addresses(target: bytes, host: str, port: int, line: bytes) -> None:
    asked = parse(b"GET " + target + b" HTTP/1.1\r\n\r\n")
    assert (asked.host, asked.port, asked.tunnel) == (host, port, False)
    assert asked.forward.split(b"\r\n")[0] == line
