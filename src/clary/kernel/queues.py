"""The port of message queues: what waits to be received, who has it now, and until when."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class NewMessage:
    """What somebody sends."""

    id: str
    """Unique for ever."""
    body: str
    about: bytes = b"{}"
    """What is known of it beside; the store does not look into it."""
    delay: float = 0.0
    """Seconds until it can first be received."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was received, and is now hidden from others for a while."""

    id: str
    body: str
    about: bytes
    handle: str
    """What proves this receipt: needed to delete the message, or to hide it for longer."""
    sent: float
    """Epoch seconds."""
    receives: int
    """How often it was received, this time included."""
    first: float
    """When it was first received: epoch seconds."""
    origin: str
    """The ARN of the queue that it was moved from as undeliverable; ""."""


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Where messages go that were received too often without being deleted."""

    queue: str
    receives: int
    """So often may a message be received; then it is moved."""
    origin: str
    """The ARN of the queue that it comes from."""


@dataclass(frozen=True, slots=True)
class Take:
    """How messages are received."""

    limit: int
    hidden: float
    """Seconds for which nobody else receives them."""
    keep: float
    """Messages that were sent longer ago, in seconds, are gone."""
    dead: DeadLetters | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What is in a queue, exactly."""

    visible: int
    in_flight: int
    """Received, and neither deleted nor visible again."""
    delayed: int
    """Never received, and not yet visible."""
    oldest: float | None = None
    """When the oldest of them was sent: epoch seconds."""


class ForeignHandle(Exception):
    """The handle was not made by this queue."""


class NotInFlight(Exception):
    """The message of that receipt is visible to everybody again."""


class TooLong(Exception):
    """A message would be hidden for longer than LONGEST_SECONDS since it was received."""


LONGEST_SECONDS = 43_200.0


class QueueStore(Protocol):
    """Messages by queue; a queue is the uid of its resource, and there as soon as something is sent to it. Every call
    but `receive` is tens of microseconds, durable across a kill of this process when it returns."""

    def send(self, queue: str, messages: Sequence[NewMessage]) -> None:
        """They are in the queue, together or not at all, and whoever waits for them is woken."""
        ...

    async def receive(self, queue: str, take: Take, wait: float = 0.0) -> list[Message]:
        """Up to `take.limit` messages, those first that could be received first; when there are none, those that come
        within `wait` seconds. Each is hidden from others and has a new handle. A wait costs nothing while it lasts."""
        ...

    def delete(self, queue: str, handles: Sequence[str]) -> int:
        """The messages of these receipts are gone, if nobody has received them since; how many there were. Raises
        ForeignHandle before anything is done."""
        ...

    def hide(self, queue: str, handle: str, seconds: float) -> None:
        """The message is visible again after so many seconds from now. Raises ForeignHandle, NotInFlight, TooLong, and
        kernel.errors.Missing when it is deleted or somebody has received it since."""
        ...

    def counts(self, queue: str) -> Counts: ...

    def expire(self, queue: str, before: float) -> int:
        """Messages sent before that are gone, so few at a time that nobody waits; how many. 0: there are no more."""
        ...

    def purge(self, queue: str) -> None:
        """It is empty, at once."""
        ...

    def move(self, queue: str, target: Callable[[str], str | None], limit: int, task: str) -> int:
        """Up to `limit` visible messages are sent anew, under new ids, to the queue that `target` names for their
        origin; how many were moved. Those that it names None for stay. What is moved is counted under the name `task`
        in the same transaction, and what came after the task began is not moved. 0: there are no more."""
        ...

    def moved(self, task: str) -> int:
        """How many were moved under that name."""
        ...

    def queues(self) -> list[str]:
        """Every queue that something was sent to."""
        ...

    def sweep(self) -> int:
        """Room of purged messages is given back, a bite at a time; how many. 0: there is no more."""
        ...

    def let_go(self) -> None:
        """Whoever waits is answered now, and nobody waits any more."""
        ...

    def close(self) -> None: ...
