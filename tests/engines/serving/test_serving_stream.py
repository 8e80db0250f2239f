"""InvokeEndpointWithResponseStream at the front: events as the model sends its answer, and what ends them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError, EventStreamError

from clary.engines.serving.base import Reply
from clary.engines.serving.collected import Collected
from clary.engines.serving.exchange import Exchange
from clary.engines.serving.instance import Limits
from clary.engines.serving.shared import Bounds
from tests.serving import Site, read_reply, read_request, site

OPEN = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
Ask = Callable[..., Awaitable[Any]]


class Slow:
    """A model server that says only what a test tells it to. `asked` holds a request's writer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: asyncio.Queue[tuple[dict[str, str], bytes, asyncio.StreamWriter]] = asyncio.Queue()
        self.gone = asyncio.Event()

    async def __aenter__(self) -> "Slow":
        self.server = await asyncio.start_unix_server(self._serve, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                _, headers, body = await read_request(reader)
                await self.asked.put((headers, body, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.gone.set()
            writer.close()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Site]:
    bounds = Bounds(write_seconds=30.0)
    async with site(tmp_path, bounds, Limits(patience_seconds=0.3, retry_seconds=0.05)) as made:
        yield made


@pytest.fixture
async def model(here: Site) -> AsyncIterator[Slow]:
    async with Slow(here.sockets / "m.sock") as server:
        await here.serve("cars", ("blue", 1.0, [f"unix:{server.path}"]))
        yield server


@pytest.fixture
async def ask(here: Site) -> AsyncIterator[Ask]:
    """A request through boto3; it returns when the head of the answer is there."""
    client = here.client()
    streams = []

    async def once(**params: Any) -> Any:
        call = client.invoke_endpoint_with_response_stream
        answer = await asyncio.to_thread(lambda: call(EndpointName="cars", Body=b"hi", **params))
        streams.append(answer["Body"])
        return answer

    yield once
    for one in streams:
        one.close()
    client.close()


async def _next(events: Any) -> Any:
    return await asyncio.to_thread(next, events, None)


async def test_each_part_comes_before_the_next_is_made(here: Site, model: Slow, ask: Ask) -> None:
    asking = asyncio.ensure_future(ask(Accept="text/plain", ContentType="text/csv", CustomAttributes="t=1"))
    headers, body, writer = await model.asked.get()
    assert (body, headers["accept"], headers["content-type"]) == (b"hi", "text/plain", "text/csv")
    writer.write(OPEN.replace(b"\r\n\r\n", b"\r\nx-amzn-sagemaker-custom-attributes: t=2\r\n\r\n"))
    answer = await asking
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("text/plain", "blue")
    assert answer["CustomAttributes"] == "t=2"
    events = iter(answer["Body"])
    for word in (b"one ", b"two ", b"three"):
        writer.write(chunk(word))
        assert await _next(events) == {"PayloadPart": {"Bytes": word}}
    writer.write(END)
    assert await _next(events) is None


async def test_an_answer_in_one_piece_is_one_event(here: Site, model: Slow, ask: Ask) -> None:
    asking = asyncio.ensure_future(ask())
    headers, _, writer = await model.asked.get()
    assert "accept" not in headers
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
    answer = await asking
    assert answer["ContentType"] == "application/octet-stream"
    assert [one["PayloadPart"]["Bytes"] for one in await asyncio.to_thread(list, answer["Body"])] == [b"hello"]


async def test_both_connections_are_kept(here: Site, model: Slow) -> None:
    """Two requests on one connection of the client, over one connection to the model."""
    reader, writer = await here.connect()
    seen = []
    for path in ("invocations-response-stream", "invocations", "invocations-response-stream"):
        writer.write(here.request("cars", path=path))
        _, _, to_front = await model.asked.get()
        seen.append(to_front)
        to_front.write(OPEN + chunk(b"ab") + END)
        reply = await read_reply(reader)
        assert reply.status == 200
        if path == "invocations":
            assert reply.body == b"ab"
        else:
            buffer = EventStreamBuffer()
            buffer.add_data(reply.body)
            assert [one.payload for one in buffer] == [b"ab"]
    assert len(set(map(id, seen))) == 1


async def test_a_models_error_is_a_model_error(here: Site, model: Slow, ask: Ask) -> None:
    asking = asyncio.ensure_future(ask())
    _, _, writer = await model.asked.get()
    writer.write(b"HTTP/1.1 400 Bad\r\ncontent-length: 3\r\n\r\nno!")
    with pytest.raises(ClientError) as caught:
        await asking
    assert caught.value.response["Error"]["Code"] == "ModelError"
    assert caught.value.response["OriginalMessage"] == "no!"


async def test_an_answer_that_breaks_off_ends_with_an_error(here: Site, model: Slow, ask: Ask) -> None:
    asking = asyncio.ensure_future(ask())
    _, _, writer = await model.asked.get()
    writer.write(OPEN + chunk(b"half"))
    events = iter((await asking)["Body"])
    assert await _next(events) == {"PayloadPart": {"Bytes": b"half"}}
    writer.close()
    with pytest.raises(EventStreamError, match="ModelStreamError") as caught:
        await _next(events)
    assert "closed the connection in the middle" in caught.value.response["Error"]["Message"]


async def test_an_answer_that_takes_too_long_ends_with_an_error(here: Site, model: Slow, ask: Ask) -> None:
    asking = asyncio.ensure_future(ask())
    _, _, writer = await model.asked.get()
    writer.write(OPEN + chunk(b"half"))
    events = iter((await asking)["Body"])
    assert await _next(events) == {"PayloadPart": {"Bytes": b"half"}}
    now = asyncio.get_running_loop().time()
    here.front.router.sweep(now + 61.0)  # an answer that has begun has more time than one that has not
    writer.write(chunk(b"still"))
    assert await _next(events) == {"PayloadPart": {"Bytes": b"still"}}
    here.front.router.sweep(now + 1000.0)
    with pytest.raises(EventStreamError, match="timed out"):
        await _next(events)
    await asyncio.wait_for(model.gone.wait(), 10)


async def test_a_client_that_leaves_ends_the_models_work(here: Site, model: Slow) -> None:
    _, writer = await here.connect()
    writer.write(here.request("cars", path="invocations-response-stream"))
    _, _, to_front = await model.asked.get()
    to_front.write(OPEN + chunk(b"a"))
    await here.until(lambda: here.front.router.in_flight == 1)
    writer.close()
    await asyncio.wait_for(model.gone.wait(), 10)
    assert here.front.router.in_flight == 0 and here.front.shared.held == 0


async def test_a_model_waits_for_a_slow_client(here: Site, model: Slow, ask: Ask) -> None:
    """What a client does not take is not heaped up in the front: the model's writes stop."""
    reader, writer = await here.connect()
    writer.write(here.request("cars", path="invocations-response-stream"))
    _, _, to_front = await model.asked.get()
    to_front.write(OPEN)
    size, piece = 0, chunk(b"x" * 65536)

    async def pour() -> None:
        nonlocal size
        while size < 200 * 65536:
            to_front.write(piece)
            await to_front.drain()
            size += 65536
        to_front.write(END)

    pouring = asyncio.create_task(pour())
    await here.until(lambda: size > 0)
    held = -1
    while held != size:  # until the sockets between are full and it stands still
        held = size
        for _ in range(20):
            await here.plane.counters()
    assert size < 150 * 65536 and not pouring.done()
    reply = await read_reply(reader)
    await pouring
    buffer, total = EventStreamBuffer(), 0
    buffer.add_data(reply.body)
    for one in buffer:
        total += len(one.payload)
    assert total == 200 * 65536


async def test_nobody_else_gets_a_stream(here: Site, model: Slow) -> None:
    reader, writer = await here.connect()
    writer.write(here.request("cars", path="invocations-response-stream").replace(b"Signature=", b"Signature=0"))
    assert (await read_reply(reader)).status == 403
    writer.write(here.request("gone", path="invocations-response-stream"))
    assert (await read_reply(reader)).status == 400
    assert model.asked.empty()


@pytest.mark.parametrize(("status", "body", "parts"), [(200, b"abc", [b"abc"]), (200, b"", []), (400, b"no", [])])
async def test_an_answer_that_came_in_one_piece_is_one_part(status: int, body: bytes, parts: list[bytes]) -> None:
    """As workers of compiled models answer. A model's error stays in the reply."""
    taken = Collected(lambda _: None)
    exchange = Exchange(None, ("a", "r", "e"), {}, b"", None, taken)  # type: ignore[arg-type]
    exchange.reply = Reply(status, {}, body)
    taken.told(exchange)
    head = await taken.head()
    assert head.body == (b"" if status == 200 else body)
    assert [part async for part in taken.parts()] == parts
