"""The supervisor: owns the home and the one listening socket, starts the other processes, and starts them again.

It does nothing else, so that nothing can kill it but the machine and its owner. It imports only what costs nothing.
Its children die with it (PR_SET_PDEATHSIG): a killed supervisor leaves the port and the home free for the next one.
"""

import argparse
import ctypes
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson

from clary import __version__, home
from clary.config import Config, read
from clary.engines.serving.graphs.shelf import ASKED, read_asked
from clary.engines.serving.paths import graphs_socket, socket_dir
from clary.program import program

DRAIN_SECONDS = 30.0
BACKOFF_SECONDS = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
STEADY_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> Callable[[], None]:
    """A preexec function: the child is killed when the supervisor ends. libc is loaded here, before the fork."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def arrange() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the arrangement stood
            os.kill(os.getpid(), signal.SIGKILL)

    return arrange


@dataclass
class Child:
    """One process that shall run for as long as the supervisor does."""

    name: str
    command: Sequence[str]
    descriptors: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    ready: bool = False
    started: float = 0.0
    failures: int = 0
    start_at: float = field(default=0.0)
    on_demand: bool = False
    """Nobody waits for it when the server starts, and one that does not start is no reason to give up."""
    unwanted: bool = False
    """It has been told to end, and is not started again."""

    def due(self, now: float) -> bool:
        return self.process is None and now >= self.start_at

    def ended(self, now: float) -> None:
        """Start it again: at once the first time, later and later when it keeps ending young."""
        self.failures = 1 if now - self.started > STEADY_SECONDS else self.failures + 1
        self.start_at = now + BACKOFF_SECONDS[min(self.failures - 1, len(BACKOFF_SECONDS) - 1)]
        self.process, self.ready = None, False


class Supervisor:
    def __init__(
        self, config: Config, listener: socket.socket, children: list[Child], log: int, *, prints_link: bool = True
    ) -> None:
        self.config = config
        self._prints_link = prints_link
        self.children = children
        self.listener = listener
        self._log = log
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._announced = False
        self._preexec = die_with_parent()
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        for number in (signal.SIGCHLD, signal.SIGUSR1):  # to wake up is all; see `_follow_demand`
            signal.signal(number, lambda *_: None)
        self._selector.register(wake_read, selectors.EVENT_READ, None)

    def run(self) -> int:
        """Until SIGTERM or SIGINT. Answers the exit code."""
        while not self._stopping:
            now = time.monotonic()
            self._follow_demand()
            for child in self.children:
                if child.due(now):
                    self._start(child, now)
            for key, _ in self._selector.select(self._patience(now)):
                self._hear(key)
            self._reap()
        return self._shut()

    def _patience(self, now: float) -> float | None:
        waits = [child.start_at - now for child in self.children if child.process is None]
        return max(0.0, min(waits)) if waits else None

    def _start(self, child: Child, now: float) -> None:
        ready_read, ready_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        child.process = subprocess.Popen(
            [*child.command, "--ready-fd", str(ready_write)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=(*child.descriptors, ready_write),
            preexec_fn=self._preexec,  # one thread here, and nothing but prctl in it
        )
        os.close(ready_write)
        child.started = now
        self._selector.register(ready_read, selectors.EVENT_READ, child)

    def _hear(self, key: selectors.SelectorKey) -> None:
        descriptor = key.fd
        heard = os.read(descriptor, 4096)
        if key.data is None:
            return
        child: Child = key.data
        self._selector.unregister(descriptor)
        os.close(descriptor)
        if heard:
            child.ready = True
            if not self._announced and all(one.ready or one.on_demand for one in self.children):
                self._announce()

    def _follow_demand(self) -> None:
        """There is a worker of compiled models for each that is asked for. The control process writes the file and
        sends SIGUSR1; the file decides, so a lost signal costs only the time until the next one."""
        try:
            wanted = {one.worker for one in read_asked(self.config.graphs_dir / ASKED).values()}
            if self.config.graphs_in == "fronts":  # the first ones are in the fronts
                wanted = {number for number in wanted if number >= self.config.fronts}
        except ValueError:  # the control process says so, and writes it anew
            return
        if not wanted and not any(one.on_demand for one in self.children):
            return
        running = {child.name for child in self.children if not child.unwanted}
        for number in sorted(wanted):
            if worker_name(number) not in running:
                self.children.append(graph_worker(self.config, number))
        names = {worker_name(number) for number in wanted}
        for child in list(self.children):
            if child.on_demand and not child.unwanted and child.name not in names:
                child.unwanted = True
                if child.process is None:
                    self.children.remove(child)
                else:
                    child.process.terminate()

    def _reap(self) -> None:
        for child in list(self.children):
            if child.process is not None and child.process.poll() is not None:
                code = child.process.returncode
                child.ended(time.monotonic())
                if child.unwanted:
                    self.children.remove(child)
                elif not self._stopping:
                    self._say("process ended, starting it again", child.name, code)
                    self._refuse_hopeless(child)

    def _refuse_hopeless(self, child: Child) -> None:
        if not self._announced and child.failures > 3 and not child.on_demand:
            print(f"clary: the {child.name} process does not start; see {self.config.server_log}", file=sys.stderr)
            self._stopping = True

    def _say(self, message: str, name: str, code: int) -> None:
        line = orjson.dumps(
            {
                "time": time.time(),
                "level": "WARNING",
                "logger": "clary.supervisor",
                "message": message,
                "process": name,
                "exit_code": code,
            }
        )
        os.write(self._log, line + b"\n")

    def _announce(self) -> None:
        self._announced = True
        url = self.config.endpoint_url
        said = {"pid": os.getpid(), "url": url, "started": time.time(), "version": __version__}
        home.write_private(self.config.server_file, orjson.dumps(said))
        shown = "" if self.config.home == Path("~/.clary").expanduser() else f" --home {self.config.home}"
        clary = program()
        print(f"Clary {__version__} is ready at {url}")
        if self._prints_link:
            print(f"  console    {home.sign_in_link(self.config, url)}")
            print(f"             (signs in once, within 10 minutes; another: {clary} console{shown})")
        print(f'  use it     eval "$({clary} env{shown})"')
        print(f"             or: {clary} run{shown} -- aws sagemaker list-training-jobs")
        print(f"  stop it    {clary} down{shown}", flush=True)

    def _asked_to_stop(self, *_: object) -> None:
        self._stopping = True

    def _shut(self) -> int:
        """Every child is asked to finish what it has begun; who has not ended in time is killed."""
        hopeless = not self._announced
        self.listener.close()
        fronts = [one for one in self.children if one.descriptors]
        deadline = time.monotonic() + DRAIN_SECONDS
        # The fronts first: what they have begun needs the model servers, and the control process stops those.
        for group in (fronts, [one for one in self.children if not one.descriptors]):
            self._end(group, deadline)
            deadline += DRAIN_SECONDS
        self.config.server_file.unlink(missing_ok=True)
        return 1 if hopeless else 0

    def _end(self, group: list[Child], deadline: float) -> None:
        running = [child.process for child in group if child.process is not None]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def listen(config: Config) -> socket.socket:
    """The one public socket. Raises OSError when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((config.host, config.port))
    listener.listen(2048)
    return listener


