"""One front of the data plane: `python -m clary.processes.front --home DIR --fd N`. Started by the supervisor.

It imports no more than it needs: its start counts against the one CPU-second of `clary up`.
"""

import argparse
import asyncio
import gc
import os
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from clary import home
from clary.aws.event_stream import event, exception
from clary.aws.sigv4 import Verifier
from clary.config import Config, read
from clary.engines.serving.capture import captures_of
from clary.engines.serving.front import Front
from clary.engines.serving.graphs.shelf import ASKED
from clary.engines.serving.paths import graphs_socket, socket_dir
from clary.engines.serving.routes import RouteFile
from clary.engines.serving.shared import EventWriter
from clary.kernel import log
from clary.kernel.clock import SystemClock
from clary.processes.admission import Admission
from clary.processes.descriptors import raise_limit
from clary.processes.guests import Guests

if TYPE_CHECKING:
    from clary.algorithms.graphs.hosted import Hosted

DRAIN_SECONDS = 30.0
EVENTS = EventWriter(part=lambda data: event("PayloadPart", data), error=exception)


async def _hosted(config: Config, name: str) -> "Hosted | None":
    """The worker of compiled models that this front is, where fronts are such."""
    if config.graphs_in != "fronts":
        return None
    from clary.algorithms.graphs.hosted import Hosted

    hosted = Hosted(config.graphs_dir / ASKED, int(name))
    await hosted.start(graphs_socket(socket_dir(config.home), int(name)))
    return hosted


async def serve(config: Config, listener: socket.socket, name: str, ready: int | None) -> None:
    """Until SIGTERM or SIGINT; then what was begun is finished."""
    clock, owner = SystemClock(), home.read(config)
    guests = Guests(config.state_file, owner, clock)
    hosted = await _hosted(config, name)
    front = Front(
        name,
        listener,
        RouteFile(config.serving_dir),
        socket_dir(config.home),
        Admission(Verifier(owner.ring_with(guests), clock), owner.account, guests),
        clock,
        events=EVENTS,
        uses=guests.uses.docs,
        captures=captures_of(config.serving_dir, name, config.capture_seconds, config.capture_spool_bytes, clock),
        holder=hosted,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await front.start()
    if ready is not None:
        os.write(ready, b"ready\n")
        os.close(ready)
    await stop.wait()
    await front.drain(DRAIN_SECONDS)
    if hosted is not None:
        hosted.close()
    guests.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="clary front")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--fd", type=int, required=True, help="the listening socket, inherited")
    parser.add_argument("--name", default="0")
    parser.add_argument("--ready-fd", type=int, help="where to say that it serves")
    asked = parser.parse_args(arguments)
    config = read(home=asked.home)
    log.configure(config.log_level)
    raise_limit()
    gc.freeze()  # code and tables stay for good: no collection need walk them while somebody waits
    listener = socket.socket(fileno=asked.fd)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(config, listener, asked.name, asked.ready_fd))


if __name__ == "__main__":
    main()
