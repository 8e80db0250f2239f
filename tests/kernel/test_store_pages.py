"""What every store promises of its pages: each row once, in order, whatever the filters and the size of a page."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clary.kernel.clock import ManualClock
from clary.kernel.page import paginate, position
from clary.kernel.resource import Resource
from clary.kernel.store import Order, Store, Where
from tests.kernel.conftest import STORES
from tests.kernel.making import ACCOUNT, REGION, job

ORDERS: tuple[Order, ...] = ("name", "created", "modified", "phase")
HERE = Where(account=ACCOUNT, region=REGION)


def fits(one: Resource, where: Where) -> bool:
    """The filters, said a second time in plain Python."""
    return (
        (where.account is None or one.account == where.account)
        and (where.region is None or one.region == where.region)
        and (where.phase is None or one.phase == where.phase)
        and (where.parent is None or one.parent == where.parent)
        and (where.name_contains is None or where.name_contains.lower() in one.name.lower())
        and (where.name_prefix is None or one.name.startswith(where.name_prefix))
        and (where.created_after is None or one.created > where.created_after)
        and (where.created_before is None or one.created < where.created_before)
        and (where.modified_after is None or one.modified > where.modified_after)
        and (where.modified_before is None or one.modified < where.modified_before)
    )


def expected(rows: list[Resource], where: Where, order: Order, descending: bool) -> list[Resource]:
    return sorted((one for one in rows if fits(one, where)), key=lambda one: position(one, order), reverse=descending)


def walk(store: Store, where: Where, order: Order, descending: bool, limit: int) -> list[Resource]:
    seen: list[Resource] = []
    token = None
    while True:
        found, token = paginate(store, "job", where, order, descending, limit, token)
        assert len(found) <= limit
        seen += found
        if token is None:
            return seen


def filled(store: Store, clock: ManualClock) -> list[Resource]:
    """Rows with ties in every column, in two accounts and two regions."""
    rows = []
    store.create(job("b", kind="other"))
    for number, (account, region, name) in enumerate(product((ACCOUNT, "999"), (REGION, "eu"), "cABdea")):
        one = store.create(
            job(f"{name}-ü", account=account, region=region, parent="p" if number % 2 else "", phase="ABC"[number % 3])
        )
        clock.advance(number % 2)
        rows.append(store.update(one, x=1) if number % 5 == 0 else one)
    return rows


WHERES = [
    HERE,
    Where(),
    Where(account=ACCOUNT),
    Where(region=REGION),
    Where(account="nobody"),
    replace(HERE, phase="B"),
    replace(HERE, parent="p"),
    replace(HERE, parent=""),
    replace(HERE, parent="p", phase="A"),
    replace(HERE, name_contains="a-"),
    replace(HERE, name_prefix="a"),
    replace(HERE, name_prefix="a", phase="C"),
    replace(HERE, created_after=1_001.0),
    replace(HERE, created_before=1_002.0, modified_after=1_000.0),
    Where(created_after=1_001.0, created_before=1_009.0, phase="B"),
    Where(modified_before=1_005.0, parent="p"),
    replace(HERE, name_contains="%"),
    replace(HERE, name_contains="_"),
    replace(HERE, modified_before=1_002.0),
    replace(HERE, created_after=1_001.0, phase="B", name_contains="A"),
    replace(HERE, created_after=1_000.0, modified_before=1_003.0, modified_after=1_000.0),
]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ORDERS)
def test_each_row_once_and_in_order(store: Store, clock: ManualClock, order: Order, descending: bool) -> None:
    rows = filled(store, clock)
    for where, limit in product(WHERES, (1, 2, 3, 100)):
        assert walk(store, where, order, descending, limit) == expected(rows, where, order, descending), where
        assert store.count("job", where) == len(expected(rows, where, order, descending))


@pytest.mark.parametrize("most", [1, 2, 1_000])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ORDERS)
def test_looking_in_steps_finds_each_row_once(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, order: Order, descending: bool, most: int
) -> None:
    """Also where rows must be looked for along the order, however few a filter leaves."""
    rows = filled(store, clock)
    for narrow, first in ((-1, 1), (-1, 1_000), (2, 2), (1_000, 1)):
        monkeypatch.setattr("clary.kernel.sqlite_walk.NARROW", narrow)
        monkeypatch.setattr("clary.kernel.sqlite_walk._FIRST", first)
        monkeypatch.setattr("clary.kernel.page.MOST_LOOKED", most)
        for where, limit in product(WHERES, (1, 3, 100)):
            assert walk(store, where, order, descending, limit) == expected(rows, where, order, descending), where


def test_a_filter_that_no_index_serves_is_held_against_so_many_rows_and_no_more(store: Store) -> None:
    rows = [store.create(job(f"{number}")) for number in range(10)]
    seven = replace(HERE, name_contains="7")
    assert store.look("job", seven, most=4) == ([], ["3", "3", ACCOUNT, REGION])
    assert store.look("job", seven, after=["3", "3"], most=4) == ([rows[7]], ["7", "7", ACCOUNT, REGION])
    assert store.look("job", seven, after=["3", "3"], limit=1, most=4) == ([rows[7]], None), "the page is full"
    assert store.look("job", seven, after=["7", "7"], most=4) == ([], None), "there is no more"
    assert store.look("job", HERE, most=4) == (rows, None), "what an index serves has no such bound"


def test_what_is_changed_while_the_clock_is_set_back_is_found_by_its_times(store: Store, clock: ManualClock) -> None:
    one = store.create(job())
    clock.advance(-500.0)
    changed = store.update(one, phase="Done")
    assert changed.modified == one.created
    for order in ORDERS:
        for where in (replace(HERE, created_after=one.created - 1), replace(HERE, modified_before=one.created + 1)):
            assert store.page("job", where, order=order) == [changed]


def test_a_page_goes_on_where_the_last_ended_while_rows_come_and_go(store: Store) -> None:
    rows = [store.create(job(name)) for name in "bdfh"]
    first, token = paginate(store, "job", HERE, limit=2)
    store.delete(rows[1])
    for name in "ace":
        store.create(job(name))
    rest, last = paginate(store, "job", HERE, limit=9, token=token)
    assert ([one.name for one in first], [one.name for one in rest], last) == (["b", "d"], ["e", "f", "h"], None)


def test_after_takes_the_two_values_of_the_last_row(store: Store) -> None:
    for name in "abc":
        store.create(job(name))
    assert [one.name for one in store.page("job", HERE, after=["a", "a"], limit=1)] == ["b"]
    assert [one.name for one in store.page("job", HERE, order="created", after=[1_000.0, "b"])] == ["c"]
    assert store.page("job", HERE, limit=0) == []


def test_the_last_page_is_never_empty(store: Store) -> None:
    for name in "abcd":
        store.create(job(name))
    _, token = paginate(store, "job", HERE, limit=2)
    second, token = paginate(store, "job", HERE, limit=2, token=token)
    assert [one.name for one in second] == ["c", "d"] and token is None


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=4)


@given(
    st.sets(names, min_size=1, max_size=12),
    st.text(max_size=2).filter(lambda text: "\0" not in text),
    st.integers(1, 5),
    st.sampled_from(ORDERS),
    st.booleans(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("kind", STORES)
def test_any_names_and_prefixes(kind: str, some: set[str], prefix: str, limit: int, order: Order, down: bool) -> None:
    clock = ManualClock(1.0)
    store: Any = _memory(kind, clock)
    rows = [store.create(job(name)) for name in some]
    where = replace(HERE, name_prefix=prefix)
    try:
        assert walk(store, where, order, down, limit) == expected(rows, where, order, down)
    finally:
        store.close()


def _memory(kind: str, clock: ManualClock) -> Store:
    from clary.kernel.sqlite import SqliteStore

    return SqliteStore(":memory:", clock) if kind == "sqlite" else STORES[kind](Path(), clock)
