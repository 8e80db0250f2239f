"""Loads of real processes on servers that are good, slow, rude or gone."""

import asyncio
import socket

import pytest

from clary.stress.conduct import LoadFailed, conduct
from clary.stress.histogram import middle
from clary.stress.totals import Totals
from tests.stress_house import GOOD, Answering, answering, load, plan


def good(connection: Answering, number: int) -> None:
    connection.transport.write(GOOD)


async def test_a_closed_loop_sends_exactly_what_was_asked_for_and_compares_answers() -> None:
    async with answering(good) as server:
        totals = await load(server, processes=2, connections=5, requests=1001, labels=("1", "2"))
    assert (totals.sent, totals.whole.answered, totals.whole.failed) == (1001, 1001, 0)
    assert server.requests == 1001
    assert server.connections == 5
    assert sorted(set(server.bodies)) == [b"1,2", b"3,4"]
    assert totals.whole.compared["a"] == 1001
    assert totals.whole.right["a"] == server.bodies.count(b"1,2")
    assert totals.signatures == totals.signed == 1001


async def test_an_open_loop_counts_from_when_requests_were_due() -> None:
    """A server stands still for half a second. A closed loop sees one slow request a connection and sends nothing
    meanwhile; what users who came in that time waited is only in the open loop."""
    stall, rate = 0.5, 200.0

    class Stalling:
        def __init__(self) -> None:
            self.until = 0.0

        def serve(self, connection: Answering, number: int) -> None:
            loop = asyncio.get_running_loop()
            if number == 40:
                self.until = loop.time() + stall
            if loop.time() < self.until:
                loop.call_at(self.until, connection.transport.write, GOOD)
            else:
                connection.transport.write(GOOD)

    async with answering(Stalling().serve) as server:
        opened = await load(server, connections=2, rate=rate, seconds=1.2)
    async with answering(Stalling().serve) as server:
        closed = await load(server, connections=2, seconds=1.2)
    assert opened.whole.answered == int(rate * 1.2)
    assert opened.waited > 50  # both connections were stuck
    late = opened.whole.latency()
    slow = sum(count for number, count in late.counts.items() if middle(number) > 0.2 * stall * 1e6)
    assert slow >= 0.7 * 0.8 * stall * rate
    assert late.largest >= 0.9 * stall * 1e6
    hidden = closed.whole.latency()
    assert sum(count for number, count in hidden.counts.items() if middle(number) > 0.9 * stall * 1e6) <= 2


async def test_errors_are_counted_by_kind_with_the_first_message_and_nothing_is_sent_again() -> None:
    def rude(connection: Answering, number: int) -> None:
        match number % 5:
            case 0:
                body = b'{"Message": "no instance of <e>"}'
                head = b"HTTP/1.1 503 X\r\nx-amzn-ErrorType: ServiceUnavailable:\r\ncontent-length: %d\r\n\r\n"
                connection.transport.write(head % len(body) + body)
            case 1:
                connection.transport.close()
            case 2:
                connection.transport.write(b"nonsense\r\n\r\n")
            case _:
                connection.transport.write(GOOD)

    async with answering(rude) as server:
        totals = await load(server, connections=1, requests=50)
    errors = totals.whole.errors
    assert totals.sent == server.requests == 50
    assert totals.whole.answered == 20
    assert errors == {"503 ServiceUnavailable": 10, "connection closed": 10, "ConnectionError": 10}
    assert totals.firsts["503 ServiceUnavailable"]["message"] == "no instance of <e>"
    assert "nonsense" in totals.firsts["ConnectionError"]["message"]


async def test_what_is_never_answered_is_a_timeout() -> None:
    def silent(connection: Answering, number: int) -> None:
        if number:
            connection.transport.write(GOOD)

    async with answering(silent) as server:
        totals = await load(server, connections=1, requests=5, timeout=0.4)
    assert (totals.whole.answered, dict(totals.whole.errors)) == (4, {"timeout": 1})
    assert "0.4 s" in totals.firsts["timeout"]["message"]


async def test_chunked_closing_and_interim_answers_are_read() -> None:
    forms = (
        b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n1.\r\n1\r\n0\r\n0\r\n\r\n",
        GOOD.replace(b"content-length", b"Connection: close\r\nContent-Length"),
        GOOD,
    )

    def all_of_them(connection: Answering, number: int) -> None:
        answer = forms[number % 4]
        connection.transport.write(answer[:7])
        asyncio.get_running_loop().call_soon(connection.transport.write, answer[7:])
        if number % 4 == 2:
            asyncio.get_running_loop().call_soon(connection.transport.close)

    async with answering(all_of_them) as server:
        totals = await load(server, connections=1, requests=40, rows=("1",), labels=("1",))
    assert (totals.whole.answered, totals.whole.failed) == (40, 0)
    assert sum(totals.whole.right.values()) == 40


async def test_a_stop_ends_the_load_with_what_was_seen_so_far() -> None:
    stop = asyncio.Event()

    def stopping(connection: Answering, number: int) -> None:
        if number < 100:
            connection.transport.write(GOOD)
        if number == 100:
            stop.set()

    async with answering(stopping) as server:
        totals = await load(server, connections=2, seconds=600.0, stop=stop)
    assert totals.whole.answered == 100
    assert totals.whole.failed == 0
    assert totals.unanswered == 2


async def test_a_server_that_is_not_there_is_said_before_the_clock_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(LoadFailed, match="connection refused"):
            await conduct(plan(url=url, requests=5), 1, Totals(), asyncio.Event(), lambda at: None)


async def test_a_server_that_goes_away_leaves_errors_and_an_end() -> None:
    async with answering(good) as server:

        def leaving(connection: Answering, number: int) -> None:
            connection.transport.write(GOOD)
            if number == 20:
                gone.set()
                connection.transport.close()

        gone = asyncio.Event()
        server.serve = leaving
        running = asyncio.ensure_future(load(server, connections=1, requests=25))
        await gone.wait()
    totals = await running
    assert totals.sent == 25
    assert totals.whole.answered + totals.whole.failed == 25
    assert totals.whole.answered >= 20


def test_a_busy_process_is_called_the_limit() -> None:
    totals = Totals(cpu={0: [[0.0, 1.0, 0.5]], 1: [[0.0, 1.0, 0.97]]})
    (said,) = totals.limits()
    assert "97%" in said
    totals = Totals(cpu={0: [[0.0, 1.0, 0.5]]})
    assert not totals.limits()
    for _ in range(50):
        totals.late.record(20_000)
        totals.lag.record(80_000)
    assert len(totals.limits()) == 2
