"""Whose turn it is to run on this machine."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clary.aws.errors import ValidationException
from clary.jobs.queue import CHECK_SECONDS, SILENT_SECONDS, Queue
from clary.jobs.turns import Demand, check_priority, priority
from clary.kernel.clock import ManualClock
from clary.kernel.errors import Missing
from clary.kernel.resource import Resource
from clary.kernel.sqlite import SqliteStore
from clary.kernel.store import Store
from clary.services.sagemaker import instances, tags
from clary.world.machine import _cpus, _memory
from tests.kernel.making import job

GIB = 1 << 30
MACHINE = Demand(2.0, 8 * GIB)
HALF = Demand(1.0, 2 * GIB)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_000.0)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "clary.db", clock)
    yield opened
    opened.close()


@pytest.fixture
def queue(store: SqliteStore, clock: ManualClock) -> Queue:
    return Queue(store, clock, MACHINE, ["job"], tags=tags.of)


def made(store: Store, clock: ManualClock, name: str, by: str = "me", rank: str | None = None) -> Resource:
    clock.advance(0.001)
    tags = [] if rank is None else [{"Key": "clary:priority", "Value": rank}]
    return store.create(job(name, status={"_by": by}, spec={"Tags": tags}))


def granted(queue: Queue, store: Store, one: Resource, demand: Demand) -> bool:
    """As a reconciler asks: what is granted stands in the row after the same step."""
    if queue.ask(one, demand) is not None:
        return False
    with suppress(Missing):
        store.update(store.find("job", one.uid), **demand.granted())
    return True


def test_what_fits_goes_on_and_what_does_not_waits_with_a_reason(
    queue: Queue, store: SqliteStore, clock: ManualClock
) -> None:
    a, b, c = (made(store, clock, name) for name in "abc")
    assert granted(queue, store, a, HALF) and granted(queue, store, b, HALF)
    why = queue.ask(c, HALF)
    assert why == (
        "Waiting for this machine: the job asks for 1.00 CPUs and 2.0 GiB, of which 0.00 CPUs and 4.0 GiB are free"
    )
    assert queue.ask(a, HALF) is None  # asked again, it has what it has
    queue.leave(a)
    assert granted(queue, store, c, HALF)


def test_who_is_next_is_woken_when_somebody_leaves(queue: Queue, store: SqliteStore, clock: ManualClock) -> None:
    a, b = made(store, clock, "a"), made(store, clock, "b")
    assert granted(queue, store, a, MACHINE)
    assert queue.ask(b, HALF) is not None
    store.update(b, due=clock.now() + 1_000)
    queue.leave(a)
    assert [one.name for one in store.claim(10, 30.0)] == ["b"]


def test_a_large_job_is_not_starved_by_small_ones(queue: Queue, store: SqliteStore, clock: ManualClock) -> None:
    a, large, small = (made(store, clock, name) for name in ("a", "large", "small"))
    assert granted(queue, store, a, HALF)
    assert queue.ask(large, MACHINE) is not None
    said = queue.ask(small, HALF)
    assert said is not None and "behind 1 other:" in said
    queue.leave(a)
    assert not granted(queue, store, small, HALF) and granted(queue, store, large, MACHINE)


def test_users_take_turns_however_many_jobs_one_of_them_has(
    queue: Queue, store: SqliteStore, clock: ManualClock
) -> None:
    busy = [made(store, clock, f"busy-{number}", "busy") for number in range(4)]
    late = made(store, clock, "late", "late")
    assert granted(queue, store, busy[0], HALF) and granted(queue, store, busy[1], HALF)
    for one in (*busy[2:], late):
        assert queue.ask(one, HALF) is not None
    queue.leave(busy[0])
    assert queue.ask(busy[2], HALF) is not None and granted(queue, store, late, HALF)


def test_a_priority_goes_before_fairness_and_age(queue: Queue, store: SqliteStore, clock: ManualClock) -> None:
    first, plain, urgent = (
        made(store, clock, "first", "x"),
        made(store, clock, "plain", "other"),
        made(store, clock, "urgent", "x", rank="10"),
    )
    assert granted(queue, store, first, MACHINE)
    assert queue.ask(plain, MACHINE) is not None and queue.ask(urgent, MACHINE) is not None
    queue.leave(first)
    assert queue.ask(plain, MACHINE) is not None and granted(queue, store, urgent, MACHINE)


@pytest.mark.parametrize("given_tag", ["high", "101", "-101", "1.5", "", "0x10"])
def test_a_priority_that_is_none_is_named(given_tag: str) -> None:
    with pytest.raises(ValidationException, match="-100 to 100"):
        check_priority({"clary:priority": given_tag})
    assert priority(given_tag) == 0


def test_priorities_that_are_right() -> None:
    for text, number in (("0", 0), ("-100", -100), ("100", 100), ("+5", 5)):
        check_priority({"clary:priority": text})
        assert priority(text) == number
    check_priority({})


def test_a_new_server_knows_what_runs(store: SqliteStore, clock: ManualClock) -> None:
    a, b = made(store, clock, "a"), made(store, clock, "b")
    assert granted(Queue(store, clock, MACHINE, ["job"], tags=tags.of), store, a, MACHINE)
    again = Queue(store, clock, MACHINE, ["job"], tags=tags.of)
    assert again.ask(b, HALF) is not None
    assert again.ask(store.find("job", a.uid), MACHINE) is None


def test_who_ended_without_a_word_holds_nothing_for_long(queue: Queue, store: SqliteStore, clock: ManualClock) -> None:
    a, b = made(store, clock, "a"), made(store, clock, "b")
    assert granted(queue, store, a, MACHINE)
    store.delete(store.find("job", a.uid))
    assert queue.ask(b, HALF) is not None
    clock.advance(CHECK_SECONDS + 1)
    assert granted(queue, store, b, HALF)


def test_who_asks_no_more_is_not_waited_for(queue: Queue, store: SqliteStore, clock: ManualClock) -> None:
    a, gone, b = (made(store, clock, name) for name in ("a", "gone", "b"))
    assert granted(queue, store, a, MACHINE)
    assert queue.ask(gone, HALF) is not None
    queue.leave(a)
    clock.advance(SILENT_SECONDS + 1)
    assert granted(queue, store, b, HALF)


def test_more_than_the_machine_is_clamped_or_refused(store: SqliteStore, clock: ManualClock) -> None:
    huge = Demand(96.0, 1000 * GIB)
    clamping = Queue(store, clock, MACHINE, ["job"], tags=tags.of)
    assert clamping.check(huge) is None
    assert clamping.ask(made(store, clock, "a"), huge) is None
    refusing = Queue(store, clock, MACHINE, ["job"], tags=tags.of, clamps=False)
    said = refusing.check(huge)
    assert said is not None and "96.00 CPUs and 1000.0 GiB" in said and "2.00 CPUs and 8.0 GiB" in said
    assert refusing.check(MACHINE) is None


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from([0.25, 0.5, 1.0, 2.0, 9.0]), st.booleans()),
        max_size=60,
    )
)
def test_never_more_is_held_than_there_is_and_everybody_gets_a_turn(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, float, bool]]
) -> None:
    clock = ManualClock(1_000.0)
    store = SqliteStore(tmp_path_factory.mktemp("queue") / "clary.db", clock)
    queue = Queue(store, clock, MACHINE, ["job"], tags=tags.of)
    jobs = [made(store, clock, f"job-{number}", f"user-{number % 3}") for number in range(10)]
    wants = dict.fromkeys(range(10), 1.0)
    running: set[int] = set()
    for number, cpus, leaves in steps:
        if leaves:
            running.discard(number)
            queue.leave(jobs[number])
            continue
        if number not in running:
            wants[number] = cpus
        if queue.ask(jobs[number], Demand(wants[number], GIB)) is None:
            running.add(number)
        assert sum(min(wants[one], 2.0) for one in running) <= 2.0 + 1e-6
    waiting = set(range(10)) - running
    for _ in range(20):
        for number in sorted(running):
            queue.leave(jobs[number])
            running.discard(number)
        for number in sorted(waiting):
            if queue.ask(jobs[number], Demand(wants[number], GIB)) is None:
                waiting.discard(number)
                running.add(number)
    assert not waiting
    store.close()


@pytest.mark.parametrize(
    ("kind", "vcpus", "gib"),
    [
        ("ml.m5.large", 2, 8),
        ("ml.m5.xlarge", 4, 16),
        ("ml.m5.4xlarge", 16, 64),
        ("ml.c5.2xlarge", 8, 16),
        ("ml.r5.24xlarge", 96, 768),
        ("ml.t3.medium", 2, 4),
        ("ml.g4dn.xlarge", 4, 16),
        ("local", 2, 8),
    ],
)
def test_instance_types(kind: str, vcpus: int, gib: int) -> None:
    assert (instances.vcpus(kind), instances.memory_bytes(kind)) == (vcpus, gib * GIB)
    assert instances.demand(kind, 3, 0.5) == Demand(1.5 * vcpus, round(1.5 * gib * GIB))


def test_what_a_control_group_allows_is_all_there_is(tmp_path: Path) -> None:
    whole = _memory(tmp_path)
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text("1000000\n")
    assert (_cpus(tmp_path), _memory(tmp_path)) == (0.5, 1_000_000)
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert _cpus(tmp_path) >= 1 and _memory(tmp_path) == whole


def test_a_queue_of_thousands_is_asked_in_microseconds_not_in_its_length(
    store: SqliteStore, clock: ManualClock
) -> None:
    """Not a timed test: the order is worked out once, and not for each who asks."""
    queue = Queue(store, clock, MACHINE, ["job"], tags=tags.of)
    first = made(store, clock, "first")
    assert granted(queue, store, first, MACHINE)
    waiting = [replace(first, uid=f"uid-{number}", name=f"n{number}", status={}) for number in range(300)]
    for one in waiting:
        assert queue.ask(one, HALF) is not None
    looked = 0
    order = queue._order

    def counted(uid: str, shares: dict[str, float]) -> tuple[int, float, float, str]:
        nonlocal looked
        looked += 1
        return order(uid, shares)

    queue._order = counted  # type: ignore[method-assign]
    for one in waiting:
        assert queue.ask(one, HALF) is not None
    assert looked <= 2 * len(waiting)
