"""How a service declares its operations, and what a handler is given."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from clary.aws.access import Ask, Asks, anywhere
from clary.aws.credentials import Principal
from clary.aws.doors import Door, Finish
from clary.aws.errors import AccessDenied
from clary.aws.policy.decision import Decision
from clary.aws.refusals import Family
from clary.kernel.clock import Clock
from clary.kernel.resource import Doc
from clary.kernel.store import Store

T = TypeVar("T")
Handler = Callable[["Context", Doc], Awaitable[Doc]]
Caller = Callable[["Context", str, str, Doc], Awaitable[Doc]]
DENIED: Mapping[Family, str] = {"json": "AccessDeniedException", "query": "AccessDenied", "s3": "AccessDenied"}
"""What a denied request is called."""


class Authority(Protocol):
    """Who knows the policies."""

    def decide(self, ctx: "Context", ask: Ask) -> Decision: ...

    def trusts(self, ctx: "Context", ask: Ask, trust: str) -> Decision: ...


@dataclass(frozen=True, slots=True)
class Context:
    """The request at hand and the ports that its handler may use."""

    account: str
    region: str
    principal: Principal
    request_id: str
    store: Store
    clock: Clock
    ports: Mapping[type, Any]
    """Engines by the protocol that they fulfil; read with `port`."""
    caller: Caller
    headers: Mapping[str, str] = field(default_factory=dict)
    """Request headers in lower case; empty for calls from inside."""
    family: Family = "json"
    """How the operation's service calls its errors."""
    origin: Mapping[str, str] = field(default_factory=dict)
    """Where the request came from, as condition keys in lower case ("aws:sourceip" ...)."""
    authority: Authority | None = None
    """None: root may do everything, nobody else anything."""
    gone: Callable[[], Awaitable[None]] | None = None
    """Returns when the client has hung up, for handlers that wait for something; None: a call from inside."""

    def port(self, kind: type[T]) -> T:
        """The engine behind a port, for example `ctx.port(ObjectStore)`."""
        found: T = self.ports[kind]
        return found

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def decide(self, ask: Ask) -> Decision:
        """What the policies say of the caller and `ask`, under the circumstances of this request."""
        if self.principal.kind == "root" and self.principal.account == self.account:
            return Decision("allowed")
        if self.authority is None:
            return Decision("implicitDeny", f"because no identity-based policy allows the {ask.action} action")
        return self.authority.decide(self, ask)

    def trusted_by(self, trust: str, ask: Ask) -> Decision:
        """May the caller do `ask` (sts:AssumeRole, sts:TagSession) to the role of that trust policy (JSON)? Root of the
        home may assume every role."""
        if self.principal.kind == "root" and self.principal.account == self.account:
            return Decision("allowed")
        if self.authority is None:
            return Decision("implicitDeny", f"because no resource-based policy allows the {ask.action} action")
        return self.authority.trusts(self, ask, trust)

    def allowed(self, ask: Ask) -> bool:
        return self.decide(ask).allowed

    def require(self, *asks: Ask) -> None:
        """Raises AccessDenied in AWS's words unless every ask is allowed."""
        for ask in asks:
            decision = self.decide(ask)
            if not decision.allowed:
                raise denied(self, ask, decision)

    async def call(self, service: str, operation: str, params: Doc) -> Doc:
        """Another service's operation, in process: same validation, same authorisation, no HTTP."""
        return await self.caller(self, service, operation, params)


def denied(ctx: Context, ask: Ask, decision: Decision) -> AccessDenied:
    """The refusal of one ask, in AWS's words."""
    message = "Access Denied"  # Nobody in particular is told nothing in particular.
    if ctx.principal.kind != "anonymous":
        message = (
            f"User: {ctx.principal.arn} is not authorized to perform: {ask.action} on resource: {ask.resource} "
            f"{decision.because}"
        )
    return AccessDenied(message, code=DENIED[ctx.family])


class Service:
    """The operations that Clary serves of one AWS service. `name` is botocore's, for example "sagemaker-runtime";
    `prefix` is what its actions begin with in policies, for example "sagemaker"; None: the name."""

    def __init__(self, name: str, *, prefix: str | None = None) -> None:
        self.name = name
        self.prefix = name if prefix is None else prefix
        self.accesses: dict[str, Asks] = {}
        self.handlers: dict[str, Handler] = {}
        self.ignored: dict[str, tuple[str, ...]] = {}
        self.stored: set[str] = set()
        self.data_events: set[str] = set()
        self.doors: list[Door] = []
        self.finishers: list[Finish] = []

    def operation(
        self, name: str, *, ignores: tuple[str, ...] = (), stored: bool = False
    ) -> Callable[[Handler], Handler]:
        """Register the handler of the operation `name`. `ignores` names request members that are accepted and stored
        but change nothing; `stored` says that the whole operation is only remembered and answered again. The coverage
        table shows both."""

        def register(handler: Handler) -> Handler:
            if name in self.handlers:
                raise ValueError(f"{self.name}: the operation {name} has two handlers")
            self.handlers[name] = handler
            self.ignored[name] = ignores
            if stored:
                self.stored.add(name)
            return handler

        return register

    def data_event(self, *operations: str) -> None:
        """These are about data, not about what holds it: the audit passes them over, as AWS's does by default."""
        self.data_events.update(operations)

    def door(self, door: Door) -> None:
        """Every request that the door wants is answered by it and not routed."""
        self.doors.append(door)

    def finish(self, finish: Finish) -> None:
        """Every answer is shown to `finish`, which may add headers to it."""
        self.finishers.append(finish)

    def access(self, operation: str, asks: Asks | None = None) -> None:
        """Say what the operation asks of the policies before it runs; None: `<prefix>:<operation>` on "*"."""
        if operation in self.accesses:
            raise ValueError(f"{self.name}: the access of the operation {operation} is said twice")
        self.accesses[operation] = asks or anywhere(f"{self.prefix}:{operation}")

    def asks(self, operation: str) -> Asks:
        """What the operation asks; the default where nothing was said. (A test wants every operation said.)"""
        return self.accesses.get(operation) or anywhere(f"{self.prefix}:{operation}")
