"""The single values of a component's metrics.

The newest stand in the component's own row beside the measures that they are in, so that both are written at once; when
there are many, they go to a row of their own:

    component   status {"_open": [[name, at, step, value], ...], "_sealed": 2}
    points      kind "experiment-points", name "<uid of the component>/000001", spec {"Points": [...]}

Rows from `_sealed` on are not looked at: one may be there of a crash between the sealing and the component's write, and
is written anew by the next sealing.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from clary.kernel import ids
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.sagemaker.experiments.measures import PUT, Point, folded

KIND: Final = "experiment-points"
OPEN: Final = 50
"""Points that stand in the component's row at most: every look at the row reads them."""
AT_ONCE: Final = 1_000
"""Points of one row of what a job's lines told."""
_ALL: Final = 1_000_000


def add(store: Store, component: Resource, points: Sequence[Point]) -> Resource:
    """The points are kept, and in the component's measures, together or not at all. Raises Stale."""
    kept: list[list[object]] = component.status.get("_open") or []
    sealed: int = component.status.get("_sealed", 0)
    if kept and len(kept) + len(points) > OPEN:
        _seal(store, component, f"{sealed:06}", kept)
        # A crash before the next write leaves a row that nobody looks at, and all its points where they were.
        kept, sealed = [], sealed + 1
    kept = kept + [list(one) for one in points]
    return store.update(component, _open=kept, _sealed=sealed, _put=folded(component.status.get(PUT) or {}, points))


def keep(store: Store, component: Resource, points: Sequence[Point]) -> int:
    """What the job's lines told is kept in rows beside; returns how many. Repeated, the same rows are written again."""
    rows = range(0, len(points), AT_ONCE)
    for number, start in enumerate(rows):
        _seal(store, component, f"job-{number:06}", [list(one) for one in points[start : start + AT_ONCE]])
    return len(rows)


def read(store: Store, component: Resource, name: str) -> Iterator[Point]:
    """All values of that metric, in the order in which they came; what the job's lines told, at the end."""
    sealed = [f"{number:06}" for number in range(component.status.get("_sealed", 0))]
    of_job = [f"job-{number:06}" for number in range(component.status.get("_job_rows", 0))]
    for row in sealed:
        yield from _of(_row(store, component, row), name)
    yield from _of(component.status.get("_open") or [], name)
    for row in of_job:
        yield from _of(_row(store, component, row), name)


def forget(store: Store, component: Resource) -> None:
    """The rows of a deleted component are gone. A crash before this leaves rows that nothing can reach."""
    where = Where(account=component.account, region=component.region, parent=component.uid)
    for row in store.page(KIND, where, limit=_ALL):
        try:
            store.delete(row)
        except Stale:
            continue


def _seal(store: Store, component: Resource, number: str, points: list[list[object]]) -> None:
    store.create(
        Resource(
            KIND,
            f"{component.uid}/{number}",
            component.account,
            component.region,
            ids.new(),
            parent=component.uid,
            spec={"Points": points},
        ),
        replace=True,
    )


def _row(store: Store, component: Resource, number: str) -> list[list[object]]:
    try:
        spec: Doc = store.get(component.account, component.region, KIND, f"{component.uid}/{number}").spec
    except Missing:  # the component was deleted meanwhile
        return []
    return list(spec["Points"])


def _of(points: list[list[object]], name: str) -> Iterator[Point]:
    return (Point(*one) for one in points if one[0] == name)  # type: ignore[arg-type]
