"""One inference on its way from a router to a model and back."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from clary.engines.serving.base import NoInstance, NoRoute, Reply
from clary.engines.serving.faults import InferenceError, NoAnswer
from clary.engines.serving.instance import MOST_RESENT, Instance
from clary.engines.serving.routes import RouteKey
from clary.engines.serving.server import Server
from clary.engines.serving.upstream import Connection

MODEL = "x-amzn-sagemaker-target-model"
PASSED_ON = ("content-type", "accept", "x-amzn-sagemaker-custom-attributes", "x-amzn-sagemaker-inference-id", MODEL)
"""Request headers that reach the model, as AWS documents; all others are stripped."""


def model_head(headers: Mapping[str, str], length: int) -> bytes:
    """The head of the request that the model sees. `headers` are in lower case, and `check_headers` has seen them."""
    lines = ["POST /invocations HTTP/1.1", "host: localhost", f"content-length: {length}"]
    for name in PASSED_ON:
        value = headers.get(name)
        if value is not None:
            lines.append(f"{name}: {value}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises ValueError when one that is passed on holds a line break. What was read off the wire cannot."""
    for name in PASSED_ON:
        value = headers.get(name)
        if value is not None and ("\r" in value or "\n" in value):
            raise ValueError(f"the header {name} holds a line break")


class Owner(Protocol):
    """Who decides where an exchange goes, and hears of its end."""

    def place(self, exchange: "Exchange") -> None:
        """Give it to an instance, or let it wait for one, or end it with the reason why not."""
        ...

    def opened(self, exchange: "Exchange") -> None:
        """The model has begun its answer, and sends it in parts."""
        ...

    def end(self, exchange: "Exchange") -> None: ...


class Sink(Protocol):
    """Who takes a good answer in parts. The end is told to `Exchange.told`, as that of any other."""

    def opened(self, exchange: "Exchange", reply: Reply) -> None:
        """`reply` is the answer's head; its body is empty."""
        ...

    def part(self, data: bytes) -> None: ...


class Exchange:
    """Ends once, with `reply` or `error`, and then calls `told`."""

    # What most exchanges never change stands in the class: making one is on the way of every request.
    sink: Sink | None = None
    """Who takes the answer in parts; None: it is wanted whole."""
    upstream: Connection | None = None
    """The connection on which the parts come."""
    variant = ""
    instance: Server | None = None
    tried: tuple[Server, ...] = ()
    """Instances that could not be reached since it last waited for one."""
    resent = 0
    """How often a worker of compiled models, or a repeatable server, went away with it and gave no answer."""
    parked = 0.0
    """Loop time at which it first found no instance; 0: it never did."""
    started = 0.0
    """`time.perf_counter` at its arrival."""
    sent = 0.0
    """`time.perf_counter` when it was written to a model server; 0: it is not."""
    deadline = 0.0
    """Loop time."""
    done = False
    reply: Reply | None = None
    error: InferenceError | NoRoute | NoInstance | None = None
    told: "Callable[[Exchange], None] | None" = None

    def __init__(
        self,
        owner: Owner,
        key: RouteKey,
        headers: Mapping[str, str],
        body: bytes,
        wanted: str | None,
        sink: Sink | None = None,
    ) -> None:
        self.owner = owner
        self.key = key
        self.headers = headers
        """In lower case, of the request."""
        self.body = body
        self.wanted = wanted
        """The variant that the request names."""
        if sink is not None:
            self.sink = sink

    # Who takes the parts may be slower than the model.

    def pause(self) -> None:
        if self.upstream is not None:
            self.upstream.pause()

    def resume(self) -> None:
        if self.upstream is not None:
            self.upstream.resume()

    # What a connection and an instance call.

    @property
    def head(self) -> bytes:
        """Of the request that a model server sees."""
        return model_head(self.headers, len(self.body))

    @property
    def taker(self) -> "Exchange | None":
        return None if self.sink is None else self

    def opened(self, connection: Connection, reply: Reply) -> None:
        assert self.sink is not None
        self.upstream = connection
        self.owner.opened(self)
        self.sink.opened(self, replace(reply, variant=self.variant))

    def part(self, data: bytes) -> None:
        assert self.sink is not None
        self.sink.part(data)

    def answered(self, connection: Connection, reply: Reply) -> None:
        self.upstream = None
        instance, self.instance = self.instance, None
        assert isinstance(instance, Instance)
        instance.answered(connection, reply)
        self.reply = Reply(reply.status, reply.headers, reply.body, self.variant)
        self.owner.end(self)

    def again(self, connection: Connection, instance: Instance) -> bool:
        """What was lost with the connection is asked once more: the instance's answers are repeatable, and none of this
        one has gone on to the client."""
        if not (connection.lost and instance.repeatable) or self.upstream is not None or self.resent >= MOST_RESENT:
            return False
        self.resent += 1
        return True

    def broken(self, connection: Connection, reached: bool, why: str) -> None:
        instance, self.instance = self.instance, None
        assert isinstance(instance, Instance)
        repeated = reached and self.again(connection, instance)
        self.upstream = None
        instance.forget_idle()
        instance.finished(connection, keep=False)
        if reached and not repeated:
            self.error = NoAnswer(why)
            self.owner.end(self)
            return
        self.sent = 0.0
        if connection.fresh:  # one that had gone stale says nothing about the instance: it gets another chance
            self.tried = (*self.tried, instance)
        self.owner.place(self)

    def unreachable(self, instance: Server) -> None:
        self.instance = None
        self.tried = (*self.tried, instance)
        self.owner.place(self)
