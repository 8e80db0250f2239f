"""The model server as a process: its socket, its limits, its manners, its end."""

import asyncio
import json
import pickle
import signal
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from clary.algorithms import connection
from clary.algorithms.connection import HEADER_LIMIT, PIPELINE_LIMIT
from clary.algorithms.serve import Answer, Refused, Server, Settings
from clary.algorithms.xgboost.engine import xgb
from tests.algorithms.conftest import OptMl, Served, wait_until

POST = b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b"


@pytest.fixture
def model(ml: OptMl) -> OptMl:
    features = np.random.default_rng(1).random((50, 2)).astype(np.float32)
    data = xgb.DMatrix(features, label=features[:, 0])
    booster = xgb.train({"nthread": 1, "tree_method": "exact"}, data, 5)
    (ml.root / "model").mkdir()
    (ml.root / "model" / "xgboost-model").write_bytes(pickle.dumps(booster))
    return ml


def test_one_server_from_start_to_end(model: OptMl, serve: Callable[..., Served]) -> None:
    """One process for many looks, since each start costs most of a second."""
    served = serve(model, MAX_CONTENT_LENGTH="100000")
    connection = served.connection()

    connection.request("GET", "/ping")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    first = connection.sock
    connection.request("POST", "/invocations", "0.1,0.2\n", {"Content-Type": "text/csv"})
    answer = connection.getresponse()
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert 0 < float(answer.read()) < 0.3
    assert connection.sock is first, "the connection is kept"

    assert served.invoke("1,2,3") == (400, "Row 1 has 3 columns, but the model takes 2. Leave out the label.")
    assert served.invoke("x", "image/png")[0] == 415
    assert served.invoke("1,2", accept="image/png")[0] == 406
    assert served.invoke("1" * 100_001) == (413, "The request body is larger than 100000 bytes")
    connection.request("GET", "/execution-parameters")
    assert json.loads(connection.getresponse().read())["BatchStrategy"] == "MULTI_RECORD"
    for method, path, status in (("GET", "/", 404), ("GET", "/invocations", 405), ("DELETE", "/ping", 405)):
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status

    rows = [f"{n / 400},{1 - n / 400}" for n in range(400)]
    together = served.invoke("\n".join(rows))[1].splitlines()
    with ThreadPoolExecutor(8) as pool:
        alone = list(pool.map(lambda row: served.invoke(row)[1].strip(), rows[::8]))
    assert alone == together[::8], "requests beside each other do not mix"
    large = served.invoke("\n".join(rows * 10))  # above the size that is answered without a thread
    assert large[1].splitlines() == together * 10

    assert served.stop() == 0
    assert not served.path.exists()


def test_a_model_that_does_not_load_ends_the_process_with_the_reason(ml: OptMl) -> None:
    (ml.root / "model").mkdir()
    (ml.root / "model" / "xgboost-model").write_bytes(b"rubbish")
    process = ml.start("clary.algorithms.xgboost", "serve", CLARY_BIND=f"unix:{ml.root}/s")
    assert process.wait(60) == 1
    assert "Unable to load the model: xgboost-model is neither a pickled Booster" in ml.log.read_text()


class Slow:
    """A model that answers its body back, and waits for a word where the body says so."""

    repeatable = True

    def __init__(self) -> None:
        self.seen = asyncio.Semaphore(0)
        self.go = asyncio.Event()

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        self.loop.call_soon_threadsafe(self.seen.release)
        if body == b"refuse":
            raise Refused(400, "no")
        if body == b"break":
            raise RuntimeError("broken")
        if body.startswith(b"wait"):
            asyncio.run_coroutine_threadsafe(self.go.wait(), self.loop).result(60)
        return Answer(body, "text/plain")

    loop: asyncio.AbstractEventLoop


@pytest.fixture
async def slow() -> Slow:
    made = Slow()
    made.loop = asyncio.get_running_loop()
    return made


