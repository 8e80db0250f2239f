"""Which container engine this machine has: found by asking its socket, and what to do where none answers."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clary.engines.runners.container.api import Api, EngineError

AUTO: Final = "auto"
OFF: Final = "off"
_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers."""

    api: Api
    name: str
    """Docker or Podman."""
    version: str
    rootless: bool
    limits: bool
    """It can bound memory and processor."""

    @property
    def podman(self) -> bool:
        return self.name == "Podman"

    @property
    def ours(self) -> bool:
        """What root writes in a container belongs, outside of it, to the user who runs us."""
        return self.rootless or os.geteuid() == 0

    def describe(self) -> str:
        parts = [f"{self.name} {self.version} at {self.api.address}", "rootless" if self.rootless else "as root"]
        if not self.limits:
            parts.append("without limits on memory and processor")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Missing:
    """No engine answers."""

    why: str
    mend: str


def find(setting: str) -> Engine | Missing:
    """The engine that `setting` names: "auto", "off", or an address. Asks each candidate's socket; milliseconds."""
    if setting == OFF:
        return Missing("containers are switched off (CLARY_CONTAINER_ENGINE=off)", "set CLARY_CONTAINER_ENGINE=auto")
    tried = []
    for address in _candidates(setting):
        try:
            return _asked(address)
        except (OSError, EngineError, ValueError) as error:
            if setting != AUTO or not isinstance(error, FileNotFoundError):
                tried.append(f"{address}: {error}")
    why = "; ".join(tried) if tried else "no socket of Docker or Podman was found"
    return Missing(f"no container engine answers ({why})", _mend())


def _asked(address: str) -> Engine:
    scheme = address.partition("://")[0]
    if scheme not in ("unix", "tcp"):
        raise ValueError("only unix:// and tcp:// addresses of an engine on this machine can be used")
    api = Api(address)
    version = api.ask("GET", "/version", seconds=_SECONDS)
    info = api.ask("GET", "/info", seconds=_SECONDS)
    components = {one.get("Name") for one in version.get("Components") or ()}
    security = [str(one) for one in info.get("SecurityOptions") or ()]
    return Engine(
        api,
        "Podman" if "Podman Engine" in components else "Docker",
        str(version.get("Version", "")),
        rootless=bool(info.get("Rootless")) or any("rootless" in one for one in security),
        limits=bool(info.get("MemoryLimit")) and bool(info.get("CpuCfsQuota")),
    )


def _candidates(setting: str) -> Iterator[str]:
    if setting != AUTO:
        yield setting
        return
    uid = os.getuid()
    for path in (
        Path("/var/run/docker.sock"),
        Path(f"/run/user/{uid}/docker.sock"),
        Path(f"/run/user/{uid}/podman/podman.sock"),
        Path("/run/podman/podman.sock"),
        Path.home() / ".docker/run/docker.sock",
    ):
        yield f"unix://{path}"


def _mend() -> str:
    if shutil.which("podman"):
        if os.geteuid() == 0:
            return "start Podman's API: systemctl enable --now podman.socket, or: podman system service --time=0 &"
        return (
            "start Podman's API: systemctl --user enable --now podman.socket, or: podman system service --time=0 "
            f"unix:///run/user/{os.getuid()}/podman/podman.sock &"
        )
    if shutil.which("dockerd"):
        return "start Docker (systemctl start docker), and be in its group (usermod -aG docker $USER)"
    return "install Podman or Docker, for example: apt-get install podman && systemctl enable --now podman.socket"
