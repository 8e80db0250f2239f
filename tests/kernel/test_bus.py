"""The bus: at least once, in order, each subscriber from where it stopped, none waiting for another."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from clary.kernel.clock import ManualClock
from clary.kernel.events import GIVES_WAY_SECONDS, LAZY, LONGEST_LOOK_SECONDS, LOOK_SECONDS, Bus, Event, Pattern
from clary.kernel.sqlite import SqliteStore
from tests.kernel.making import job
from tests.kernel.waiting import settle, until


class Hearer:
    """Remembers what it heard, and raises as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.heard: list[Event] = []
        self.calls = 0
        self.failures = failures

    async def __call__(self, event: Event) -> None:
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise RuntimeError("not now")
        self.heard.append(event)

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.heard]


@pytest.fixture
def store(clock: ManualClock) -> Iterator[SqliteStore]:
    one = SqliteStore(":memory:", clock)
    yield one
    one.close()


@pytest.fixture
def bus(store: SqliteStore, clock: ManualClock) -> Bus:
    return Bus(store, clock)


async def test_each_hears_what_it_wants_in_order(store: SqliteStore, bus: Bus) -> None:
    everything, moves, dones, others = Hearer(), Hearer(), Hearer(), Hearer()
    bus.subscribe("everything", Pattern(), everything)
    bus.subscribe("moves", Pattern(type="moved"), moves)
    bus.subscribe("dones", Pattern(kind="job", phase="Done"), dones)
    bus.subscribe("others", Pattern(kind="other"), others)
    a, b = store.create(job("a")), store.create(job("b"))
    store.update(b, phase="Stopping")
    store.update(a, phase="Done")
    assert await bus.tick() == 4 + 2 + 1
    assert everything.names == ["a", "b", "b", "a"]
    assert moves.names == ["b", "a"]
    assert dones.names == ["a"]
    assert others.names == []
    assert await bus.tick() == 0


async def test_a_restart_goes_on_from_the_cursor(store: SqliteStore, clock: ManualClock) -> None:
    first, second = Hearer(), Hearer()
    store.create(job("a"))
    bus = Bus(store, clock)
    bus.subscribe("me", Pattern(), first)
    await bus.tick()
    store.create(job("b"))
    again = Bus(store, clock)
    again.subscribe("me", Pattern(), second)
    await again.tick()
    assert (first.names, second.names) == (["a"], ["b"])


async def test_one_that_fails_gets_the_same_again_and_stops_nobody(
    store: SqliteStore, bus: Bus, clock: ManualClock
) -> None:
    failing, fine = Hearer(failures=2), Hearer()
    bus.subscribe("failing", Pattern(), failing)
    bus.subscribe("fine", Pattern(), fine)
    for name in "ab":
        store.create(job(name))
    await bus.tick()
    assert (failing.names, fine.names) == ([], ["a", "b"])
    await bus.tick()
    assert failing.calls == 1  # It is backing off.
    clock.advance(1)
    await bus.tick()
    clock.advance(1)
    await bus.tick()
    assert failing.calls == 2
    clock.advance(1)
    await bus.tick()
    assert failing.names == ["a", "b"]
    assert store.cursor("failing") == store.cursor("fine") == 2


async def test_a_crash_after_the_work_hears_the_event_again(store: SqliteStore, clock: ManualClock) -> None:
    class Dies(BaseException):
        pass

    async def dying(event: Event) -> None:
        raise Dies

    store.create(job("a"))
    bus = Bus(store, clock)
    bus.subscribe("me", Pattern(), dying)
    with pytest.raises(Dies):
        await bus.tick()
    hearer = Hearer()
    again = Bus(store, clock)
    again.subscribe("me", Pattern(), hearer)
    await again.tick()
    assert hearer.names == ["a"]


async def test_a_batch_is_heard_in_one_call_and_again_as_a_whole(
    store: SqliteStore, bus: Bus, clock: ManualClock
) -> None:
    heard: list[list[str]] = []

    async def hear(events: Sequence[Event]) -> None:
        heard.append([event.name for event in events])
        if len(heard) == 1:
            raise RuntimeError("not now")

    bus.subscribe_batch("many", Pattern(kind="job"), hear)
    for name in "abc":
        store.create(job(name))
    assert await bus.tick() == 0
    assert store.cursor("many") == 0
    clock.advance(1)
    assert await bus.tick() == 3
    assert heard == [["a", "b", "c"], ["a", "b", "c"]]
    assert store.cursor("many") == 3


def test_a_name_is_taken_once(bus: Bus) -> None:
    bus.subscribe("me", Pattern(), Hearer())
    with pytest.raises(ValueError, match="'me'"):
        bus.subscribe("me", Pattern(), Hearer())


async def test_what_nobody_wants_costs_no_write(store: SqliteStore, bus: Bus) -> None:
    bus.subscribe("me", Pattern(kind="other"), Hearer())
    for number in range(LAZY - 1):
        store.create(job(f"a{number}"))
        await bus.tick()
    assert store.cursor("me") == 0
    store.create(job("last"))
    await bus.tick()
    assert store.cursor("me") == LAZY


