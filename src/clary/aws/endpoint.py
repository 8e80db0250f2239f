"""Where clients reach this server, for answers that hold an address of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clary.aws.hosts import endpoint_prefix_of

_UNKNOWN: Final = "http://127.0.0.1:4810"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The port: the address that this server has for those who have not called it yet."""

    url: str = _UNKNOWN


def as_seen(headers: Mapping[str, str], otherwise: Endpoint | None) -> str:
    """The address of this server as the client of a request wrote it, without "/" at its end; of a call from inside,
    the server's own."""
    host = headers.get("host", "")
    if not host:
        return (otherwise or Endpoint()).url
    # A host of AWS's was reached through the proxy of `clary run`, which speaks TLS.
    return f"https://{host}" if endpoint_prefix_of(host) is not None else f"http://{host}"
