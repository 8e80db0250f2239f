"""QueryLineage over a graph of the size that a busy team has after years."""

import random
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from clary.services import sagemaker
from clary.services.sagemaker.lineage.book import Book
from tests.inprocess import ACCOUNT, REGION, InProcess, serving

ARTIFACTS, EDGES = 10_000, 30_000
BUDGET_SECONDS = 0.3
"""Of CPU, for one query."""
OF_PROPERTIES_SECONDS = 0.8
"""Properties are in the rows alone: with such a filter, every row that was reached is read."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[InProcess, str, str]]:
    """The graph with its first artifact and its last: each is made of some that are a little older, in no more than ten
    steps from the first to any."""

    def fill(store: Any) -> tuple[str, str]:
        # All in one transaction: 40,000 of them take a busy disk minutes.
        own = store._transaction
        store._transaction = nullcontext
        try:
            with own():
                return filled(Book(store, ACCOUNT, REGION))
        finally:
            store._transaction = own

    def filled(book: Book) -> tuple[str, str]:
        chance = random.Random(7)
        level = ARTIFACTS // 9
        ends = [book.artifact("Model" if n % 5 else "DataSet", f"s3://lake/{n}") for n in range(ARTIFACTS)]
        first, last = ends[0], ends[-1]
        made = 0
        while made < EDGES:
            to = 1 + made % (ARTIFACTS - 1)
            older = max(0, (to // level - 1) * level), max(1, to // level * level)
            source = ends[0] if to < level else ends[chance.randrange(*older)]
            book.link(source, ends[to], "DerivedFrom")
            made += 1
        return first.arn, last.arn

    with serving(Path(tmp_path_factory.mktemp("large")), [sagemaker.service]) as made:
        first, last = made.thread.call(fill, made.raw_store)
        yield made, first, last


def timed(inside: InProcess, **query: Any) -> tuple[Any, float]:
    """The answer, and the best of three times in CPU-seconds of the thread that answers."""

    async def once() -> tuple[Any, float]:
        begun = time.thread_time()
        answer = await inside.context().call("sagemaker", "QueryLineage", query)
        return answer, time.thread_time() - begun

    return min((inside.run(once()) for _ in range(3)), key=lambda pair: pair[1])


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"IncludeEdges": True},
        {"Filters": {"LineageTypes": ["Artifact"]}},
        {"Filters": {"Types": ["DataSet"]}},
        {"Filters": {"Properties": {"none": "none"}}, "IncludeEdges": True},
        {"Filters": {"Types": ["DataSet"]}, "IncludeEdges": True, "MaxResults": 50},
        {"Direction": "Both"},
    ],
    ids=["plain", "edges", "lineage-types", "types", "properties", "on-the-way", "both"],
)
def test_ten_levels_deep(large: tuple[InProcess, str, str], more: dict[str, Any]) -> None:
    inside, first, _ = large
    answer, seconds = timed(inside, StartArns=[first], MaxDepth=10, **{"Direction": "Descendants", **more})
    print(f"{len(answer['Vertices'])} vertices, {len(answer['Edges'])} edges, {seconds * 1000:.0f} ms of CPU")
    by_rows = "Properties" in str(more)
    assert seconds < (OF_PROPERTIES_SECONDS if by_rows else BUDGET_SECONDS)
    if not by_rows:
        assert len(answer["Vertices"]) >= 50 and answer["NextToken"]


def test_the_pages_of_it_hold_everything(large: tuple[InProcess, str, str]) -> None:
    inside, first, last = large
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = inside.call("sagemaker", "QueryLineage", {"StartArns": [first], "Direction": "Descendants", **token})
        found += [one["Arn"] for one in answer["Vertices"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert len(found) == len(set(found)) > 9_000 and last in found
