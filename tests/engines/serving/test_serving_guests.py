"""What a front has decided is used again only where it would be decided again."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clary.aws.access import Ask
from clary.aws.credentials import Keys, Principal
from clary.aws.errors import AccessDenied
from clary.aws.sigv4 import Signed
from clary.home import Home
from clary.kernel import ids
from clary.kernel.clock import ManualClock, SystemClock
from clary.kernel.resource import Resource
from clary.kernel.sqlite import SqliteStore
from clary.processes.guests import KEPT_SECONDS, Guests
from clary.processes.state import SURE_SECONDS, WatchedState

ACCOUNT = "123456789012"
CARS = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/cars"
ANN = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ann", "AIDAANN", "user")
HERE = {"aws:sourceip": "127.0.0.1", "aws:securetransport": "true"}
THERE = {"aws:sourceip": "10.0.0.7", "aws:securetransport": "false"}


def policy(**condition: object) -> str:
    statement: dict[str, object] = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": CARS}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


class House:
    """A front's view of a state file, and the file."""

    def __init__(self, directory: Path) -> None:
        self.state = SqliteStore(directory / "clary.db", SystemClock())
        self.clock = ManualClock(1_700_000_000.0)
        home = Home(ACCOUNT, Keys("AKIAROOT", "secret"), b"m" * 32, 0.0)
        self.guests = Guests(directory / "clary.db", home, self.clock)
        status = {"UserId": "AIDAANN", "_inline": {}}
        self.ann = self.state.create(Resource("user", "ann", ACCOUNT, "", ids.new(), ANN.arn, status=status))

    def may(self, document: str | None) -> None:
        policies = {} if document is None else {"invoke": document}
        self.ann = self.state.update(self.ann, _inline=policies)

    def asks(self, origin: dict[str, str] = HERE, model: str | None = None) -> bool:
        signed = Signed(ANN, "AKIAANN", "us-east-1", "sagemaker", "", "", "", "", b"")
        keys = {} if model is None else {"sagemaker:TargetModel": model}
        try:
            self.guests.require(signed, Ask("sagemaker:InvokeEndpoint", CARS, keys), origin)
        except AccessDenied:
            return False
        return True

    def decided(self) -> Callable[[], int]:
        """How often the policies were asked since it was called."""
        opened = self.guests._opened()
        real, asked = opened.context, [0]

        def counted(*given: object) -> object:
            asked[0] += 1
            return real(*given)  # type: ignore[arg-type]

        opened.context = counted  # type: ignore[method-assign, assignment]
        return lambda: asked[0]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.guests.close()
    made.state.close()


def test_the_same_question_is_decided_once_a_second(house: House) -> None:
    house.may(policy())
    asked = house.decided()
    assert all(house.asks() for _ in range(10)) and asked() == 1
    assert house.asks(THERE) and asked() == 1, "no policy looked at where it came from"
    house.clock.advance(KEPT_SECONDS)
    assert house.asks() and asked() == 2


def test_a_permission_that_is_revoked_stops_with_the_next_request(house: House) -> None:
    house.may(policy())
    assert house.asks() and house.asks()
    house.may(None)
    assert not house.asks()
    house.may(policy())
    assert house.asks()


def test_a_write_that_the_file_does_not_show_is_seen_within_a_second(house: House, tmp_path: Path) -> None:
    house.may(policy())
    assert house.asks()
    log = tmp_path / "clary.db-wal"
    house.may(None)
    seen = house.guests._opened().store
    assert isinstance(seen, WatchedState)
    seen._seen = (log.stat().st_mtime_ns, log.stat().st_size)  # as if both writes fell into one tick
    assert house.asks(), "it is not seen yet"
    house.clock.advance(max(SURE_SECONDS, KEPT_SECONDS))
    assert not house.asks()


@pytest.mark.parametrize(
    ("condition", "allowed", "refused"),
    [
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, HERE, THERE),
        ({"Bool": {"aws:SecureTransport": "true"}}, HERE, THERE),
        ({"Null": {"aws:Referer": "true"}}, HERE, {**HERE, "aws:referer": "x"}),
    ],
    ids=["source-ip", "secure-transport", "referer"],
)
def test_circumstances_are_not_answered_from_other_ones(
    house: House, condition: dict[str, object], allowed: dict[str, str], refused: dict[str, str]
) -> None:
    house.may(policy(**condition))
    asked = house.decided()
    for _ in range(3):
        assert house.asks(allowed) and not house.asks(refused)
    assert asked() == 4, "a refusal is decided each time, the permission once"


def test_another_target_model_is_another_question(house: House) -> None:
    house.may(policy(StringLike={"sagemaker:TargetModel": "team-a/*"}))
    for _ in range(2):
        assert house.asks(model="team-a/m.tar.gz")
        assert not house.asks(model="team-b/m.tar.gz") and not house.asks()


def test_what_depends_on_the_time_is_decided_each_time(house: House) -> None:
    house.may(policy(DateLessThan={"aws:CurrentTime": "2023-11-14T22:13:21Z"}))
    asked = house.decided()
    assert house.asks() and house.asks() and asked() == 2
    house.clock._now += 1.0  # the time of day goes on, and no decision has grown older
    assert not house.asks()
