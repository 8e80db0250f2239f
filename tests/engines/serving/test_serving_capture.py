"""Data capture at a front: what is picked is on disk soon, whole, within its bounds, and costs nobody an answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from clary.engines.serving import captured
from clary.engines.serving.base import CaptureRule, Reply, Route, RouteVariant
from clary.engines.serving.capture import CaptureBounds, Captures
from clary.engines.serving.captured import OPEN, WHOLE, Captured, Origin, Torn
from clary.engines.serving.counters import Counters
from clary.engines.serving.exchange import Exchange
from clary.kernel.clock import ManualClock
from tests.serving import ACCOUNT, REGION, Answer, ModelServer, Site, read_reply, site

KEY = (ACCOUNT, REGION, "cars")
RULE = CaptureRule(100.0, True, True, "s3://b/p", ("text/csv",))
ROLE = "arn:aws:iam::123456789012:role/r"


def routes(rule: CaptureRule | None, *variants: str) -> dict[tuple[str, str, str], Route]:
    served = tuple(RouteVariant(name, 1.0, (), role=ROLE) for name in variants or ("blue",))
    return {KEY: Route(*KEY, served, capture=rule)}


class Owner:
    def place(self, exchange: Exchange) -> None: ...

    def opened(self, exchange: Exchange) -> None: ...

    def end(self, exchange: Exchange) -> None: ...


def exchange(body: bytes, status: int = 200, answer: bytes = b"good", variant: str = "blue") -> Exchange:
    headers = {"content-type": "text/csv", "x-amzn-sagemaker-inference-id": "i-1"}
    made = Exchange(Owner(), KEY, headers, body, None)
    made.variant = variant
    made.reply = Reply(status, {"content-type": "text/csv; charset=utf-8"}, answer, variant)
    made.started = made.sent = time.perf_counter()
    return made


class Bench:
    """Captures without a front. `settle`: what was captured is on disk."""

    def __init__(self, directory: Path, bounds: CaptureBounds | None = None, chance: float = 0.0) -> None:
        self.directory = directory
        self.counters = Counters()
        self.captures = Captures(directory, "0", bounds or CaptureBounds(), ManualClock(), lambda: chance)

    def ends(self, *ended: Exchange) -> None:
        for one in ended:
            self.counters.ended(one, time.perf_counter(), "event-1")

    def files(self, suffix: str = WHOLE) -> list[Path]:
        return sorted(self.directory.glob(f"*{suffix}"))

    def read(self) -> list[Captured]:
        return [one for path in self.files() for one in captured.read(path)[1]]


async def test_what_was_captured_is_read_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.captures.take(routes(RULE), bench.counters)
    bench.ends(exchange(b"a,b"), exchange(b"\xff", answer=b""))
    bench.captures.close()
    [path] = bench.files()
    origin, found = captured.read(path)
    assert origin == Origin(*KEY, "blue", ROLE, RULE)
    first, second = found
    assert first == Captured(
        1_700_000_000.0, "event-1", "i-1", "", "text/csv", "text/csv; charset=utf-8", b"a,b", b"good"
    )
    assert (second.input, second.output) == (b"\xff", b"")


async def test_only_what_the_rule_says_and_what_the_model_answered_well(tmp_path: Path) -> None:
    bench = Bench(tmp_path, chance=0.5)
    other = exchange(b"other", variant="green")
    unanswered = exchange(b"unanswered")
    unanswered.reply = None
    rule = CaptureRule(50.0, True, False, "s3://b/p")
    bench.captures.take(routes(rule), bench.counters)
    bench.ends(exchange(b"not its turn"))
    rule = CaptureRule(51.0, True, False, "s3://b/p")
    bench.captures.take(routes(rule), bench.counters)
    bench.ends(exchange(b"500", 500), exchange(b"404", 404), exchange(b"302", 302), unanswered, other, exchange(b"1"))
    bench.captures.take(routes(None), bench.counters)
    bench.ends(exchange(b"capture is off"))
    bench.captures.take(routes(CaptureRule(0.0, True, True, "s3://b/p")), bench.counters)
    bench.ends(exchange(b"no share"))
    bench.captures.close()
    assert [(one.input, one.output) for one in bench.read()] == [(b"1", b"")]
    assert bench.counters.of(KEY, "blue").invocations == 8, "whatever is captured, all are counted"


async def test_a_torn_end_is_passed_over(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.captures.take(routes(RULE), bench.counters)
    bench.ends(*(exchange(b"%d" % n) for n in range(3)))
    bench.captures.close()
    [path] = bench.files()
    whole = path.read_bytes()
    bodies = []
    for cut in range(1, len(whole)):
        path.write_bytes(whole[:-cut])
        try:
            bodies.append([one.input for one in captured.read(path)[1]])
        except Torn:
            assert b"\n" not in whole[:-cut]
    assert bodies == sorted(bodies, reverse=True) and bodies[0] == [b"0", b"1"] and bodies[-1] == []


async def test_files_are_closed_by_size_and_by_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path, CaptureBounds(seconds=0.1, file_bytes=1000))
    bench.captures.take(routes(RULE), bench.counters)
    for n in range(4):
        bench.ends(exchange(b"%d" % n * 600))
        bench.captures.flush()
    await until(lambda: len(bench.files()) == 2)
    clock = bench.captures.clock
    assert isinstance(clock, ManualClock)
    bench.ends(exchange(b"late"))
    bench.captures.flush()
    await until(lambda: bool(bench.files(OPEN)))
    clock.advance(0.2)
    await until(lambda: not bench.files(OPEN))
    assert len(bench.read()) == 5
    bench.captures.close()


async def test_a_disk_that_is_full_or_away_costs_captures_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.joinpath("file").write_text("not a directory")
    bench = Bench(tmp_path / "file")
    bench.captures.take(routes(RULE), bench.counters)
    bench.ends(exchange(b"1"), exchange(b"2"))
    bench.captures.close()
    assert bench.captures.dropped == 2
    assert bench.captures.taken == bench.captures.written
    assert caplog.messages.count("captured inferences were dropped") == 1

    full = Bench(tmp_path / "full", CaptureBounds(file_bytes=100, spool_bytes=3600))
    full.captures.take(routes(RULE), full.counters)
    for _ in range(10):
        full.ends(exchange(b"x" * 600))
        full.captures.flush()
    full.captures.close()
    assert full.captures.dropped == 9 and len(full.read()) == 1, "an endpoint has a quarter of the whole"


async def test_memory_is_bounded(tmp_path: Path) -> None:
    bench = Bench(tmp_path, CaptureBounds(held_bytes=5000))
    bench.captures.take(routes(RULE), bench.counters)
    bench.ends(*(exchange(b"x" * 1000) for _ in range(10)))
    assert bench.captures.dropped == 6
    bench.captures.close()
    assert len(bench.read()) == 4


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path) as made:
        yield made


async def test_a_front_captures_what_passes_it(here: Site) -> None:
    async def model(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return (400 if body == b"bad" else 200), {"content-type": "application/json"}, b"[1]"

    async with ModelServer(here.sockets / "m.sock", model) as server:
        variant = RouteVariant("blue", 1.0, (server.address,), role=ROLE)
        route = Route(*KEY, (variant,), capture=RULE)
        await here.plane.publish(route)
        assert await here.plane.serves(route)
        answer = await here.invoke("cars", b"a,b", ContentType="text/csv", InferenceId="id-7", CustomAttributes="t=1")
        with pytest.raises(Exception, match="400"):
            await here.invoke("cars", b"bad")
        streamed = here.client()
        parts = await asyncio.to_thread(
            lambda: list(streamed.invoke_endpoint_with_response_stream(EndpointName="cars", Body=b"streamed")["Body"])
        )
        assert parts
        streamed.close()
        reply = await here.plane.invoke(ACCOUNT, REGION, "cars", b"from inside", {"Content-Type": "text/csv"})
        assert reply.status == 200
    here.front.captures.close()
    here.plane.close()
    found = {one.input: one for path in (here.directory / "captured").iterdir() for one in captured.read(path)[1]}
    assert set(found) == {b"a,b", b"from inside"}
    one = found[b"a,b"]
    assert one.event == answer["ResponseMetadata"]["RequestId"], "an answer can be found by the id that its client saw"
    assert (one.inference, one.attributes, one.output) == ("id-7", "t=1", b"[1]")
    assert (one.input_type, one.output_type) == ("text/csv", "application/json")
    assert len(found[b"from inside"].event) == 36


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """The thread that writes has done it."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        await asyncio.to_thread(lambda: None)


