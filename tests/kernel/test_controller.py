"""The control loop: what each step does to the row, what a failing or overtaken step does, and that it sleeps."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from clary.kernel.clock import ManualClock
from clary.kernel.errors import Missing, Stale
from clary.kernel.reconcile import ATTEMPTS, CHAIN, Controller, Step, again, backoff, gone, move, rest
from clary.kernel.resource import Resource, StateMachine
from clary.kernel.sqlite import SqliteStore
from tests.kernel.making import ACCOUNT, REGION, job
from tests.kernel.waiting import settle, until

JOB = StateMachine(
    "JobStatus",
    "InProgress",
    {"InProgress": {"Completed", "Failed", "Stopping"}, "Stopping": {"Stopped"}},
)

Does = Callable[[Resource], Awaitable[Step]]


class Reconciler:
    """Does what the test says, and remembers what it was shown."""

    def __init__(self, does: Does, gives_up: Callable[[Resource, Exception], Step] | None = None) -> None:
        self.does = does
        self.gives_up = gives_up or (lambda resource, error: move("Failed", FailureReason=str(error)))
        self.shown: list[Resource] = []

    async def __call__(self, resource: Resource) -> Step:
        self.shown.append(resource)
        return await self.does(resource)

    def give_up(self, resource: Resource, error: Exception) -> Step:
        return self.gives_up(resource, error)


class Gate:
    """A step that has begun and waits until it is let on."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.inside = 0
        self.most = 0

    async def __call__(self, resource: Resource) -> Step:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.entered.set()
        await self.open.wait()
        self.inside -= 1
        return self.step


@pytest.fixture
def store(clock: ManualClock) -> Iterator[SqliteStore]:
    one = SqliteStore(":memory:", clock)
    yield one
    one.close()


def always(step: Step) -> Does:
    async def does(resource: Resource) -> Step:
        return step

    return does


def raising(error: Exception) -> Does:
    async def does(resource: Resource) -> Step:
        raise error

    return does


async def test_a_clock_that_is_put_back_makes_nobody_wait_longer(store: SqliteStore, clock: ManualClock) -> None:
    store.create(job(due=clock.now() + 60))
    store.create(job("rests"))
    shown = Reconciler(always(again(60)))
    one = controller(store, clock, shown)
    assert await one.tick() == 0
    clock.advance(20)
    clock.advance(-300)
    assert await one.tick() == 1
    assert [seen.name for seen in shown.shown] == ["a"]
    assert store.next_due() == clock.now() + 60


async def test_a_lease_of_before_the_clock_was_put_back_lapses_in_its_time(
    store: SqliteStore, clock: ManualClock
) -> None:
    store.create(job(due=clock.now()))
    one = controller(store, clock, Reconciler(always(rest())))
    store.claim(1, 30.0)  # by one that dies now
    clock.advance(-300)
    assert await one.tick() == 0
    clock.advance(30)
    assert await one.tick() == 1


def controller(store: SqliteStore, clock: ManualClock, does: Any, **settings: Any) -> Controller:
    reconciler = does if isinstance(does, Reconciler) else Reconciler(does)
    return Controller(store, clock, {"job": reconciler}, {"job": JOB}, **settings)


def get(store: SqliteStore, name: str = "a") -> Resource:
    return store.get(ACCOUNT, REGION, "job", name)


@pytest.mark.parametrize(
    ("step", "phase", "due"),
    [
        (move("Completed", Seen=1), "Completed", None),
        (move("Stopping", after=2.0, Seen=1), "Stopping", 1_002.0),
        (again(5.0, Seen=1), "InProgress", 1_005.0),
        (rest(Seen=1), "InProgress", None),
    ],
)
async def test_a_step_is_written(
    store: SqliteStore, clock: ManualClock, step: Step, phase: str, due: float | None
) -> None:
    store.create(job(due=1_000.0))
    assert await controller(store, clock, always(step)).tick() == 1
    one = get(store)
    assert (one.phase, one.due, one.status, one.version) == (phase, due, {"Seen": 1}, 2)


async def test_a_step_that_stays_tells_of_itself_when_it_wants_to(store: SqliteStore, clock: ManualClock) -> None:
    store.create(job("quiet", due=1_000.0))
    store.create(job("told", due=1_000.0))

    async def does(resource: Resource) -> Step:
        return again(5.0, emit=resource.name == "told", Seen=1)

    await controller(store, clock, does).tick()
    told = [(one.type, one.name) for one in store.events(0, 10) if one.type != "created"]
    assert told == [("changed", "told")]


async def test_gone_deletes_the_row(store: SqliteStore, clock: ManualClock) -> None:
    store.create(job(due=1_000.0))
    await controller(store, clock, always(gone())).tick()
    with pytest.raises(Missing):
        get(store)


async def test_nothing_due_is_nothing_done(store: SqliteStore, clock: ManualClock) -> None:
    store.create(job(due=1_001.0))
    loop = controller(store, clock, always(move("Completed")))
    assert await loop.tick() == 0
    clock.advance(1)
    assert await loop.tick() == 1
    assert await loop.tick() == 0


