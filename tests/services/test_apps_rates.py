"""How often a page may be asked."""

import pytest

from clary.kernel.clock import ManualClock
from clary.services.sagemaker_runtime.apps.rates import Buckets, Gates, client_of


def test_a_bucket_fills_again() -> None:
    clock = ManualClock()
    buckets = Buckets(clock, 10)
    key = ("app", "client")
    assert [buckets.take(key, 60, 2) for _ in range(3)] == [0, 0, 1]
    clock.advance(0.5)
    assert buckets.take(key, 60, 2) == pytest.approx(0.5)
    clock.advance(0.5)
    assert buckets.take(key, 60, 2) == 0
    clock.advance(1000)
    assert [buckets.take(key, 60, 2) for _ in range(3)] == [0, 0, 1]


def test_who_was_away_longest_is_forgotten() -> None:
    buckets = Buckets(ManualClock(), 2)
    for client in "abc":
        assert buckets.take(("app", client), 60, 1) == 0
    assert buckets.take(("app", "c"), 60, 1) > 0
    assert buckets.take(("app", "a"), 60, 1) == 0


def test_time_of_day_put_back_fills_nothing_and_stops_nothing() -> None:
    clock = ManualClock()
    buckets = Buckets(clock, 2)
    assert buckets.take(("app", "a"), 60, 1) == 0
    clock.advance(-3600)
    assert buckets.take(("app", "a"), 60, 1) == 1
    clock.advance(1)
    assert buckets.take(("app", "a"), 60, 1) == 0


def test_all_clients_together_have_a_bound() -> None:
    gates = Gates(ManualClock())
    waits = [gates.asks("app", f"10.0.{number // 250}.{number % 250}", 60) for number in range(120)]
    assert waits[:100] == [(0.0, True)] * 100
    assert waits[100][0] > 0 and waits[100][1]
    assert gates.asks("another", "10.0.0.0", 60)[0] == 0


def test_looking_takes_nothing_from_asking() -> None:
    gates = Gates(ManualClock())
    assert [gates.looks("app", "::1", 1) for _ in range(10)] == [0.0] * 10
    assert gates.looks("app", "::1", 1) > 0
    assert gates.asks("app", "::1", 1)[0] == 0


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_one_client_is_one_address_or_one_network(address: str, client: str) -> None:
    assert client_of(address) == client
