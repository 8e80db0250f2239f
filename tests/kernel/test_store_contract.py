"""What every store promises: keys, versions, leases, hints."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from clary.kernel.clock import ManualClock
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Resource
from clary.kernel.store import Store, Where
from tests.kernel.making import ACCOUNT, REGION, job

Reopen = Callable[[], Store]


def get(store: Store, name: str = "a") -> Resource:
    return store.get(ACCOUNT, REGION, "job", name)


def test_created_is_stored_as_answered(store: Store, reopen: Reopen) -> None:
    made = store.create(job(arn="arn:x", parent="p", status={"n": 1, "ä": ["ö", None, 1.5]}, due=5.0))
    assert (made.version, made.created, made.modified, made.due) == (1, 1_000.0, 1_000.0, 5.0)
    for one in (store, reopen()):
        assert get(one) == made
        assert one.find("job", made.uid) == made
        assert one.by_arn("arn:x") == made


def test_a_key_is_taken_once_per_account_region_and_kind(store: Store) -> None:
    store.create(job())
    for other in (job(account="9"), job(region="r"), job(kind="k"), job("b")):
        store.create(other)
    with pytest.raises(Exists):
        store.create(job())
    assert len(store.events(0, 100)) == 5


def test_replace_swaps_the_resource_in_one_write(store: Store) -> None:
    old = store.create(job())
    new = store.create(job(), replace=True)
    assert get(store) == new and new.uid != old.uid and new.version == 1
    assert [(event.type, event.uid) for event in store.events(0, 9)] == [
        ("created", old.uid),
        ("deleted", old.uid),
        ("created", new.uid),
    ]
    with pytest.raises(Stale):
        store.update(old, phase="Done")


def test_replace_of_nothing_creates(store: Store) -> None:
    assert store.create(job(), replace=True).version == 1


def test_a_rename_is_one_write_that_keeps_everything(store: Store) -> None:
    made = store.create(job(arn="arn:a", status={"n": 1, "gone": 1}, due=5.0))
    new = store.rename(made, "z", "arn:z", n=2, gone=None)
    assert new == get(store, "z") == store.by_arn("arn:z") == store.find("job", made.uid)
    assert (new.name, new.arn, new.uid, new.status, new.version, new.due) == ("z", "arn:z", made.uid, {"n": 2}, 2, 5.0)
    with pytest.raises(Missing):
        get(store)
    assert [(one.type, one.name) for one in store.events(0, 9)] == [("created", "a"), ("changed", "z")]
    with pytest.raises(Stale):
        store.rename(made, "y", "arn:y")


def test_no_rename_takes_another_s_name(store: Store) -> None:
    store.create(job("b"))
    made = store.create(job())
    with pytest.raises(Exists):
        store.rename(made, "b", "arn:b")
    assert get(store) == made
    assert len(store.events(0, 9)) == 2


def test_a_datetime_is_refused_and_nothing_is_written(store: Store) -> None:
    with pytest.raises(TypeError):
        store.create(job(spec={"at": datetime.now(UTC)}))
    with pytest.raises(Missing):
        get(store)


def test_missing_is_said(store: Store) -> None:
    for look in (
        lambda: get(store),
        lambda: store.find("job", "u"),
        lambda: store.by_arn("arn"),
        lambda: store.by_arn(""),
    ):
        with pytest.raises(Missing):
            look()


def test_update_merges_status_and_raises_the_version(store: Store, clock: ManualClock) -> None:
    old = store.create(job(status={"keep": 1, "drop": 2, "change": 3}))
    clock.advance(10)
    new = store.update(old, change=4, drop=None, add=None)
    assert new.status == {"keep": 1, "change": 4} and new.version == 2 and new.modified == 1_010.0
    assert get(store) == new
    assert old.status == {"keep": 1, "drop": 2, "change": 3}


def test_update_replaces_the_spec(store: Store) -> None:
    new = store.update(store.create(job()), spec={"other": True})
    assert get(store).spec == new.spec == {"other": True}


def test_only_what_shows_moves_modified(store: Store, clock: ManualClock) -> None:
    one = store.create(job(status={"seen": 1}))
    clock.advance(10)
    one = store.update(one, _own=5, due=7.0, seen=1)
    assert one.modified == 1_000.0
    for change in ({"phase": "Done"}, {"spec": {"x": 1}}, {"seen": 2}, {"seen": None}):
        clock.advance(10)
        one = store.update(one, **change)
        assert one.modified == clock.now() == get(store).modified


def test_of_two_writers_the_second_is_stale(store: Store, reopen: Reopen) -> None:
    old = store.create(job())
    store.update(old, who="first")
    for other in (store, reopen()):
        with pytest.raises(Stale):
            other.update(old, phase="Done", who="second")
        with pytest.raises(Stale):
            other.delete(old)
    assert get(store).status == {"who": "first"}
    assert [event.type for event in store.events(0, 9)] == ["created"]


def test_deleted_is_gone(store: Store) -> None:
    one = store.create(job())
    store.delete(one)
    with pytest.raises(Missing):
        get(store)
    for write in (lambda: store.delete(one), lambda: store.update(one, x=1)):
        with pytest.raises(Stale):
            write()
    again = store.create(job())
    assert again.version == 1
    with pytest.raises(Stale):  # The version matches the old one; the uid does not.
        store.update(one, x=1)


def test_due_is_kept_set_and_cleared(store: Store) -> None:
    one = store.create(job(due=5.0))
    one = store.update(one, x=1)
    assert one.due == get(store).due == 5.0
    one = store.update(one, due=7.0)
    assert one.due == get(store).due == 7.0
    assert store.update(one, due=None).due is get(store).due is None


def test_claim_takes_what_is_due_oldest_first(store: Store, clock: ManualClock) -> None:
    for name, due in (("late", 999.0), ("early", 1.0), ("now", 1_000.0), ("future", 1_000.1), ("never", None)):
        store.create(job(name, due=due))
    assert [one.name for one in store.claim(2, 30)] == ["early", "late"]
    assert [one.name for one in store.claim(9, 30)] == ["now"]
    assert store.claim(9, 30) == []
    clock.advance(0.1)
    assert [one.name for one in store.claim(9, 30)] == ["future"]


def test_a_lease_lapses_and_the_row_comes_back(store: Store, reopen: Reopen, clock: ManualClock) -> None:
    store.create(job(due=1.0))
    assert len(store.claim(9, 30)) == 1
    other = reopen()
    clock.advance(29.9)
    assert other.claim(9, 30) == []
    clock.advance(0.1)
    assert len(other.claim(9, 30)) == 1


def test_update_gives_up_the_lease(store: Store) -> None:
    store.create(job(due=1.0))
    [held] = store.claim(9, 30)
    handled = store.update(get(store), asked="stop")
    assert store.claim(9, 30) == [handled]
    with pytest.raises(Stale):
        store.update(held, due=None)


def test_extend_lengthens_a_lease_that_still_stands(store: Store, clock: ManualClock) -> None:
    store.create(job(due=1.0))
    [held] = store.claim(9, 30)
    clock.advance(20)
    assert store.extend(held, 30)
    clock.advance(20)
    assert store.claim(9, 30) == []
    store.update(get(store), x=1)
    assert not store.extend(held, 30)


def test_extend_of_what_nobody_holds_is_refused(store: Store) -> None:
    one = store.create(job(due=1.0))
    assert not store.extend(one, 30)
    assert len(store.claim(9, 30)) == 1


def test_retry_counts_attempts_until_a_write(store: Store, clock: ManualClock) -> None:
    store.create(job(due=1.0))
    for attempt in (1, 2):
        [held] = store.claim(9, 30)
        assert held.attempts == attempt - 1
        assert store.retry(held, clock.now() + 5) == attempt
        assert store.claim(9, 30) == []
        clock.advance(5)
    [held] = store.claim(9, 30)
    assert (held.attempts, held.version) == (2, 1)
    assert store.update(held, x=1).attempts == get(store).attempts == 0


def test_retry_leaves_alone_what_has_moved_on(store: Store) -> None:
    store.create(job(due=1.0))
    [held] = store.claim(9, 30)
    new = store.update(held, due=500.0)
    assert store.retry(held, 9_999.0) == 0
    assert get(store) == new


def test_hasten_makes_a_later_look_due_now(store: Store, clock: ManualClock) -> None:
    one = store.create(job(due=5_000.0))
    store.hasten(one.uid)
    [claimed] = store.claim(9, 30)
    assert (claimed.due, claimed.version) == (1_000.0, 1)


def test_hasten_wakes_nothing_that_rests(store: Store) -> None:
    one = store.create(job(due=None))
    store.hasten(one.uid)
    store.hasten("nobody")
    assert store.claim(9, 30) == [] and store.next_due() is None


def test_hasten_does_not_make_due_later(store: Store) -> None:
    one = store.create(job(due=5.0))
    store.hasten(one.uid)
    assert get(store).due == 5.0


def test_a_write_hastens_another_in_its_transaction(store: Store) -> None:
    other = store.create(job("other", due=5_000.0))
    one = store.create(job("one", due=1.0))
    [held] = store.claim(1, 30)
    written = store.update(held, phase="Done", due=None, hastens=other.uid)
    assert (written.due, [row.name for row in store.claim(9, 30)]) == (None, ["other"])
    with pytest.raises(Stale):
        store.update(one, hastens=other.uid)


def test_a_stale_write_hastens_nobody(store: Store) -> None:
    other = store.create(job("other", due=5_000.0))
    one = store.create(job("one", due=9_000.0))
    store.update(one, phase="Done")
    with pytest.raises(Stale):
        store.update(one, phase="Failed", hastens=other.uid)
    assert store.claim(9, 30) == []


def test_a_writer_can_go_on_holding_what_it_wrote(store: Store, clock: ManualClock) -> None:
    store.create(job(due=1.0))
    [held] = store.claim(9, 30)
    written = store.update(held, due=1_000.0, lease=30.0)
    assert store.claim(9, 30) == [] and store.extend(written, 30.0)
    clock.advance(31.0)  # it was killed: what it held is due
    assert [one.version for one in store.claim(9, 30)] == [written.version]


def test_who_only_hears_events_is_not_told_that_something_is_due(store: Store) -> None:
    woken: list[str] = []
    store.listen(lambda: woken.append("all"))
    store.listen(lambda: woken.append("events"), hints=False)
    one = store.create(job(due=5_000.0))
    assert woken == ["all", "events"]
    store.hasten(one.uid)
    one = store.update(one, due=9_000.0)
    assert woken == ["all", "events", "all", "all"]
    store.update(one, emit=True)
    assert woken[4:] == ["all", "events"]


def test_a_hint_during_a_step_is_not_lost(store: Store) -> None:
    one = store.create(job(due=1.0))
    [held] = store.claim(9, 30)
    store.hasten(one.uid)
    assert store.claim(9, 30) == []  # The lease stands.
    assert store.update(held, due=9_999.0).due == 1_000.0
    [held] = store.claim(9, 30)
    assert store.update(held, due=9_999.0).due == 9_999.0  # The hint was used up.


def test_a_hint_during_a_step_that_ends_in_rest_wakes_nothing(store: Store) -> None:
    one = store.create(job(due=1.0))
    [held] = store.claim(9, 30)
    store.hasten(one.uid)
    assert store.update(held, due=None).due is None


def test_next_due_is_when_a_claim_finds_something(store: Store, clock: ManualClock) -> None:
    assert store.next_due() is None
    store.create(job("never"))
    assert store.next_due() is None
    store.create(job("b", due=1_500.0))
    assert store.next_due() == 1_500.0
    store.create(job("a", due=900.0))
    assert store.next_due() == 900.0
    [held] = store.claim(1, 30)
    assert store.next_due() == 1_030.0
    store.extend(held, 1_000)
    assert store.next_due() == 1_500.0
    store.update(held, due=None)
    assert store.next_due() == 1_500.0


def test_listeners_hear_commits_that_matter(store: Store) -> None:
    heard: list[int] = []
    store.listen(lambda: heard.append(1))
    one = store.create(job(due=1.0))
    one = store.update(one, x=1)
    assert len(heard) == 2
    [held] = store.claim(9, 30)
    store.extend(held, 30)
    store.advance("me", 1)
    assert len(heard) == 2
    store.retry(held, 5_000.0)
    store.hasten(one.uid)
    store.delete(one)
    assert len(heard) == 5
    with pytest.raises(Stale):
        store.delete(one)
    assert len(heard) == 5


def test_a_listener_that_raises_does_not_unsay_the_write(store: Store) -> None:
    def broken() -> None:
        raise RuntimeError

    store.listen(broken)
    store.create(job())
    assert get(store).version == 1


def test_count_counts_what_a_page_would_show(store: Store, clock: ManualClock) -> None:
    for name in "abc":
        store.create(job(name, parent="p" if name == "a" else ""))
        clock.advance(1)
    store.create(job("a", account="other"))
    assert store.count("job", Where()) == 4
    assert store.count("job", Where(account=ACCOUNT)) == 3
    assert store.count("job", Where(account=ACCOUNT, region=REGION, created_after=1_000.0)) == 2
    assert store.count("job", Where(account=ACCOUNT, region=REGION, parent="p")) == 1
    assert store.count("job", Where(phase="Done")) == 0


def test_another_view_sees_and_writes_the_same(store: Store, reopen: Reopen) -> None:
    one = store.create(job())
    other = reopen()
    two = other.update(get(other), phase="Done")
    assert get(store) == two
    with pytest.raises(Stale):
        store.update(replace(one), x=1)


def test_a_stamp_stands_until_somebody_writes(store: Store, reopen: Reopen) -> None:
    made = store.create(job())
    other = reopen()
    here, there = store.stamp(), other.stamp()
    get(store)
    assert (store.stamp(), other.stamp()) == (here, there)
    made = store.update(made, n=1)
    assert store.stamp() != here and other.stamp() != there
    here = store.stamp()
    other.delete(made)
    assert store.stamp() != here


def refers(store: Store, prefix: str = "to:") -> dict[str, int]:
    return store.references(ACCOUNT, REGION, prefix)


def test_who_refers_to_a_name_is_found_and_counted(store: Store) -> None:
    both = store.create(job("b", status={"_refers": ["to:x", "to:y"]}))
    one = store.create(job("a", status={"_refers": ["to:x", "of:z"]}))
    store.create(job("a", region="eu", status={"_refers": ["to:x"]}))
    store.create(job("a", kind="other", status={"_refers": ["to:x"]}))
    store.create(job("c"))
    assert refers(store) == {"to:x": 3, "to:y": 1}
    assert refers(store, "to:y") == {"to:y": 1} and refers(store, "none:") == {}
    assert store.referring(ACCOUNT, REGION, "job", "to:x") == [one, both]
    one = store.update(one, _refers=["of:z", "to:y"])
    assert refers(store) == {"to:x": 2, "to:y": 2}
    both = store.rename(both, "d", "arn:d")
    assert store.referring(ACCOUNT, REGION, "job", "to:y") == [one, both]
    one = store.update(one, phase="Done")
    assert refers(store, "of:") == {"of:z": 1}
    store.update(one, _refers=None)
    store.create(replace(both, uid="another", status={"_refers": ["to:new"]}), replace=True)
    assert refers(store) == {"to:x": 1, "to:new": 1} and refers(store, "of:") == {}


def test_links_from_many_names_are_found_in_one_look(store: Store) -> None:
    one = store.create(job("a", status={"_refers": ["from:x", "to:y"]}))
    two = store.create(job("b", status={"_refers": ["from:x", "to:z"]}))
    store.create(job("a", region="eu", status={"_refers": ["from:x"]}))
    store.create(job("a", kind="other", status={"_refers": ["from:x"]}))
    found = store.linked(ACCOUNT, REGION, "job", ["from:x", "to:z", "to:none"])
    assert sorted(found) == sorted([("from:x", one.uid), ("from:x", two.uid), ("to:z", two.uid)])
    assert store.linked(ACCOUNT, REGION, "job", []) == []
    store.delete(two)
    assert store.linked(ACCOUNT, REGION, "job", ["from:x", "to:z"]) == [("from:x", one.uid)]


def test_several_are_found_by_their_arns(store: Store) -> None:
    one = store.create(job("a", arn="arn:a"))
    two = store.create(job("b", arn="arn:b"))
    store.create(job("c"))
    found = store.several(["arn:b", "arn:none", "arn:a", "arn:b", ""])
    assert sorted(found, key=lambda each: each.name) == [one, two]
    seen = store.glances(["arn:b", "arn:none", "arn:b", ""])
    assert seen == [("arn:b", two.phase, two.created, two.modified)]


def test_references_end_with_what_refers(store: Store) -> None:
    one = store.create(job("a", status={"_refers": ["to:x"]}))
    with pytest.raises(Stale):
        store.update(replace(one, version=9), _refers=["to:y"])
    assert refers(store) == {"to:x": 1}, "what is not written counts nothing"
    with pytest.raises(Stale):
        store.delete(replace(one, version=9))
    assert refers(store) == {"to:x": 1}
    store.delete(one)
    assert refers(store) == {}
