"""Requests that name a model of a multi-model endpoint, or a container of one whose containers are invoked directly."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

from clary.engines.serving.base import Route, RouteVariant
from clary.engines.serving.choosing import Endpoint, Share, Variant
from clary.engines.serving.exchange import MODEL, Exchange
from clary.engines.serving.faults import BadTarget
from clary.engines.serving.server import Server

HOST: Final = "x-amzn-sagemaker-target-container-hostname"
LONGEST_MODEL: Final = 1024
UNEVEN: Final = 8
"""How many more requests the instance that has a model may have than another before that one loads the model too."""


def check(route: Route | None, headers: Mapping[str, str]) -> None:
    """Raises BadTarget for a target that no variant of the route understands, in AWS's words."""
    if route is None:
        return
    model = headers.get(MODEL, "")
    if len(model) > LONGEST_MODEL:
        raise BadTarget(
            f"1 validation error detected: Value '{model}' at 'targetModel' failed to satisfy constraint: Member must "
            f"have length less than or equal to {LONGEST_MODEL}"
        )
    if MODEL in headers and not any(one.multi_model for one in route.variants):
        raise BadTarget(
            f"Endpoint {route.endpoint} is not a multi-model endpoint and does not support target model header."
        )
    if HOST in headers and not any(one.direct for one in route.variants):
        raise BadTarget(
            f"Endpoint {route.endpoint} does not support target container hostname header: its containers are not "
            "invoked directly."
        )


class TargetedEndpoint(Endpoint):
    """An endpoint of whose variants some want to be told a model or a container."""

    def __init__(self, name: str, variants: list[Variant], said: Sequence[RouteVariant]) -> None:
        super().__init__(name, variants)
        self._single = None  # every request is looked at
        self._said = {one.name: one for one in said}

    def pick(self, exchange: Exchange, now: float, turn: int, share: Share) -> Server | None:
        """As `Endpoint.pick`; of a multi-model variant mostly the instance that has the model loaded. Raises
        BadTarget."""
        chosen = super().pick(exchange, now, turn, share)
        if chosen is None:
            return None
        said = self._said[exchange.variant]
        if said.direct:
            self._check_host(exchange.headers.get(HOST), said)
        if not said.multi_model:
            return chosen
        model = exchange.headers.get(MODEL)
        if not model:
            raise BadTarget(f"The request is missing a target model header, which endpoint {self.name} needs.")
        return self._holding(model, exchange, now, chosen)

    def _check_host(self, host: str | None, said: RouteVariant) -> None:
        known = ", ".join(said.hosts)
        if not host:
            raise BadTarget(
                f"The request is missing a target container hostname header, which endpoint {self.name} needs: one of "
                f"{known}."
            )
        if host not in said.hosts:
            raise BadTarget(f"Endpoint {self.name} has no container {host!r}; its containers are {known}.")

    def _holding(self, model: str, exchange: Exchange, now: float, least: Server) -> Server:
        """The instance that requests for the model go to as long as it is up and not much busier than the least busy:
        so a model is loaded once, and the instances' memory adds up."""
        usable = [
            one
            for variant in self._variants
            if variant.name == exchange.variant
            for one in variant.instances
            if one.down_until <= now and not one.full and one not in exchange.tried
        ]
        if not usable:
            return least
        home = max(usable, key=lambda one: blake2b(f"{model}\n{one.address}".encode(), digest_size=8).digest())
        return home if home.outstanding <= least.outstanding + UNEVEN else least
