"""Two runners as one: processes of this machine, and containers. Nobody else need know which has a run."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from clary.engines.runners.base import Run, Runner, Usage, Work
from clary.engines.runners.process import ProcessRunner

if TYPE_CHECKING:
    from clary.engines.runners.container.runner import ContainerRunner

_MARK = "container"
"""See `container.starter.MARK`, whose module need not be loaded to look for it."""


class ChosenRunner:
    """The Runner port over both. Work with an image goes to containers; later calls find the run's own by its
    directory. `containers` is asked for its runner when the first container is started or found."""

    def __init__(self, processes: ProcessRunner, containers: Callable[[], "ContainerRunner"]) -> None:
        self._processes = processes
        self._containers = containers
        self._made: ContainerRunner | None = None
        self._changed: list[Callable[[str], None]] = []

    @property
    def root(self) -> Path:
        return self._processes.root

    async def start(self, uid: str, work: Work) -> None:
        await (self._processes if work.image is None else self.containers()).start(uid, work)

    async def observe(self, uid: str) -> Run:
        return await self._of(uid).observe(uid)

    async def stop(self, uid: str, grace: float) -> None:
        await self._of(uid).stop(uid, grace)

    async def remove(self, uid: str) -> None:
        await self._of(uid).remove(uid)

    async def usage(self, uid: str) -> Usage | None:
        return await self._of(uid).usage(uid)

    async def uids(self) -> list[str]:
        return await self._processes.uids()

    def watch(self, changed: Callable[[str], None]) -> None:
        self._changed.append(changed)
        self._processes.watch(changed)
        if self._made is not None:
            self._made.watch(changed)
        elif self._any():
            self.containers()

    def containers(self) -> "ContainerRunner":
        if self._made is None:
            self._made = self._containers()
            for changed in self._changed:
                self._made.watch(changed)
        return self._made

    def sweep(self, older_than: float) -> None:
        """What crashes and vanished homes have left on this machine is gone. Blocks."""
        self._processes.sweep(older_than)
        if self._any():
            self.containers().sweep()

    def close(self) -> None:
        """No callback comes any more. Runs go on."""
        self._processes.close()
        if self._made is not None:
            self._made.close()

    def _of(self, uid: str) -> Runner:
        return self.containers() if (self.root / uid / _MARK).exists() else self._processes

    def _any(self) -> bool:
        """This home has, or had, a run in a container."""
        return (self.root / ".containers").exists()