async def test_each_request_of_a_connection_is_captured_as_what_it_is(here: Site) -> None:
    """Requests that look like those before are recognised without being parsed again."""
    async with ModelServer(here.sockets / "m.sock") as server:
        route = Route(*KEY, (RouteVariant("blue", 1.0, (server.address,), role=ROLE),), capture=RULE)
        await here.plane.publish(route)
        assert await here.plane.serves(route)
        reader, writer = await here.connect()
        seen = {}
        for n in range(12):
            headers = {
                "Content-Type": "text/csv" if n % 5 else "application/json",
                "X-Amzn-SageMaker-Inference-Id": f"id-{n}",
                "X-Amzn-SageMaker-Custom-Attributes": f"trace={n // 3}",
            }
            writer.write(here.request("cars", b"row %d" % n, **headers))
            reply = await read_reply(reader)
            assert reply.status == 200
            seen[reply.headers["x-amzn-requestid"]] = (
                f"id-{n}",
                f"trace={n // 3}",
                headers["Content-Type"],
                b"row %d" % n,
            )
    here.front.captures.close()
    assert len(seen) == 12
    found = [one for path in (here.directory / "captured").iterdir() for one in captured.read(path)[1]]
    assert {one.event: (one.inference, one.attributes, one.input_type, one.input) for one in found} == seen


