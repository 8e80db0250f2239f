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

import uvloop

from clary import home
from clary.aws.event_stream import event, exception
from clary.aws.refusals import refusal
from clary.aws.sigv4 import Refused, Verifier
from clary.config import Config, read
from clary.engines.serving.front import Front
from clary.engines.serving.paths import socket_dir
from clary.engines.serving.routes import RouteFile
from clary.engines.serving.shared import Authenticate, Caller, Denied, EventWriter
from clary.kernel import log
from clary.kernel.clock import SystemClock
from clary.processes.descriptors import raise_limit

DRAIN_SECONDS = 30.0
SIGNING_NAME = "sagemaker"
EVENTS = EventWriter(part=lambda data: event("PayloadPart", data), error=exception)


def authenticator(verifier: Verifier, account: str) -> Authenticate:
    """The front's question, put to Clary's verifier, with the gateway's codes for a refusal. Everybody of the home's
    account may invoke, nobody else."""

    def authenticate(
        method: str, path: bytes, query: bytes, headers: Sequence[tuple[bytes, bytes]], digest: str
    ) -> Caller:
        try:
            signed = verifier.verify(method, path, query, headers, digest)
        except Refused as refused:
            error = refusal(refused, "json")
            raise Denied(error.http_status, error.error_code, error.message) from None
        if signed.service != SIGNING_NAME:
            message = f"Credential should be scoped to correct service: '{SIGNING_NAME}'."
            raise Denied(403, "SignatureDoesNotMatch", message)
        if signed.principal.account != account:
            message = f"User: {signed.principal.arn} is not authorized to perform: sagemaker:InvokeEndpoint"
            raise Denied(403, "AccessDeniedException", message)
        return Caller(account, signed.region)

    return authenticate


async def serve(config: Config, listener: socket.socket, name: str, ready: int | None) -> None:
    """Until SIGTERM or SIGINT; then what was begun is finished."""
    clock, owner = SystemClock(), home.read(config)
    front = Front(
        name,
        listener,
        RouteFile(config.serving_dir),
        socket_dir(config.home),
        authenticator(Verifier(owner.ring, clock), owner.account),
        clock,
        events=EVENTS,
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
