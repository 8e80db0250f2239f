"""What is delivered arrives at least once, under one id, whatever the receiver answers and whoever is killed."""

import asyncio
import http.server
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from clary.aws import delivery
from clary.aws.acting import Acting
from clary.aws.authorize import Role, Standing
from clary.aws.credentials import Principal
from clary.aws.delivery import WEB, Counted, Deliveries, Delivery, Outcome, Retry, hops
from clary.aws.errors import ServiceError
from clary.aws.inside import Wanted
from clary.engines.web.posts import WebPosts
from clary.kernel.clock import ManualClock
from clary.kernel.metrics import Sample
from clary.kernel.reconcile import Controller
from clary.kernel.resource import Doc
from clary.kernel.sqlite import SqliteStore
from clary.kernel.store import Where
from clary.kernel.web import WebAnswer, WebFailed
from tests.crash.harness import Crash, crashes
from tests.inprocess import ACCOUNT, REGION
from tests.kernel.waiting import settle, until

RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/courier"
TRUST = (
    '{"Statement": {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}}'
)
DEAD: Doc = {
    "service": "sqs",
    "operation": "SendMessage",
    "params": {
        "MessageBody": "lost",
        "MessageAttributes": {
            "ERROR_CODE": {"DataType": "String", "StringValue": "{error_code}"},
            "RULE_ARN": {"DataType": "String", "StringValue": RULE},
        },
    },
}


