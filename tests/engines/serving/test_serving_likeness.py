"""Requests that are recognised by a pattern are judged exactly as if they had been parsed."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clary.aws.sigv4 import Verifier
from clary.engines.serving.connection import InferenceConnection
from clary.engines.serving.counters import Counters
from clary.engines.serving.likeness import Likenesses
from clary.engines.serving.shared import Bounds, Shared
from clary.kernel.clock import SystemClock
from clary.processes.admission import Admission
from tests.serving import ACCOUNT, KEYS, RING, ModelServer, Site, read_reply, signed, site

ROW = b"vhigh,low,2,4,small,med\n"
HEADERS = {"Content-Type": "text/csv", "User-Agent": "Boto3/1.40", "X-Amzn-SageMaker-Inference-Id": "i-1"}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path) as made, ModelServer(made.sockets / "m.sock") as model:
        await made.serve("cars", ("v", 1.0, [model.address]))
        made.model = model  # type: ignore[attr-defined]
        yield made


def request(here: Site, number: int, body: bytes = ROW, endpoint: str = "cars") -> bytes:
    made = signed(
        f"{here.url}/endpoints/{endpoint}/invocations",
        body,
        {**HEADERS, "X-Amzn-SageMaker-Inference-Id": f"i-{number}"},
    )
    head, _, rest = made.partition(b"\r\n\r\n")
    return head + b"\r\namz-sdk-invocation-id: %032x\r\namz-sdk-request: attempt=1; max=3\r\n\r\n" % number + rest


async def _learnt(here: Site) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, InferenceConnection]:
    """A connection that knows what its client's requests look like."""
    reader, writer = await here.connect()
    for number in range(3):
        writer.write(request(here, number))
        assert (await read_reply(reader)).status == 200
    (served,) = [one for one in here.front.shared.connections if getattr(one, "_likeness", None) is not None]
    assert isinstance(served, InferenceConnection)
    return reader, writer, served


async def test_what_was_parsed_twice_is_recognised(here: Site) -> None:
    reader, writer, served = await _learnt(here)
    assert served._likeness is here.front.shared.likenesses.latest is not None
    parsed = served._incoming.block
    for number in range(10, 20):
        writer.write(request(here, number, b"%d\n" % number))
        reply = await read_reply(reader)
        assert (reply.status, reply.body) == (200, b"%d\n" % number)
    assert served._incoming.block == parsed == b""  # nothing was parsed
    model: ModelServer = here.model  # type: ignore[attr-defined]
    assert [headers["x-amzn-sagemaker-inference-id"] for _, headers, _ in model.seen[-2:]] == ["i-18", "i-19"]
    assert here.front.shared.held == 0


async def test_another_client_is_recognised_at_once(here: Site) -> None:
    await _learnt(here)
    reader, writer = await here.connect()
    writer.write(request(here, 7))
    assert (await read_reply(reader)).status == 200


