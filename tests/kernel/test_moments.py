"""Schedules in time zones, between dates, and looked at by clocks that jump."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from clary.kernel import moments, schedule

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> float:
    """A moment on Berlin's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def test_a_moment_that_the_clock_skips_is_passed_over_or_fires_late() -> None:
    step = schedule.parse("cron(30 2 * * ? *)")  # the clock goes from 2:00 to 3:00 on 29 March 2026
    skips = moments.in_zone(step, BERLIN, "skip")
    assert skips(at("2026-03-28T02:30")) == at("2026-03-30T02:30")
    fires = moments.in_zone(step, BERLIN)
    assert fires(at("2026-03-28T02:30")) == at("2026-03-29T03:30")


def test_a_moment_that_comes_twice_fires_once() -> None:
    after = moments.in_zone(schedule.parse("cron(30 2 * * ? *)"), BERLIN, "skip")  # twice on 25 October 2026
    first = at("2026-10-25T02:30")
    assert after(at("2026-10-24T02:30")) == first
    assert after(first) == at("2026-10-26T02:30")
    assert after(first + 1800) == at("2026-10-26T02:30")


def test_one_moment_in_a_zone() -> None:
    after = moments.in_zone(schedule.parse("at(2026-07-01T09:00:00)"), BERLIN, "skip")
    assert after(0.0) == at("2026-07-01T09:00")
    assert after(at("2026-07-01T09:00")) is None


def test_a_zone_that_nobody_knows_is_named() -> None:
    with pytest.raises(ValueError, match="'Mars/Olympus' is no time zone"):
        moments.zone("Mars/Olympus")


def test_a_rate_from_its_start_to_its_end() -> None:
    step = schedule.parse("rate(10 minutes)")
    after = moments.between(1000.0, 2300.0, moments.from_start(1000.0, 0.0, step))
    assert [after(one) for one in (0.0, 1000.0, 1700.0, 2200.0)] == [1000.0, 1600.0, 2200.0, None]


@pytest.mark.parametrize(
    ("due", "now", "late", "said"),
    [
        (600.0, 599.0, 0.0, (False, 600.0)),
        (600.0, 600.0, 0.0, (True, 1200.0)),
        (600.0, 600.0, 30.0, (False, 600.0)),
        (600.0, 630.0, 30.0, (True, 1200.0)),
        (600.0, 4000.0, 0.0, (True, 4200.0)),  # what was missed counts once
        (6000.0, 100.0, 0.0, (False, 600.0)),  # the clock was put back
    ],
)
def test_what_a_look_finds(due: float, now: float, late: float, said: tuple[bool, float]) -> None:
    after = moments.from_start(0.0, 0.0, schedule.parse("rate(10 minutes)"))
    assert moments.looked(due, now, after, late) == said
