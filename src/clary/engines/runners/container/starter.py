"""How a run in a container comes to be: exactly one, whoever asks, however often. Blocks: call in a thread."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import clary
from clary.engines.runners import clean, sidecar
from clary.engines.runners.base import StartError, Work
from clary.engines.runners.container import plan
from clary.engines.runners.container.api import EngineError, NotThere
from clary.engines.runners.container.engine import Engine
from clary.engines.runners.keeper import sealed
from clary.engines.runners.rundir import EXIT_SIZE, RunDir, take
from clary.engines.runners.sidecar import Sidecar
from clary.engines.runners.stage import Stage
from clary.engines.runners.starter import has_started, only_starter, refusal

MARK: Final = "container"
"""The file in a run's directory that says that it is one of ours."""
USED: Final = ".containers"
"""The file beside the runs that says that the home has, or had, containers."""
_ENTER: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from clary.engines.runners.container.keeper import main; main()"
)


class Starter:
    """Stages runs, creates their containers, and launches their keepers."""

    def __init__(
        self,
        engine: Callable[[], Engine],
        overlays: Callable[[], bool],
        sidecar: Callable[[], Sidecar] | None,
        max_archive_bytes: int,
    ) -> None:
        self._engine = engine
        self._overlays = overlays
        self._sidecar = sidecar
        self._max_archive_bytes = max_archive_bytes

    def start(self, run: RunDir, work: Work) -> None:
        """The run has been started exactly once. Raises StartError, and leaves nothing then."""
        _check(work)
        engine = self._engine()
        try:
            staging = only_starter(run)
        except OSError as error:
            raise refusal(error) or error from None
        try:
            if has_started(run):
                return
            # First of all: whoever looks from now on knows whose run it is, and asks the engine too.
            (run.path.parent / USED).touch()
            (run.path / MARK).write_text(engine.api.address)
            self._stage_and_launch(engine, run, work)
        except StartError:
            self._undo(engine, run)
            raise
        except OSError as error:
            why = refusal(error)
            if why is None or run.started.exists():
                raise
            self._undo(engine, run)
            raise why from error
        finally:
            os.close(staging)

    def _undo(self, engine: Engine, run: RunDir) -> None:
        forget(engine, run)
        clean.clear(run)

    def _stage_and_launch(self, engine: Engine, run: RunDir, work: Work) -> None:
        # No `started`, and no keeper: whatever an earlier, killed starter left is no run. From empty, again.
        forget(engine, run)
        clean.empty(run.path, keep=(run.staging.name, run.lock.name, MARK))
        placed = plan.placing(engine, run.path.parent, self._overlays())
        mounts = Stage(run, placed, self._max_archive_bytes).fill(work)
        run.log.touch(0o600)
        run.exit.write_bytes(b" " * (EXIT_SIZE - 1) + b"\n")
        with ExitStack() as opened:
            beside, listener = self._stand_by(work, opened)
            volumes = plan.volumes(run, mounts, placed)
            _create(engine, run, work, volumes, plan.container(engine, run, work, mounts, placed, beside))
            told: dict[str, Any] = {
                "engine": engine.api.address,
                "name": plan.name_of(run),
                "digest": run.digest(),
                "volumes": [one["Name"] for one in volumes],
                "serves": work.serves,
                "reach": plan.reached(work, beside),
                "companions": [list(line) for line in work.companions],
            }
            descriptors = []
            if beside is not None and listener is not None:
                descriptors.append(listener.fileno())
                told["sidecar"] = {
                    "listener": listener.fileno(),
                    "command": list(beside.sidecar.command),
                    "log": str(beside.sidecar.log),
                    "environment": dict(beside.sidecar.environment),
                }
            lock = take(run.lock)
            if lock is None:
                raise OSError(f"the lock of {run.uid} is held by something that is no run")
            opened.callback(os.close, lock)
            descriptors.append(sealed(json.dumps(told).encode()))
            opened.callback(os.close, descriptors[-1])
            said = _launch(run, lock, descriptors)
        if not run.started.exists():
            raise OSError(f"the keeper of {run.uid} did not start: {said or 'it said nothing'}")

    def _stand_by(self, work: Work, opened: ExitStack) -> tuple[plan.Beside | None, socket.socket | None]:
        if self._sidecar is None or not work.network:
            return None, None
        listener = opened.enter_context(sidecar.listen())
        return plan.Beside(self._sidecar(), listener.getsockname()[1]), listener


def forget(engine: Engine, run: RunDir) -> None:
    """The engine has no container and no volume of the run; what ran in it is dead. Raises OSError."""
    try:
        engine.api.remove(plan.name_of(run))
        number = 0
        while True:
            engine.api.ask("DELETE", f"/volumes/{plan.volume_name(run, number)}")
            number += 1
    except NotThere:
        return  # no more volumes
    except EngineError as error:
        raise OSError(f"the container of {run.uid} cannot be removed: {error}") from None


def _create(engine: Engine, run: RunDir, work: Work, volumes: list[dict[str, Any]], body: dict[str, Any]) -> None:
    try:
        if plan.network(work) == plan.ISOLATED:
            _isolated_network(engine)
        for one in volumes:
            engine.api.ask("POST", "/volumes/create", one)
        engine.api.ask("POST", "/containers/create", body, query={"name": plan.name_of(run)})
    except NotThere:
        raise StartError(f"the container engine has no image {work.image}: docker pull it, or push it again") from None
    except EngineError as error:
        if error.status >= 500 and "no command" not in error.message:
            raise OSError(f"the container of {run.uid} could not be created: {error}") from None
        raise StartError(f"the container could not be created: {error}") from None


def _isolated_network(engine: Engine) -> None:
    """A network without a way out, in which this machine can reach the containers."""
    with suppress(NotThere):
        engine.api.ask("GET", f"/networks/{plan.ISOLATED}")
        return
    options = {} if engine.podman else {"com.docker.network.bridge.enable_icc": "false"}
    body = {"Name": plan.ISOLATED, "Driver": "bridge", "Internal": True, "CheckDuplicate": True, "Options": options}
    try:
        engine.api.ask("POST", "/networks/create", body)
    except EngineError as error:
        if error.status != 409:  # another start was first
            raise


def _launch(run: RunDir, lock: int, descriptors: list[int]) -> str:
    """The keeper has said `started`, or has failed: what it said then."""
    source = str(Path(clary.__file__).parent.parent)
    line = ["setsid", "--fork", sys.executable, "-I", "-S", "-c", _ENTER, source]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        done = subprocess.Popen(
            [*line, str(run.path), str(descriptors[-1])],
            stdin=lock,
            stdout=theirs.fileno(),
            stderr=subprocess.STDOUT,
            pass_fds=descriptors,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        )
        theirs.close()
        said = b""
        with done:
            while more := ours.recv(4096):
                said += more
    return said.decode(errors="replace").strip()


def _check(work: Work) -> None:
    if any("\0" in word for word in (*work.command, *(work.entrypoint or ()))):
        raise StartError("the command holds a NUL character")
    for name, value in work.env.items():
        if not name or "=" in name or "\0" in name + value:
            raise StartError(f"the environment variable {name!r} cannot be passed: an empty name, '=' in it, or NUL")
