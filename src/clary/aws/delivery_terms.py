"""The terms of deliveries: what is to be brought where, how often it is tried, how it is counted, and the port."""

import base64
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol
from uuid import NAMESPACE_URL, uuid5

from clary.aws.acting import Acting
from clary.aws.attempts import Worth
from clary.kernel import ids
from clary.kernel.resource import Doc

WEB: Final = "web"
"""The service of deliveries to web addresses: operation "POST", params Url, Headers, Body, and Seconds to wait."""
MOST_HOPS: Final = 16
"""So often may one thing lead to another before it is taken for a loop and dropped."""
_BLOB: Final = "$blob"

HOPS: Final[ContextVar[int]] = ContextVar("hops", default=0)
CURRENT: Final[ContextVar[str]] = ContextVar("delivery", default="")


def hops() -> int:
    """How many deliveries led to what is being done now; 0: a client asked for it."""
    return HOPS.get()


def current() -> str:
    """The id of the delivery that is being made; "": none is. The same for every repetition: what a receiver makes of
    it to know a repetition by."""
    return CURRENT.get()


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, how long, and with which pauses it is tried again."""

    attempts: int = 185
    """At most so many tries after the first."""
    seconds: float = 86_400.0
    """No try begins later than so long after the first."""
    pauses: tuple[float, ...] = ()
    """Seconds before each further try; beyond its end 1, 2, 4 ... `longest` seconds."""
    longest: float = 60.0

    def pause(self, tries: int) -> float:
        """After so many tries that failed."""
        if tries <= len(self.pauses):
            return self.pauses[tries - 1]
        return float(min(2 ** min(tries - len(self.pauses) - 1, 16), self.longest))


@dataclass(frozen=True, slots=True)
class Counted:
    """The metrics that tell how deliveries go; a name that is "" is not counted."""

    namespace: str
    dimensions: Mapping[str, str]
    delivered: str = ""
    failed: str = ""
    """A delivery that was given up."""
    dead: str = ""
    """A dead letter that was sent."""
    undead: str = ""
    """A dead letter that could not be sent."""
    ended: str = ""
    """A delivery that came to its end, delivered or given up."""
    region: str = ""
    """Where it is counted, if that is not the delivery's."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is to be brought where, and on whose authority."""

    id: str
    """The same for every repetition of this delivery, of any length."""
    region: str
    acting: Acting
    service: str
    """botocore's name of a service that is served, or WEB."""
    operation: str
    params: Doc
    """Of JSON: bytes stand in it as `blob` makes them."""
    retry: Retry = field(default_factory=Retry)
    dead: Doc | None = None
    """The dead letter: {"service", "operation", "params"}, and "region" where it is another than the delivery's; sent
    by the service itself, or as the "role" that it names. In texts of its params {error_code}, {error_message},
    {retries} and {exhausted} are filled in under MessageAttributes; attributes that stay empty are left out."""
    counted: Counted | None = None
    first: Doc | None = None
    """A call that makes room for it, {"service", "operation", "params"}: made, as the same principal, when the receiver
    answers that it knows no such place (ResourceNotFoundException)."""
    led: int = 0
    """How many deliveries led to it, where more is known than `hops` tells."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery by the time that `deliver` returned."""

    state: Literal["delivered", "queued", "failed"]
    """"queued": it is durably in the queue, and its end is not known yet."""
    message: str = ""
    """Why it is not delivered, as far as that is known."""


Carrier = Callable[[Doc], Awaitable[None]]
"""Takes the params of a delivery to somewhere that is neither an operation nor the web, repeatably. Raises when it
cannot now."""


def blob(data: bytes) -> Doc:
    """Bytes in the params of a delivery."""
    return {_BLOB: base64.b64encode(data).decode()}


def message_id(*where: str) -> str:
    """The id of what is being sent to that place: a fresh one for a client; for a delivery always the same, however
    often it is repeated."""
    led_by = current()
    return str(uuid5(NAMESPACE_URL, "\0".join([led_by, *where]))) if led_by else ids.request_id()


class Deliverer(Protocol):
    """The port through which services deliver."""

    async def deliver(self, one: Delivery) -> Outcome:
        """It is there, or durably queued, or it was refused for good and its dead letter is. Never raises for what the
        receiver answers."""
        ...

    async def deliver_together(self, ones: Mapping[str, Delivery], whole: Delivery) -> None:
        """As `deliver` of each of them, which are of one acting and lead to nothing else; by the one call `whole` as
        far as its receiver takes them: it answers with the Ids that it refused, as they stand in `ones`, under
        Failed."""
        ...

    def pending(self) -> int:
        """How many are queued."""
        ...


def with_bytes(value: Any) -> Any:
    """Params as their operation takes them."""
    if isinstance(value, dict):
        if value.keys() == {_BLOB}:
            return base64.b64decode(value[_BLOB])
        return {name: with_bytes(item) for name, item in value.items()}
    return [with_bytes(item) for item in value] if isinstance(value, list) else value


def unpacked(spec: Doc) -> tuple[Delivery, int]:
    """The delivery of a row, and how many others led to it."""
    given: dict[str, Any] = dict(spec)
    led = int(given.pop("hops"))
    given["acting"] = Acting(**given["acting"])
    given["retry"] = Retry(**{**given["retry"], "pauses": tuple(given["retry"]["pauses"])})
    given["counted"] = None if given["counted"] is None else Counted(**given["counted"])
    return Delivery(**given), led


def addressed(one: Delivery, dead: Doc, why: Worth, tries: int) -> Doc:
    """The dead letter with the reason in its message attributes."""
    params = dict(dead["params"])
    exhausted = "MaximumRetryAttempts" if tries > one.retry.attempts else "MaximumEventAgeInSeconds"
    said = {
        "{error_code}": why.code or "-",
        "{error_message}": why.message or "-",
        "{retries}": str(tries - 1),
        "{exhausted}": exhausted if why.again else "",
    }
    attributes = {}
    for name, given in params.get("MessageAttributes", {}).items():
        text = given.get("StringValue")
        if text is None:
            attributes[name] = given
        elif filled := said.get(text, text):
            attributes[name] = {**given, "StringValue": filled}
    params["MessageAttributes"] = attributes
    return {**dead, "params": params}
