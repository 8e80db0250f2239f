"""The control process: gateway and controller over one store. Killed at any moment, what it answered stands."""

import gc

if __name__ == "__main__":
    # What is imported stays: to look through it for garbage, again and again, would cost a seventh of the start.
    gc.disable()

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence

import uvloop

from clary import home
from clary.config import Config, read
from clary.engines.serving.adopted import UvicornFactory
from clary.engines.serving.graphs.pool import GraphPool
from clary.engines.serving.handover import Adopter
from clary.engines.serving.paths import adopt_socket, leave, socket_dir
from clary.kernel import log
from clary.processes.beside import Intercepting
from clary.processes.descriptors import raise_limit
from clary.world import World

LOG = logging.getLogger(__name__)


def _wake_supervisor() -> None:
    """It looks at what is asked of the workers of compiled models."""
    os.kill(os.getppid(), signal.SIGUSR1)


async def serve(config: Config, ready_fd: int | None) -> None:
    """Until SIGTERM: every connection that the fronts hand over is answered, and everything due is done."""
    sockets = socket_dir(config.home)
    graphs = GraphPool(config.graphs_dir, sockets, config.graph_workers, _wake_supervisor)
    world = World(config, home.read(config), sidecar=Intercepting(config, os.environ), graphs=graphs)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    adopter = Adopter(adopt_socket(sockets), UvicornFactory(world.gateway))
    await adopter.start()
    controller = asyncio.create_task(world.run(stop), name="controller")
    stopped = asyncio.create_task(stop.wait(), name="stop")
    if ready_fd is not None:
        os.write(ready_fd, b"1")
        os.close(ready_fd)
    LOG.info("control process is ready", extra={"home": str(config.home), "url": config.endpoint_url})
    await asyncio.wait({controller, stopped}, return_when=asyncio.FIRST_COMPLETED)
    LOG.info("control process ends")
    await adopter.close()
    stop.set()
    try:
        await controller  # a controller that died raises here: the supervisor starts a new process
    finally:
        stopped.cancel()
        await world.rest()
        world.close()
        leave(sockets)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="clary.processes.control")
    parser.add_argument("--home", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ready-fd", type=int)
    asked = parser.parse_args(arguments)
    config = read(home=asked.home, host=asked.host, port=asked.port)
    log.configure(config.log_level)
    raise_limit()
    # A thread that starts a run, or the loop that has to answer, gets its turn after one millisecond, not five.
    sys.setswitchinterval(0.001)
    gc.freeze()  # code and tables stay for good: no collection need walk them while somebody waits
    gc.enable()
    uvloop.run(serve(config, asked.ready_fd))
    return 0


if __name__ == "__main__":
    sys.exit(main())
