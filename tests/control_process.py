"""A control process that can be killed: `python -m tests.control_process SOCKETS BEGUN`.

It takes over what a front hands over, writes the path of each request to the file BEGUN before anything else, and
answers with a body that could belong to no other request.
"""

import asyncio
import hashlib
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

from clary.engines.serving.adopted import uvicorn_factory
from clary.engines.serving.handover import Adopter
from clary.engines.serving.paths import adopt_socket


def answer_to(path: str) -> bytes:
    """Between 32 bytes and 60 KB, known to whoever knows the path."""
    digest = hashlib.sha256(path.encode()).hexdigest().encode()
    return digest * (1 + int(digest[:3], 16) % 1000 if digest[-1:] in b"01" else 1) + path.encode()


async def main(sockets: Path, begun: Path) -> None:
    descriptor = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def app(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        os.write(descriptor, scope["path"].encode() + b"\n")
        while (await receive()).get("more_body", False):
            pass
        body = answer_to(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    adopter = Adopter(adopt_socket(sockets), uvicorn_factory(app))
    await adopter.start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
