"""One front of the data plane: `python -m clary.processes.front --home DIR --fd N`. Started by the supervisor.

It imports no more than it needs: its start counts against the one CPU-second of `clary up`.
"""

import argparse
import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import uvloop

from clary import home
from clary.aws.access import Ask
from clary.aws.errors import AccessDenied
from clary.aws.event_stream import event, exception
from clary.aws.origin import origin
from clary.aws.refusals import refusal
from clary.aws.sigv4 import Refused, Signed, Verifier
from clary.config import Config, read
from clary.engines.serving.framing import Head
from clary.engines.serving.capture import captures_of
from clary.engines.serving.front import Front
from clary.engines.serving.paths import socket_dir
from clary.engines.serving.routes import RouteFile
from clary.engines.serving.shared import Authenticate, Caller, Denied, EventWriter
from clary.kernel import log
from clary.kernel.clock import SystemClock
from clary.processes.descriptors import raise_limit
from clary.processes.guests import Guests

DRAIN_SECONDS = 30.0
SIGNING_NAME = "sagemaker"
EVENTS = EventWriter(part=lambda data: event("PayloadPart", data), error=exception)


_ACTIONS = {
    "invocations": "sagemaker:InvokeEndpoint",
    "invocations-response-stream": "sagemaker:InvokeEndpointWithResponseStream",
}


def authenticator(verifier: Verifier, account: str, guests: Guests | None = None) -> Authenticate:
    """The front's question, put to Clary's verifier and, for callers other than root, to the policies, with the
    gateway's codes for a refusal. Without `guests` nobody but root may invoke."""

    def authenticate(head: Head, digest: str, client: Callable[[], str]) -> Caller:
        try:
            signed = verifier.verify_read("POST", head.path, head.query, head.headers, digest)
        except Refused as refused:
            error = refusal(refused, "json")
            raise Denied(error.http_status, error.error_code, error.message) from None
        if signed.service != SIGNING_NAME:
            message = f"Credential should be scoped to correct service: '{SIGNING_NAME}'."
            raise Denied(403, "SignatureDoesNotMatch", message)
        principal = signed.principal
        if principal.kind != "root" or principal.account != account:
            _require(signed, head, client())
        return Caller(account, signed.region)

    def _require(signed: Signed, head: Head, client: str) -> None:
        action = _ACTIONS[head.operation]
        resource = f"arn:aws:sagemaker:{signed.region}:{account}:endpoint/{head.endpoint}"
        if guests is None:
            message = f"User: {signed.principal.arn} is not authorized to perform: {action} on resource: {resource}"
            raise Denied(403, "AccessDeniedException", message)
        try:
            guests.require(signed, Ask(action, resource, _keys(head)), origin(client, head.headers))
        except AccessDenied as error:
            raise Denied(403, error.error_code, error.message) from None

    return authenticate


def _keys(head: Head) -> dict[str, str]:
    target = head.headers.get("x-amzn-sagemaker-target-model")
    return {} if target is None else {"sagemaker:TargetModel": target}


async def serve(config: Config, listener: socket.socket, name: str, ready: int | None) -> None:
    """Until SIGTERM or SIGINT; then what was begun is finished."""
    clock, owner = SystemClock(), home.read(config)
    guests = Guests(config.state_file, owner, clock)
    front = Front(
        name,
        listener,
        RouteFile(config.serving_dir),
        socket_dir(config.home),
        authenticator(Verifier(owner.ring_with(guests), clock), owner.account, guests),
        clock,
        events=EVENTS,
        uses=guests.uses.docs,
        captures=captures_of(config.serving_dir, name, config.capture_seconds, config.capture_spool_bytes, clock),
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
