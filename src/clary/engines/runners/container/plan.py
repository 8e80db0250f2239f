"""From work to what the engine is told: one container, the volumes of its inputs, and what its keeper must know."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from clary.engines.runners import sidecar
from clary.engines.runners.base import StartError, Work
from clary.engines.runners.container.engine import Engine
from clary.engines.runners.rundir import RunDir
from clary.engines.runners.sidecar import Sidecar
from clary.engines.runners.stage import ML, Mount, Placing

RUN_LABEL: Final = "clary.run"
"""The run's uid."""
ROOT_LABEL: Final = "clary.runs"
"""The directory of all runs of its home."""
ISOLATED: Final = "clary-isolated"
"""The network of model servers that may reach nothing."""
SHARED_MEMORY_BYTES: Final = 2 << 30
"""/dev/shm, as far as it is used: the engines' own 64 MB stop every data loader of several processes."""
_PORT: Final = "8080/tcp"
_LOCAL: Final = re.compile(r"https?://(?:127\.0\.0\.1|localhost):(\d+)")
_UNSAFE: Final = re.compile(r"[,:\\\s]")


@dataclass(frozen=True, slots=True)
class Beside:
    """The sidecar of a run, and where it listens."""

    sidecar: Sidecar
    port: int

    def variables(self) -> Mapping[str, str]:
        return self.sidecar.variables(self.port, lambda path: f"{sidecar.DIRECTORY}/{path.name}")


def name_of(run: RunDir) -> str:
    """What the run's container is called: the same in every process, another for every home."""
    return f"clary-{run.digest()}"


def volume_name(run: RunDir, number: int) -> str:
    return f"{name_of(run)}-{number}"


def labels(run: RunDir) -> dict[str, str]:
    return {RUN_LABEL: run.uid, ROOT_LABEL: str(run.path.parent)}


def placing(engine: Engine, root: Path, overlays: bool) -> Placing:
    """How inputs stand inside. Raises StartError for a home that no engine can show in a container."""
    if _UNSAFE.search(str(root)):
        # Options of mounts are one text, which these characters would end.
        raise StartError(f"containers cannot see {root}: a comma, colon, backslash or blank is in its path")
    return "overlay" if overlays and not engine.rootless else "read-only"


def volumes(run: RunDir, mounts: tuple[Mount, ...], placed: Placing) -> list[dict[str, Any]]:
    """One volume a tree: links below, and above them what the run writes."""
    if placed != "overlay":
        return []
    return [
        {
            "Name": volume_name(run, number),
            "Driver": "local",
            "Labels": labels(run),
            "DriverOpts": {
                "type": "overlay",
                "device": "overlay",
                "o": f"lowerdir={one.files},upperdir={one.upper},workdir={one.work}",
            },
        }
        for number, one in enumerate(mounts)
    ]


def container(
    engine: Engine, run: RunDir, work: Work, mounts: tuple[Mount, ...], placed: Placing, beside: Beside | None
) -> dict[str, Any]:
    """The body of the engine's "create a container"."""
    env = _environment(run, work, beside)
    body: dict[str, Any] = {
        "Image": work.image,
        "Cmd": list(work.command) or None,
        "Env": [f"{name}={value}" for name, value in env.items()],
        "Labels": labels(run),
        "Hostname": work.hostname,
        "HostConfig": {
            "Mounts": _mounts(run, mounts, placed, beside),
            "NetworkMode": network(work),
            "ExtraHosts": [f"{name}:{address}" for name, address in work.hosts],
            "ShmSize": SHARED_MEMORY_BYTES,
            # On a machine with SELinux, files of the home could not be read otherwise.
            "SecurityOpt": ["label=disable"],
            **_limits(engine, work),
        },
    }
    if work.entrypoint is not None:
        body["Entrypoint"] = list(work.entrypoint)
    if work.cwd != "/":
        body["WorkingDir"] = work.cwd
    if not engine.ours:
        # Else what it writes would belong to root, and nobody here could read or delete it.
        body["User"] = f"{os.getuid()}:{os.getgid()}"
    if work.serves:
        body["ExposedPorts"] = {_PORT: {}}
        if work.network:
            body["HostConfig"]["PortBindings"] = {_PORT: [{"HostIp": "127.0.0.1", "HostPort": ""}]}
    return body


def network(work: Work) -> str:
    """host: the run shares the machine's network as a process does, and finds the wire where its variables say; a
    server has a network of its own, since each wants port 8080."""
    if work.serves:
        return "bridge" if work.network else ISOLATED
    return "host" if work.network else "none"


def reached(work: Work, beside: Beside | None) -> list[int]:
    """Ports of 127.0.0.1 that a server with a network of its own must find there all the same."""
    if not (work.serves and work.network):
        return []
    values = [*work.env.values(), *(beside.variables().values() if beside is not None else ())]
    return sorted({int(found) for value in values for found in _LOCAL.findall(value)})


def _environment(run: RunDir, work: Work, beside: Beside | None) -> dict[str, str]:
    asked = dict(work.env)
    if beside is not None:
        asked = sidecar.merged(beside.variables(), asked)
    return {"CLARY_RUN": run.digest(), **asked}


def _mounts(run: RunDir, mounts: tuple[Mount, ...], placed: Placing, beside: Beside | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"Type": "bind", "Source": str(run.ml), "Target": ML}]
    for number, one in enumerate(mounts):
        if placed == "overlay":
            # NoCopy: what the image has at that place does not belong to the channel.
            source = {"Source": volume_name(run, number), "VolumeOptions": {"NoCopy": True}}
            found.append({"Type": "volume", "Target": one.target, **source})
        else:
            found.append({"Type": "bind", "Source": str(one.files), "Target": one.target, "ReadOnly": True})
    for path in () if beside is None else beside.sidecar.files:
        target = f"{sidecar.DIRECTORY}/{path.name}"
        found.append({"Type": "bind", "Source": str(path), "Target": target, "ReadOnly": True})
    return found


def _limits(engine: Engine, work: Work) -> dict[str, Any]:
    found: dict[str, Any] = {"PidsLimit": 4096} if engine.limits else {}
    if engine.limits and work.memory_bytes is not None:
        found |= {"Memory": work.memory_bytes, "MemorySwap": work.memory_bytes}
    if engine.limits and work.cpus is not None:
        found["NanoCpus"] = int(work.cpus * 1e9)
    return found
