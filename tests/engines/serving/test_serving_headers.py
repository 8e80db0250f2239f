"""The headers of an answer, as they stand on the wire."""

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.serving import Answer, ModelServer, Site, site


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path) as made:
        yield made


async def head_of(here: Site, request: bytes) -> list[str]:
    """The lines of the answer's head, its body read and thrown away."""
    reader, writer = await here.connect()
    writer.write(request)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    length = next(line for line in lines if line.lower().startswith("content-length"))
    await reader.readexactly(int(length.split(": ")[1]))
    return lines


async def test_a_good_answer_has_these_headers_and_no_others(here: Site) -> None:
    async def model(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        said = {"content-type": "application/json", "x-amzn-sagemaker-custom-attributes": "trace=2", "server": "x"}
        return (
            200,
            {**said, "set-cookie": "a=b", "x-amzn-sagemaker-inference-id": headers["x-amzn-sagemaker-inference-id"]},
            b"{}",
        )

    async with ModelServer(here.sockets / "m.sock", model) as server:
        await here.serve("cars", ("blue", 1.0, [server.address]))
        request = here.request("cars", b"1", **{"X-Amzn-SageMaker-Inference-Id": "id-1"})
        lines = await head_of(here, request)
        assert server.seen[0][1]["x-amzn-sagemaker-inference-id"] == "id-1", "end to end: the model sees it"
    assert lines[0] == "HTTP/1.1 200 OK"
    said = dict(line.split(": ", 1) for line in lines[1:])
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", said.pop("x-amzn-RequestId"))
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", said.pop("date"))
    assert said == {
        "x-Amzn-Invoked-Production-Variant": "blue",
        "Content-Type": "application/json",
        "X-Amzn-SageMaker-Custom-Attributes": "trace=2",
        "content-length": "2",
    }


async def test_every_answer_has_an_id_of_its_own_and_errors_name_themselves(here: Site) -> None:
    async with ModelServer(here.sockets / "m.sock") as server:
        await here.serve("cars", ("blue", 1.0, [server.address]))
        heads = [await head_of(here, here.request("cars")) for _ in range(5)]
        heads.append(await head_of(here, here.request("boats")))
        heads.append(await head_of(here, here.request("cars", **{"X-Amzn-SageMaker-Inference-Id": "x" * 65})))
    said = [dict(line.split(": ", 1) for line in lines[1:]) for lines in heads]
    assert len({one["x-amzn-RequestId"] for one in said}) == 7
    assert [one.get("x-amzn-ErrorType") for one in said] == [None] * 5 + ["ValidationError"] * 2
    assert heads[-1][0] == heads[-2][0] == "HTTP/1.1 400 Bad Request"
