"""What is known of an execution's steps, so that a look at a wide execution reads the rows that have changed and not
all of them. Everything here is a memory of rows: forgotten, it is read again, and every so often all of it is."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.page import position
from clary.kernel.resource import Resource
from clary.kernel.store import Store, Where
from clary.services.sagemaker.pipelines.machine import STEP, STEP_MACHINE, row_name, step_name
from clary.services.sagemaker.pipelines.steps.condition import OUTCOME

ROUND: Final = "_round"
"""The status member of an execution and of its steps that counts RetryPipelineExecution."""
ENDS: Final = "_ends"
"""The status member of a failed step that ends the whole execution."""
TRUSTED_SECONDS: Final = 30.0
"""For so long it is believed that what nobody told of has not changed: less than the pause between two looks that no
hint brings about, so that such a look reads every row."""
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Glimpse:
    """As much of a step's row as decides what comes next."""

    name: str
    phase: str
    round: int
    chosen: str | None
    """Of a condition that has been evaluated: "True" or "False"."""
    reason: str
    ends: bool

    @property
    def live(self) -> bool:
        return not STEP_MACHINE.settled(self.phase)


def glimpse(row: Resource) -> Glimpse:
    status = row.status
    return Glimpse(
        step_name(row),
        row.phase,
        int(status.get(ROUND, 0)),
        (status.get("_outcome") or {}).get(OUTCOME),
        str(status.get("FailureReason") or ""),
        bool(status.get(ENDS)),
    )


@dataclass(slots=True)
class _Memory:
    read: float
    """When all rows were read."""
    steps: dict[str, Glimpse]
    touched: set[str] = field(default_factory=set)


class Seen:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, _Memory] = {}

    def touch(self, execution_uid: str, step: str) -> None:
        """A hint: that step's row has changed."""
        if execution_uid in self._known:
            self._known[execution_uid].touched.add(step)

    def of(self, execution: Resource) -> dict[str, Glimpse]:
        """Every step that has a row, by name. Who writes a row of the execution tells it here."""
        now = self._clock.now()
        memory = self._known.get(execution.uid)
        if memory is None or not 0 <= now - memory.read < TRUSTED_SECONDS:
            found = {one.name: one for one in self._all(execution)}
            self._known[execution.uid] = _Memory(now, found)
            return found
        for name in memory.touched:
            with suppress(Missing):
                row = self._store.get(execution.account, execution.region, STEP, row_name(execution, name))
                memory.steps[name] = glimpse(row)
        memory.touched.clear()
        return memory.steps

    def forget(self, execution_uid: str) -> None:
        self._known.pop(execution_uid, None)

    def _all(self, execution: Resource) -> Iterator[Glimpse]:
        where = Where(execution.account, execution.region, parent=execution.name)
        after = None
        while rows := self._store.page(STEP, where, after=after, limit=_PAGE):
            yield from map(glimpse, rows)
            after = position(rows[-1], "name")
