"""The images of the container engine: what it has, and what it is given from our own registry."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from clary.engines.runners.base import StartError

if TYPE_CHECKING:
    from clary.engines.runners.container.runner import ContainerRunner


class EngineImages:
    """The port `ContainerImages` over the engine of a runner. Nothing of engines is loaded before the first image."""

    def __init__(self, runner: Callable[[], "ContainerRunner"]) -> None:
        self._runner = runner
        self._pulling: dict[str, asyncio.Lock] = {}

    async def refusal(self) -> str | None:
        try:
            await asyncio.to_thread(lambda: self._runner().engine())
        except StartError as error:
            return str(error)
        return None

    async def local(self, reference: str) -> str | None:
        return await asyncio.to_thread(self._local, reference)

    async def pull(self, reference: str, username: str, password: str) -> str:
        # A hundred jobs of one new image ask for it once.
        async with self._pulling.setdefault(reference, asyncio.Lock()):
            try:
                return await asyncio.to_thread(self._pull, reference, username, password)
            finally:
                self._pulling.pop(reference, None)

    def _local(self, reference: str) -> str | None:
        from clary.engines.runners.container import pulling

        return pulling.local(self._runner().engine(), reference)

    def _pull(self, reference: str, username: str, password: str) -> str:
        from clary.engines.runners.container import pulling

        return pulling.pulled(self._runner().engine(), reference, username, password)