def children(config: Config, listener: socket.socket) -> list[Child]:
    python = (sys.executable, "-m")
    where = ("--home", str(config.home))
    control = Child(
        "control", (*python, "clary.processes.control", *where, "--host", config.host, "--port", str(config.port))
    )
    descriptor = listener.fileno()
    fronts = [
        Child(
            f"front-{n}",
            (*python, "clary.processes.front", *where, "--fd", str(descriptor), "--name", str(n)),
            (descriptor,),
        )
        for n in range(config.fronts)
    ]
    return [control, *fronts]


def worker_name(number: int) -> str:
    return f"graphs-{number}"


def graph_worker(config: Config, number: int) -> Child:
    """A worker of compiled models."""
    socket = graphs_socket(socket_dir(config.home), number)
    asked = config.graphs_dir / ASKED
    module = (sys.executable, "-m", "clary.algorithms.graphs.worker")
    command = (*module, "--asked", str(asked), "--socket", str(socket), "--worker", str(number))
    return Child(worker_name(number), command, on_demand=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="clary up")
    parser.add_argument("--home")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--no-link", action="store_true", help="what is printed goes to a file: no link to sign in by")
    asked = parser.parse_args(arguments)
    try:
        config = read(home=asked.home, host=asked.host, port=asked.port)
    except ValueError as error:
        parser.error(str(error))
    try:
        held = home.lock(config)
    except home.HomeInUse:
        other = home.server(config)
        where = f" (pid {other.pid}, {other.url})" if other else ""
        print(f"clary: a server already runs on {config.home}{where}; stop it with `clary down`", file=sys.stderr)
        return 1
    home.make(config)
    try:
        listener = listen(config)
    except OSError as error:
        print(f"clary: cannot listen on {config.host}:{config.port}: {error.strerror}; try --port", file=sys.stderr)
        return 1
    config = replace(config, port=listener.getsockname()[1])
    log = os.open(config.server_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return Supervisor(config, listener, children(config, listener), log, prints_link=not asked.no_link).run()
    finally:
        os.close(held)


if __name__ == "__main__":
    sys.exit(main())
