"""When to send: closed loop (each connection one request at a time) and open loop (at fixed times, come what may)."""

import asyncio
import time
from collections import deque

from clary.stress.alarm import Alarm
from clary.stress.connection import Connection
from clary.stress.load import REFUSED_SECONDS, Load
from clary.stress.plan import Plan

TICK_SECONDS = 0.00025
"""Requests that are due within one such stretch are sent together: latency counts from when each was due, at most so
much more than it was."""


class Closed:
    """As many clients as connections; each sends its next request when the last was answered."""

    def __init__(self, load: Load, plan: Plan, start: float) -> None:
        self._load = load
        self._left = plan.requests
        self._end = start + plan.seconds if plan.seconds is not None else None

    def begin(self) -> None:
        for connection in list(self._load.connections):
            self.free(connection)

    def free(self, connection: Connection) -> None:
        now = time.monotonic()
        if not self._more(now):
            self._load.stopped = True
            return
        if self._left is not None:
            self._left -= 1
        self._load.send(connection, now)

    def _more(self, now: float) -> bool:
        if self._load.stopped or (self._left is not None and self._left <= 0):
            return False
        return self._end is None or now < self._end

    def missing(self) -> None:
        """The client goes on with a new connection."""
        self._again(0.0)

    def refused(self, error: OSError) -> None:
        """That was the client's next request: it counts, and the one after it tries again."""
        if self._more(time.monotonic()):
            if self._left is not None:
                self._left -= 1
            self._load.not_sent(error)
        self._again(REFUSED_SECONDS)

    def _again(self, wait: float) -> None:
        if self._more(time.monotonic()):
            self._load.open_one(wait)
        else:
            self._load.stopped = True

    def sweep(self, now: float) -> None:
        """An end that passes while all wait for answers is seen here."""
        if not self._more(now):
            self._load.stopped = True

    def stop(self) -> None:
        self._left = 0

    @property
    def over(self) -> bool:
        return self._load.stopped and not self._load.under_way


class Schedule:
    """When the requests of one process are due: every `parts`-th of `rate` a second, beginning with number `part`."""

    def __init__(self, plan: Plan, start: float) -> None:
        assert plan.rate is not None
        self._start = start
        self._first, self._step, self._rate = plan.part, plan.parts, plan.rate
        self._end = start + plan.seconds if plan.seconds is not None else None
        self._count = plan.requests
        self.number = 0

    @property
    def due(self) -> float | None:
        """When the next one is due (seconds of the monotonic clock); None when there is none. Computed from the
        start every time, so that errors never add up."""
        if self._count is not None and self.number >= self._count:
            return None
        at = self._start + (self._first + self.number * self._step) / self._rate
        return None if self._end is not None and at >= self._end else at

    def stop(self) -> None:
        self._count = 0


class Open:
    """Requests at fixed times. Where no connection is free one is opened, up to the plan's number; beyond that they
    wait here, and their latency counts from when they were due."""

    def __init__(self, load: Load, plan: Plan, start: float) -> None:
        self._load = load
        self._most = plan.connections
        self._timeout = plan.timeout
        self._schedule = Schedule(plan, start)
        self._free: list[Connection] = []
        self._waiting: deque[float] = deque()
        self._alarm = Alarm(asyncio.get_running_loop(), self._ring)

    def begin(self) -> None:
        self._free = list(self._load.connections)
        self._ring()

    def _ring(self) -> None:
        """Everything that is due is sent or waits; the alarm is set for what comes next."""
        schedule, late = self._schedule, self._load.book.late
        now = time.monotonic()
        while (due := schedule.due) is not None and due <= now:
            schedule.number += 1
            late.record(int((now - due) * 1e6))
            self._dispatch(due)
        if due is None:
            self._load.stopped = True
            self._alarm.close()
            self._load.look()
        else:
            self._alarm.set(max(due, now + TICK_SECONDS))

    def _dispatch(self, due: float) -> None:
        while self._free:
            connection = self._free.pop()
            if connection.open:
                self._load.send(connection, due)
                return
        self._waiting.append(due)
        self._load.book.waited += 1
        self._open_more()

    def _open_more(self) -> None:
        load = self._load
        if len(self._waiting) > load.opening and len(load.connections) + load.opening < self._most:
            load.open_one()

    def free(self, connection: Connection) -> None:
        if self._waiting:
            self._load.send(connection, self._waiting.popleft())
        else:
            self._free.append(connection)

    def missing(self) -> None:
        self._open_more()

    def refused(self, error: OSError) -> None:
        """The request that has waited longest is the one that could not be sent; the next gets its own connection."""
        if self._waiting:
            self._waiting.popleft()
            self._load.not_sent(error)
        self._open_more()

    def sweep(self, now: float) -> None:
        while self._waiting and self._waiting[0] < now - self._timeout:
            self._waiting.popleft()
            self._load.not_sent(TimeoutError(f"not sent within {self._timeout:g} s: no connection was free"))
        self._open_more()

    def stop(self) -> None:
        self._schedule.stop()
        self._load.book.unanswered += len(self._waiting)
        self._waiting.clear()
        self._alarm.close()

    @property
    def over(self) -> bool:
        return self._schedule.due is None and not self._waiting and not self._load.under_way