class Receiver:
    """Stands where the public operations stand: it takes what comes, or answers as it is told to."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Wanted, Mapping[str, str], int]] = []
        self.result: Doc = {}
        self.answers: dict[str, list[Exception]] = {}
        """What an operation raises next, in order; [] takes it."""

    async def ask(
        self, principal: Principal, region: str, request_id: str, origin: Mapping[str, str], wanted: Wanted
    ) -> Doc:
        await asyncio.sleep(0)
        if waiting := self.answers.get(wanted.operation):
            raise waiting.pop(0)
        self.taken.append((principal.arn, wanted, origin, hops()))
        return self.result

    def params(self) -> list[Doc]:
        return [wanted.params for _, wanted, _, _ in self.taken]


class Identities:
    def of(self, principal: Principal) -> Standing:
        return Standing()

    def role(self, arn: str) -> Role | None:
        return Role("courier", arn, "AROA", TRUST, 3600) if arn == ROLE else None


class Counting:
    def __init__(self) -> None:
        self.names: list[str] = []

    def add(self, samples: Any) -> None:
        self.names += [one.metric.name for one in samples if isinstance(one, Sample)]


class Addresses:
    """Web addresses that answer as they are told to."""

    def __init__(self) -> None:
        self.posted: list[str] = []
        self.answers: list[int | None] = []
        self.open = asyncio.Event()
        self.open.set()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> WebAnswer:
        await self.open.wait()
        status = self.answers.pop(0) if self.answers else 200
        if status is None:
            raise WebFailed("nobody is there")
        self.posted.append(body.decode())
        return WebAnswer(status, b"")


class House:
    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock(1_000.0)
        self.store = SqliteStore(directory / "state.db", self.clock)
        self.receiver, self.web, self.metrics = Receiver(), Addresses(), Counting()
        self.deliveries = Deliveries(
            self.store,
            self.clock,
            ACCOUNT,
            Identities(),
            inside=lambda: self.receiver,  # type: ignore[arg-type, return-value]
            web=self.web,
            metrics=self.metrics,
        )
        self.controller = Controller(
            self.store, self.clock, {delivery.KIND: self.deliveries}, {delivery.KIND: delivery.MACHINE}
        )

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.controller.tick()
        await settle()

    def close(self) -> None:
        self.deliveries.close()
        self.store.close()


@pytest.fixture
async def house(tmp_path: Path) -> Any:
    with closing(House(tmp_path)) as made:
        yield made


def event(**given: Any) -> Delivery:
    fields: dict[str, Any] = {
        "id": "event-1/rule/target",
        "region": REGION,
        "acting": Acting("events.amazonaws.com", RULE),
        "service": "sqs",
        "operation": "SendMessage",
        "params": {"MessageBody": "{}"},
        "counted": Counted("AWS/Events", {"RuleName": "r"}, "Invocations", "FailedInvocations", "Dead", "Undead"),
        **given,
    }
    return Delivery(**fields)


def busy() -> ServiceError:
    return ServiceError("come again", code="ServiceUnavailable", status=503)


def denied() -> ServiceError:
    return ServiceError("you may not", code="AccessDenied", status=403)


async def test_what_is_taken_leaves_nothing_behind(house: House) -> None:
    await house.deliveries.deliver(event())
    ((who, wanted, origin, led),) = house.receiver.taken
    assert (who, wanted.operation, led) == ("events.amazonaws.com", "SendMessage", 1)
    assert origin == {"aws:sourceaccount": ACCOUNT, "aws:sourcearn": RULE}
    assert house.deliveries.pending() == 0
    assert house.metrics.names == ["Invocations"]


async def test_who_delivers_is_told_what_became_of_it(house: House) -> None:
    house.receiver.answers["SendMessage"] = [busy(), denied()]
    assert await house.deliveries.deliver(event(id="1")) == Outcome("queued", "come again")
    assert await house.deliveries.deliver(event(id="2")) == Outcome("failed", "you may not")
    assert await house.deliveries.deliver(event(id="3")) == Outcome("delivered")
    assert await house.deliveries.deliver(event(id="4", led=16)) == Outcome(
        "failed", "it is part of a loop of deliveries"
    )
    there = {"Url": "http://127.0.0.1/", "Body": ""}
    assert await house.deliveries.deliver(event(id="5", service=WEB, operation="POST", params=there)) == Outcome(
        "queued"
    )


async def test_a_role_acts_where_one_is_named(house: House) -> None:
    await house.deliveries.deliver(event(acting=Acting("events.amazonaws.com", RULE, ROLE, "rule-r")))
    assert house.receiver.taken[0][0] == f"arn:aws:sts::{ACCOUNT}:assumed-role/courier/rule-r"


async def test_a_role_that_does_not_trust_the_service_is_a_refusal(house: House) -> None:
    await house.deliveries.deliver(event(acting=Acting("sns.amazonaws.com", RULE, ROLE), dead=DEAD))
    assert [one["MessageBody"] for one in house.receiver.params()] == ["lost"]
    assert house.receiver.taken[0][0] == "sns.amazonaws.com", "the dead letter is sent by the service itself"


async def test_a_busy_receiver_is_asked_again_with_growing_pauses(house: House) -> None:
    house.receiver.answers["SendMessage"] = [busy(), busy(), busy()]
    await house.deliveries.deliver(event())
    assert house.deliveries.pending() == 1
    for seconds in (1, 2):
        await house.pass_time(seconds - 0.1)
        assert not house.receiver.taken
        await house.pass_time(0.1)
    assert not house.receiver.taken
    await house.pass_time(4)
    assert len(house.receiver.taken) == 1
    assert house.deliveries.pending() == 0


async def test_what_is_refused_for_good_becomes_a_dead_letter_at_once(house: House) -> None:
    house.receiver.answers["SendMessage"] = [denied()]
    await house.deliveries.deliver(event(dead=DEAD))
    (letter,) = house.receiver.params()
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "AccessDenied"
    assert letter["MessageAttributes"]["RULE_ARN"]["StringValue"] == RULE
    assert house.metrics.names == ["Dead", "FailedInvocations"]


async def test_an_entry_that_is_refused_inside_an_answer_is_a_refusal(house: House) -> None:
    house.receiver.result = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ResourceNotFoundException"}]}
    await house.deliveries.deliver(event(operation="PutEvents"))
    assert house.deliveries.pending() == 0
    assert house.metrics.names == ["FailedInvocations"]
    house.receiver.result = {"FailedEntryCount": 1, "Entries": [{}, {"ErrorCode": "InternalFailure"}]}
    await house.deliveries.deliver(event(id="later", operation="PutEvents"))
    assert house.deliveries.pending() == 1


async def test_out_of_tries_and_out_of_time(house: House) -> None:
    house.receiver.answers["SendMessage"] = [busy(), busy()]
    await house.deliveries.deliver(event(retry=Retry(attempts=1), dead=DEAD))
    await house.pass_time(1)
    assert [one["MessageBody"] for one in house.receiver.params()] == ["lost"]
    house.receiver.answers["SendMessage"] = [busy(), busy(), busy()]
    await house.deliveries.deliver(event(id="other", retry=Retry(seconds=4)))
    await house.pass_time(1)
    await house.pass_time(2)
    assert house.deliveries.pending() == 0
    assert house.metrics.names == ["Dead", "FailedInvocations", "FailedInvocations"]


async def test_the_same_delivery_is_queued_once(house: House) -> None:
    house.receiver.answers["SendMessage"] = [busy(), busy()]
    await house.deliveries.deliver(event())
    await house.deliveries.deliver(event())
    assert house.deliveries.pending() == 1


async def test_a_dead_letter_that_is_refused_is_told(house: House) -> None:
    house.receiver.answers["SendMessage"] = [denied(), denied()]
    await house.deliveries.deliver(event(dead=DEAD))
    assert house.metrics.names == ["Undead", "FailedInvocations"]


async def test_a_loop_is_cut(house: House) -> None:
    async def again(*_: Any) -> Doc:
        house.receiver.taken.append(("", Wanted("", "", {}), {}, hops()))
        await house.deliveries.deliver(event())
        return {}

    house.receiver.ask = again  # type: ignore[assignment, method-assign]
    await house.deliveries.deliver(event())
    assert [led for _, _, _, led in house.receiver.taken] == list(range(1, delivery.MOST_HOPS + 1))


def web(body: str = "hello", **given: Any) -> Delivery:
    params = {"Url": "http://127.0.0.1:1/", "Headers": {}, "Body": body}
    return event(id=f"web-{body}", service=WEB, operation="POST", params=params, **given)


async def test_a_web_address_is_posted_to_from_its_row(house: House) -> None:
    await house.deliveries.deliver(web())
    assert house.deliveries.pending() == 1
    await house.controller.tick()
    await until(lambda: house.deliveries.pending() == 0)
    assert house.web.posted == ["hello"]


async def test_an_address_that_fails_is_tried_again_and_one_that_refuses_is_not(house: House) -> None:
    house.web.answers = [None, 500, 429, 200]
    await house.deliveries.deliver(web(retry=Retry(pauses=(1.0, 1.0, 1.0))))
    await house.controller.tick()
    await settle()
    for _ in range(3):
        await house.pass_time(1)
    assert house.web.posted == ["hello"] * 3
    assert house.deliveries.pending() == 0
    house.web.answers = [404]
    await house.deliveries.deliver(web("gone", dead=DEAD))
    await house.controller.tick()
    await until(lambda: house.deliveries.pending() == 0)
    assert [one["MessageBody"] for one in house.receiver.params()] == ["lost"]


async def test_a_slow_address_holds_up_nobody(house: House) -> None:
    house.web.open.clear()
    await house.deliveries.deliver(web())
    await house.controller.tick()
    await house.deliveries.deliver(event())
    assert len(house.receiver.taken) == 1
    house.web.open.set()
    await until(lambda: house.deliveries.pending() == 0)


def test_a_kill_at_any_await_loses_nothing(tmp_path: Path) -> None:
    def scenario(directory: Path) -> Any:
        async def run() -> None:
            with closing(House(directory)) as made:
                made.receiver.answers["SendMessage"] = [busy(), busy()]
                await made.deliveries.deliver(event())
                Path(directory / "queued").touch()
                await made.pass_time(1)
                await made.pass_time(2)

        return run()

    for crash in crashes(scenario, tmp_path):
        assert asyncio.run(_recovered(crash)), crash


async def _recovered(crash: Crash) -> bool:
    """What was queued is delivered after the restart, unless it was before."""
    with closing(House(crash.directory)) as made:
        made.clock.advance(3_600)
        before = len(made.store.page(delivery.KIND, Where()))
        await made.controller.tick()
        if not (crash.directory / "queued").exists():
            return True  # its caller was killed as well, and calls again
        return len(made.receiver.taken) == before and made.deliveries.pending() == 0


@contextmanager
def server() -> Iterator[tuple[str, list[bytes]]]:
    taken: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{made.server_port}/hook", taken
    finally:
        made.shutdown()
        made.server_close()


async def test_posts_really_go_out() -> None:
    with server() as (url, taken), closing(WebPosts()) as posts:
        answer = await posts.post(url, {"X-Kind": "test"}, b"body", 5.0)
    assert (answer.status, taken) == (204, [b"body"])


async def test_posts_stay_on_this_machine_unless_told_otherwise() -> None:
    with closing(WebPosts()) as posts:
        with pytest.raises(Exception, match="not an address of this machine"):
            await posts.post("http://192.0.2.1/", {}, b"", 1.0)
        with pytest.raises(Exception, match="no http or https address"):
            await posts.post("file:///etc/passwd", {}, b"", 1.0)
        with pytest.raises(WebFailed):
            await posts.post("http://127.0.0.1:9/", {}, b"", 1.0)
