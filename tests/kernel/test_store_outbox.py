"""What every store promises of its outbox: one line a change, in commit order, kept until everybody has it."""

from collections.abc import Callable

from clary.kernel.clock import ManualClock
from clary.kernel.store import Event, Store, Telling
from tests.kernel.making import ACCOUNT, REGION, job


def test_each_change_is_told_once_and_in_order(store: Store, clock: ManualClock) -> None:
    one = store.create(job(arn="arn:a", spec={"S": 1}))
    clock.advance(1)
    one = store.update(one, x=1)  # Silent.
    one = store.update(one, x=2, emit=True)
    one = store.update(one, phase="Done", x=3)
    one = store.update(one, phase="Done", _own=1)  # No move, silent.
    store.delete(one)
    lines = store.events(0, 100)
    assert [(line.type, line.old_phase, line.phase, line.at) for line in lines] == [
        ("created", "", "InProgress", 1_000.0),
        ("changed", "InProgress", "InProgress", 1_001.0),
        ("moved", "InProgress", "Done", 1_001.0),
        ("deleted", "Done", "Done", 1_001.0),
    ]
    assert lines[2].resource == {"arn": "arn:a", "spec": {"S": 1}, "status": {"x": 3}}
    assert lines[2] == Event(
        lines[2].seq,
        "moved",
        "job",
        "a",
        one.uid,
        ACCOUNT,
        REGION,
        "InProgress",
        "Done",
        1_001.0,
        lines[2].resource,
        1_000.0,
    )
    assert [line.seq for line in lines] == sorted({line.seq for line in lines})


def test_events_are_read_from_a_seq_on(store: Store) -> None:
    for name in "abcde":
        store.create(job(name))
    first = store.events(0, 2)
    assert [line.name for line in first] == ["a", "b"]
    assert [line.name for line in store.events(first[-1].seq, 2)] == ["c", "d"]


def test_a_cursor_is_durable_and_never_goes_back(store: Store, reopen: Callable[[], Store]) -> None:
    assert store.cursor("me") == 0
    store.advance("me", 7)
    store.advance("me", 3)
    store.advance("you", 2)
    assert (reopen().cursor("me"), store.cursor("you")) == (7, 2)


def test_trim_forgets_what_is_old_and_handled(store: Store, clock: ManualClock) -> None:
    for name in "abc":
        store.create(job(name))
        clock.advance(10)
    a, b, c = store.events(0, 9)
    assert store.trim(before=a.at, keep_after=c.seq) == 0
    assert store.trim(before=c.at, keep_after=a.seq) == 1
    assert store.trim(before=c.at, keep_after=c.seq) == 1
    assert store.trim(before=c.at, keep_after=c.seq) == 0
    assert store.events(0, 9) == [c]
    assert b.seq < c.seq


def test_a_seq_is_never_given_twice(store: Store, clock: ManualClock) -> None:
    store.create(job("a"))
    [a] = store.events(0, 9)
    assert store.trim(clock.now() + 1, a.seq) == 1
    store.create(job("b"))
    [b] = store.events(0, 9)
    assert b.seq > a.seq


def test_what_no_resource_stands_for_is_told_too(store: Store, clock: ManualClock) -> None:
    woken: list[bool] = []
    store.listen(lambda: woken.append(True))
    store.create(job())
    store.tell([Telling("event", "default", f"id-{n}", ACCOUNT, REGION, {"n": n}) for n in range(3)])
    lines = store.events(0, 9)[1:]
    assert [(line.type, line.kind, line.name, line.uid, line.resource) for line in lines] == [
        ("told", "event", "default", f"id-{n}", {"arn": "", "spec": {"n": n}, "status": {}}) for n in range(3)
    ]
    assert len(woken) == 2
    store.tell([])
    assert len(store.events(0, 9)) == 4
