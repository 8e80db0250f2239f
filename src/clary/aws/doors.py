"""Ways into a service that are no operation of its model: a browser's preflight, an HTML form, a website.

A service declares them beside its operations:

    service.door(Door("Website", is_website, answer))

`wants` is asked of every request before it is routed, so it only looks at the method and a header. Whatever a door does
in the name of a caller it does by `Porch.perform`: the same check, the same authorisation, the same handler, and the
same audit.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clary.aws.credentials import Known, Principal
from clary.aws.http import Answer, Request
from clary.kernel.clock import Clock
from clary.kernel.resource import Doc

if TYPE_CHECKING:
    from clary.aws.audit import Hearing
    from clary.aws.route import Call
    from clary.aws.service import Context


@dataclass(frozen=True, slots=True)
class Porch:
    """What a door is given of the house, for one request."""

    request: Request
    request_id: str
    clock: Clock
    known: Callable[[str, str | None], Known]
    """Who stands behind an access key and a session token. Raises Refused."""
    context: Callable[[Principal, str], "Context"]
    """The context of this request as of that caller, in that region."""
    served: Callable[[str, str], "Call"]
    """The call of a served operation. Raises NotImplementedHere."""
    check: Callable[["Context", "Call", Doc], Doc]
    """The document in handler form, allowed. Raises ServiceError: not of its shape, or AccessDenied."""
    hear: Callable[["Call", "Context"], "Hearing"]
    """Around a call: the audit hears what came of it."""

    async def perform(self, principal: Principal, region: str, service: str, operation: str, doc: Doc) -> Doc:
        """What the operation answers to that caller. Raises ServiceError."""
        call, ctx = self.served(service, operation), self.context(principal, region)
        with self.hear(call, ctx) as heard:
            heard.doc = self.check(ctx, call, doc)
            heard.result = await call.handler(ctx, heard.doc)
            return heard.result

    async def fetch(self, principal: Principal, region: str, service: str, operation: str, doc: Doc) -> Answer:
        """The same, as it goes over the wire. Raises ServiceError."""
        done = await self.perform(principal, region, service, operation, doc)
        return self.served(service, operation).codec.encode(done, self.request_id)


@dataclass(frozen=True, slots=True)
class Door:
    """One way in. Errors that it raises are told as those of `family` s3."""

    name: str
    """For the access line."""
    wants: Callable[[Request], bool]
    answer: Callable[[Porch], Awaitable[Answer]]
    first: bool = False
    """It is asked before doors that take whole methods, wherever they lead."""


Finish = Callable[[Request, Answer, Callable[[], "Context"]], None]
"""Adds headers to an answer that is about to go. The context that it can ask for is of no caller: it may look, and ask
for nothing."""
