"""How full queues are, once a minute, as the metrics of AWS/SQS: of those that are in use, as on AWS."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.metrics import MetricSink, Sample
from clary.kernel.queues import QueueStore
from clary.kernel.resource import Resource
from clary.kernel.store import Store
from clary.services.sqs.api import QUEUE
from clary.services.sqs.counting import metric

EVERY_SECONDS: Final = 60.0
ACTIVE_SECONDS: Final = 6 * 3600.0


class Depths:
    """Belongs to one event loop. While no queue is in use it does nothing at all."""

    def __init__(self, store: Store, queues: QueueStore, sink: MetricSink, clock: Clock) -> None:
        self._store = store
        self._queues = queues
        self._sink = sink
        self._clock = clock
        self._used: dict[str, float] = {}
        self._woken = asyncio.Event()

    def used(self, queue: str) -> None:
        """The queue of that uid is in use from now on."""
        self._used[queue] = self._clock.now()
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. What holds messages at the start counts as in use."""
        for uid in self._queues.queues():
            if self._queues.counts(uid).oldest is not None:
                self.used(uid)
        while not stop.is_set():
            self._woken.clear()
            if not self._used:
                await _either(stop, self._woken)
                continue
            self.tell()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EVERY_SECONDS)

    def tell(self) -> None:
        """The depths of all queues in use are metrics now."""
        now = self._clock.now()
        samples: list[Sample] = []
        for uid, last in list(self._used.items()):
            try:
                queue = self._store.find(QUEUE, uid)
            except Missing:
                del self._used[uid]
                continue
            samples += self._depth(queue, now)
            if now - last > ACTIVE_SECONDS:
                del self._used[uid]
        if samples:
            self._sink.add(samples)

    def _depth(self, queue: Resource, now: float) -> list[Sample]:
        counts = self._queues.counts(queue.uid)
        found: Mapping[str, float] = {
            "ApproximateNumberOfMessagesVisible": counts.visible,
            "ApproximateNumberOfMessagesNotVisible": counts.in_flight,
            "ApproximateNumberOfMessagesDelayed": counts.delayed,
        }
        samples = [Sample(metric(queue, name), now, (float(value),), unit="Count") for name, value in found.items()]
        age = 0.0 if counts.oldest is None else max(now - counts.oldest, 0.0)
        samples.append(Sample(metric(queue, "ApproximateAgeOfOldestMessage"), now, (age,), unit="Seconds"))
        return samples


async def _either(stop: asyncio.Event, woken: asyncio.Event) -> None:
    waits = {asyncio.ensure_future(stop.wait()), asyncio.ensure_future(woken.wait())}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
