"""How a service declares its operations, and what a handler is given."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from clary.aws.credentials import Principal
from clary.kernel.clock import Clock
from clary.kernel.resource import Doc
from clary.kernel.store import Store

T = TypeVar("T")
Handler = Callable[["Context", Doc], Awaitable[Doc]]
Caller = Callable[["Context", str, str, Doc], Awaitable[Doc]]


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

    def port(self, kind: type[T]) -> T:
        """The engine behind a port, for example `ctx.port(ObjectStore)`."""
        found: T = self.ports[kind]
        return found

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    async def call(self, service: str, operation: str, params: Doc) -> Doc:
        """Another service's operation, in process: same validation, same authorisation, no HTTP."""
        return await self.caller(self, service, operation, params)


class Service:
    """The operations that Clary serves of one AWS service. `name` is botocore's, for example "sagemaker-runtime"."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.handlers: dict[str, Handler] = {}
        self.ignored: dict[str, tuple[str, ...]] = {}
        self.stored: set[str] = set()

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
