"""Whom a request goes to: variant by weight, instance by least outstanding requests."""

from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

from clary.engines.serving.exchange import Exchange
from clary.engines.serving.faults import NoTraffic, Overloaded, UnknownVariant
from clary.engines.serving.server import Server

Share = Callable[[], float]
"""A number in [0, 1): which share of the weights gets the next request."""


@dataclass(slots=True)
class Variant:
    name: str
    weight: float
    instances: list[Server]


class Endpoint:
    """One route, with its pools."""

    wakes = False
    """Its requests wait for an instance to be started, for as long as they may last at all."""

    def __init__(self, name: str, variants: list[Variant]) -> None:
        self.name = name
        self.waiting = 0
        """Requests that wait for an instance; a router counts them anew whenever it tries them again."""
        self._variants = variants
        self._single = variants[0] if len(variants) == 1 and variants[0].weight > 0 else None

    def pick(self, exchange: Exchange, now: float, turn: int, share: Share) -> Server | None:
        """The instance that gets it; its variant is noted in the exchange. None: nobody is left to try. `now` is loop
        time, `turn` rises with every call. Raises UnknownVariant, NoTraffic, Overloaded."""
        only = self._single
        if only is not None and exchange.wanted is None and not exchange.tried:
            for one in only.instances:
                if one.gathering and one.down_until <= now:
                    exchange.variant = only.name
                    return one
            best = None
            for one in only.instances:
                # Among equals the one that has rested longest: else the first would get all requests of a lone client.
                if one.down_until <= now and (
                    best is None
                    or one.outstanding < best.outstanding
                    or (one.outstanding == best.outstanding and one.turn < best.turn)
                ):
                    best = one
            if best is not None and not best.full:
                best.turn = turn
                exchange.variant = only.name
                return best
        variants = self._candidates(exchange.wanted)
        reachable = [(one, [i for i in one.instances if i not in exchange.tried]) for one in variants]
        reachable = [(one, instances) for one, instances in reachable if instances]
        if not reachable:
            return None
        healthy = [(one, [i for i in instances if i.down_until <= now]) for one, instances in reachable]
        # An instance that could not be reached a moment ago is asked only if there is no other; and a variant whose
        # instances are all down gives its share to the others: an answer of another variant is better than none.
        usable = [(one, instances) for one, instances in healthy if instances] or reachable
        variant, instances = usable[0] if len(usable) == 1 else _by_weight(usable, share)
        best = min((i for i in instances if not i.full), key=lambda i: (i.outstanding, i.turn), default=None)
        if best is None:
            raise Overloaded(f"Every instance of variant {variant.name} of endpoint {self.name} is busy; try again.")
        best.turn = turn
        exchange.variant = variant.name
        return best

    def _candidates(self, wanted: str | None) -> list[Variant]:
        if wanted is not None:
            named = [one for one in self._variants if one.name == wanted]
            if not named:
                raise UnknownVariant(f"Variant {wanted} not found for endpoint {self.name}.")
            return named
        weighted = [one for one in self._variants if one.weight > 0]
        if not weighted:
            raise NoTraffic(f"No variant of endpoint {self.name} has a weight above 0; name one as TargetVariant.")
        return weighted


def _by_weight(usable: list[tuple[Variant, list[Server]]], share: Share) -> tuple[Variant, list[Server]]:
    bounds = list(accumulate(one.weight for one, _ in usable))
    return usable[min(bisect(bounds, share() * bounds[-1]), len(usable) - 1)]
