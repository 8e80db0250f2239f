"""The port of the web: what services may send to addresses outside Clary."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WebAnswer:
    status: int
    body: bytes
    """Its first 64 KB."""


class WebRefused(Exception):
    """Nothing may be sent to that address. Sending it again will not help."""


class WebFailed(Exception):
    """Nobody answered: no connection, no name, out of time, or a broken answer. Sending it again may help."""


class Web(Protocol):
    async def check(self, url: str) -> None:
        """Something may be sent there. Raises WebRefused; an address that nobody knows now is no reason."""
        ...

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> WebAnswer:
        """What the address answered within `seconds`. Addresses do not wait for each other: one that is slow holds up
        only what goes to itself. Raises WebRefused, WebFailed."""
        ...
