"""When requests of an open loop are due, and what the alarm makes of it."""

import asyncio
import time

from clary.stress.alarm import Alarm
from clary.stress.paces import Schedule
from tests.stress_house import plan


def dues(schedule: Schedule) -> list[float]:
    found = []
    while (due := schedule.due) is not None:
        schedule.number += 1
        found.append(due)
    return found


def test_requests_are_due_at_fixed_times_whatever_happens() -> None:
    found = dues(Schedule(plan(rate=4.0, seconds=1.0), 100.0))
    assert found == [100.0, 100.25, 100.5, 100.75]


def test_processes_take_turns_and_together_keep_the_rate() -> None:
    parts = plan(rate=300.0, seconds=2.0, connections=6).split(3)
    found = sorted(due for part in parts for due in dues(Schedule(part, 0.0)))
    assert len(found) == 600
    assert all(abs(due - number / 300) < 1e-9 for number, due in enumerate(found))


def test_a_number_of_requests_ends_it_too() -> None:
    parts = plan(rate=10.0, requests=7, connections=2).split(2)
    assert [len(dues(Schedule(part, 0.0))) for part in parts] == [4, 3]


def test_nothing_is_due_once_it_was_stopped() -> None:
    schedule = Schedule(plan(rate=10.0, seconds=1.0), 0.0)
    schedule.stop()
    assert schedule.due is None


async def test_an_alarm_never_rings_early() -> None:
    rung = asyncio.Event()
    alarm = Alarm(asyncio.get_running_loop(), rung.set)
    due = time.monotonic() + 0.02
    alarm.set(due)
    await asyncio.wait_for(rung.wait(), 10)
    assert time.monotonic() >= due
    alarm.close()
    alarm.close()


async def test_an_alarm_for_the_past_rings_at_once() -> None:
    rung = asyncio.Event()
    alarm = Alarm(asyncio.get_running_loop(), rung.set)
    alarm.set(time.monotonic() - 5)
    await asyncio.wait_for(rung.wait(), 10)
    alarm.close()
