"""A sidecar: a program of ours that stands by a run, outside of its sandbox, and serves a port of 127.0.0.1 that is the
run's own. Nothing of it exists but the listening socket until something connects; it ends with the run.

Nobody waits for that connection. The kernel tells the keeper of it by a signal (O_ASYNC, with the keeper as the
socket's owner), and the keeper starts the program, which takes the connection from the backlog. So a run in which
nobody connects costs a descriptor, and a program that dies is started again by the next connection.
"""

import fcntl
import os
import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

DIRECTORY = "/run/sidecar"
"""Where the sandbox shows the sidecar's files."""
WAKE = signal.SIGUSR1
_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What is started beside a run, and what the run is told of it."""

    command: tuple[str, ...]
    """`--listen-fd N --watch-pid PID` is added: the listening socket, and its parent, with which it must end."""
    log: Path
    """Where its stderr is appended."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What its environment has besides a PATH."""
    files: tuple[Path, ...] = ()
    """Files of this machine that the run sees, read-only."""
    variables: Callable[[int, Callable[[Path], str]], Mapping[str, str]] = lambda port, seen: {}
    """What the run's environment says of it, by its port and the path at which the run sees a file. What the run's own
    environment says wins."""


def listen() -> socket.socket:
    """A free port of 127.0.0.1, listening: who connects before anybody accepts waits in the backlog."""
    listener = socket.socket()
    try:
        listener.bind(("127.0.0.1", 0))
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def wake(listener: socket.socket, pid: int) -> None:
    """Each connection to the socket sends WAKE to the process from now on, whoever holds the socket."""
    fcntl.fcntl(listener, fcntl.F_SETOWN, pid)
    fcntl.fcntl(listener, fcntl.F_SETSIG, WAKE)
    fcntl.fcntl(listener, fcntl.F_SETFL, fcntl.fcntl(listener, fcntl.F_GETFL) | os.O_ASYNC)


def merged(told: Mapping[str, str], asked: Mapping[str, str]) -> dict[str, str]:
    """Both, and what was asked wins: also in the other case (`https_proxy`), since programs read either. Only the hosts
    that no proxy may stand before are added up."""
    theirs = {name.upper(): value for name, value in asked.items()}
    found = {name: value for name, value in told.items() if name.upper() not in theirs}
    found |= asked
    if "NO_PROXY" in theirs:
        ours = told.get("NO_PROXY", "")
        both = ",".join(one for one in (theirs["NO_PROXY"], ours) if one)
        found |= {"NO_PROXY": both, "no_proxy": both}
    return found
