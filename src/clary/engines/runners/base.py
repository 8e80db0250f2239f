"""The port of a launcher: start work once, see what became of it, stop it. Each call is idempotent on the run's uid."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Tree:
    """Files that shall stand below `target` inside the run: linked where they are on the same disk, never copied then.
    The run may write there; the originals never change."""

    target: str
    """Absolute path inside the run, for example "/opt/ml/input/data/train"."""
    files: tuple[tuple[str, Path], ...]
    """(path below `target`, file on this machine)."""
    own: bool = False
    """The run's own copies (of shared blocks where the disk can): what it writes there stands below `Run.root`."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A `.tar.gz` that shall be unpacked below `target` before the command starts. Members that would leave `target`
    fail the start."""

    target: str
    path: Path


@dataclass(frozen=True, slots=True)
class Work:
    """What to run. Everything under /opt/ml is private to the run and kept until `remove`."""

    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    """The whole environment of the command, but for what the runner must add (PATH, HOME, ...)."""
    cwd: str = "/"
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Small files to write, by absolute path below /opt/ml, for example the config JSONs."""
    directories: tuple[str, ...] = ()
    """Directories below /opt/ml that shall exist."""
    trees: tuple[Tree, ...] = ()
    archives: tuple[Archive, ...] = ()
    cpus: float | None = None
    memory_bytes: int | None = None
    network: bool = True
    """False: the run has no network at all (model servers)."""
    serves: bool = False
    """The command is an HTTP server: it listens where the variable CLARY_BIND says ("unix:/path"), and `Run.address`
    tells where that is on this machine. A container listens on port 8080, as SageMaker's contract says."""
    hostname: str = "algo-1"
    """The name that the run has for itself."""
    hosts: tuple[tuple[str, str], ...] = (("algo-1", "127.0.0.1"),)
    """(name, address) of every host of its cluster, itself among them: each name resolves inside the run. Addresses of
    127.0.0.0/8 keep the hosts of one machine apart: each listens on its own address, on whatever port it likes."""
    image: str | None = None
    """A container image to run in; None: a process of this machine. With an image, `command` is what follows the
    image's entry point (its CMD)."""
    entrypoint: tuple[str, ...] | None = None
    """Replaces the image's entry point; only with `image`."""
    peers: Mapping[str, str] = field(default_factory=dict)
    """Servers of other runs that this one calls, also without a network: the variable of its environment that shall
    hold the address -> `Run.address`. The variable holds the address as it is seen from inside."""
    python: Path | None = None
    """An executable of a virtual environment on this machine that is `python` inside, first on PATH, in place of the
    runner's own; its environment must be among `shown`. Not with an image."""
    shown: tuple[Path, ...] = ()
    """Further directories of this machine that the run sees at the same path, read-only where it is isolated."""
    pipes: tuple[str, ...] = ()
    """Named pipes below /opt/ml that shall exist."""
    companions: tuple[tuple[str, ...], ...] = ()
    """Command lines of ours that stand by the run outside of its sandbox, from before its command starts until it ends:
    what feeds its pipes. They outlive everybody else as the run does. One that ends with 0 has done its work; one that
    ends otherwise ends the run, whose `broken` is the last line of its stderr. They get SIGTERM when the command has
    ended. In their environment: CLARY_RUN_ML, the directory that the run sees as /opt/ml, and CLARY_KEEPER, the pid
    with whose end they must end too."""


Phase = Literal["absent", "running", "ended", "lost"]


@dataclass(frozen=True, slots=True)
class Run:
    """What is true of a run, learnt from the outside world and never from memory."""

    phase: Phase
    """absent: never started; running; ended: `exit_code` is known; lost: it was started, is gone, and left no word (the
    machine went down, or somebody killed its keeper)."""
    exit_code: int | None = None
    """As a shell tells it: 128 + n after signal n. 125 when the command ended with 0 but the run is `broken`."""
    started: float | None = None
    ended: float | None = None
    root: Path | None = None
    """The directory on this machine that the run sees as /opt/ml."""
    log: Path | None = None
    """Its stdout and stderr, as written."""
    address: str | None = None
    """Where a serving run listens: "unix:/path" or "host:port"."""
    out_of_memory: bool = False
    """The kernel killed it for its memory limit."""
    broken: str | None = None
    """Why a companion failed, and the run with it, in that one's last words."""
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run and all its processes have used."""

    cpu_seconds: float
    """Since it started; of processes that have ended too, as far as anybody waited for them."""
    memory_bytes: int
    """Resident now."""


class Runner(Protocol):
    """A way to run work. A run outlives the process that started it."""

    async def start(self, uid: str, work: Work) -> None:
        """The run exists: it has been started exactly once, however often this is called, across crashes. Raises
        StartError when the work can never start (a bad archive, a missing file, disk full)."""
        ...

    async def observe(self, uid: str) -> Run: ...

    async def stop(self, uid: str, grace: float) -> None:
        """Asked to end: SIGTERM at the first call, SIGKILL to the whole tree once `grace` seconds have passed since
        that first call. Returns at once; call again, or `observe`, to see. Safe on any phase."""
        ...

    async def remove(self, uid: str) -> None:
        """Nothing of the run is left on this machine; a running one is killed first."""
        ...

    async def usage(self, uid: str) -> Usage | None:
        """None: it does not run."""
        ...

    async def uids(self) -> list[str]:
        """Every run that is on this machine, whatever its phase."""
        ...

    def watch(self, changed: Callable[[str], None]) -> None:
        """`changed(uid)` is called soon after a run of this machine ends, or a job's run that somebody has observed
        prints something. Only a hint: it may be missed."""
        ...


class StartError(Exception):
    """The work can never start; the message says why, in words for the job's owner."""
