"""What a router knows of an instance, whatever it runs on."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from clary.engines.serving.exchange import Exchange


class Server(Protocol):
    """`outstanding` counts requests that wait here or are being answered; least of it decides the routing."""

    address: str
    outstanding: int
    turn: int
    """When a router last chose it among several, counted in the router's choices."""
    down_until: float
    """Loop time until which the router looks elsewhere first: it could not be reached a moment ago."""

    @property
    def gathering(self) -> bool:
        """It works on little things, and what is submitted now is done together with what waits there already: cheaper
        than elsewhere, and as soon."""
        ...

    @property
    def full(self) -> bool: ...

    @property
    def has_idle(self) -> bool:
        """Something of it wants a `sweep` now and then."""
        ...

    def submit(self, exchange: "Exchange", /) -> None:
        """It is sent as soon as may be. The caller has asked `full` before."""
        ...

    def leave(self, exchange: "Exchange", /) -> None:
        """The router has given it up: it counts no more."""
        ...

    def sweep(self, now: float) -> None: ...

    def retire(self) -> None:
        """No new request comes. What was sent is finished; what only waits goes elsewhere."""
        ...

    def close(self) -> None: ...


Maker = Callable[[str], Server]
"""Of the server behind an address."""
Makers = Mapping[str, Maker]
"""By what an address begins with."""
