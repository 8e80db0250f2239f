"""Expressions of GetPartitions: what they mean, and that pruning finds just what evaluating every partition would."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clary.kernel.clock import SystemClock
from clary.kernel.resource import Resource
from clary.kernel.sqlite import SqliteStore
from clary.services.glue.catalog.expressions.keys import NULL, keys_of
from clary.services.glue.catalog.expressions.syntax import Expression, parsed
from clary.services.glue.catalog.names import PARTITION, partition_name, values_in
from clary.services.glue.catalog.pruning import matching
from clary.services.glue.errors import InvalidInputException

TYPES = (("region", "string"), ("year", "int"), ("day", "date"))
KEYS = keys_of([{"Name": name, "Type": type_} for name, type_ in TYPES])
TABLE = Resource("glue-table", "t", "1", "r", uid="uid-of-t")


@pytest.mark.parametrize(
    ("text", "values", "wanted"),
    [
        ("region = 'eu'", ("eu", "2024", "2024-01-01"), True),
        ("REGION='eu' and Year=2024", ("eu", "2024", "2024-01-01"), True),
        ("year = 5", ("eu", "05", "2024-01-01"), True),  # as numbers
        ("year = '5'", ("eu", "5", "2024-01-01"), True),
        ("year < 10", ("eu", "9", "2024-01-01"), True),
        ("2023 < year", ("eu", "2024", "2024-01-01"), True),
        ("date '2024-01-01' <= day", ("eu", "2024", "2024-01-01"), True),
        ("day between '2024-01-01' and '2024-01-31'", ("eu", "2024", "2024-01-31"), True),
        ("day not between '2024-01-01' and '2024-01-31'", ("eu", "2024", "2024-01-31"), False),
        ("region like 'e_-%'", ("eu-west", "1", "2024-01-01"), True),
        (r"region like 'e\_%'", ("eu-west", "1", "2024-01-01"), False),
        ("region not in ('eu', 'us')", ("ap", "1", "2024-01-01"), True),
        ("region in ('it''s')", ("it's", "1", "2024-01-01"), True),
        ("region is null", (NULL, "1", "2024-01-01"), True),
        ("region is not null", (NULL, "1", "2024-01-01"), False),
        ("region <> 'eu'", (NULL, "1", "2024-01-01"), None),  # as SQL has it: nothing is known of null
        ("not (region = 'eu')", (NULL, "1", "2024-01-01"), None),
        ("year > 1", ("eu", "many", "2024-01-01"), None),  # no number
        ("year > 1 or region = 'eu'", ("eu", "many", "2024-01-01"), True),
        ("(region = 'a' or region = 'b') and not year = 1", ("b", "2", "2024-01-01"), True),
        ("`region` = 'eu' AND \"year\" >= 1e3", ("eu", "2024", "2024-01-01"), True),
        ("year != -1.5", ("eu", "-1.5", "2024-01-01"), False),
    ],
)
def test_what_an_expression_means(text: str, values: tuple[str, ...], wanted: bool | None) -> None:
    assert parsed(text, KEYS).truth(values) is wanted


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("month = 1", "month is not a partition key of the table, which has (region, year, day)"),
        ("year = 'many'", "'many' is not a value of the partition key year"),
        ("year =", "expected a number"),
        ("year 2024", "expected a comparison"),
        ("year = 1 year = 2", "expected AND, OR or the end"),
        ("(year = 1", "expected )"),
        ("region not = 'x'", "expected IN, BETWEEN or LIKE"),
        ("region = 'x", "no part of an expression"),
        ("1 =", "expected the name of a partition key"),
        ("= 1", "expected the name of a partition key"),
        ("date = 1", "date is not a partition key"),
        ("day between '2024-01-01'", "expected AND"),
        ("region like 5", "expected a text"),
        ("; drop table t", "no part of an expression"),
        ("(" * 500 + "year = 1" + ")" * 500, "nested too deeply"),
        ("not " * 500 + "year = 1", "nested too deeply"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_place(text: str, why: str) -> None:
    with pytest.raises(InvalidInputException, match=re.escape(why)):
        parsed(text, KEYS)


def test_a_like_of_many_parts_takes_no_time() -> None:
    node = parsed(f"region like '{'%a' * 40}%b'", KEYS)
    assert node.truth(("a" * 1000, "1", "2024-01-01")) is False


Case = tuple[str, Callable[[tuple[str, ...]], bool | None]]
WORDS = st.sampled_from(["", "a", "b", "ab", "b\x01", "a\x00", "é", "a'b", "a-b", "a/b", "\U0010ffff", "c", NULL])
REGIONS = WORDS.filter(bool)
YEARS = st.sampled_from(["1", "01", "2", "10", "-3", "2.0", "many", NULL])
DAYS = st.sampled_from(["2024-01-01", "2024-01-02", "2023-12-31", "never", NULL])
ROWS = st.sets(st.tuples(REGIONS, YEARS, DAYS), max_size=30)
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def day(text: str) -> str | None:
    return text if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None


def texts(text: str) -> str | None:
    return None if text == NULL else text


READ: tuple[Callable[[str], Any], ...] = (texts, number, day)


@st.composite
def predicates(draw: Any) -> Case:
    at = draw(st.sampled_from([0, 0, 0, 1, 2]))
    name, read = TYPES[at][0], READ[at]
    constants = (WORDS.filter(lambda one: one != NULL), st.sampled_from(["1", "2", "10"]), DAYS.filter(day))[at]
    shape = draw(st.sampled_from(["sign", "in", "between", "null", "like"]))
    if shape == "null":
        return f"{name} IS NULL", lambda values: values[at] == NULL
    if shape == "in":
        several = draw(st.lists(constants, min_size=1, max_size=3))
        wanted = [read(one) for one in several]
        text = f"{name} IN ({', '.join(map(quoted, several))})"
        return text, lambda values: None if read(values[at]) is None else read(values[at]) in wanted
    if shape == "between":
        low, high = draw(constants), draw(constants)
        text = f"{name} BETWEEN {quoted(low)} AND {quoted(high)}"
        return text, lambda values: None if (v := read(values[at])) is None else read(low) <= v <= read(high)
    if shape == "like":
        start = draw(st.sampled_from(["a", "", "b", "2024"]))
        return f"{name} LIKE '{start}%'", lambda values: None if values[at] == NULL else values[at].startswith(start)
    sign, constant = draw(st.sampled_from(sorted(SIGNS))), draw(constants)
    return (
        f"{name} {sign} {quoted(constant)}",
        lambda values: None if (v := read(values[at])) is None else SIGNS[sign](v, read(constant)),
    )


def joined(word: str, one: Case, other: Case) -> Case:
    absorbing = word == "OR"

    def truth(values: tuple[str, ...]) -> bool | None:
        both = (one[1](values), other[1](values))
        if absorbing in both:
            return absorbing
        return None if None in both else not absorbing

    return f"({one[0]}) {word} {other[0]}" if word == "OR" else f"({one[0]}) AND ({other[0]})", truth


def negated(one: Case) -> Case:
    return f"NOT ({one[0]})", lambda values: None if (v := one[1](values)) is None else not v


CASES = st.recursive(
    predicates(),
    lambda inner: st.one_of(
        st.builds(joined, st.sampled_from(["AND", "AND", "OR"]), inner, inner), st.builds(negated, inner)
    ),
    max_leaves=5,
)


def filled(rows: Any) -> SqliteStore:
    store = SqliteStore(":memory:", SystemClock())
    for at, values in enumerate(sorted(rows)):
        store.create(Resource(PARTITION, partition_name(TABLE, values), "1", "r", uid=f"p{at}", parent=TABLE.uid))
    return store


async def walked(store: Any, expression: Expression | None) -> list[tuple[str, ...]]:
    seen = matching(store, TABLE, len(KEYS), expression, "")
    return [tuple(values_in(TABLE, one.name)) async for _, one in seen if one is not None]


@settings(max_examples=150, deadline=None)
@given(ROWS, CASES)
def test_pruning_finds_what_evaluating_every_partition_finds(rows: set[tuple[str, ...]], case: Case) -> None:
    text, truth = case
    expression = parsed(text, KEYS)
    for values in rows:
        assert expression.truth(values) is truth(values), (text, values)
    store = filled(rows)
    found = asyncio.run(walked(store, expression))
    store.close()
    assert found == sorted(values for values in rows if truth(values)), text


@given(st.sets(st.tuples(st.text(max_size=4), st.text(max_size=4), st.text(max_size=4)), max_size=20))
def test_names_of_partitions_sort_as_their_values(rows: set[tuple[str, ...]]) -> None:
    names = sorted(partition_name(TABLE, values) for values in rows)
    assert [tuple(values_in(TABLE, name)) for name in names] == sorted(rows)


class Counting:
    """A store that counts the rows it gave."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.rows = 0

    def page(self, *args: Any, **kwargs: Any) -> list[Resource]:
        found = self._store.page(*args, **kwargs)
        self.rows += len(found)
        return found


@pytest.mark.parametrize(
    ("text", "most", "count"),
    [
        ("region = 'r07'", 1_600, 1000),
        ("region = 'r07' and year = 3", 250, 100),
        ("region = 'r07' and year = 3 and day = '2024-03-15'", 300, 1),
        ("region in ('r01', 'r08') and year >= 8", 900, 400),
        ("region > 'r05' and region <= 'r06' and year = 0", 300, 100),
        ("region like 'r09%' and year = 9", 300, 100),
        ("year = 5 and day = '2024-01-01'", 2_500, 10),
        ("region = 'nowhere'", 20, 0),
    ],
)
def test_ten_thousand_partitions_are_not_all_looked_at(many: SqliteStore, text: str, most: int, count: int) -> None:
    counting = Counting(many)
    found = asyncio.run(walked(counting, parsed(text, KEYS)))
    assert len(found) == count
    assert counting.rows <= most


@pytest.fixture(scope="module")
def many() -> Any:
    days = [f"2024-{1 + at // 28:02}-{1 + at % 28:02}" for at in range(100)]
    store = filled([(f"r{r:02}", str(year), day) for r in range(10) for year in range(10) for day in days])
    yield store
    store.close()
