"""The keeper of a run in a container: a small process of ours that stands by it, so that nobody else has to.

What the shell keeper is to a process (see `runners/keeper.py`), for what runs in an engine: it is nobody's child, holds
the run's lock, says `started` before the container runs and `exit` after it, writes down what it prints, carries out a
stop, and has the engine forget the container at the end. The standard library alone, without `site`: it starts in a
twentieth of a second.
"""

# Why the order is right across kill -9 at any line:
# - The lock (our stdin) is held from before `started` until we are gone. Lock free and no `started`: the container may
#   have been created, but never ran; the next starter removes it and begins anew. Lock free, `started`, blank `exit`:
#   lost, and whoever sees that removes the container before saying so.
# - `exit` is one write of a few bytes to a block that is there already. Only then is the container removed: cut off in
#   between, the run has ended, and the container, which does not run any more, goes with `remove`.

import ctypes
import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from clary.engines.runners import procfs
from clary.engines.runners.container.api import Api, EngineError, NotThere, frames
from clary.engines.runners.container.forward import forward
from clary.engines.runners.rundir import RunDir

_RETRY_SECONDS: Final = 1.0
_DRAIN_SECONDS: Final = 20.0
_PORT: Final = 8080
_CLONE_NEWNET: Final = 0x40000000


class Keeper:
    def __init__(self, run: RunDir, plan: dict[str, Any]) -> None:
        self._run = run
        self._plan = plan
        self._name: str = plan["name"]
        self._api = Api(plan["engine"])
        self._heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        """ "stop", "ended" or "fallen"; a signal handler may put into it."""
        self._companions: list[subprocess.Popen[bytes]] = []
        self._sidecar: subprocess.Popen[bytes] | None = None
        self._killed = False

    def stand_by(self) -> None:
        """The container has run to its end, and its end is told."""
        signal.signal(signal.SIGTERM, lambda *_: self._heard.put("stop"))
        self._say_started()
        if self._plan.get("sidecar"):
            threading.Thread(target=self._watch_sidecar, daemon=True).start()
        self._start_companions()
        ended = self._carry()
        ended = self._dismiss(ended)
        if self._sidecar is not None:
            self._sidecar.terminate()
        if ended is not None:
            with self._run.exit.open("r+b", buffering=0) as file:
                file.write(b"%d %d\n" % ended)
        with suppress(OSError, EngineError):
            self._forget()

    def _say_started(self) -> None:
        born = procfs.born(os.getpid())
        self._run.started.write_text(f"{os.getpid()} {born}\n")
        log = os.open(self._run.log, os.O_WRONLY | os.O_APPEND)
        for descriptor in (1, 2):  # the starter's pipe ends here: that is its word
            os.dup2(log, descriptor)
        os.close(log)

    def _carry(self) -> tuple[int, int] | None:
        """(exit code, killed for its memory) of the container; None: nobody can tell."""
        try:
            printed = self._api.attach(self._name)
            self._api.ask("POST", f"/containers/{self._name}/start")
        except (EngineError, OSError) as error:
            print(f"the container did not start: {error}", flush=True)
            return _refused(str(error)), 0
        pump = threading.Thread(target=self._pump, args=(printed,), daemon=True)
        pump.start()
        self._reach()
        threading.Thread(target=self._wait, daemon=True).start()
        self._mind()
        pump.join(_DRAIN_SECONDS)
        return self._end()

    def _mind(self) -> None:
        """Returns when the container has ended; carries out what is asked meanwhile."""
        kill_at: float | None = None
        while True:
            try:
                left = None if kill_at is None else max(0.0, kill_at - time.monotonic())
                heard = self._heard.get(timeout=left)
            except queue.Empty:
                kill_at = time.monotonic() + _RETRY_SECONDS
                self._signal("SIGKILL")
                continue
            if heard == "ended":
                return
            if heard == "fallen":
                self._signal("SIGKILL")
            elif heard == "stop" and kill_at is None:
                kill_at = time.monotonic() + self._grace()
                self._signal("SIGTERM")

    def _signal(self, name: str) -> None:
        with suppress(OSError, EngineError):  # it has ended, or the engine is away: then it is sent again
            self._api.kill(self._name, name)

    def _grace(self) -> float:
        try:
            return float(self._run.stop.read_text())
        except (FileNotFoundError, ValueError):
            return 0.0

    def _wait(self) -> None:
        while True:
            try:
                self._api.ask("POST", f"/containers/{self._name}/wait", seconds=None)
                if not self._api.inspect(self._name)["State"]["Running"]:
                    break
            except NotThere:
                break
            except (OSError, EngineError):
                pass  # the engine is away or starts again: the container may well live on
            time.sleep(_RETRY_SECONDS)
        self._heard.put("ended")

    def _pump(self, printed: Any) -> None:
        """What the container prints is in the log."""
        while True:
            with suppress(OSError):
                for piece in frames(printed):
                    view = memoryview(piece)
                    while view:
                        view = view[os.write(1, view) :]
            try:
                if not self._api.inspect(self._name)["State"]["Running"]:
                    return
                printed = self._api.attach(self._name)  # the engine was away for a while
            except NotThere:
                return
            except (OSError, EngineError):
                time.sleep(_RETRY_SECONDS)

    def _end(self) -> tuple[int, int] | None:
        try:
            state = self._api.inspect(self._name)["State"]
        except (NotThere, OSError):
            return None  # somebody has removed it: how it ended, nobody knows
        return int(state["ExitCode"]), int(bool(state.get("OOMKilled")))

    def _reach(self) -> None:
        """Where a serving container answers is known, and it reaches what it shall reach of this machine."""
        if not self._plan["serves"]:
            return
        try:
            found = self._api.inspect(self._name)
        except (OSError, EngineError):
            return
        address = _address(found)
        if address is not None:
            written = self._run.path / ".address"
            written.write_text(address)
            written.rename(self._run.path / "address")
        for port in self._plan["reach"]:
            threading.Thread(target=self._lend, args=(int(found["State"]["Pid"]), port), daemon=True).start()

    def _lend(self, pid: int, port: int) -> None:
        """127.0.0.1:port inside leads to the same outside."""
        try:
            listener = _listener_inside(pid, port)
        except OSError as error:
            print(f"clary: 127.0.0.1:{port} of this machine cannot be reached from inside: {error}", flush=True)
            return
        forward(listener, ("127.0.0.1", port))

    def _watch_sidecar(self) -> None:
        """The sidecar stands from the first connection on; one that died stands again with the next."""
        listener = socket.socket(fileno=self._plan["sidecar"]["listener"])
        while True:
            select.select([listener], [], [])
            if self._sidecar is None or self._sidecar.poll() is not None:
                line = [*self._plan["sidecar"]["command"], "--listen-fd", str(listener.fileno())]
                with Path(self._plan["sidecar"]["log"]).open("ab") as log:
                    self._sidecar = subprocess.Popen(
                        [*line, "--watch-pid", str(os.getpid())],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=log,
                        pass_fds=(listener.fileno(),),
                        env={"PATH": os.defpath, "LC_ALL": "C", **self._plan["sidecar"]["environment"]},
                    )
            time.sleep(_RETRY_SECONDS)

    def _start_companions(self) -> None:
        env = {"PATH": os.defpath, "LC_ALL": "C", "CLARY_RUN": self._plan["digest"]}
        env |= {"CLARY_RUN_ML": str(self._run.ml), "CLARY_KEEPER": str(os.getpid())}
        for line in self._plan["companions"]:
            with (self._run.path / "companions").open("ab") as said:
                one = subprocess.Popen(
                    line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, env=env, cwd="/"
                )
            self._companions.append(one)
            threading.Thread(target=self._watch_companion, args=(one,), daemon=True).start()

    def _watch_companion(self, one: "subprocess.Popen[bytes]") -> None:
        if one.wait() != 0:
            self._heard.put("fallen")

    def _dismiss(self, ended: tuple[int, int] | None) -> tuple[int, int] | None:
        """No companion is left. One that ended otherwise than well, or by our SIGTERM, has broken the run."""
        for one in self._companions:
            with suppress(ProcessLookupError):
                one.terminate()
            code = one.wait()
            if code not in (0, -signal.SIGTERM):
                (self._run.path / "broken").write_text(f"{code if code >= 0 else 128 - code}\n")
                if ended is not None and ended[0] == 0:
                    ended = 125, 0
        return ended

    def _forget(self) -> None:
        self._api.remove(self._name)
        for volume in self._plan["volumes"]:
            self._api.ask("DELETE", f"/volumes/{volume}", query={"force": "1"})


