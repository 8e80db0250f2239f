"""The port of the real-time data plane: the control plane says what shall be served, the data plane says what is."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from clary.kernel.resource import Doc

STAGES = "|"
"""Between the stages of an address: an instance of an inference pipeline has one server for each of its containers."""


@dataclass(frozen=True, slots=True)
class RouteVariant:
    name: str
    weight: float
    """Of the traffic; of a shadow variant: which share of the requests it sees, from 0 to 1."""
    addresses: tuple[str, ...]
    """One address an instance that is ready to answer: "unix:/path", "host:port", "graph:WORKER/INSTANCE" (a compiled
    model, see `graphs`), or several of the first two joined by STAGES: the answer of one is the request to the next."""
    hosts: tuple[str, ...] = ()
    """The ContainerHostname of each stage of an address, "" where it has none."""
    direct: bool = False
    """Mode Direct: a request names the container that answers it, and the stages are no pipeline."""
    multi_model: bool = False
    """The container holds many models: a request names its TargetModel, which is passed on to the container."""
    wakes: bool = False
    """Serverless: without an instance requests wait for one to be started, and somebody is told that they do."""
    concurrency: int = 0
    """Most requests at once, beyond which callers are told to slow down; 0: as many as its instances take."""
    role: str = ""
    """As whom what is captured of it is stored."""


@dataclass(frozen=True, slots=True)
class CaptureRule:
    """Which requests and answers of an endpoint are written down, and how."""

    percentage: float
    """Of the requests, from 0 to 100."""
    inputs: bool
    outputs: bool
    destination: str
    """s3://bucket/prefix"""
    csv_types: tuple[str, ...] = ()
    """Content types whose bodies are written as CSV text."""
    json_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers the requests to one endpoint."""

    account: str
    region: str
    endpoint: str
    variants: tuple[RouteVariant, ...]
    shadows: tuple[RouteVariant, ...] = ()
    """Variants that see copies of requests; nobody hears their answers."""
    capture: CaptureRule | None = None
    asynchronous: bool = False
    """It is invoked by InvokeEndpointAsync only."""


@dataclass(slots=True)
class Reply:
    """What a model server answered. Nobody changes one; that it is not frozen saves half of what making it costs."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    variant: str = ""
    container: str = "primary"
    """Which container of several."""


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

    async def invoke_long(
        self, account: str, region: str, endpoint: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> tuple[Reply, AsyncIterator[bytes]]:
        """One request of the backlog of an asynchronous endpoint, which may take so many seconds. As `invoke_stream`;
        does not wait for an instance: raises NoInstance at once."""
        ...

    async def grown(self) -> list[Doc]:
        """What was counted since this was called before: "variants" of every process that sends inferences, as
        `counters.Counters.grown` tells them. What is told is told to this caller alone, and never again."""
        ...

    async def counters(self) -> list[Doc]:
        """What every process that sends inferences has counted since it started: "front", "pid", and "variants" as
        `counters.VariantCounters.doc` tells them."""
        ...


class NoRoute(Exception):
    """No such endpoint is served."""


class NoInstance(Exception):
    """The endpoint is served, but no instance of it could be reached."""
