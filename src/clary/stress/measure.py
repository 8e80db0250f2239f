"""One measurement: loads one after the other, and what the endpoint did until some time after the last."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from clary.stress.conduct import conduct
from clary.stress.plan import Plan
from clary.stress.serverside import server_side
from clary.stress.target import Target
from clary.stress.totals import Totals
from clary.stress.watch import Watch
from clary.stress.windows import Window

SHOW_SECONDS = 0.25
AFTER_SECONDS = 2.0
"""The endpoint is looked at for so long after the last load, at least."""


@dataclass
class Run:
    """One load and what came of it."""

    name: str
    plan: Plan
    processes: int
    totals: Totals = field(default_factory=Totals)
    started: float = 0.0
    """Epoch seconds; 0: it has not begun."""

    @property
    def seconds(self) -> float:
        """From the start to the last answer."""
        return self.totals.seconds

    @property
    def failed(self) -> int:
        return self.totals.whole.failed


class Live(Protocol):
    """Shows what happens while it happens."""

    def begin(self, run: Run) -> None: ...
    def show(self, run: Run, recent: Window, seconds: float, watch: Watch) -> None:
        """`recent` is what was answered in the last `seconds`."""

    def end(self, run: Run) -> None: ...
    def rest(self, what: str) -> None:
        """No load now; `what` is being waited for."""


@dataclass
class Measured:
    """Everything that was seen."""

    target: Target
    runs: list[Run]
    watch: Watch
    ended: float
    interrupted: bool = False
    server: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    processors: float = 0.0
    """The share of all cores of the client's machine that was in use, by whatever program, while loads ran."""


After = Callable[[Watch], bool]
"""Whether what is waited for after the last load has happened."""


async def measure(
    target: Target,
    runs: Sequence[Run],
    live: Live,
    stop: asyncio.Event,
    tail_seconds: float = 0.0,
    until: After | None = None,
    awaited: str = "",
    between: Callable[[Run], Awaitable[None]] | None = None,
) -> Measured:
    """All loads have run, or `stop` was set: then what was seen so far is the result. After the last load the endpoint
    is watched for `tail_seconds`, or until `until` holds. `between` is awaited after each run. Raises LoadFailed."""
    import psutil

    watch = Watch(target)
    done, shares = asyncio.Event(), []
    looking = asyncio.ensure_future(watch.keep_looking(done))
    begun: list[Run] = []
    try:
        for run in runs:
            if stop.is_set():
                break
            begun.append(run)
            psutil.cpu_percent()
            await _one(run, live, stop, watch)
            shares.append(psutil.cpu_percent() / 100)
            if between is not None and not stop.is_set():
                await between(run)
        await _rest(live, stop, watch, max(tail_seconds, AFTER_SECONDS), until, awaited)
    finally:
        done.set()
        await looking
    found = Measured(target, begun, watch, time.time(), stop.is_set(), processors=max(shares, default=0.0))
    await _ask_server(found)
    return found


async def _one(run: Run, live: Live, stop: asyncio.Event, watch: Watch) -> None:
    recent = Window()

    def begun(at: float) -> None:
        run.started = at

    run.totals.latest = lambda window: recent.merge(window)
    live.begin(run)
    load = asyncio.ensure_future(conduct(run.plan, run.processes, run.totals, stop, begun))
    shown = time.monotonic()
    try:
        while not load.done():
            await asyncio.wait({load}, timeout=SHOW_SECONDS)
            now = time.monotonic()
            if recent.answered or recent.failed or now - shown > 1.0:
                live.show(run, recent, now - shown, watch)
                recent, shown = Window(), now
        load.result()
    finally:
        if not load.done():
            load.cancel()
        live.end(run)


async def _rest(
    live: Live, stop: asyncio.Event, watch: Watch, seconds: float, until: After | None, awaited: str
) -> None:
    """The time after the load, in which a scale-in is seen."""
    deadline = time.monotonic() + seconds
    while not stop.is_set() and (left := deadline - time.monotonic()) > 0:
        if until is not None and until(watch):
            # What was waited for is followed by a short while in which it lasts.
            deadline, until = min(deadline, time.monotonic() + AFTER_SECONDS), None
        live.rest(f"{awaited or 'looking on without load'}, {left:.0f} s at most")
        try:
            await asyncio.wait_for(stop.wait(), min(SHOW_SECONDS, left))
        except TimeoutError:
            continue


async def _ask_server(found: Measured) -> None:
    """What autoscaling and CloudWatch say of the time of the loads; what they do not say is noted."""
    await found.watch.read_activities()
    for what, why in found.watch.missing.items():
        found.notes.append(f"{what} could not be asked ({why})")
    ran = [run for run in found.runs if run.started]
    if not ran or found.interrupted:
        return
    answered = sum(run.totals.whole.answered for run in ran)
    start, end = ran[0].started, max(run.started + run.seconds for run in ran)
    found.server, note = await server_side(found.target, found.watch.variants, start, end, answered)
    if note:
        found.notes.append(note)
