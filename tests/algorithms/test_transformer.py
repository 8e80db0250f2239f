"""The client of a batch transform against servers that answer, fail, hang up and dawdle."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from clary.algorithms.transformer import run

Answer = Callable[["Handler", bytes], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        told = self.server.parameters
        self.reply(200 if told is not None else 404, json.dumps(told).encode())

    def do_POST(self) -> None:
        if self.headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["content-length"]))
        with self.server.lock:
            self.server.seen.append((dict(self.headers.items()), body))
        self.server.answer(self, body)

    def reply(self, status: int, body: bytes, kind: str = "text/csv") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Answers with what it is sent, in capitals."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.parameters: Any = None
        self.answer: Answer = lambda handler, body: handler.reply(200, body.upper())
        self.seen: list[tuple[dict[str, str], bytes]] = []
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.seen]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.shutdown()
    made.server_close()


def transform(root: Path, objects: dict[str, bytes], *servers: Server, **more: Any) -> int:
    """One run over these objects; its exit code."""
    for name, body in objects.items():
        path = root / "input/data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    names = [f"CLARY_CONTAINER_{number}" for number in range(len(servers))]
    told = {
        "objects": list(objects),
        "upstreams": names,
        "content_type": "text/csv",
        "accept": None,
        "split": "None",
        "strategy": None,
        "assemble": "None",
        "gzip": False,
        "max_payload_mb": None,
        "max_concurrent": None,
        "timeout": 10.0,
        "retries": 3,
        "pause": 0.001,
        "input_filter": "$",
        "output_filter": "$",
        "join": False,
        **more,
    }
    (root / "input/config").mkdir(parents=True, exist_ok=True)
    (root / "input/config/transform.json").write_text(json.dumps(told))
    addresses = {name: f"127.0.0.1:{server.server_address[1]}" for name, server in zip(names, servers, strict=True)}
    return run.main({"CLARY_ML_ROOT": str(root), **addresses})


def outputs(root: Path) -> dict[str, bytes]:
    top = root / "output/data"
    return {str(path.relative_to(top)): path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file()}


def failure(root: Path) -> str:
    return (root / "output/failure").read_text()


def test_each_object_has_its_output_at_the_same_path(
    tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    objects = {"a.csv": b"a,b\n", "deep/b.csv": b"c", "deep/er/c.csv": b""}
    assert transform(tmp_path, objects, server, accept="text/plain") == 0
    assert outputs(tmp_path) == {"a.csv.out": b"A,B\n", "deep/b.csv.out": b"C", "deep/er/c.csv.out": b""}
    headers, _ = server.seen[0]
    assert headers["content-type"] == "text/csv" and headers["accept"] == "text/plain"
    assert ":[sagemaker logs]: MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD" in (
        capsys.readouterr().out
    )
    assert not (tmp_path / "output/drafts").exists()


def test_lines_are_sent_one_by_one_in_order_whatever_comes_back_first(tmp_path: Path, server: Server) -> None:
    server.parameters = {"MaxConcurrentTransforms": 4, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}
    body = b"".join(b"row%d\n" % number for number in range(50))
    objects = {"a": body, "b": b"x\n\ny\n", "none": b""}
    assert transform(tmp_path, objects, server, split="Line", assemble="Line") == 0
    assert outputs(tmp_path) == {"a.out": body.upper(), "b.out": b"X\nY\n", "none.out": b""}
    assert len(server.seen) == 52


def test_what_one_container_answers_is_what_the_next_is_sent(tmp_path: Path, server: Server) -> None:
    second = Server()
    try:
        server.answer = lambda handler, body: handler.reply(200, body + b"1", "application/x-middle")
        second.answer = lambda handler, body: handler.reply(200, body + b"2")
        assert transform(tmp_path, {"a": b"0"}, server, second, accept="text/csv") == 0
        assert outputs(tmp_path) == {"a.out": b"012"}
        assert "accept" not in server.seen[0][0]
        headers, body = second.seen[0]
        assert (headers["content-type"], headers["accept"], body) == ("application/x-middle", "text/csv", b"01")
    finally:
        second.shutdown()
        second.server_close()


def test_one_bad_object_fails_the_job_and_not_the_others(
    tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(handler: Handler, body: bytes) -> None:
        handler.reply(400 if b"bad" in body else 200, b"no good" if b"bad" in body else b"good\n")

    server.answer = answer
    objects = {"a": b"1\n2\n", "b": b"3\nbad\n4\n5\n6\n7\n", "c": b"8\n"}
    assert transform(tmp_path, objects, server, split="Line", strategy="SingleRecord") == 1
    assert outputs(tmp_path) == {"a.out": b"good\ngood\n", "c.out": b"good\n"}
    assert failure(tmp_path) == "ClientError: b: Bad HTTP status received from algorithm: 400\n\nMessage:\nno good"
    assert ":[sagemaker logs]: b: Message:" in capsys.readouterr().out
    assert b"7" not in server.bodies


def test_what_the_server_cannot_do_now_is_tried_again(tmp_path: Path, server: Server) -> None:
    def answer(handler: Handler, body: bytes) -> None:
        tries = server.bodies.count(body)
        if tries == 1:
            handler.reply(503, b"busy")
        elif tries == 2:
            handler.close_connection = True  # hangs up without a word
        else:
            handler.reply(200, b"at last")

    server.answer = answer
    assert transform(tmp_path, {"a": b"1"}, server) == 0
    assert outputs(tmp_path) == {"a.out": b"at last"}
    server.answer = lambda handler, body: handler.reply(500, b"broken for good")
    server.seen.clear()
    assert transform(tmp_path, {"b": b"2"}, server, retries=2) == 1
    assert server.bodies == [b"2"] * 3
    assert failure(tmp_path).startswith("AlgorithmError: b: Bad HTTP status received from algorithm: 500")


def test_an_answer_that_does_not_come_in_time_fails_the_object(tmp_path: Path, server: Server) -> None:
    held = threading.Event()

    def answer(handler: Handler, body: bytes) -> None:
        held.wait(20)

    server.answer = answer
    try:
        assert transform(tmp_path, {"a": b"1"}, server, timeout=0.1, retries=0) == 1
    finally:
        held.set()
    assert "none came within 0.1 s (InvocationsTimeoutInSeconds)" in failure(tmp_path)


def test_nobody_there_is_an_algorithm_error(tmp_path: Path, server: Server) -> None:
    server.shutdown()
    server.server_close()
    assert transform(tmp_path, {"a": b"1"}, server) == 1
    assert failure(tmp_path).startswith("AlgorithmError: Unable to get response from the algorithm")


def test_gzip_is_unpacked_on_the_way(tmp_path: Path, server: Server) -> None:
    objects = {"a.csv.gz": gzip.compress(b"a\nb\n"), "b.gz": b"plain", "c.gz": gzip.compress(b"x" * 999)[:-9]}
    assert transform(tmp_path, objects, server, gzip=True, split="Line") == 1
    assert outputs(tmp_path) == {"a.csv.gz.out": b"A\nB\n"}
    assert "ClientError: b.gz: The object is not gzip" in failure(tmp_path)
    assert "1 more objects failed" in failure(tmp_path)
    assert transform(tmp_path / "2", objects, server, gzip=True, max_payload_mb=0) == 1
    assert outputs(tmp_path / "2") == {"a.csv.gz.out": b"A\nB\n"}


def test_a_payload_of_any_size_goes_in_chunks_through_every_container(tmp_path: Path, server: Server) -> None:
    body = b"line\n" * 1_000_000
    assert transform(tmp_path, {"a": body, "b": b"1"}, server, server, max_payload_mb=0, assemble="Line") == 0
    assert outputs(tmp_path) == {"a.out": body.upper(), "b.out": b"1\n"}
    assert {headers.get("transfer-encoding") for headers, _ in server.seen} == {"chunked"}
    server.answer = lambda handler, body: handler.reply(400, b"no")
    assert transform(tmp_path / "2", {"a": b"1"}, server, max_payload_mb=0) == 1
    assert outputs(tmp_path / "2") == {}


def test_records_are_filtered_before_and_joined_after(tmp_path: Path, server: Server) -> None:
    objects = {"a": b"1,x,y\n2,z,w\n"}
    more = {"split": "Line", "input_filter": "$[1:]", "join": True, "output_filter": "$[0,-1]"}
    assert transform(tmp_path, objects, server, **more) == 0
    assert server.bodies == [b"x,y\nz,w\n"]
    assert outputs(tmp_path) == {"a.out": b"1,Y\n2,W\n"}
    assert transform(tmp_path / "2", objects, server, **{**more, "output_filter": "$[7]"}) == 1
    assert "OutputFilter cannot be applied to record 1" in failure(tmp_path / "2")
    assert transform(tmp_path / "3", objects, server, **{**more, "output_filter": "$..x"}) == 1
    assert failure(tmp_path / "3").startswith("ClientError: DataProcessing.OutputFilter: the JSONPath")
