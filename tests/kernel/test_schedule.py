"""Schedules in AWS's dialect: the examples of its documentation, and a slow search that must agree."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clary.kernel.schedule import next_after, parse

MOMENT = "%Y-%m-%d %H:%M:%S"


def epoch(text: str) -> float:
    return datetime.strptime(text, MOMENT).replace(tzinfo=UTC).timestamp()


def after(expression: str, text: str) -> str | None:
    found = next_after(expression, epoch(text))
    return None if found is None else datetime.fromtimestamp(found, UTC).strftime(MOMENT)


@pytest.mark.parametrize(
    ("expression", "start", "fires"),
    [
        ("cron(0 10 * * ? *)", "2026-08-01 10:00:00", "2026-08-02 10:00:00"),
        ("cron(15 12 * * ? *)", "2026-08-01 12:14:59", "2026-08-01 12:15:00"),
        ("cron(0 18 ? * MON-FRI *)", "2026-08-01 00:00:00", "2026-08-03 18:00:00"),
        ("cron(0 8 1 * ? *)", "2026-12-01 08:00:00", "2027-01-01 08:00:00"),
        ("cron(0/15 * * * ? *)", "2026-08-01 10:46:00", "2026-08-01 11:00:00"),
        ("cron(0/10 * ? * MON-FRI *)", "2026-07-31 23:55:00", "2026-08-03 00:00:00"),
        ("cron(0/5 8-17 ? * mon-fri *)", "2026-08-03 17:55:00", "2026-08-04 08:00:00"),
        ("cron(0 * ? * * *)", "2026-08-01 10:00:00", "2026-08-01 11:00:00"),
        ("cron(0 0/12 ? * * *)", "2026-08-01 00:30:00", "2026-08-01 12:00:00"),
        ("cron(0 0 L * ? *)", "2028-02-01 00:00:00", "2028-02-29 00:00:00"),
        ("cron(0 0 LW * ? *)", "2026-05-01 00:00:00", "2026-05-29 00:00:00"),
        ("cron(0 0 3W * ? *)", "2026-10-01 00:00:00", "2026-10-02 00:00:00"),
        ("cron(0 0 1W * ? *)", "2026-08-01 00:00:00", "2026-08-03 00:00:00"),
        ("cron(0 0 31W * ? *)", "2026-06-01 00:00:00", "2026-07-31 00:00:00"),
        ("cron(0 0 31W 5 ? *)", "2026-01-01 00:00:00", "2026-05-29 00:00:00"),
        ("cron(0 9 ? * 2#1 *)", "2026-08-01 00:00:00", "2026-08-03 09:00:00"),
        ("cron(0 9 ? * TUE#5 *)", "2026-08-01 00:00:00", "2026-09-29 09:00:00"),
        ("cron(0 9 ? * L *)", "2026-08-01 10:00:00", "2026-08-08 09:00:00"),
        ("cron(0 9 ? * 6L *)", "2026-08-01 10:00:00", "2026-08-28 09:00:00"),
        ("cron(0 9 ? * FRI-MON *)", "2026-08-04 00:00:00", "2026-08-07 09:00:00"),
        ("cron(30 6,18 15 JAN,jul ? *)", "2026-02-01 00:00:00", "2026-07-15 06:30:00"),
        ("cron(0 0 29 FEB ? *)", "2026-01-01 00:00:00", "2028-02-29 00:00:00"),
        ("cron(0 0 30 2 ? *)", "2026-01-01 00:00:00", None),
        ("cron(0 0 1 1 ? 2020-2025)", "2026-01-01 00:00:00", None),
        ("cron(0 0 1 1 ? 2026/3)", "2026-06-01 00:00:00", "2029-01-01 00:00:00"),
        ("rate(1 minute)", "2026-08-01 10:00:05", "2026-08-01 10:01:05"),
        ("rate(12 hours)", "2026-08-01 10:00:05", "2026-08-01 22:00:05"),
        ("rate(7 days)", "2026-08-01 10:00:05", "2026-08-08 10:00:05"),
        ("at(2026-08-01T10:00:06)", "2026-08-01 10:00:05", "2026-08-01 10:00:06"),
        ("at(2026-08-01T10:00:05)", "2026-08-01 10:00:05", None),
    ],
)
def test_when_it_fires(expression: str, start: str, fires: str | None) -> None:
    assert after(expression, start) == fires


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("every day", "a schedule is"),
        ("", "a schedule is"),
        ("cron(0 10 * * ?)", "six fields"),
        ("cron(60 10 * * ? *)", "minutes .* 0 to 59"),
        ("cron(0 24 * * ? *)", "hours .* 0 to 23"),
        ("cron(0 0 0 * ? *)", "day-of-month"),
        ("cron(0 0 32W * ? *)", "day-of-month"),
        ("cron(0 0 ? 13 * *)", "month"),
        ("cron(0 0 ? FOO * *)", "month .*'FOO'"),
        ("cron(0 0 ? * 8 *)", "day-of-week"),
        ("cron(0 0 ? * MON#6 *)", "day-of-week .*'MON#6'"),
        ("cron(0 0 ? * * 1969)", "year"),
        ("cron(0/0 0 ? * * *)", "minutes .*increment"),
        ("cron(5-1 0 ? * * *)", "minutes .*range"),
        ("cron(0/30 20-2 ? * MON-FRI *)", "hours .*range"),
        ("cron(, 0 ? * * *)", "minutes"),
        ("cron(0 0 * * * *)", "exactly one"),
        ("cron(0 0 ? * ? *)", "exactly one"),
        ("cron(? 0 * * ? *)", "minutes"),
        ("cron(\u00b2 0 * * ? *)", "minutes"),
        ("rate(0 minutes)", "greater than 0"),
        ("rate(1 minutes)", "'minute' for the value 1"),
        ("rate(2 minute)", "'minutes' for others"),
        ("rate(5 weeks)", "minute"),
        ("at(2026-02-30T00:00:00)", "day"),
        ("at(tomorrow)", "yyyy-mm-dd"),
    ],
)
def test_what_does_not_parse_is_named(expression: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse(expression)


lists = st.lists(st.integers(0, 23), min_size=1, max_size=3).map(lambda some: ",".join(map(str, some)))
hours = st.one_of(st.just("*"), lists, st.builds("{}/{}".format, st.integers(0, 23), st.integers(1, 9)))
days = st.one_of(
    st.builds(
        "{} {{}} ?".format, st.one_of(st.just("*"), st.integers(1, 31), st.builds("{}/5".format, st.integers(1, 9)))
    ),
    st.builds("? {{}} {}".format, st.one_of(st.just("*"), st.integers(1, 7), st.just("2-6"), st.just("SUN,WED"))),
)
months = st.one_of(st.just("*"), st.integers(1, 12).map(str))
WEEK = {"SUN": 1, "WED": 4}


def matches(field: str, value: int) -> bool:
    """A field said a second time: no lists of values, only a question."""
    if field in ("*", "?"):
        return True
    if "/" in field:
        low, step = map(int, field.split("/"))
        return value >= low and (value - low) % step == 0
    if "-" in field:
        low, high = map(int, field.split("-"))
        return low <= value <= high
    return value in [WEEK.get(part) or int(part) for part in field.split(",")]


@given(hours, days, months, st.integers(0, 3_000_000_000))
@settings(max_examples=150, deadline=None)
def test_it_agrees_with_asking_every_hour(hour: str, day: str, month: str, start: int) -> None:
    of_month, of_year, of_week = day.format(month).split()
    found = next_after(f"cron(0 {hour} {day.format(month)} *)", start)
    at = datetime.fromtimestamp(start - start % 3600, UTC)
    for _ in range(24 * 800):
        at += timedelta(hours=1)
        weekday = at.isoweekday() % 7 + 1
        if (
            matches(hour, at.hour)
            and matches(of_month, at.day)
            and matches(of_year, at.month)
            and matches(of_week, weekday)
        ):
            assert found == at.timestamp()
            return
    assert found is None or found > at.timestamp()  # 29 February, or a day that never comes.


@settings(deadline=None)
@given(st.floats(0, 4e9), st.sampled_from(["cron(0/7 * ? * * *)", "cron(3 1-20/6 L * ? *)", "rate(5 minutes)"]))
def test_it_fires_later_and_never_skips(start: float, expression: str) -> None:
    first = next_after(expression, start)
    assert first is not None and first > start
    if expression.startswith("cron"):
        assert next_after(expression, first - 0.5) == first
        assert next_after(expression, (start + first) / 2) == first
