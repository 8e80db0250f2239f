"""How often a page may be asked: token buckets, for each client address and for the page as a whole.

What is counted lives in this process and is forgotten with it. Only the peer of the connection counts as an address:
what a header says of others, anybody can write.
"""

import ipaddress
from collections import OrderedDict
from typing import Final

from clary.kernel.clock import Clock

_MOST_CLIENTS: Final = 8192
_WHOLE: Final = 10
"""All clients together may ask so many times as often as one of them."""
_LEAST_BURST: Final = 10
_WRONG_PER_MINUTE: Final = 6
_WRONG_BURST: Final = 5


class Buckets:
    """Token buckets by key. The one that was used least recently is forgotten beyond `most`: it is then full again."""

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock = clock
        self._most = most
        self._held: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def wait(self, key: tuple[str, str], per_minute: float, burst: float) -> float:
        """Seconds until something is in the bucket; 0: now. Takes nothing."""
        return max(0.0, 1.0 - self._level(key, per_minute, burst)) * 60.0 / per_minute

    def take(self, key: tuple[str, str], per_minute: float, burst: float) -> float:
        """Takes one out. Seconds to wait where the bucket is empty; 0: it was not."""
        level, wait = self._level(key, per_minute, burst), self.wait(key, per_minute, burst)
        self._held[key] = (level if wait else level - 1.0, self._clock.ticks())
        self._held.move_to_end(key)
        if len(self._held) > self._most:
            self._held.popitem(last=False)
        return wait

    def _level(self, key: tuple[str, str], per_minute: float, burst: float) -> float:
        level, since = self._held.get(key, (burst, self._clock.ticks()))
        return min(burst, level + (self._clock.ticks() - since) * per_minute / 60.0)


class Gates:
    """The port: who has to wait. `app` is the ARN of a page's role, `address` that of the peer, `rate` a minute."""

    def __init__(self, clock: Clock) -> None:
        self._clients = Buckets(clock, _MOST_CLIENTS)
        self._lookers = Buckets(clock, _MOST_CLIENTS)
        self._guessers = Buckets(clock, _MOST_CLIENTS)
        self._apps = Buckets(clock, _MOST_CLIENTS)

    def asks(self, app: str, address: str, rate: int) -> tuple[float, bool]:
        """Somebody asks the model: (seconds to wait or 0, whether all clients together are too many)."""
        own = self._clients.take((app, client_of(address)), rate, burst_of(rate))
        if own:
            return own, False
        return self._apps.take((app, "asks"), rate * _WHOLE, burst_of(rate * _WHOLE)), True

    def looks(self, app: str, address: str, rate: int) -> float:
        """Somebody looks at what the page is about: seconds to wait, or 0."""
        at_least = max(rate, 60)
        return self._lookers.take((app, client_of(address)), at_least, burst_of(at_least))

    def may_try(self, app: str, address: str) -> float:
        """Seconds until that address may show a token again; 0: now."""
        return self._guessers.wait((app, client_of(address)), _WRONG_PER_MINUTE, _WRONG_BURST)

    def guessed(self, app: str, address: str) -> None:
        """It has shown a wrong one."""
        self._guessers.take((app, client_of(address)), _WRONG_PER_MINUTE, _WRONG_BURST)


def burst_of(rate: int) -> float:
    """So many at once after a rest."""
    return max(_LEAST_BURST, rate / 6)


def client_of(address: str) -> str:
    """One client: an IPv4 address, or the network that a client of IPv6 has for itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
