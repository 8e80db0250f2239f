"""From an endpoint's name to a model's answer: variant by weight, instance by least outstanding requests."""

import asyncio
import logging
import random
import time
from bisect import bisect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate

from clary.engines.serving.base import NoInstance, NoRoute, Reply, Route
from clary.engines.serving.faults import InferenceError, ModelTimeout, NoAnswer, NoTraffic, Overloaded, UnknownVariant
from clary.engines.serving.instance import Instance, Limits
from clary.engines.serving.routes import RouteKey, Table
from clary.engines.serving.upstream import Connection

logger = logging.getLogger(__name__)

TARGET_VARIANT = "x-amzn-sagemaker-target-variant"
PASSED_ON = ("content-type", "accept", "x-amzn-sagemaker-custom-attributes", "x-amzn-sagemaker-inference-id")
"""Request headers that reach the model, as AWS documents; all others are stripped."""
TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container, resolve the issue, and try again."
)
SWEEP_SECONDS = 1.0


def model_head(headers: Mapping[str, str], length: int) -> bytes:
    """The head of the request that the model sees. `headers` are in lower case. Raises ValueError on a line break."""
    lines = ["POST /invocations HTTP/1.1", "host: localhost", f"content-length: {length}"]
    for name in PASSED_ON:
        value = headers.get(name)
        if value is not None:
            if "\r" in value or "\n" in value:
                raise ValueError(f"the header {name} holds a line break")
            lines.append(f"{name}: {value}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass(slots=True)
class Variant:
    name: str
    weight: float
    instances: list[Instance]


class Endpoint:
    """One route, with its pools."""

    def __init__(self, name: str, variants: list[Variant]) -> None:
        self.name = name
        self.variants = variants
        self.single = variants[0].instances[0] if len(variants) == 1 and len(variants[0].instances) == 1 else None


class Exchange:
    """One inference on its way. Ends once, with `reply` or `error`, and then calls `told`."""

    __slots__ = (
        "body",
        "deadline",
        "done",
        "error",
        "head",
        "instance",
        "key",
        "parked",
        "reply",
        "router",
        "sent",
        "started",
        "told",
        "tried",
        "variant",
        "wanted",
    )

    def __init__(self, router: "Router", key: RouteKey, head: bytes, body: bytes, wanted: str | None) -> None:
        self.router = router
        self.key = key
        self.head = head
        self.body = body
        self.wanted = wanted
        self.variant = ""
        self.instance: Instance | None = None
        self.tried: set[Instance] = set()
        self.parked = 0.0
        """Loop time at which it first found no instance; 0: it never did."""
        self.started = 0.0
        self.sent = 0.0
        """Loop time at which it was written to a model server; 0: it is not."""
        self.deadline = 0.0
        self.done = False
        self.reply: Reply | None = None
        self.error: InferenceError | NoRoute | NoInstance | None = None
        self.told: Callable[[Exchange], None] | None = None

    # What a connection and an instance call.

    def answered(self, connection: Connection, reply: Reply) -> None:
        instance, self.instance = self.instance, None
        assert instance is not None
        instance.finished(connection, keep=True)
        self.reply = replace(reply, variant=self.variant)
        self.router.end(self)

    def broken(self, connection: Connection, reached: bool, why: str) -> None:
        instance, self.instance = self.instance, None
        assert instance is not None
        instance.forget_idle()
        instance.finished(connection, keep=False)
        if reached:
            self.error = NoAnswer(why)
            self.router.end(self)
            return
        self.sent = 0.0
        if connection.fresh:
            self.tried.add(instance)  # one that had gone stale says nothing about the instance: it gets another chance
        self.router.place(self)

    def unreachable(self, instance: Instance) -> None:
        self.instance = None
        self.tried.add(instance)
        self.router.place(self)


class Router:
    """`take` a table, then `dispatch`. Instances keep their connections across tables. Belongs to one event loop."""

    def __init__(self, limits: Limits | None = None, choose: Callable[[], float] = random.random) -> None:
        self.limits = limits or Limits()
        self.generation = -1
        self._choose = choose
        """A number in [0, 1): which share of the weights gets the next request."""
        self._loop = asyncio.get_running_loop()
        self._routes: Mapping[RouteKey, Route] = {}
        self._endpoints: dict[RouteKey, Endpoint] = {}
        self._instances: dict[str, Instance] = {}
        self._flying: dict[Exchange, None] = {}
        """In order of their deadlines, as all have the same time."""
        self._parked: list[Exchange] = []
        self._turn = 0
        self._retry: asyncio.TimerHandle | None = None
        self._sweep: asyncio.TimerHandle | None = None

    def serves(self, account: str, region: str, endpoint: str) -> Route | None:
        """The route that is taken up; None: the endpoint is not served."""
        return self._routes.get((account, region, endpoint))

    @property
    def in_flight(self) -> int:
        return len(self._flying)

    def take(self, table: Table) -> None:
        """From now on these routes are served, and no others. Requests that were sent are finished where they are."""
        instances: dict[str, Instance] = {}

        def instance(address: str) -> Instance:
            if address not in instances:
                instances[address] = self._instances.get(address) or Instance(address, self.limits)
            return instances[address]

        self._endpoints = {
            key: Endpoint(
                key[2], [Variant(one.name, one.weight, [instance(a) for a in one.addresses]) for one in route.variants]
            )
            for key, route in table.routes.items()
        }
        old, self._instances = self._instances, instances
        self._routes = table.routes
        self.generation = table.generation
        for address, unwanted in old.items():
            if address not in instances:
                unwanted.retire()
        self._retry_parked()

    def dispatch(
        self, key: RouteKey, headers: Mapping[str, str], body: bytes, told: Callable[[Exchange], None]
    ) -> Exchange:
        """Send the request on its way; `told` is called once, now or later. `headers` are in lower case.

        Raises ValueError when a header cannot be passed on."""
        exchange = Exchange(self, key, model_head(headers, len(body)), body, headers.get(TARGET_VARIANT))
        exchange.told = told
        exchange.started = time.perf_counter()
        exchange.deadline = self._loop.time() + self.limits.answer_seconds
        self._flying[exchange] = None
        if self._sweep is None:
            self._sweep = self._loop.call_later(SWEEP_SECONDS, self._swept)
        self.place(exchange)
        return exchange

    async def invoke(self, key: RouteKey, headers: Mapping[str, str], body: bytes) -> Reply:
        """The model's answer, whatever its status. Raises NoRoute, NoInstance or an InferenceError."""
        ended: asyncio.Future[None] = self._loop.create_future()

        def told(_: Exchange) -> None:
            if not ended.done():
                ended.set_result(None)

        exchange = self.dispatch(key, headers, body, told)
        try:
            await ended
        except asyncio.CancelledError:
            self.drop(exchange)
            raise
        if exchange.error is not None:
            raise exchange.error
        assert exchange.reply is not None
        return exchange.reply

    def drop(self, exchange: Exchange) -> None:
        """Nobody waits for the answer any more. What is not sent yet is not sent; `told` is not called."""
        exchange.told = None
        if not exchange.done and exchange.sent == 0.0:
            self._give_up(exchange)

    def close(self) -> None:
        for timer in (self._retry, self._sweep):
            if timer is not None:
                timer.cancel()
        for exchange in list(self._flying):
            self._fail(exchange, NoInstance("the server is shutting down"))
        for instance in self._instances.values():
            instance.close()

    def sweep(self, now: float) -> None:
        """Whatever is past its time at `now` is ended, and connections that idle too long are closed."""
        for exchange in list(self._flying):
            if exchange.deadline > now:
                break
            self._fail(exchange, ModelTimeout(TIMED_OUT))
        for instance in self._instances.values():
            instance.sweep(now)

    # What an exchange calls.

    def place(self, exchange: Exchange) -> None:
        """Give it to an instance, or let it wait for one, or end it with the reason why not."""
        try:
            instance = self._pick(exchange)
        except (InferenceError, NoRoute) as error:
            exchange.error = error
            self.end(exchange)
            return
        if instance is None:
            self._park(exchange)
            return
        exchange.instance = instance
        instance.submit(exchange)

    def end(self, exchange: Exchange) -> None:
        exchange.done = True
        self._flying.pop(exchange, None)
        if exchange.told is not None:
            exchange.told(exchange)

    # Choosing.

    def _pick(self, exchange: Exchange) -> Instance | None:
        endpoint = self._endpoints.get(exchange.key)
        if endpoint is None:
            raise NoRoute(exchange.key[2])
        single = endpoint.single
        if single is not None and exchange.wanted is None and not exchange.tried and not single.full:
            if endpoint.variants[0].weight <= 0:
                raise self._no_traffic(endpoint)
            exchange.variant = endpoint.variants[0].name
            return single
        variants = self._candidates(endpoint, exchange.wanted)
        reachable = [(one, [i for i in one.instances if i not in exchange.tried]) for one in variants]
        reachable = [(one, instances) for one, instances in reachable if instances]
        if not reachable:
            return None
        now = self._loop.time()
        healthy = [(one, [i for i in instances if i.down_until <= now]) for one, instances in reachable]
        # An instance that could not be reached a moment ago is asked only if there is no other; and a variant whose
        # instances are all down gives its share to the others: an answer of another variant is better than none.
        usable = [(one, instances) for one, instances in healthy if instances] or reachable
        variant, instances = self._by_weight(usable, exchange.wanted)
        best = min((i for i in instances if not i.full), key=lambda i: i.outstanding, default=None)
        if best is None:
            raise Overloaded(
                f"Every instance of variant {variant.name} of endpoint {endpoint.name} is busy; try again."
            )
        exchange.variant = variant.name
        return best

    def _candidates(self, endpoint: Endpoint, wanted: str | None) -> list[Variant]:
        if wanted is not None:
            named = [one for one in endpoint.variants if one.name == wanted]
            if not named:
                raise UnknownVariant(f"Variant {wanted} not found for endpoint {endpoint.name}.")
            return named
        weighted = [one for one in endpoint.variants if one.weight > 0]
        if not weighted:
            raise self._no_traffic(endpoint)
        return weighted

    def _no_traffic(self, endpoint: Endpoint) -> NoTraffic:
        return NoTraffic(f"No variant of endpoint {endpoint.name} has a weight above 0; name one as TargetVariant.")

    def _by_weight(
        self, usable: list[tuple[Variant, list[Instance]]], wanted: str | None
    ) -> tuple[Variant, list[Instance]]:
        if wanted is not None or len(usable) == 1:
            return usable[0]
        bounds = list(accumulate(one.weight for one, _ in usable))
        return usable[min(bisect(bounds, self._choose() * bounds[-1]), len(usable) - 1)]

    # Waiting and ending.

    def _park(self, exchange: Exchange) -> None:
        now = self._loop.time()
        exchange.parked = exchange.parked or now
        if now - exchange.parked >= self.limits.patience_seconds:
            message = f"No instance of endpoint {exchange.key[2]} could be reached; try again."
            exchange.error = NoInstance(message)
            self.end(exchange)
        elif len(self._parked) >= self.limits.waiting:
            exchange.error = Overloaded(
                f"Too many requests wait for an instance of endpoint {exchange.key[2]}; try again."
            )
            self.end(exchange)
        else:
            self._parked.append(exchange)
            if self._retry is None:
                self._retry = self._loop.call_later(self.limits.retry_seconds, self._retry_parked)

    def _retry_parked(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        parked, self._parked = self._parked, []
        for exchange in parked:
            if not exchange.done:
                exchange.tried.clear()
                self.place(exchange)

    def _fail(self, exchange: Exchange, error: InferenceError | NoInstance) -> None:
        exchange.error = error
        self._give_up(exchange)

    def _give_up(self, exchange: Exchange) -> None:
        exchange.done = True
        instance, exchange.instance = exchange.instance, None
        if instance is not None:
            instance.leave(exchange)
        self.end(exchange)

    def _swept(self) -> None:
        self._sweep = None
        self.sweep(self._loop.time())
        if self._flying or any(instance.has_idle for instance in self._instances.values()):
            self._sweep = self._loop.call_later(SWEEP_SECONDS, self._swept)
