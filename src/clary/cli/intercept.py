"""The proxy of one `clary run`: what the program must be told of it, and how it begins and ends with the program."""

import importlib.util
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from clary.cli.say import fail, warn
from clary.config import Config
from clary.processes import certificates

TRUST = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
"""Each names one file of all authorities that a program trusts."""
SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def variables(config: Config, environ: Mapping[str, str], port: int) -> dict[str, str]:
    """What the program needs besides the keys; the authority and its bundle are made where they lack."""
    own = certificates.authority(config.authority_dir)
    trusted = str(certificates.bundle(config.authority_dir, _trusted(environ)))
    proxy = f"http://127.0.0.1:{port}"
    found = {name: proxy for word in ("http_proxy", "https_proxy") for name in (word, word.upper())}
    found |= dict.fromkeys(TRUST, trusted)
    # Node adds these to its own list, and looks at the proxy variables only when told to.
    found |= {"NODE_EXTRA_CA_CERTS": str(own), "NODE_USE_ENV_PROXY": "1"}
    return found


def _trusted(environ: Mapping[str, str]) -> list[Path]:
    """Whatever this user trusts already: named by variables, the system's list, and the one that botocore brings."""
    named = [Path(environ[name]) for name in (*TRUST, "NODE_EXTRA_CA_CERTS") if environ.get(name)]
    for path in named:
        if not path.exists():
            warn(f"the authorities in {path} are not there, so nobody will trust them")
    system = next((Path(name) for name in SYSTEM_BUNDLES if Path(name).exists()), None)
    spec = importlib.util.find_spec("botocore")
    brought = Path(spec.origin).with_name("cacert.pem") if spec and spec.origin else None
    wanted = [*named, *([system] if system else []), *([brought] if brought else [])]
    return [path for path in dict.fromkeys(wanted) if path.exists()]


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
