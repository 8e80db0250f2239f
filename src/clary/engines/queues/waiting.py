"""Who waits for a message: woken by the send itself, in the order in which they came."""

import asyncio
from collections import deque

from clary.kernel.clock import Clock


class Waiting:
    """The waiters of all queues. Belongs to one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}
        self.closed = False

    def wake(self, queue: str, count: int) -> None:
        """As many as there are new messages need look."""
        line = self._lines.get(queue)
        while line and count > 0:
            first = line.popleft()
            if not first.done():
                first.set_result(None)
                count -= 1

    async def wait(self, queue: str, seconds: float) -> None:
        """Until somebody wakes, or the time is over."""
        if self.closed:
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line = self._lines.setdefault(queue, deque())
        line.append(woken)
        timer = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({woken, timer}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if woken.done():
                self.wake(queue, 1)  # the message that it was woken for is still there for another
            raise
        finally:
            timer.cancel()
            if not woken.done():
                woken.cancel()
                line.remove(woken)
            if not line and self._lines.get(queue) is line:
                del self._lines[queue]

    def close(self) -> None:
        self.closed = True
        for queue in list(self._lines):
            self.wake(queue, len(self._lines[queue]))
