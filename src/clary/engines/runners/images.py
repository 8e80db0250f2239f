"""The port of a container engine's images: whether there is an engine, and which images it has or can be given."""

from typing import Protocol

from clary.engines.runners.base import StartError


class ContainerImages(Protocol):
    async def refusal(self) -> str | None:
        """None: a container engine answers. Else why containers cannot run on this machine, and what to do about it."""
        ...

    async def local(self, reference: str) -> str | None:
        """The id of the engine's own image of that reference; None: it has none. Nothing is pulled. Raises StartError
        where no engine answers."""
        ...

    async def pull(self, reference: str, username: str, password: str) -> str:
        """The engine has the image of that reference, taken from its registry unless it was there; its id. May take
        minutes. Raises StartError."""
        ...


class NoContainers:
    """No container runs: the port where containers are switched off."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def refusal(self) -> str | None:
        return self._why

    async def local(self, reference: str) -> str | None:
        return None

    async def pull(self, reference: str, username: str, password: str) -> str:
        raise StartError(self._why)
