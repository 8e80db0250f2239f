"""One process of a load: `python -m clary.stress.worker`.

The first line of its input is the plan. It answers `{"ready": ...}` when all requests are signed and the connections
are open, waits for `go <seconds of the monotonic clock>`, reports twice a second, and ends with `{"done": true}`. The
word `stop` ends it early, and so does the end of its input: a load never outlives who started it.
"""

import asyncio
import gc
import signal
import sys
import time
from typing import Any

import orjson
import uvloop

from clary.stress.book import Book, kind_of
from clary.stress.load import Load
from clary.stress.paces import Closed, Open
from clary.stress.plan import Plan
from clary.stress.signing import Pool

REPORT_SECONDS = 0.5
GRACE_SECONDS = 2.0
FIRST_CONNECTIONS = 64
"""An open loop begins with so many connections in all, and opens more when it needs them."""


def say(what: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(what, option=orjson.OPT_NON_STR_KEYS) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    # Control-C goes to the whole terminal; who started this process decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    plan = Plan.from_json(orjson.loads(sys.stdin.buffer.readline()))
    uvloop.run(_run(plan))


async def _run(plan: Plan) -> None:
    began = time.monotonic()
    pool = Pool(plan)
    book = Book(0.0)
    load = Load(plan, pool, book)
    first = plan.connections if plan.rate is None else min(plan.connections, -(-FIRST_CONNECTIONS // plan.parts))
    try:
        await asyncio.gather(*(load.connect() for _ in range(first)))
    except OSError as error:
        kind, message = kind_of(error)
        say({"failed": f"{plan.url} cannot be reached: {kind} ({message})"})
        return
    say({"ready": {"signatures": len(pool), "seconds": round(time.monotonic() - began, 3)}})
    words = await _words()
    word = (await words.readline()).split()
    if word[:1] != [b"go"]:
        return
    book.start = start = float(word[1])
    load.pace = Closed(load, plan, start) if plan.rate is None else Open(load, plan, start)
    # Nothing here makes cycles; a pause of the collector would be told as the server's latency.
    gc.collect()
    gc.freeze()
    gc.disable()
    await asyncio.sleep(max(0.0, start - time.monotonic()))
    running = asyncio.get_running_loop().create_task(load.run())
    heard = asyncio.get_running_loop().create_task(_stop_when_told(words, load))
    cpu, wall = time.process_time(), time.monotonic()
    while not running.done():
        await asyncio.wait({running}, timeout=REPORT_SECONDS)
        spent, now = time.process_time(), time.monotonic()
        share = (spent - cpu) / max(now - wall, 1e-9)
        say({**book.emptied(), "part": plan.part, "cpu": [round(wall - start, 3), round(now - wall, 3), share]})
        cpu, wall = spent, now
    heard.cancel()
    running.result()
    say({"done": True, "signed": pool.made})


async def _words() -> asyncio.StreamReader:
    """What is still to come on the input."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _stop_when_told(words: asyncio.StreamReader, load: Load) -> None:
    """`stop`, or the end of the input: nothing more is sent, and what is under way gets a short while."""
    await words.readline()
    load.stop()
    await asyncio.sleep(GRACE_SECONDS)
    load.interrupt()


if __name__ == "__main__":
    main()
