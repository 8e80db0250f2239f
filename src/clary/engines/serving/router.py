"""From an endpoint's name to a model's answer: what is served, what is on its way, what waits, and until when."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from clary.engines.serving.base import STAGES, NoInstance, NoRoute, Reply, Route, RouteVariant
from clary.engines.serving.choosing import Endpoint, Share, Variant
from clary.engines.serving.collected import Collected
from clary.engines.serving.exchange import MODEL, Exchange, Sink, check_headers
from clary.engines.serving.faults import BadTarget, InferenceError, ModelTimeout, Overloaded
from clary.engines.serving.graphs.link import GRAPH, Links
from clary.engines.serving.graphs.local import Holder, nearest
from clary.engines.serving.instance import Instance, Limits
from clary.engines.serving.kinds import endpoint_of
from clary.engines.serving.paths import wake_socket
from clary.engines.serving.routes import RouteKey, Table
from clary.engines.serving.server import Server
from clary.engines.serving.shadowing import Shadowing
from clary.engines.serving.stages import Stages
from clary.engines.serving.targets import HOST, check
from clary.engines.serving.waking import Waker, WakingEndpoint

logger = logging.getLogger(__name__)

TARGET_VARIANT = "x-amzn-sagemaker-target-variant"
TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container, resolve the issue, and try again."
)
SWEEP_SECONDS = 1.0


class Router:
    """`take` a table, then `dispatch`. Instances keep their connections across tables. Belongs to one event loop."""

    def __init__(
        self,
        limits: Limits | None = None,
        share: Share = random.random,
        sockets: Path | None = None,
        asynchronous: bool = False,
        holder: Holder | None = None,
    ) -> None:
        """`sockets`: where the workers of compiled models and the control process listen, as `paths.socket_dir` gave
        it; None: there are none. `asynchronous`: this router sends what asynchronous endpoints are to work on.
        `holder`: holds compiled models in this process."""
        self._asynchronous = asynchronous
        self._waker = None if sockets is None else Waker(wake_socket(sockets), self._asked)
        self.limits = limits or Limits()
        self._links = Links(sockets, self.limits, holder)
        self.generation = -1
        self._share = share
        self._loop = asyncio.get_running_loop()
        self._routes: Mapping[RouteKey, Route] = {}
        self._endpoints: dict[RouteKey, Endpoint] = {}
        self._instances: dict[str, Server] = {}
        self._flying: dict[Exchange, None] = {}
        """In order of their deadlines, as all have the same time."""
        self._streaming: dict[Exchange, None] = {}
        """Those whose model has begun an answer in parts; in order of their deadlines, too."""
        self._parked: list[Exchange] = []
        self._turn = 0
        self._retry: asyncio.TimerHandle | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._shadowing: Shadowing | None = None
        """None: no endpoint has had a shadow yet."""
        self.copied: Callable[[Exchange], None] | None = None
        """Hears of every copy that a shadow variant has answered, or has not. Set it before the first table."""
        self.ended: Callable[[Exchange], None] | None = None
        """Hears of every exchange that has ended, before who sent it does."""

    def serves(self, account: str, region: str, endpoint: str) -> Route | None:
        """The route that is taken up; None: the endpoint is not served."""
        return self._routes.get((account, region, endpoint))

    @property
    def in_flight(self) -> int:
        return len(self._flying) + len(self._streaming)

    def under_way(self) -> Iterator[Exchange]:
        """Every exchange that has not ended. To be gone through at once."""
        return chain(self._flying, self._streaming)

    def take(self, table: Table) -> None:
        """From now on these routes are served, and no others. Requests that were sent are finished where they are."""
        instances: dict[str, Server] = {}

        def instance(address: str, of: RouteVariant) -> Server:
            if address not in instances:
                instances[address] = self._instances.get(address) or self._made(address, of)
            return instances[address]

        self._endpoints = {
            key: endpoint_of(
                route,
                [
                    Variant(one.name, one.weight, nearest([instance(a, one) for a in one.addresses]))
                    for one in route.variants
                ],
                self._asynchronous,
                self._wake,
            )
            for key, route in table.routes.items()
        }
        self._shadow(table.routes, lambda one: [instance(a, one) for a in one.addresses])
        old, self._instances = self._instances, instances
        self._routes = table.routes
        self.generation = table.generation
        for address, unwanted in old.items():
            if address not in instances:
                unwanted.retire()
        self._retry_parked()

    def dispatch(
        self,
        key: RouteKey,
        headers: Mapping[str, str],
        body: bytes,
        told: Callable[[Exchange], None],
        sink: Sink | None = None,
    ) -> Exchange:
        """Send the request on its way; `told` is called once, now or later. `headers` are in lower case, without line
        breaks. A good answer goes to `sink` in parts, if there is one, before `told` hears of its end."""
        exchange = Exchange(self, key, headers, body, headers.get(TARGET_VARIANT), sink)
        exchange.told = told
        exchange.started = time.perf_counter()
        exchange.deadline = self._loop.time() + self.limits.answer_seconds
        self._flying[exchange] = None
        if self._sweep is None:
            self._sweep = self._loop.call_later(SWEEP_SECONDS, self._swept)
        if MODEL in headers or HOST in headers:
            try:
                check(self._routes.get(key), headers)
            except BadTarget as error:
                exchange.error = error
                self.end(exchange)
                return exchange
        self.place(exchange)
        return exchange

    async def invoke(self, key: RouteKey, headers: Mapping[str, str], body: bytes) -> Reply:
        """The model's answer, whatever its status. Raises NoRoute, NoInstance or an InferenceError; ValueError when a
        header cannot be passed on."""
        check_headers(headers)
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

    async def stream(
        self, key: RouteKey, headers: Mapping[str, str], body: bytes
    ) -> tuple[Reply, AsyncIterator[bytes]]:
        """The head of the model's answer, and the parts of its body as they come; a model's error comes whole, in the
        reply. Raises as `invoke` does; the iterator, which is to be closed, raises an InferenceError when the answer
        breaks off."""
        check_headers(headers)
        taken = Collected(self.abandon)
        taken.exchange = self.dispatch(key, headers, body, taken.told, taken)
        try:
            return await taken.head(), taken.parts()
        except asyncio.CancelledError:
            self.abandon(taken.exchange)
            raise

    def abandon(self, exchange: Exchange) -> None:
        """Nobody takes the rest of the answer: the connection to the model is closed. `told` is not called."""
        exchange.told = None
        if not exchange.done:
            self._give_up(exchange)

    def drop(self, exchange: Exchange) -> None:
        """Nobody waits for the answer any more. What is not sent yet is not sent; `told` is not called."""
        exchange.told = None
        if not exchange.done and exchange.sent == 0.0:
            self._give_up(exchange)

    def close(self) -> None:
        for timer in (self._retry, self._sweep):
            if timer is not None:
                timer.cancel()
        for exchange in [*self._flying, *self._streaming]:
            self._fail(exchange, NoInstance("the server is shutting down"))
        if self._shadowing is not None:
            self._shadowing.close()
        for instance in self._instances.values():
            instance.close()
        self._links.close()
        if self._waker is not None:
            self._waker.close()

    def sweep(self, now: float) -> None:
        """Whatever is past its time at `now` is ended, and connections that idle too long are closed."""
        for ordered in (self._flying, self._streaming):
            for exchange in list(ordered):
                if exchange.deadline > now:
                    break
                self._fail(exchange, ModelTimeout(TIMED_OUT))
        for instance in self._instances.values():
            instance.sweep(now)
        if self._shadowing is not None:
            self._shadowing.sweep(now)

    def _made(self, address: str, of: RouteVariant) -> Server:
        if address.startswith(GRAPH):
            return self._links.instance(address)
        if STAGES in address:
            return Stages(address, of.hosts, of.direct, self.limits)
        return Instance(address, self.limits)

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

    def opened(self, exchange: Exchange) -> None:
        self._flying.pop(exchange, None)
        exchange.deadline = self._loop.time() + self.limits.stream_seconds
        self._streaming[exchange] = None

    def end(self, exchange: Exchange) -> None:
        exchange.done = True
        self._flying.pop(exchange, None)
        self._streaming.pop(exchange, None)
        if self.ended is not None:
            self.ended(exchange)
        if exchange.told is not None:
            exchange.told(exchange)
        if self._shadowing is not None:  # after the caller has its answer
            self._shadowing.copy(exchange)

    def _shadow(self, routes: Mapping[RouteKey, Route], servers: Callable[[RouteVariant], list[Server]]) -> None:
        if self._shadowing is None and any(route.shadows for route in routes.values()):
            self._shadowing = Shadowing(self.limits.answer_seconds, self._share)
            self._shadowing.counted = self.copied
        if self._shadowing is not None:
            self._shadowing.take(routes, servers)

    def _pick(self, exchange: Exchange) -> Server | None:
        endpoint = self._endpoints.get(exchange.key)
        if endpoint is None:
            raise NoRoute(exchange.key[2])
        self._turn += 1
        return endpoint.pick(exchange, self._loop.time(), self._turn, self._share)

    # Waiting and ending.

    def _wake(self) -> None:
        if self._waker is not None:
            self._waker.wake()

    def _asked(self) -> list[tuple[RouteKey, str, int]]:
        """How many requests there are for each serverless variant that was asked since this was called before."""
        found = []
        for key, one in self._endpoints.items():
            if isinstance(one, WakingEndpoint) and ((count := one.concurrent) or one.touched):
                one.touched = False
                found.append((key, one.variant, count))
        return found

    def _park(self, exchange: Exchange) -> None:
        now = self._loop.time()
        exchange.parked = exchange.parked or now
        endpoint = self._endpoints[exchange.key]
        if not endpoint.wakes and now - exchange.parked >= self.limits.patience_seconds:
            message = f"No instance of endpoint {exchange.key[2]} could be reached; try again."
            exchange.error = NoInstance(message)
            self.end(exchange)
        elif not endpoint.wakes and endpoint.waiting >= self.limits.waiting:
            exchange.error = Overloaded(
                f"Too many requests wait for an instance of endpoint {exchange.key[2]}; try again."
            )
            self.end(exchange)
        else:
            endpoint.waiting += 1
            self._parked.append(exchange)
            if self._retry is None:
                self._retry = self._loop.call_later(self.limits.retry_seconds, self._retry_parked)

    def _retry_parked(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        parked, self._parked = self._parked, []
        for exchange in parked:
            if (endpoint := self._endpoints.get(exchange.key)) is not None:
                endpoint.waiting = 0
        for exchange in parked:
            if not exchange.done:
                exchange.tried = ()
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
        copies = self._shadowing is not None and self._shadowing.under_way
        if copies or self._flying or self._streaming or any(instance.has_idle for instance in self._instances.values()):
            self._sweep = self._loop.call_later(SWEEP_SECONDS, self._swept)