async def test_a_client_that_asks_two_endpoints_in_turn_is_recognised(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    model: ModelServer = here.model  # type: ignore[attr-defined]
    await here.serve("vans", ("v", 1.0, [model.address]))
    reader, writer, _ = await _learnt(here)
    for number in range(3):
        writer.write(request(here, number, endpoint="vans"))
        assert (await read_reply(reader)).status == 200
    parsed: list[bytes] = []
    monkeypatch.setattr("clary.engines.serving.incoming.parse_head", parsed.append)
    for number in range(10, 16):
        writer.write(request(here, number, b"%d\n" % number, endpoint=("cars", "vans")[number % 2]))
        reply = await read_reply(reader)
        assert (reply.status, reply.body) == (200, b"%d\n" % number)
    assert not parsed


def _flipped(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new, 1)


async def test_nothing_false_is_let_in(here: Site) -> None:
    reader, writer, _ = await _learnt(here)
    good = request(here, 9)
    signature = re.search(rb"Signature=([0-9a-f]{64})", good)
    assert signature is not None
    first = signature[1][:1]
    wrong = _flipped(good, b"Signature=" + first, b"Signature=" + (b"0" if first != b"0" else b"1"))
    for data, status in (
        (wrong, 403),
        (_flipped(good, b"small", b"large"), 403),
        (_flipped(good, b"Inference-Id: i-9", b"Inference-Id: i-8"), 403),
        (_flipped(good, b"/endpoints/cars/", b"/endpoints/cart/"), 403),
        (re.sub(rb"X-Amz-Date: \d{8}", b"X-Amz-Date: 20200101", good), 403),
        (good, 200),
        (request(here, 9, endpoint="none"), 400),
        (good, 200),
    ):
        writer.write(data)
        assert (await read_reply(reader)).status == status, data


async def test_pieces_and_pipelines_are_parsed(here: Site) -> None:
    reader, writer, _ = await _learnt(here)
    data = request(here, 5, b"piece\n")
    for cut in (1, 40, len(data) - 3):
        writer.write(data[:cut])
        await asyncio.sleep(0.01)
        writer.write(data[cut:])
        assert (await read_reply(reader)).body == b"piece\n"
    writer.write(request(here, 6, b"a\n") + request(here, 7, b"b\n") + request(here, 8, b"c\n"))
    assert [(await read_reply(reader)).body for _ in range(3)] == [b"a\n", b"b\n", b"c\n"]


async def test_a_key_that_is_no_more_is_refused(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was let in once is asked for anew each time."""
    reader, writer, served = await _learnt(here)
    assert served._likeness is not None
    ring = here.front.shared.authenticate._verifier._ring  # type: ignore[attr-defined]
    monkeypatch.setattr(ring, "_root", KEYS.__class__("AKIAOTHER", "x"))
    writer.write(request(here, 1))
    assert (await read_reply(reader)).status == 403


async def test_clients_that_never_repeat_themselves_cost_no_pattern(here: Site) -> None:
    reader, writer = await here.connect()
    for number in range(5):
        made = signed(f"{here.url}/endpoints/cars/invocations", ROW, {"X-Thing": str(number)})
        writer.write(made)
        assert (await read_reply(reader)).status == 200
    assert here.front.shared.likenesses.latest is None
    assert here.front.shared.likenesses._known == {}


class Wire:
    """A transport that keeps what is written."""

    def __init__(self, some: socket.socket) -> None:
        self.socket = some
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def get_extra_info(self, name: str) -> object:
        return self.socket if name == "socket" else ("127.0.0.1", 1)

    def can_write_eof(self) -> bool:
        return True

    def __getattr__(self, name: str) -> object:
        return lambda *_, **__: False


class Sent:
    """A router to whose requests nobody answers."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def dispatch(self, key: object, headers: Mapping[str, str], body: bytes, *_: object) -> object:
        names = ("content-type", "accept", "x-amzn-sagemaker-inference-id", "x-amzn-sagemaker-target-variant")
        self.seen.append((key, body, {name: headers.get(name) for name in names}))
        return SimpleNamespace(done=False)


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, 10_000), byte=st.integers(0, 255), how=st.sampled_from(["changed", "inserted", "left out"]))
async def test_a_changed_request_comes_to_the_same_end_either_way(at: int, byte: int, how: str) -> None:
    """One byte is changed, inserted or left out: a connection that knows its client does what another does."""
    router, some = Sent(), socket.socket()
    admission = Admission(Verifier(RING, SystemClock()), ACCOUNT)
    shared = Shared(router, admission, SimpleNamespace(send=lambda gone, _: gone.close()), Counters(), Bounds())  # type: ignore[arg-type]
    here = SimpleNamespace(url="http://127.0.0.1:1")

    def connection() -> tuple[InferenceConnection, Wire]:
        made, wire = InferenceConnection(shared), Wire(some)
        made.connection_made(wire)  # type: ignore[arg-type]
        return made, wire

    for number in range(2):
        connection()[0].data_received(request(here, number))  # type: ignore[arg-type]
    known, likeness = connection(), shared.likenesses.latest
    assert likeness is not None and known[0]._likeness is likeness
    good = request(here, 4)  # type: ignore[arg-type]
    first = good.index(b"\r\n") + 2
    at = first + at % (len(good) - first)
    new = bytes([byte]) if how != "left out" else b""
    changed = good[:at] + new + good[at + (how != "inserted") :]
    shared.likenesses = Likenesses()  # of the other nothing has been learnt, by whatever way it is looked up
    outcomes = []
    other = connection()
    assert other[0]._likeness is shared.likenesses.likely(changed) is None
    for served, wire in (known, other):
        router.seen.clear()
        served.data_received(changed)
        said = re.sub(rb"(x-amzn-RequestId: )[^\r]*|[0-9]{8}T[0-9]{6}Z", rb"\1", wire.written)
        outcomes.append((list(router.seen), said))
    some.close()
    assert outcomes[0] == outcomes[1]
