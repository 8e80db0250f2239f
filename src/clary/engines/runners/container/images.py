"""The images of the container engine: what it has, and what it is given from our own registry."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from clary.engines.runners.base import StartError
from clary.engines.runners.container.api import EngineError
from clary.engines.runners.container.engine import Engine

if TYPE_CHECKING:
    from clary.engines.runners.container.runner import ContainerRunner


class EngineImages:
    """The port `ContainerImages` over the engine of a runner, which is asked for at the first image."""

    def __init__(self, runner: Callable[[], "ContainerRunner"]) -> None:
        self._runner = runner
        self._pulling: dict[str, asyncio.Lock] = {}

    def _engine(self) -> Engine:
        return self._runner().engine()

    async def refusal(self) -> str | None:
        try:
            await asyncio.to_thread(self._engine)
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
        try:
            found = self._engine().api.image(reference)
        except (EngineError, OSError) as error:
            raise StartError(f"the container engine could not look for the image {reference}: {error}") from None
        return None if found is None else str(found["Id"])

    def _pull(self, reference: str, username: str, password: str) -> str:
        found = self._local(reference)
        if found is not None:
            return found
        engine = self._engine()
        try:
            for said in _pulled(engine, reference, username, password):
                if isinstance(said, dict) and said.get("error"):
                    raise StartError(f"the image {reference} could not be pulled: {said['error']}")
        except (EngineError, OSError) as error:
            raise StartError(f"the image {reference} could not be pulled: {error}") from None
        found = self._local(reference)
        if found is None:
            raise StartError(f"the image {reference} was pulled, and the container engine does not have it")
        return found


def _pulled(engine: Engine, reference: str, username: str, password: str) -> Any:
    server = reference.partition("/")[0]
    said = json.dumps({"username": username, "password": password, "serveraddress": server}).encode()
    headers = {"X-Registry-Auth": base64.urlsafe_b64encode(said).decode()}
    if engine.podman:
        # Docker takes loopback registries without TLS by itself; Podman must be told.
        query = {"reference": reference, "tlsVerify": "false"}
        return engine.api.lines("POST", "/v4.0.0/libpod/images/pull", query=query, headers=headers)
    name, _, digest = reference.partition("@")
    return engine.api.lines("POST", "/images/create", query={"fromImage": name, "tag": digest}, headers=headers)
