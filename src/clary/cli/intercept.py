"""The proxy of one `clary run`: what the program must be told of it, and how it begins and ends with the program."""

import os
import socket
import sys
from collections.abc import Mapping

from clary.cli.say import fail, warn
from clary.config import Config
from clary.processes import certificates, trust


def variables(config: Config, environ: Mapping[str, str], port: int) -> dict[str, str]:
    """What the program needs besides the keys; the authority and its bundle are made where they lack."""
    own = certificates.authority(config.authority_dir)
    for path in trust.named(environ):
        if not path.exists():
            warn(f"the authorities in {path} are not there, so nobody will trust them")
    trusted = certificates.bundle(config.authority_dir, trust.sources(environ))
    return trust.variables(port, str(own), str(trusted))


def listen() -> socket.socket:
    """The proxy's socket. It listens before the proxy runs, so the program need not wait for it."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    return listener


def start(config: Config, url: str, listener: socket.socket) -> None:
    """A proxy serves `listener` until this process has ended, whatever program this process becomes by then.

    It is a grandchild: the program must not find a child that it never started. And it has a session of its own:
    Control-C in the terminal is meant for the program."""
    try:
        watched = os.pidfd_open(os.getpid())
    except OSError as error:
        fail(f"this system cannot watch a process: {error.strerror}", "leave the proxy out: clary run --no-proxy")
    command = [sys.executable, "-P", "-m", "clary.processes.intercept", "--home", str(config.home), "--endpoint", url]
    command += ["--listen-fd", str(listener.fileno()), "--watch-fd", str(watched)]
    log = os.open(config.intercept_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    child = os.fork()
    if child == 0:
        _become_proxy(command, (listener.fileno(), watched), log)
    _, status = os.waitpid(child, 0)
    os.close(log)
    os.close(watched)
    if status != 0:
        fail("the proxy could not be started", f"more in {config.intercept_log}")


def _become_proxy(command: list[str], kept: tuple[int, ...], log: int) -> None:
    """In the forked child: nothing here may return into the command line."""
    code = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, source, target) for source, target in ((nothing, 0), (nothing, 1), (log, 2))]
        for descriptor in kept:
            os.set_inheritable(descriptor, True)
        os.setsid()
        os.posix_spawn(command[0], command, os.environ, file_actions=actions)
        code = 0
    finally:
        os._exit(code)
