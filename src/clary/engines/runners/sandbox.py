"""The sandbox: a bubblewrap command line that shows a run what it needs and nothing else of this machine."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from clary.engines.runners.guest import Guest
from clary.engines.runners.sidecar import DIRECTORY
from clary.engines.runners.stage import ML, Mount, Placing

SERVE_DIRECTORY = "/run/clary"
PEERS_DIRECTORY = "/run/peers"
LOCK_DESCRIPTOR = 9
_SYSTEM = tuple(map(Path, ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")))
_DEVICES = ("dri", "kfd")
_CARDS = "nvidia"
"""Of the devices whose names begin so, a run sees all."""


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """A bwrap that works on this machine, and what it can do here."""

    path: Path
    version: str
    user_namespace: bool = True
    placing: Placing = "overlay"


@dataclass(frozen=True, slots=True)
class View:
    """What one run sees besides the system."""

    ml: Path
    tmp: Path
    etc: Path
    mounts: Sequence[Mount] = ()
    serve: Path | None = None
    """The directory of its socket on this machine."""
    network: bool = True
    cwd: str = "/"
    files: Sequence[Path] = ()
    """Files of its sidecar, read-only below `sidecar.DIRECTORY`."""
    peers: Sequence[Path] = ()
    """The sockets' directories of the runs that it calls, below `PEERS_DIRECTORY`, each by its own name."""
    hostname: str = "algo-1"
    names: Sequence[Path] = ()
    """Files that stand for those of the same name in /etc: the hosts of its cluster."""


def arguments(
    bwrap: Bubblewrap, guest: Guest, hide: Sequence[Path], view: View, env: Mapping[str, str], held: bool
) -> bytes:
    """bwrap's options, as `--args` takes them. `held`: the lock at descriptor 9 lives as long as the sandbox."""
    options = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", view.hostname]
    if bwrap.user_namespace:
        options.append("--unshare-user")
    if not view.network:
        options.append("--unshare-net")
    # Not even the capabilities of root in its own user namespace: nothing inside can mount, or look behind a mount.
    options += ["--cap-drop", "ALL", "--new-session", "--die-with-parent"]
    if held:
        options += ["--sync-fd", str(LOCK_DESCRIPTOR)]
    options.append("--clearenv")
    for name, value in env.items():
        options += ["--setenv", name, value]
    options += _system(guest, hide, view)
    options += ["--proc", "/proc", "--dev", "/dev", *_devices()]
    options += ["--symlink", "../tmp", "/var/tmp", "--bind", str(view.ml), ML]
    for mount in view.mounts:
        if bwrap.placing == "overlay":
            options += ["--overlay-src", str(mount.files), "--overlay", str(mount.upper), str(mount.work), mount.target]
        else:
            options += ["--ro-bind", str(mount.files), mount.target]
    if view.serve is not None:
        options += ["--bind", str(view.serve), SERVE_DIRECTORY]
    for path in view.files:
        options += ["--ro-bind", str(path), f"{DIRECTORY}/{path.name}"]
    for path in view.peers:  # read-only: it may connect, and put nothing there
        options += ["--ro-bind", str(path), f"{PEERS_DIRECTORY}/{path.name}"]
    options += ["--remount-ro", "/", "--chdir", view.cwd]
    return b"".join(os.fsencode(option) + b"\0" for option in options)


def command_line(bwrap: Bubblewrap, descriptor: int, command: Sequence[str], *, resets_signals: bool) -> list[str]:
    """What the keeper starts. `env` gives a missing command the exit code 127 and undoes ignored signals."""
    env = ["/usr/bin/env", "--default-signal"] if resets_signals else ["/usr/bin/env"]
    return [str(bwrap.path), "--args", str(descriptor), "--", *env, "--", *command]


def _system(guest: Guest, hide: Sequence[Path], view: View) -> list[str]:
    """Binds in the order of their paths, so that what lies below another stands on top of it."""
    links = tuple((path, _link(path)) for path in _SYSTEM)
    hidden = tuple(path for path in hide if path.is_dir())
    shown = dict(_shared(links, guest.visible, hidden))
    shown[Path("/etc")] = ["--ro-bind", str(view.etc), "/etc"]
    shown |= {Path("/etc") / path.name: ["--ro-bind", str(path), f"/etc/{path.name}"] for path in view.names}
    shown[Path("/tmp")] = ["--bind", str(view.tmp), "/tmp"]
    shown[Path("/sys/devices/system")] = ["--ro-bind-try", "/sys/devices/system", "/sys/devices/system"]
    return [option for path in sorted(shown) for option in shown[path]]


def _link(path: Path) -> Path | str:
    """Where the link points; "directory" or "nothing" where there is none."""
    try:
        return path.readlink()
    except OSError:
        return "directory" if path.is_dir() else "nothing"


@lru_cache(maxsize=16)
def _shared(
    links: tuple[tuple[Path, Path | str], ...], visible: tuple[Path, ...], hidden: tuple[Path, ...]
) -> Mapping[Path, list[str]]:
    """What runs see of this machine alike; what must be hidden is an empty directory wherever something shown would
    show it. Kept, since it is a few thousand comparisons of paths, and one home has few answers."""
    shown: dict[Path, list[str]] = {Path("/usr"): ["--ro-bind", "/usr", "/usr"]}
    for path, link in links:
        if isinstance(link, Path):
            shown[path] = ["--symlink", str(link), str(path)]
        elif link == "directory":
            shown[path] = ["--ro-bind", str(path), str(path)]
    for path in visible:
        if not any(_inside(path, other) for other in shown):
            shown[path] = ["--ro-bind", str(path), str(path)]
    for path in hidden:
        if any(_inside(path, other) for other in shown):
            shown[path] = ["--tmpfs", str(path)]
            for below in visible:
                if _inside(below, path):
                    shown[below] = ["--ro-bind", str(below), str(below)]
    return shown


def _devices() -> list[str]:
    with os.scandir("/dev") as entries:
        found = sorted(one.path for one in entries if one.name in _DEVICES or one.name.startswith(_CARDS))
    return [option for path in found for option in ("--dev-bind-try", path, path)]


def _inside(path: Path, parent: Path) -> bool:
    return path == parent or parent in path.parents
