"""A Serving whose fronts are scripted; the routes that were asked are in a file, as the port promises."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clary.engines.serving.base import NoRoute, Reply, Route


class MemoryServing:
    def __init__(self, directory: Path) -> None:
        self._file = directory / "routes.json"
        directory.mkdir(parents=True, exist_ok=True)
        self.deaf = False
        """Set: the fronts take nothing up."""
        self.dead: set[str] = set()
        """Addresses (or parts of them) whose server answers no /ping."""
        self.published: list[Route] = []
        """Every route that this object was asked to publish."""

    async def publish(self, route: Route) -> None:
        self.published.append(route)
        self._put(_key(route.account, route.region, route.endpoint), asdict(route))

    async def withdraw(self, account: str, region: str, endpoint: str) -> None:
        self._put(_key(account, region, endpoint), None)

    async def serves(self, route: Route) -> bool:
        asked = self.routes().get(_key(route.account, route.region, route.endpoint))
        return not self.deaf and asked == json.loads(json.dumps(asdict(route)))

    async def ready(self, address: str) -> bool:
        return not any(dead in address for dead in self.dead)

    async def invoke(self, account: str, region: str, endpoint: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        raise NoRoute(endpoint)

    async def invoke_stream(
        self, account: str, region: str, endpoint: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[Reply, AsyncIterator[bytes]]:
        raise NoRoute(endpoint)

    async def invoke_long(
        self, account: str, region: str, endpoint: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> tuple[Reply, AsyncIterator[bytes]]:
        raise NoRoute(endpoint)

    def routes(self) -> dict[str, Any]:
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    def addresses(self, endpoint: str) -> dict[str, list[str]]:
        """Addresses by variant of the endpoint's route; {} when there is none."""
        for key, route in self.routes().items():
            if key.endswith(f"/{endpoint}"):
                return {variant["name"]: variant["addresses"] for variant in route["variants"]}
        return {}

    def _put(self, key: str, route: object) -> None:
        routes = {**self.routes(), key: route}
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps({name: one for name, one in routes.items() if one is not None}))
        draft.replace(self._file)


def _key(account: str, region: str, endpoint: str) -> str:
    return f"{account}/{region}/{endpoint}"
