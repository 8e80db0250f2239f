"""An instance of several containers: an inference pipeline, or containers of which each request names one.

It is a `Server` over an `Instance` a container, so queues, connections and the rule of what is sent again are those of
any model server. A request whose next container cannot be reached begins anew in another instance: containers before
that one may see it twice, its client gets one answer.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from clary.engines.serving.base import STAGES, Reply
from clary.engines.serving.exchange import Exchange, model_head
from clary.engines.serving.faults import InferenceError, ModelTimeout, NoAnswer, Overloaded, timed_out
from clary.engines.serving.instance import Instance, Limits
from clary.engines.serving.targets import HOST

if TYPE_CHECKING:
    from clary.engines.serving.server import Server
    from clary.engines.serving.upstream import Connection

_ALONG: Final = ("x-amzn-sagemaker-custom-attributes", "x-amzn-sagemaker-inference-id")
"""What every container of a pipeline is told as the request says it."""


class Stages:
    """Implements `Server`. `hosts` are the containers' names, in order; `direct`: a request is for one of them."""

    def __init__(self, address: str, hosts: Sequence[str], direct: bool, limits: Limits) -> None:
        self.address = address
        self.outstanding = 0
        self.turn = 0
        self.down_until = 0.0
        self.direct = direct
        self.stages = [Instance(one, limits) for one in address.split(STAGES)]
        self.hosts = [*hosts, *(f"container-{place + 1}" for place in range(len(hosts), len(self.stages)))]
        self._passages: dict[Exchange, Passage] = {}
        self._retired = False

    gathering = False

    @property
    def full(self) -> bool:
        return not self.direct and any(one.full for one in self.stages)

    @property
    def has_idle(self) -> bool:
        return any(one.has_idle for one in self.stages)

    def submit(self, exchange: Exchange) -> None:
        """It is on its way through the containers; of a direct one, to the container that it names."""
        self.outstanding += 1
        first = self.hosts.index(exchange.headers[HOST]) if self.direct else 0
        passage = self._passages[exchange] = Passage(self, exchange, first)
        passage.enter()

    def leave(self, exchange: Exchange) -> None:
        passage = self._passages[exchange]
        if isinstance(exchange.error, ModelTimeout):
            exchange.error = timed_out(passage.host)
        self.forget(passage)
        passage.stage.leave(passage)
        self.settle()

    def sweep(self, now: float) -> None:
        for one in self.stages:
            one.sweep(now)

    def retire(self) -> None:
        """What has been through the first container goes on to the last one, here."""
        self._retired = True
        for one in self.stages if self.direct else self.stages[:1]:
            one.retire()
        self.settle()

    def close(self) -> None:
        for one in self.stages:
            one.close()

    def forget(self, passage: "Passage") -> None:
        del self._passages[passage.exchange]
        passage.done = True
        self.outstanding -= 1

    def settle(self) -> None:
        if self._retired and not self._passages:
            for one in self.stages:
                one.retire()


class Passage:
    """One exchange on its way through the containers of one instance: what each of them is sent in turn."""

    __slots__ = ("_sent", "body", "done", "exchange", "headers", "owner", "place")

    def __init__(self, owner: Stages, exchange: Exchange, place: int) -> None:
        self.owner = owner
        self.exchange = exchange
        self.place = place
        self.done = False
        self.body = exchange.body
        self.headers: Mapping[str, str] = exchange.headers
        self._sent = 0.0
        if not self._last:
            self.headers = {name: value for name, value in exchange.headers.items() if name != "accept"}

    @property
    def stage(self) -> Instance:
        return self.owner.stages[self.place]

    @property
    def host(self) -> str:
        return self.owner.hosts[self.place]

    @property
    def _last(self) -> bool:
        return self.owner.direct or self.place == len(self.owner.stages) - 1

    def enter(self) -> None:
        """The container at hand gets it."""
        if self.stage.full:
            self._ended(error=Overloaded(f"The container {self.host} is busy; try again."))
        else:
            self.stage.submit(self)

    # What a connection and an instance see.

    @property
    def head(self) -> bytes:
        return model_head(self.headers, len(self.body))

    @property
    def sent(self) -> float:
        return self._sent

    @sent.setter
    def sent(self, at: float) -> None:
        self._sent = at
        if self.exchange.sent == 0.0:
            self.exchange.sent = at  # the model's latency is that of all containers

    @property
    def taker(self) -> "Passage | None":
        return self if self.exchange.sink is not None and self._last else None

    def opened(self, connection: "Connection", reply: Reply) -> None:
        self.exchange.opened(connection, reply)

    def part(self, data: bytes) -> None:
        self.exchange.part(data)

    def answered(self, connection: "Connection", reply: Reply) -> None:
        self.stage.answered(connection, reply)
        if self._last or not 200 <= reply.status < 300:
            variant = self.exchange.variant
            self._ended(Reply(reply.status, reply.headers, reply.body, variant, container=self.host))
            return
        self.place += 1
        self.body = reply.body
        self.headers = self._onward(reply)
        self._sent = 0.0
        self.enter()

    def broken(self, connection: "Connection", reached: bool, why: str) -> None:
        repeated = reached and self.exchange.again(connection, self.stage)
        self.stage.forget_idle()
        self.stage.finished(connection, keep=False)
        if reached and not repeated:
            self._ended(error=NoAnswer(why))
        elif repeated or connection.fresh:
            self._elsewhere()
        else:
            self.enter()  # a connection that had gone stale says nothing about the container

    def unreachable(self, instance: "Server") -> None:
        self._elsewhere()

    def _onward(self, reply: Reply) -> Mapping[str, str]:
        """The next container's request: the answer's content type, and of the client's what is for all or the last."""
        asked = self.exchange.headers
        found = {name: asked[name] for name in _ALONG if name in asked}
        if "content-type" in reply.headers:
            found["content-type"] = reply.headers["content-type"]
        if self._last and "accept" in asked:
            found["accept"] = asked["accept"]
        return found

    def _elsewhere(self) -> None:
        """Another instance gets the request as the client sent it: no answer of this one has left it."""
        exchange = self.exchange
        self.owner.down_until = self.stage.down_until
        self._detach()
        exchange.sent = 0.0
        exchange.tried = (*exchange.tried, self.owner)
        exchange.owner.place(exchange)

    def _ended(self, reply: Reply | None = None, error: InferenceError | None = None) -> None:
        exchange = self.exchange
        if error is not None:
            error.container = self.host
        exchange.reply, exchange.error = reply, error
        self._detach()
        exchange.owner.end(exchange)

    def _detach(self) -> None:
        self.exchange.upstream = None
        self.exchange.instance = None
        self.owner.forget(self)
        self.owner.settle()
