"""The stores that the contract suite runs on. A second implementation is one more line in STORES."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clary.kernel.clock import ManualClock
from clary.kernel.sqlite import SqliteStore
from clary.kernel.store import Store

Opener = Callable[[Path, ManualClock], Store]

STORES: dict[str, Opener] = {
    "sqlite": lambda root, clock: SqliteStore(root / "state" / "clary.db", clock),
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_000.0)


@pytest.fixture(params=STORES)
def reopen(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Callable[[], Store]]:
    """Opens one more view of the same stored state, as another process or a later one would."""
    opened: list[Store] = []

    def once_more() -> Store:
        opened.append(STORES[request.param](tmp_path, clock))
        return opened[-1]

    yield once_more
    for one in opened:
        one.close()


@pytest.fixture
def store(reopen: Callable[[], Store]) -> Store:
    return reopen()
