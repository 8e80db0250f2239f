"""What all connections of one front have in common: who may call, what clients may cost, the router, the counters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from clary.engines.serving.counters import Counters
from clary.engines.serving.faults import Fault
from clary.engines.serving.framing import Head
from clary.engines.serving.likeness import Again, Likenesses
from clary.engines.serving.router import Router
from clary.engines.serving.sending import Sender
from clary.kernel.ids import RequestIds


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed a request, and for which region."""

    account: str
    region: str


class Denied(Exception):
    """The signature does not stand, or the caller may not invoke the endpoint; with the status and the code that AWS
    answers then."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(status, code, message)


class Authenticate(Protocol):
    def __call__(self, head: Head, digest: str, client: Callable[[], str]) -> Caller:
        """Who signed it, and may invoke the endpoint. `digest` is the body's SHA-256 in hex, `client` gives the
        address of the peer ("" when it is not known). Raises Denied."""
        ...

    def again(self, head: Head, variable: Sequence[str]) -> Again | None:
        """The same question for further requests that differ from this one, which was let in, in the values of their
        `variable` headers, their signature and their body only; None: each has to be looked at as a whole."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """What clients may cost. Seconds and bytes."""

    body_bytes: int = 25 * 1024 * 1024
    """AWS's bound for the body of a real-time inference."""
    held_bytes: int = 512 * 1024 * 1024
    """All bodies that one front holds at the same time."""
    connections: int = 8192
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    idle_seconds: float = 75.0
    write_seconds: float = 60.0
    """For a client to take an answer."""
    linger_seconds: float = 5.0
    """For a refused client to read the refusal, while what it still sends is thrown away."""
    adopt_seconds: float = 10.0
    """How long a connection waits for the control process to come back."""


@dataclass(frozen=True, slots=True)
class EventWriter:
    """How an answer in events goes over the wire."""

    part: Callable[[bytes], bytes]
    """A piece of the model's answer as an event."""
    error: Callable[[str, bytes], bytes]
    """(the exception's name, its document) as the last event."""


class Served(Protocol):
    """What a front asks of each of its connections."""

    deadline: float
    """Loop time at which `expire` shall be called."""

    def expire(self) -> None: ...

    def close_if_idle(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class Shared:
    """What all connections of one front have in common."""

    router: Router
    authenticate: Authenticate
    sender: Sender
    counters: Counters
    bounds: Bounds
    events: EventWriter | None = None
    """None: answers in events are refused by name."""
    connections: set[Served] = field(default_factory=set)
    held: int = 0
    """Bytes of bodies held now."""
    draining: bool = False
    likenesses: Likenesses = field(default_factory=Likenesses)
    request_ids: RequestIds = field(default_factory=RequestIds)
    date: bytes = b""
    """The Date header's line, made anew every second."""
    emptied: Callable[[], None] = lambda: None
    """Called when the last connection ends."""
