"""Starts the processes of a load together, adds up what they report, and ends them."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import orjson

from clary.stress.plan import Plan
from clary.stress.totals import Totals

LEAD_SECONDS = 0.1
"""From the word to the start: every process has heard it by then."""
LONGEST_LINE = 1 << 26


class LoadFailed(Exception):
    """The load could not begin, or one of its processes ended; the message says why."""


async def conduct(
    plan: Plan, processes: int, totals: Totals, stop: asyncio.Event, begun: Callable[[float], None]
) -> None:
    """The whole load has been sent and answered, or was stopped. `totals` grows while it runs; `begun` hears when the
    clock starts (epoch seconds). Raises LoadFailed."""
    plans = plan.split(processes)
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(_process(one)) for one in plans]
        for worker in workers:
            said = await _line(worker)
            if "failed" in said:
                raise LoadFailed(said["failed"])
            totals.signatures += said["ready"]["signatures"]
        if stop.is_set():
            return
        start = time.monotonic() + LEAD_SECONDS
        begun(time.time() + LEAD_SECONDS)
        for worker in workers:
            _tell(worker, b"go %.6f\n" % start)
        ends = asyncio.ensure_future(_stop(workers, stop))
        try:
            async with asyncio.TaskGroup() as group:
                for worker in workers:
                    group.create_task(_listen(worker, totals))
        except* LoadFailed as several:
            raise several.exceptions[0] from None
        finally:
            ends.cancel()


@asynccontextmanager
async def _process(plan: Plan) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker that has its plan; gone when this ends. The plan holds keys, so it goes through a pipe."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "clary.stress.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(orjson.dumps(plan.to_json()) + b"\n")
        with suppress(ConnectionError):  # it ended: its exit says more than the broken pipe
            await process.stdin.drain()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _line(worker: asyncio.subprocess.Process) -> dict[str, Any]:
    assert worker.stdout is not None
    line = await worker.stdout.readline()
    if not line:
        code = await worker.wait()
        raise LoadFailed(f"a process of the load ended with exit code {code}; what it said stands above")
    said: dict[str, Any] = orjson.loads(line)
    return said


async def _listen(worker: asyncio.subprocess.Process, totals: Totals) -> None:
    while True:
        said = await _line(worker)
        if said.get("done"):
            totals.signed += int(said["signed"])
            return
        totals.add(said)


def _tell(worker: asyncio.subprocess.Process, word: bytes) -> None:
    assert worker.stdin is not None
    worker.stdin.write(word)


async def _stop(workers: list[asyncio.subprocess.Process], stop: asyncio.Event) -> None:
    await stop.wait()
    for worker in workers:
        _tell(worker, b"stop\n")