async def test_rules_that_change_and_a_disk_that_refuses_cost_no_answer(here: Site) -> None:
    """Sixteen clients, while capture goes on and off, from all to some, and loses its directory."""
    over, answers = asyncio.Event(), [0] * 16

    async def client(number: int) -> None:
        reader, writer = await here.connect()
        while not over.is_set():
            body = b"%d-%d" % (number, answers[number])
            writer.write(here.request("cars", body, **{"Content-Type": "text/csv"}))
            reply = await read_reply(reader)
            assert (reply.status, reply.body) == (200, body)
            answers[number] += 1

    async with ModelServer(here.sockets / "m.sock") as server:
        variant = RouteVariant("blue", 1.0, (server.address,), role=ROLE)

        async def follow(rule: CaptureRule | None) -> None:
            route = Route(*KEY, (variant,), capture=rule)
            await here.plane.publish(route)
            assert await here.plane.serves(route)
            enough = sum(answers) + 60
            await here.until(lambda: sum(answers) >= enough or any(one.done() for one in clients))

        clients: list[asyncio.Future[None]] = []
        route = Route(*KEY, (variant,), capture=RULE)
        await here.plane.publish(route)
        assert await here.plane.serves(route)
        clients += [asyncio.ensure_future(client(n)) for n in range(16)]
        await follow(RULE)
        (here.directory / "in-the-way").write_text("no directory")
        here.front.captures.directory = here.directory / "in-the-way" / "captured"
        for share in (100.0, 30.0, 0.0, 60.0):
            await follow(CaptureRule(share, True, share != 30.0, "s3://b/q"))
        await follow(None)
        over.set()
        await asyncio.gather(*clients)
    here.front.captures.close()
    assert min(answers) > 5 and here.front.captures.dropped > 0
