"""Lineage that nobody has to write: whoever hears of a job, a model, a package, an endpoint or a pipeline writes what
became of what.

It hears of them after they are answered, so no request waits for it. All names follow from what was heard, so hearing
it again changes nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from clary.kernel.objects import ObjectStore
from clary.kernel.store import Event, Store
from clary.services.sagemaker.lineage.executions import EXECUTION, STEP, Executions
from clary.services.sagemaker.lineage.jobs import KINDS, TUNING, Jobs, Tunings
from clary.services.sagemaker.lineage.packages import PACKAGE, Packages
from clary.services.sagemaker.lineage.serving import ENDPOINT, MODEL, Endpoints, Models

SUBSCRIBER: Final = "lineage"
_MISREAD: Final = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What a resource raises that is not of the form that was expected."""

log = logging.getLogger(__name__)


class Recording:
    """Hears the outbox."""

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        jobs, executions = Jobs(store, objects), Executions(store)
        self._of: Mapping[str, Callable[[Event], Awaitable[None]]] = {
            **dict.fromkeys(KINDS, jobs),
            TUNING: Tunings(store),
            MODEL: Models(store, objects),
            ENDPOINT: Endpoints(store, objects),
            PACKAGE: Packages(store, objects),
            EXECUTION: executions,
            STEP: executions,
        }

    async def __call__(self, events: Sequence[Event]) -> bool:
        """False: nothing came of these events."""
        wanted = [event for event in events if event.kind in self._of]
        for event in wanted:
            try:
                await self._of[event.kind](event)
                await asyncio.sleep(0)  # it is in no hurry: whoever is goes first
            except _MISREAD:
                # It would raise again for ever, and keep everything after it from being written. What the store or the
                # disk refuses is heard again.
                log.exception(
                    "lineage was not recorded", extra={"resource": event.resource.get("arn"), "seq": event.seq}
                )
        return bool(wanted)
