"""Calls from one service to another: the public operation, checked and authorised alike, without HTTP."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

from clary.aws.audit import Auditor, Hearing
from clary.aws.authorize import Authorizer
from clary.aws.body import Body, of_bytes
from clary.aws.codec import without_reserved
from clary.aws.credentials import Principal
from clary.aws.model import Operation
from clary.aws.refusals import Family
from clary.aws.route import Call, Router
from clary.aws.service import Context
from clary.aws.shapes import Check, compile_check
from clary.kernel.clock import Clock
from clary.kernel.resource import Doc
from clary.kernel.store import Store

_NOTHING: Final[Mapping[str, str]] = {}
ORIGIN_INSIDE: Final[Mapping[str, str]] = {"aws:viaawsservice": "true", "aws:securetransport": "true"}
"""What policies may ask of a call that never was on a wire."""


class Wanted(NamedTuple):
    """A public operation and its request."""

    service: str
    operation: str
    params: Doc


class Inside:
    """Makes contexts, and is what `Context.call` goes through."""

    def __init__(
        self,
        router: Router,
        authorizer: Authorizer,
        store: Store,
        clock: Clock,
        ports: Mapping[type, Any],
        account: str,
    ) -> None:
        self._authorizer = authorizer
        self._router = router
        self._store = store
        self._clock = clock
        self._ports = ports
        self._account = account
        self.auditor: Auditor | None = None
        """Hears of every call; set by the gateway."""
        self._checks: dict[tuple[str, str], Check] = {}

    def context(
        self,
        principal: Principal,
        region: str,
        request_id: str,
        *,
        headers: Mapping[str, str] = _NOTHING,
        family: Family = "json",
        origin: Mapping[str, str] = ORIGIN_INSIDE,
        gone: Callable[[], Awaitable[None]] | None = None,
    ) -> Context:
        return Context(
            self._account,
            region,
            principal,
            request_id,
            self._store,
            self._clock,
            self._ports,
            self._call,
            headers,
            family,
            origin,
            self._authorizer,
            gone,
        )

    async def ask(
        self, principal: Principal, region: str, request_id: str, origin: Mapping[str, str], wanted: Wanted
    ) -> Doc:
        """The public operation as `principal`. `origin` are condition keys in lower case (aws:sourcearn ...) beside
        those of every call from inside. Raises ServiceError."""
        call = self._router.served(wanted.service, wanted.operation)
        known = {**ORIGIN_INSIDE, **origin}
        inner = self.context(principal, region, request_id, family=call.codec.family, origin=known)
        with Hearing(self.auditor, call, inner) as heard:
            heard.doc = self.checked(inner, call, wanted.params)
            heard.result = await call.handler(inner, heard.doc)
            return without_reserved(heard.result)

    async def _call(self, ctx: Context, service: str, name: str, params: Doc) -> Doc:
        return await self.ask(ctx.principal, ctx.region, ctx.request_id, {}, Wanted(service, name, params))

    def checked(self, ctx: Context, call: Call, params: Doc) -> Doc:
        """`params` in handler form, and allowed. Raises ServiceError: not of the shape, or AccessDenied."""
        name = (call.service, call.operation.name)
        check = self._checks.get(name)
        if check is None:
            check = self._checks[name] = compile_check(call.operation.input, wire=False)
        doc = check(params)
        _open_streams(call.operation, doc)
        if not self._authorizer.trusted(ctx.principal):
            self._authorizer.check(ctx, call.asks(ctx, doc))
        return doc


def _open_streams(operation: Operation, doc: Doc) -> None:
    """A streaming member is a Body, as handlers of the wire know it."""
    if not operation.streams_in or operation.input is None or operation.input.payload is None:
        return
    name = operation.input.payload
    given = doc.get(name, b"")
    if isinstance(given, str):
        given = given.encode()
    if isinstance(given, bytes | bytearray | memoryview):
        doc[name] = of_bytes(bytes(given))
    elif not isinstance(given, Body):
        doc[name] = Body(aiter(given), doc.get("ContentLength"))
