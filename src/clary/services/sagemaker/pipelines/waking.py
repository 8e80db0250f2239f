"""Who tells a step that what it waits for has moved: it looks at once, not after its pause."""

from collections.abc import Sequence
from typing import Final

from clary.kernel.store import Event, Store
from clary.services.sagemaker.pipelines.machine import EXECUTION, STEP

SUBSCRIBER: Final = "pipeline-steps"


class StepWaker:
    """Hears of everything that moves. Only a hint: what it misses is seen after the pause, so it need not remember what
    it has heard."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, events: Sequence[Event]) -> bool:
        for event in events:
            arn = event.resource["arn"]
            if arn and event.kind not in (STEP, EXECUTION):
                for row in self._store.referring(event.account, event.region, STEP, arn):
                    self._store.hasten(row.uid)
        return False
