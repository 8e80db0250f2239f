"""Which kind of endpoint a route makes."""

from collections.abc import Callable

from clary.engines.serving.base import Route
from clary.engines.serving.choosing import Endpoint, Share, Variant
from clary.engines.serving.exchange import Exchange
from clary.engines.serving.faults import OnlyAsynchronous
from clary.engines.serving.server import Server
from clary.engines.serving.targets import TargetedEndpoint
from clary.engines.serving.waking import WakingEndpoint


class AsynchronousEndpoint(Endpoint):
    """Answers nobody directly: its requests come from its backlog, by a router that is for them."""

    def pick(self, exchange: Exchange, now: float, turn: int, share: Share) -> Server | None:
        """Raises OnlyAsynchronous."""
        raise OnlyAsynchronous(f"Endpoint {self.name} is an asynchronous endpoint: use InvokeEndpointAsync.")


def endpoint_of(route: Route, variants: list[Variant], asynchronous: bool, woken: Callable[[], None]) -> Endpoint:
    """The endpoint of a route. `asynchronous`: it is for the requests of its backlog. `woken` is called whenever there
    is a request for a serverless one."""
    if route.asynchronous and not asynchronous:
        return AsynchronousEndpoint(route.endpoint, variants)
    if any(one.wakes for one in route.variants):
        return WakingEndpoint(route.endpoint, variants, max(one.concurrency for one in route.variants), woken)
    if any(one.direct or one.multi_model for one in route.variants):
        return TargetedEndpoint(route.endpoint, variants, route.variants)
    return Endpoint(route.endpoint, variants)