def _refused(message: str) -> int:
    """The exit code of a command that the engine could not begin, as a shell tells it."""
    said = message.lower()
    if "permission denied" in said or "exec format error" in said:
        return 126
    return 127 if "not found" in said or "no such file" in said else 125


def _address(found: dict[str, Any]) -> str | None:
    """ "host:port" of the container's port 8080 on this machine."""
    settings = found["NetworkSettings"]
    for one in (settings.get("Ports") or {}).get(f"{_PORT}/tcp") or ():
        return f"127.0.0.1:{one['HostPort']}"
    for network in (settings.get("Networks") or {}).values():
        if network.get("IPAddress"):
            return f"{network['IPAddress']}:{_PORT}"
    return f"{settings['IPAddress']}:{_PORT}" if settings.get("IPAddress") else None


def _listener_inside(pid: int, port: int) -> socket.socket:
    """A socket that listens in the network of that process. For a thread of its own, which stays there."""
    libc = ctypes.CDLL(None, use_errno=True)
    space = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(space, _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        listener = socket.socket()
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(128)
        except BaseException:
            listener.close()
            raise
        finally:
            libc.setns(home, _CLONE_NEWNET)
        return listener
    finally:
        os.close(space)
        os.close(home)


def main() -> None:
    """`keeper <run's directory> <descriptor of the plan>`, with the run's lock as standard input."""
    lock = os.dup(0)  # kept open, and by nobody else: what we start gets no copy
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    with os.fdopen(int(sys.argv[2]), "rb") as file:
        plan = json.load(file)
    Keeper(RunDir(Path(sys.argv[1])), plan).stand_by()
    os.close(lock)
