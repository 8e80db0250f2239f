"""The port of the real-time data plane: the control plane says what shall be served, the data plane says what is."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from clary.kernel.resource import Doc


@dataclass(frozen=True, slots=True)
class RouteVariant:
    name: str
    weight: float
    addresses: tuple[str, ...]
    """One address ("unix:/path" or "host:port") an instance that is ready to answer."""


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers the requests to one endpoint."""

    account: str
    region: str
    endpoint: str
    variants: tuple[RouteVariant, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    variant: str = ""


class Serving(Protocol):
    async def publish(self, route: Route) -> None:
        """Asked, durably: every front serves this route soon, and again after any crash, with nobody asking."""
        ...

    async def withdraw(self, account: str, region: str, endpoint: str) -> None:
        """No front serves the endpoint any more. No complaint when none did."""
        ...

    async def serves(self, route: Route) -> bool:
        """True: every front that is running has taken up exactly this route (observed, not assumed)."""
        ...

    async def ready(self, address: str) -> bool:
        """The model server at `address` answers GET /ping with 200 within two seconds."""
        ...

    async def invoke(self, account: str, region: str, endpoint: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """One request through the same router as the fronts use. Raises NoRoute, NoInstance."""
        ...

    async def invoke_stream(
        self, account: str, region: str, endpoint: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[Reply, AsyncIterator[bytes]]:
        """The same, with the body of a good answer in parts as the model sends them (then the reply's is empty). The
        iterator is to be closed; it raises a faults.InferenceError when the answer breaks off. Raises NoRoute,
        NoInstance."""
        ...

    async def counters(self) -> list[Doc]:
        """What every process that sends inferences has counted since it started: "front", "pid", and "variants" as
        `counters.VariantCounters.doc` tells them."""
        ...


class NoRoute(Exception):
    """No such endpoint is served."""


class NoInstance(Exception):
    """The endpoint is served, but no instance of it could be reached."""