async def test_failures_back_off_and_then_give_up(
    store: SqliteStore, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    store.create(job(due=1_000.0))
    loop = controller(store, clock, raising(RuntimeError("no disk")))
    waits = []
    for _ in range(ATTEMPTS):
        assert await loop.tick() == 1
        if get(store).phase == "InProgress":
            due = get(store).due
            assert due is not None
            waits.append(due - clock.now())
            clock.advance(waits[-1])
    assert waits == [1, 2, 4, 8, 16]
    assert (get(store).phase, get(store).status) == ("Failed", {"FailureReason": "no disk"})
    assert len([one for one in caplog.records if one.exc_info]) == ATTEMPTS


async def test_a_success_forgets_the_failures(store: SqliteStore, clock: ManualClock) -> None:
    store.create(job(due=1_000.0))
    outcomes = [RuntimeError(), RuntimeError(), None, RuntimeError()]

    async def does(resource: Resource) -> Step:
        error = outcomes.pop(0)
        if error:
            raise error
        return again(60.0)

    loop = controller(store, clock, does)
    for _ in range(4):
        await loop.tick()
        clock.advance((get(store).due or 0.0) - clock.now())
    assert get(store).attempts == 1


async def test_an_illegal_move_is_a_failure_and_writes_nothing(
    store: SqliteStore, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    store.create(job(due=1_000.0))
    await controller(store, clock, always(move("Stopped"))).tick()
    assert (get(store).phase, get(store).version, get(store).attempts) == ("InProgress", 1, 1)
    assert "cannot go from 'InProgress' to 'Stopped'" in str(caplog.records[0].exc_info)


async def test_giving_up_that_fails_too_is_tried_again(store: SqliteStore, clock: ManualClock) -> None:
    store.create(job(due=1_000.0))
    loop = controller(store, clock, Reconciler(raising(RuntimeError()), lambda one, error: move("Stopped")))
    for _ in range(ATTEMPTS + 2):
        await loop.tick()
        clock.advance(60)
    assert (get(store).phase, get(store).attempts) == ("InProgress", ATTEMPTS + 2)


async def test_a_kind_without_reconciler_is_told_of_and_left(
    store: SqliteStore, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    store.create(job(kind="other", due=1_000.0))
    loop = controller(store, clock, always(rest()))
    await loop.tick()
    assert await loop.tick() == 0
    assert [one.message for one in caplog.records] == ["a kind without reconciler is due"]


async def test_steps_run_beside_each_other_up_to_workers(store: SqliteStore, clock: ManualClock) -> None:
    for name in "abcde":
        store.create(job(name, due=1_000.0))
    gate = Gate(rest())
    loop = controller(store, clock, gate, workers=3)
    ticking = asyncio.create_task(loop.tick())
    await gate.entered.wait()
    gate.open.set()
    assert await ticking == 3
    assert gate.most == 3
    assert await loop.tick() == 2


async def test_an_overtaken_step_is_dropped_and_the_new_version_looked_at_at_once(
    store: SqliteStore, clock: ManualClock
) -> None:
    store.create(job(due=1_000.0))
    gate = Gate(move("Completed"))
    reconciler = Reconciler(gate)
    loop = controller(store, clock, reconciler)
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    await gate.entered.wait()
    asked = store.update(get(store), phase="Stopping", due=clock.now())  # A handler; it frees the lease.
    await until(lambda: loop._parked != {})
    assert gate.inside == 1  # Claimed again, but never stepped twice at once.
    reconciler.does = always(move("Stopped"))
    gate.open.set()
    await until(lambda: get(store).phase == "Stopped")
    assert [one.version for one in reconciler.shown] == [1, asked.version]
    assert get(store).attempts == 0
    await end(running, stop)


async def test_the_lease_of_a_long_step_is_kept(store: SqliteStore, clock: ManualClock) -> None:
    store.create(job(due=1_000.0))
    gate = Gate(move("Completed"))
    loop = controller(store, clock, gate, lease=30.0)
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    await gate.entered.wait()
    for _ in range(12):
        clock.advance(10.0)
        await settle()
        assert store.claim(9, 30) == []
    gate.open.set()
    await until(lambda: get(store).phase == "Completed")
    await until(lambda: loop._heartbeat is None)
    await end(running, stop)


async def test_run_sleeps_until_the_moment_and_not_longer(store: SqliteStore, clock: ManualClock) -> None:
    reconciler = Reconciler(always(again(20.0)))
    loop = controller(store, clock, reconciler)
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    await settle()
    store.create(job(due=1_007.0))  # The hint of the commit re-reads next_due.
    await settle()
    clock.advance(6.9)
    await settle()
    assert reconciler.shown == []
    clock.advance(0.1)
    await until(lambda: len(reconciler.shown) == 1)
    clock.advance(20.0)
    await until(lambda: len(reconciler.shown) == 2)
    store.hasten(get(store).uid)
    await until(lambda: len(reconciler.shown) == 3)
    await end(running, stop)


async def test_idle_asks_the_store_nothing(store: SqliteStore, clock: ManualClock) -> None:
    store.create(job(due=5_000.0))
    loop = controller(store, clock, always(rest()))
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    await settle()
    asked: list[str] = []
    store._db.set_trace_callback(asked.append)
    await settle()
    assert asked == []
    store._db.set_trace_callback(None)
    await end(running, stop)


async def test_stop_gives_back_what_is_under_way(store: SqliteStore, clock: ManualClock) -> None:
    store.create(job(due=1_000.0))
    gate = Gate(rest())
    loop = controller(store, clock, gate)
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    await gate.entered.wait()
    await end(running, stop)
    assert [one.name for one in store.claim(9, 30)] == ["a"]


async def test_a_store_that_fails_does_not_end_the_loop(
    store: SqliteStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store.create(job(due=1_000.0))
    loop = controller(store, clock, always(move("Completed")))
    refusals = [OSError("disk full")]
    claim = store.claim

    def refusing(limit: int, lease: float) -> list[Resource]:
        if refusals:
            raise refusals.pop()
        return claim(limit, lease)

    monkeypatch.setattr(store, "claim", refusing)
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    await settle()
    clock.advance(1.0)
    await until(lambda: get(store).phase == "Completed")
    await end(running, stop)
    assert caplog.records[0].levelno == logging.ERROR


async def test_a_foreign_stale_counts_as_a_failure_without_noise(
    store: SqliteStore, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    store.create(job(due=1_000.0))
    await controller(store, clock, raising(Stale("another row"))).tick()
    assert (get(store).due, get(store).attempts) == (1_001.0, 1)
    assert caplog.records == []


async def test_a_second_loop_takes_up_what_a_dead_one_held(store: SqliteStore, clock: ManualClock) -> None:
    store.create(job(due=1_000.0))
    store.claim(1, 30.0)  # A process that died before its step.
    loop = controller(store, clock, always(move("Completed")))
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    await settle()
    clock.advance(29.0)
    await settle()
    assert get(store).phase == "InProgress"
    clock.advance(1.0)
    await until(lambda: get(store).phase == "Completed")
    await end(running, stop)


def test_backoff_doubles_to_a_minute() -> None:
    assert [backoff(n) for n in (1, 2, 3, 4, 5, 6, 7, 50)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_step_is_a_value() -> None:
    assert replace(move("A", x=1), phase="B") == move("B", x=1)


async def end(running: asyncio.Task[None], stop: asyncio.Event) -> None:
    stop.set()
    await running


async def test_who_asks_for_the_next_look_at_once_gets_it_before_others(store: SqliteStore, clock: ManualClock) -> None:
    """Others are asked after so many looks: one that asks for ever keeps nobody out."""
    order: list[str] = []

    async def does(resource: Resource) -> Step:
        order.append(resource.name)
        return again(0.0, Count=resource.status.get("Count", 0) + 1) if resource.name == "a" else rest()

    controller = Controller(store, clock, {"job": Reconciler(does)}, {"job": JOB}, workers=1)
    store.create(job("a", due=clock.now() - 2))
    store.create(job("b", due=clock.now() - 1))
    await controller.tick()
    await controller.tick()
    assert order == ["a"] * CHAIN + ["b"]
    row = store.get(ACCOUNT, REGION, "job", "a")
    assert row.status["Count"] == CHAIN and row.due is not None


async def test_a_look_at_once_that_was_overtaken_sees_the_new_version(store: SqliteStore, clock: ManualClock) -> None:
    shown: list[str] = []

    async def does(resource: Resource) -> Step:
        shown.append(resource.phase)
        if len(shown) == 2:
            # Somebody asks it to stop while it is held from the look before.
            store.update(resource, phase="Stopping", due=clock.now())
            return move("Completed")
        return again(0.0) if len(shown) == 1 else move("Stopped")

    controller = Controller(store, clock, {"job": Reconciler(does)}, {"job": JOB})
    store.create(job(due=clock.now()))
    while await controller.tick():
        pass
    assert shown == ["InProgress", "InProgress", "Stopping"]
    assert store.get(ACCOUNT, REGION, "job", "a").phase == "Stopped"


async def test_a_step_hastens_another_resource(store: SqliteStore, clock: ManualClock) -> None:
    async def does(resource: Resource) -> Step:
        return move("Completed", hastens=waits.uid) if resource.name == "a" else rest(Seen=True)

    controller = Controller(store, clock, {"job": Reconciler(does)}, {"job": JOB})
    waits = store.create(job("b", due=clock.now() + 60))
    store.create(job("a", due=clock.now()))
    while await controller.tick():
        pass
    assert store.get(ACCOUNT, REGION, "job", "b").status == {"Seen": True}


async def test_it_is_busy_until_a_moment_after_the_last_look(store: SqliteStore, clock: ManualClock) -> None:
    gate = Gate(rest())
    controller = Controller(store, clock, {"job": Reconciler(gate)}, {"job": JOB})
    assert not controller.busy
    store.create(job(due=clock.now()))
    look = asyncio.create_task(controller.tick())
    await gate.entered.wait()
    assert controller.busy
    gate.open.set()
    await look
    assert controller.busy
    clock.advance(1.0)
    assert not controller.busy
