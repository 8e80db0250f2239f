"""S3 alone in a real uvicorn: `python -m tests.s3_server <directory>` prints its port and serves until it is killed."""

import asyncio
import socket
import sys
from pathlib import Path

import uvicorn

from clary.aws.credentials import HomeKeyRing
from clary.aws.gateway import Gateway
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.engines.serving.adopted import KEEP_ALIVE_SECONDS
from clary.kernel.clock import SystemClock
from clary.kernel.sqlite import SqliteStore
from clary.services import s3
from tests.inprocess import ACCOUNT, ROOT_KEYS


async def main(directory: Path) -> None:
    clock = SystemClock()
    gateway = Gateway(
        [s3.service],
        ring=HomeKeyRing(ROOT_KEYS, ACCOUNT, b"\0" * 32),
        store=SqliteStore(directory / "clary.db", clock),
        clock=clock,
        ports={BucketStore: DiskObjects(directory / "objects")},
        account=ACCOUNT,
    )
    listening = socket.create_server(("127.0.0.1", 0))
    # Headers and body are two writes: without this the second waits for the client's delayed acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(listening.getsockname()[1], flush=True)
    # As long as the product's: uvicorn's own 5 s close a connection that a busy client is just about to use again.
    config = uvicorn.Config(
        gateway,
        http="httptools",
        loop="uvloop",
        log_level="warning",
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    await uvicorn.Server(config).serve([listening])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
