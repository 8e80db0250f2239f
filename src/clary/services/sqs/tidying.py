"""What nobody will receive any more makes room: messages past their retention, of purged queues, of queues that are
gone."""

import asyncio
from collections.abc import Callable
from functools import partial

from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.queues import QueueStore
from clary.kernel.store import Store
from clary.services.sqs.api import QUEUE, number


async def tidy(store: Store, queues: QueueStore, clock: Clock) -> None:
    """It is gone, a bite at a time: others run in between."""
    for uid in queues.queues():
        try:
            queue = store.find(QUEUE, uid)
        except Missing:
            queues.purge(uid)  # it was deleted, by somebody who was killed before this
            continue
        before = clock.now() - number(queue, "MessageRetentionPeriod")
        await to_its_end(partial(queues.expire, uid, before))
    await to_its_end(queues.sweep)


async def to_its_end(bite: Callable[[], int]) -> None:
    """Nothing is left to bite off; others run between the bites."""
    left = 1
    while left:
        left = bite()
        await asyncio.sleep(0)