async def test_run_hears_commits_as_they_come(store: SqliteStore, bus: Bus, clock: ManualClock) -> None:
    hearer, failing = Hearer(), Hearer(failures=1)
    bus.subscribe("me", Pattern(), hearer)
    bus.subscribe("failing", Pattern(), failing)
    stop = asyncio.Event()
    running = asyncio.create_task(bus.run(stop))
    for name in "abc":
        store.create(job(name))
        await until(lambda name=name: hearer.names[-1:] == [name])
    assert failing.calls == 1
    clock.advance(1.0)
    await until(lambda: failing.names == ["a", "b", "c"])
    stop.set()
    await running


async def test_run_asks_nothing_while_nothing_happens(store: SqliteStore, bus: Bus) -> None:
    bus.subscribe("me", Pattern(), Hearer())
    stop = asyncio.Event()
    running = asyncio.create_task(bus.run(stop))
    await settle()
    asked: list[str] = []
    store._db.set_trace_callback(asked.append)
    await settle()
    store._db.set_trace_callback(None)
    assert asked == []
    stop.set()
    await running


async def test_writes_of_another_process_are_heard_within_a_minute(
    store: SqliteStore, bus: Bus, clock: ManualClock
) -> None:
    hearer = Hearer()
    bus.subscribe("me", Pattern(), hearer)
    stop = asyncio.Event()
    running = asyncio.create_task(bus.run(stop))
    await settle()
    store._listeners.clear()
    store.create(job("a"))
    await settle()
    assert hearer.names == []
    clock.advance(60)
    await until(lambda: hearer.names == ["a"])
    stop.set()
    await running


async def test_old_lines_go_when_everybody_has_passed_them(store: SqliteStore, bus: Bus, clock: ManualClock) -> None:
    failing = Hearer(failures=1)
    bus.subscribe("fine", Pattern(kind="other"), Hearer())
    bus.subscribe("failing", Pattern(), failing)
    store.create(job("a"))
    clock.advance(4_000)
    store.create(job("b"))
    await bus.tick()
    assert await bus.trim() == 0  # "failing" has not passed it.
    clock.advance(1)
    await bus.tick()
    assert await bus.trim() == 1
    assert [event.name for event in store.events(0, 9)] == ["b"]


async def test_run_trims(store: SqliteStore, bus: Bus, clock: ManualClock) -> None:
    store.create(job("a"))
    clock.advance(4_000)
    stop = asyncio.Event()
    running = asyncio.create_task(bus.run(stop))
    await settle()
    store.create(job("b"))
    await until(lambda: [event.name for event in store.events(0, 9)] == ["b"])
    stop.set()
    await running


async def test_events_of_which_nothing_came_are_heard_again_after_a_restart(
    store: SqliteStore, clock: ManualClock
) -> None:
    heard: list[str] = []

    async def handle(events: Sequence[Event]) -> bool:
        heard.extend(one.name for one in events)
        return any(one.name == "b" for one in events)

    def restarted() -> Bus:
        bus = Bus(store, clock)
        bus.subscribe_batch("flow", Pattern(), handle)
        return bus

    store.create(job("a"))
    await restarted().tick()
    await restarted().tick()
    assert heard == ["a", "a"]
    store.create(job("b"))
    await restarted().tick()
    await restarted().tick()
    assert heard == ["a", "a", "a", "b"]


async def test_who_gives_way_hears_when_nothing_else_is_to_do(store: SqliteStore, bus: Bus, clock: ManualClock) -> None:
    prompt, patient, busy = Hearer(), Hearer(), True
    bus.subscribe("prompt", Pattern(), prompt)
    bus.subscribe("patient", Pattern(), patient, gives_way=True)
    bus.give_way(lambda: busy)
    stop = asyncio.Event()
    running = asyncio.create_task(bus.run(stop))
    store.create(job("a"))
    await until(lambda: prompt.names == ["a"])
    await settle()
    assert patient.names == []
    busy = False
    clock.advance(LOOK_SECONDS)
    await until(lambda: patient.names == ["a"])
    stop.set()
    await running


async def test_who_gives_way_does_not_wait_for_ever(store: SqliteStore, bus: Bus, clock: ManualClock) -> None:
    patient = Hearer()
    bus.subscribe("patient", Pattern(), patient, gives_way=True)
    bus.give_way(lambda: True)
    stop = asyncio.Event()
    running = asyncio.create_task(bus.run(stop))
    store.create(job("a"))
    waited = 0.0
    while not patient.names and waited < 1.0:
        await settle()
        clock.advance(LOOK_SECONDS)
        waited += LOOK_SECONDS
    assert patient.names == ["a"] and waited <= GIVES_WAY_SECONDS + LONGEST_LOOK_SECONDS
    stop.set()
    await running


async def test_who_reads_waits_until_those_who_give_way_have_caught_up(store: SqliteStore, bus: Bus) -> None:
    patient, failing = Hearer(), Hearer(failures=1)
    bus.subscribe("patient", Pattern(kind="job"), patient, gives_way=True)
    bus.subscribe("failing", Pattern(), failing, gives_way=True)
    bus.give_way(lambda: True)
    await bus.caught_up()  # it does not run yet: there is nobody to wait for
    stop = asyncio.Event()
    running = asyncio.create_task(bus.run(stop))
    await settle()
    await bus.caught_up()
    for number in range(3):
        store.create(job(f"{number}"))
        await bus.caught_up()
        assert patient.names[-1] == f"{number}"
    stop.set()
    await running