@pytest.fixture
async def here(slow: Slow, tmp_path: Path) -> AsyncIterator[Server]:
    """The server in this process; bodies of two bytes and more go to its two threads."""
    made = Server(slow, Settings(tmp_path / "s", "", 0, body_limit=1000, threads=2, queue_limit=2, inline_limit=1))
    await made.start()
    yield made
    slow.go.set()
    await made.drain(5)


async def reach(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_unix_connection(str(server.settings.unix))


async def talk(server: Server, data: bytes) -> bytes:
    """All that is answered to the bytes, until the server closes."""
    reader, writer = await reach(server)
    writer.write(data)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer


async def test_pipelined_requests_are_answered_in_order(here: Server) -> None:
    many = b"".join(POST % (5, b"ab%03d" % n) for n in range(3 * PIPELINE_LIMIT))
    answer = await talk(here, many)
    assert [int(part[2:5]) for part in answer.split(b"\r\n\r\n")[1:]] == list(range(3 * PIPELINE_LIMIT))


async def test_a_chunked_body_and_expect_continue(here: Server) -> None:
    head = b"POST /invocations HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n"
    answer = await talk(here, head + b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    assert answer.endswith(b"abcde")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (POST % (1001, b""), b"413"),
        (b"POST /invocations HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001, b"413"),
        (b"GET /ping HTTP/1.1\r\nlong: " + b"x" * (HEADER_LIMIT + 1) + b"\r\n\r\n", b"431"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /ping HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", b"200"),
        (POST % (5, b"break"), b"500"),
        (POST % (6, b"refuse"), b"400"),
        (b"GET /ping HTTP/1.0\r\n\r\n", b"200"),
        (b"HEAD /ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", b"200"),
        (b"GET /ping?x=1 HTTP/1.1\r\nhost: x\r\n\r\n", b"200"),
    ],
)
async def test_each_request_gets_its_status(here: Server, data: bytes, status: bytes) -> None:
    answer = await talk(here, data)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert not here.connections


async def test_a_refused_client_that_goes_on_sending_still_gets_its_answer(here: Server) -> None:
    reader, writer = await reach(here)
    writer.write(POST % (5_000_000, b""))
    for _ in range(50):
        writer.write(b"x" * 100_000)
        await writer.drain()
    writer.write_eof()
    assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_a_refusal_comes_after_the_answers_that_are_due(here: Server, slow: Slow) -> None:
    reader, writer = await reach(here)
    writer.write(POST % (4, b"wait") + b"nonsense\r\n\r\n")
    await slow.seen.acquire()
    slow.go.set()
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    assert answer.index(b"HTTP/1.1 200") < answer.index(b"HTTP/1.1 400")


async def test_a_silent_connection_is_closed(here: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.01)
    reader, writer = await reach(here)
    writer.write(b"POST /invocations HTTP/1.1\r\n")
    assert await asyncio.wait_for(reader.read(), 20) == b""
    writer.close()


async def test_a_large_answer_is_sent_to_its_end_while_draining(slow: Slow, tmp_path: Path) -> None:
    size = 3_000_000
    server = Server(slow, Settings(tmp_path / "s", "", 0, body_limit=size, threads=1))
    await server.start()
    reader, writer = await reach(server)
    writer.write(POST % (size, b"x" * size))
    await slow.seen.acquire()
    ending = asyncio.create_task(server.drain(20))
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    assert answer.partition(b"\r\n\r\n")[2] == b"x" * size
    await ending


async def test_a_client_that_leaves_takes_nothing_with_it(here: Server, slow: Slow) -> None:
    _, writer = await reach(here)
    writer.write(POST % (4, b"wait"))
    await slow.seen.acquire()
    writer.transport.abort()
    slow.go.set()
    assert (await talk(here, POST % (3, b"abc"))).endswith(b"abc")


async def test_too_many_waiting_requests_are_turned_away(here: Server, slow: Slow) -> None:
    busy = [asyncio.create_task(talk(here, POST % (5, b"wait%d" % n))) for n in range(2)]
    for _ in busy:
        await slow.seen.acquire()
    turned = await talk(here, POST % (3, b"abc"))
    assert turned.startswith(b"HTTP/1.1 503") and b"retry-after: 1" in turned
    slow.go.set()
    assert sorted(one[-5:] for one in await asyncio.gather(*busy)) == [b"wait0", b"wait1"]


async def test_what_is_in_flight_is_answered_while_draining(here: Server, slow: Slow) -> None:
    reader, writer = await reach(here)
    idle, _other = await reach(here)
    writer.write(POST % (4, b"wait"))
    await slow.seen.acquire()
    ending = asyncio.create_task(here.drain(20))
    assert await asyncio.wait_for(idle.read(), 20) == b"", "an idle connection is closed at once"
    with pytest.raises((FileNotFoundError, ConnectionRefusedError)):
        await reach(here)
    slow.go.set()
    answer = await asyncio.wait_for(reader.read(), 20)
    assert answer.endswith(b"wait") and b"connection: close" in answer
    await ending
    for one in (writer, _other):
        one.close()


async def test_a_socket_left_by_a_killed_server_is_taken_over(slow: Slow, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "s"))
    server = Server(slow, Settings(tmp_path / "s", "", 0, body_limit=10, threads=1))
    await server.start()
    assert (await talk(server, b"GET /ping HTTP/1.1\r\nhost: x\r\n\r\n")).startswith(b"HTTP/1.1 200")
    await server.drain(5)


async def test_any_other_file_in_its_place_is_left_alone(slow: Slow, tmp_path: Path) -> None:
    (tmp_path / "s").write_text("precious")
    with pytest.raises(OSError):
        await Server(slow, Settings(tmp_path / "s", "", 0, body_limit=10, threads=1)).start()
    assert (tmp_path / "s").read_text() == "precious"


async def test_it_listens_on_tcp_too(slow: Slow) -> None:
    server = Server(slow, Settings.read({"CLARY_BIND": "127.0.0.1:0", "OMP_NUM_THREADS": "1"}))
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /ping HTTP/1.0\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 200")
    writer.close()
    await server.drain(5)


def test_the_container_contract_says_where_and_how_to_listen() -> None:
    plain = Settings.read({})
    assert (plain.unix, plain.host, plain.port, plain.body_limit) == (None, "0.0.0.0", 8080, 6 << 20)
    assert Settings.read({"SAGEMAKER_BIND_TO_PORT": "9000"}).port == 9000
    assert Settings.read({"CLARY_BIND": "unix:/a/b", "SAGEMAKER_BIND_TO_PORT": "9000"}).unix == Path("/a/b")
    assert Settings.read({"CLARY_BIND": "[::1]:80"}).host == "::1"
    assert Settings.read({"MODEL_SERVER_WORKERS": "3"}).threads == 3
    for name, value in (("CLARY_BIND", "nowhere"), ("MAX_CONTENT_LENGTH", "6MB"), ("MODEL_SERVER_WORKERS", "0")):
        with pytest.raises(ValueError, match=name):
            Settings.read({name: value})


def test_sigterm_while_a_prediction_runs_answers_it(model: OptMl, serve: Callable[..., Served]) -> None:
    served = serve(model)
    body = "\n".join(["0.1,0.2"] * 200_000)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(served.invoke, body)
        wait_until(lambda: _received(served) or waiting.done())
        served.process.send_signal(signal.SIGTERM)
        status, text = waiting.result(60)
    assert status == 200 and text.count("\n") == 200_000
    assert served.process.wait(60) == 0


def _received(served: Served) -> bool:
    """A request has come in as a whole: the second thread for predictions exists once the pool has started one."""
    return any("predict" in one.read_text() for one in Path(f"/proc/{served.process.pid}/task").glob("*/comm"))
