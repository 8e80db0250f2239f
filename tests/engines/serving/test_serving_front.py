"""The front over real sockets: real boto3 clients, real signatures, real model servers."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from clary.aws.credentials import Keys, Principal
from clary.engines.serving.instance import Limits
from clary.engines.serving.shared import Bounds
from tests.serving import ACCOUNT, KEYS, RING, Answer, ModelServer, Site, read_reply, signed, site


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Site]:
    limits = Limits(patience_seconds=0.3, retry_seconds=0.05)
    async with site(tmp_path, Bounds(body_bytes=1_000_000), limits) as made:
        yield made


@pytest.fixture
async def model(here: Site) -> AsyncIterator[ModelServer]:
    async with ModelServer(here.sockets / "m.sock") as server:
        await here.serve("cars", ("blue", 1.0, [server.address]))
        yield server


async def test_boto3_gets_the_models_answer(here: Site, model: ModelServer) -> None:
    async def attributes(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return (
            200,
            {"content-type": "text/csv", "x-amzn-sagemaker-custom-attributes": "trace=2", "x-other": "1"},
            b"vgood",
        )

    model.model = attributes
    answer = await here.invoke(
        "cars", b"a,b", ContentType="text/csv", Accept="text/csv", CustomAttributes="trace=1", InferenceId="id-1"
    )
    assert answer["Body"] == b"vgood"
    assert answer["ContentType"] == "text/csv"
    assert answer["InvokedProductionVariant"] == "blue"
    assert answer["CustomAttributes"] == "trace=2"
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36
    path, headers, body = model.seen[0]
    assert (path, body) == ("/invocations", b"a,b")
    assert headers["content-type"] == headers["accept"] == "text/csv"
    assert headers["x-amzn-sagemaker-custom-attributes"] == "trace=1"
    assert headers["x-amzn-sagemaker-inference-id"] == "id-1"
    assert "authorization" not in headers and "x-other" not in answer["ResponseMetadata"]["HTTPHeaders"]


async def test_session_keys_are_believed(here: Site, model: ModelServer) -> None:
    principal = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, "root", issued=1.0)
    answer = await here.invoke("cars", keys=RING.issue(principal, 4e9))
    assert answer["Body"] == b"1"


async def test_another_account_is_not_authorized(here: Site, model: ModelServer) -> None:
    principal = Principal("999999999999", "arn:aws:sts::999999999999:assumed-role/r/s", "AROA:s", "assumed-role")
    with pytest.raises(ClientError) as caught:
        await here.invoke("cars", keys=RING.issue(principal, 4e9))
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (Keys(KEYS.access_key_id, "wrong"), "SignatureDoesNotMatch"),
        (Keys("AKIAUNKNOWNUNKNOWN00", "wrong"), "UnrecognizedClientException"),
    ],
)
async def test_wrong_keys_are_refused(here: Site, model: ModelServer, keys: Keys, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        await here.invoke("cars", keys=keys)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert not model.seen


async def test_unknown_endpoint_and_variant_are_validation_errors(here: Site, model: ModelServer) -> None:
    with pytest.raises(ClientError) as caught:
        await here.invoke("nope")
    assert caught.value.response["Error"] == {
        "Code": "ValidationError",
        "Message": f"Endpoint nope of account {ACCOUNT} not found.",
    }
    with pytest.raises(ClientError, match="Variant green not found"):
        await here.invoke("cars", TargetVariant="green")


@pytest.mark.parametrize(
    ("params", "status", "code", "words"),
    [
        ({"TargetModel": "a.tar.gz"}, 400, "ValidationError", "is not a multi-model endpoint"),
        ({"SessionId": "NEW_SESSION"}, 501, "NotImplemented", "SessionId"),
        ({"CustomAttributes": "x" * 1025}, 400, "ValidationError", "'customAttributes' failed to satisfy constraint"),
    ],
)
async def test_what_cannot_be_is_said(
    here: Site, model: ModelServer, params: dict[str, str], status: int, code: str, words: str
) -> None:
    with pytest.raises(ClientError) as caught:
        await here.invoke("cars", **params)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert caught.value.response["Error"]["Code"] == code
    assert words in caught.value.response["Error"]["Message"]


async def test_an_asynchronous_inference_is_the_control_processs(here: Site, model: ModelServer) -> None:
    _, writer = await here.connect()
    writer.write(here.request("cars") + here.request("cars", path="async-invocations"))
    await here.until(lambda: here.front.sender.pending == 1)
    assert len(model.seen) == 1


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_a_models_error_is_a_model_error(here: Site, model: ModelServer, status: int) -> None:
    async def failing(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return status, {}, b"no such column"

    model.model = failing
    with pytest.raises(ClientError) as caught:
        await here.invoke("cars")
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["Error"]["Code"] == "ModelError"
    side = "client" if status < 500 else "server"
    assert (
        f'Received {side} error ({status}) from primary with message "no such column"' in response["Error"]["Message"]
    )
    assert response["OriginalStatusCode"] == status
    assert response["OriginalMessage"] == "no such column"
    assert response["LogStreamArn"] == f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/sagemaker/Endpoints/cars"


async def test_weights_split_the_traffic(here: Site, model: ModelServer) -> None:
    async with ModelServer(here.sockets / "n.sock") as other:
        await here.serve("two", ("a", 3.0, [model.address]), ("b", 1.0, [other.address]))
        reader, writer = await here.connect()
        counts = {"a": 0, "b": 0}
        for _ in range(400):
            writer.write(here.request("two"))
            counts[(await read_reply(reader)).headers["x-amzn-invoked-production-variant"]] += 1
        assert 250 < counts["a"] < 350
        answer = await here.invoke("two", TargetVariant="b")
        assert answer["InvokedProductionVariant"] == "b"


async def test_instances_share_by_outstanding_requests(here: Site, tmp_path: Path) -> None:
    release = asyncio.Event()

    async def slow(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        await release.wait()
        return 200, {}, b""

    async with ModelServer(here.sockets / "a.sock", slow) as a, ModelServer(here.sockets / "b.sock", slow) as b:
        await here.serve("pair", ("v", 1.0, [a.address, b.address]))
        clients = [await here.connect() for _ in range(6)]
        for _, writer in clients:
            writer.write(here.request("pair"))
        await here.until(lambda: len(a.seen) + len(b.seen) == 6)
        assert len(a.seen) == len(b.seen) == 3
        release.set()
        for reader, _ in clients:
            assert (await read_reply(reader)).status == 200


async def test_an_unreachable_instance_is_service_unavailable(here: Site) -> None:
    await here.serve("gone", ("v", 1.0, [f"unix:{here.sockets}/nobody.sock"]))
    reader, writer = await here.connect()
    writer.write(here.request("gone"))
    reply = await read_reply(reader)
    assert reply.status == 503
    assert reply.headers["x-amzn-errortype"] == "ServiceUnavailable"
    assert reply.headers["retry-after"] == "1"


async def test_a_full_line_is_told_to_come_back(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def slow(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        await release.wait()
        return 200, {}, b""

    async with (
        site(tmp_path, limits=Limits(connections=1, waiting=1)) as here,
        ModelServer(here.sockets / "m.sock", slow) as model,
    ):
        await here.serve("busy", ("v", 1.0, [model.address]))
        clients = [await here.connect() for _ in range(4)]
        for _, writer in clients:
            writer.write(here.request("busy"))
        replies = [asyncio.ensure_future(read_reply(reader)) for reader, _ in clients]
        await here.until(lambda: sum(one.done() for one in replies) >= 2)
        release.set()
        told = [await reply for reply in replies]
        refused = [one for one in told if one.status == 503]
        assert len(refused) in (2, 3) and all(one.headers["retry-after"] == "1" for one in refused)
        assert {one.status for one in told} == {200, 503}


async def test_a_large_body_and_one_that_is_too_large(here: Site, model: ModelServer) -> None:
    body = bytes(range(256)) * 3900  # nearly the bound of this site; digested in a thread
    assert (await here.invoke("cars", body))["Body"] == body
    with pytest.raises(ClientError) as caught:
        await here.invoke("cars", b"x" * 1_000_001)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert caught.value.response["Error"]["Message"] == "HTTP content length exceeded 1000000 bytes."


async def test_chunked_bodies(here: Site, model: ModelServer) -> None:
    body = b"one,two,three"
    request = signed(f"{here.url}/endpoints/cars/invocations", body, {}, framing="Transfer-Encoding: chunked")
    reader, writer = await here.connect()
    for piece in (
        request[:30],
        request[30:],
        b"3\r\none\r",
        b"\n",
        b"a;ext=1\r\n",
        b",two,three\r\n0\r\n",
        b"Trailer: 1\r\n\r\n",
    ):
        writer.write(piece)
        await writer.drain()
    assert (await read_reply(reader)).body == body
    writer.write(here.request("cars", b"next"))  # the boundary was found: the connection goes on
    assert (await read_reply(reader)).body == b"next"


async def test_pipelined_requests_are_answered_in_order(here: Site, model: ModelServer) -> None:
    reader, writer = await here.connect()
    writer.write(b"".join(here.request("cars" if n % 3 else "nope", b"%d" % n) for n in range(300)))
    replies = [await read_reply(reader) for _ in range(300)]
    assert [r.body for n, r in enumerate(replies) if n % 3] == [b"%d" % n for n in range(300) if n % 3]
    assert {r.status for n, r in enumerate(replies) if n % 3 == 0} == {400}


async def test_expect_100_continue(here: Site, model: ModelServer) -> None:
    request = here.request("cars", b"wait for it", Expect="100-continue")
    head, _, body = request.partition(b"\r\n\r\n")
    reader, writer = await here.connect()
    writer.write(head + b"\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert (await read_reply(reader)).body == b"wait for it"


async def test_a_half_closed_client_gets_its_answer(here: Site, model: ModelServer) -> None:
    reader, writer = await here.connect()
    writer.write(here.request("cars", b"bye"))
    writer.write_eof()
    assert (await read_reply(reader)).body == b"bye"
    assert await reader.read() == b""


async def test_a_half_closed_client_gets_every_answer(here: Site, model: ModelServer) -> None:
    reader, writer = await here.connect()
    writer.write(here.request("cars", b"1") + here.request("cars", b"2") + b"POST /endpoints/ca")
    writer.write_eof()
    assert [(await read_reply(reader)).body for _ in range(2)] == [b"1", b"2"]
    assert await reader.read() == b""


async def test_a_body_counts_until_the_model_is_done_with_it(here: Site, model: ModelServer) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def slow(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        begun.set()
        await release.wait()
        return 200, {}, b""

    model.model = slow
    _, writer = await here.connect()
    writer.write(here.request("cars", b"x" * 500))
    await begun.wait()
    gone = writer.get_extra_info("socket")  # a reset: after a mere end the client might still wait for its answer
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    await here.until(lambda: not here.front.shared.connections)
    assert here.front.shared.held == 500
    release.set()
    await here.until(lambda: here.front.shared.held == 0)


async def test_an_empty_body_keeps_the_connection(here: Site, model: ModelServer) -> None:
    reader, writer = await here.connect()
    for _ in range(2):
        writer.write(here.request("cars", b""))
        assert "connection" not in (await read_reply(reader)).headers
    assert model.connections == 1


async def test_connection_close_is_honoured(here: Site, model: ModelServer) -> None:
    reader, writer = await here.connect()
    writer.write(here.request("cars", Connection="close"))
    reply = await read_reply(reader)
    assert reply.headers["connection"] == "close"
    assert await reader.read() == b""


HEAD = b"POST /endpoints/cars/invocations HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (HEAD + b"Content-Length: -1\r\n\r\n", 400),
        (HEAD + b"Content-Length: 0x10\r\n\r\n", 400),
        (HEAD + b"Content-Length: 99999999999999999999\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 3000, 400),
        (HEAD + b"Bad Header\r\n\r\n", 400),
        (HEAD + b"A: 1\nB: 2\r\n\r\n", 400),
        (HEAD + b"A: \x00\r\n\r\n", 400),
        (HEAD + b" folded\r\n\r\n", 400),
        (HEAD + b"A: " + b"x" * 70_000, 431),
        (HEAD + b"Content-Length: 2000000\r\n\r\n", 413),
        (HEAD + b"\r\n", 403),
    ],
)
async def test_malformed_requests_are_refused_and_the_connection_ends(
    here: Site, model: ModelServer, sent: bytes, status: int
) -> None:
    reader, writer = await here.connect()
    writer.write(sent)
    reply = await read_reply(reader)
    assert reply.status == status
    assert json.loads(reply.body)["message"]
    if status != 403:
        assert reply.headers["connection"] == "close"
        assert await reader.read() == b""
    assert not model.seen


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /endp",
        HEAD,
        HEAD + b"Content-Length: 10\r\n\r\nabc",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nab",
    ],
)
async def test_slow_clients_are_bounded(tmp_path: Path, sent: bytes) -> None:
    async with site(tmp_path, Bounds(head_seconds=0.1, body_seconds=0.1, linger_seconds=0.1)) as here:
        reader, writer = await here.connect()
        writer.write(sent)
        async with asyncio.timeout(8):
            said = await reader.read()
        if len(sent) > 40:
            assert said.startswith(b"HTTP/1.1 408")
        writer.close()
        await here.until(lambda: not here.front.shared.connections)


async def test_bodies_held_are_bounded(tmp_path: Path) -> None:
    async with site(tmp_path, Bounds(held_bytes=1000)) as here:
        first, second = await here.connect(), await here.connect()
        first[1].write(HEAD + b"Content-Length: 900\r\n\r\n")
        await here.until(lambda: here.front.shared.held == 900)
        second[1].write(HEAD + b"Content-Length: 200\r\n\r\n")
        reply = await read_reply(second[0])
        assert reply.status == 503 and reply.headers["retry-after"] == "1"


async def test_counters_tell_what_happened(here: Site, model: ModelServer) -> None:
    async def by_body(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return int(body), {}, b""

    model.model = by_body
    for status in (b"200", b"200", b"404", b"500"):
        reader, writer = await here.connect()
        writer.write(here.request("cars", status))
        await read_reply(reader)
    with pytest.raises(ClientError):
        await here.invoke("nope")
    (said,) = await here.plane.counters()
    assert said["requests"] == 5 and said["refused"] == 1
    (variant,) = said["variants"]
    assert variant["endpoint"] == "cars" and variant["variant"] == "blue"
    assert (variant["invocations"], variant["errors_4xx"], variant["errors_5xx"]) == (4, 1, 1)
    assert variant["model_sum"] > 0 and sum(variant["model_buckets"].values()) == 4


async def test_draining_finishes_what_was_begun(tmp_path: Path) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def slow(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        begun.set()
        await release.wait()
        return 200, {}, b"done"

    async with site(tmp_path) as here, ModelServer(here.sockets / "m.sock", slow) as model:
        await here.serve("cars", ("v", 1.0, [model.address]))
        idle, busy = await here.connect(), await here.connect()
        idle[1].write(b"POST /end")
        busy[1].write(here.request("cars"))
        await begun.wait()
        drained = asyncio.ensure_future(here.front.drain(5))
        assert await idle[0].read() == b""
        release.set()
        reply = await read_reply(busy[0])
        assert reply.body == b"done" and reply.headers["connection"] == "close"
        await drained
        with pytest.raises(ConnectionRefusedError):
            await here.connect()
