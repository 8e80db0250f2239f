"""What keys of GetSessionToken and GetFederationToken may not call, whatever any policy says.

AWS documents: without multi-factor authentication neither may call IAM; of STS the first may call AssumeRole and
GetCallerIdentity, the second GetCallerIdentity alone. Sessions of roles are bounded by their policies only.
"""

from collections.abc import Callable, Sequence
from functools import wraps

from clary.aws.access import Ask, Asks
from clary.aws.credentials import Principal
from clary.aws.service import Context, Handler, Service
from clary.kernel.resource import Doc

Refuse = Callable[[Principal, str], None]
"""(who is calling, the operation): raises a ServiceError unless such a caller may call it at all."""


def of_token(principal: Principal) -> bool:
    """The caller signs with keys of GetSessionToken."""
    return principal.issued is not None and principal.kind in ("root", "user") and principal.via != "signin"


def guard(service: Service, refuse: Refuse) -> None:
    """Every operation of the service, before anything else, asks `refuse`. After all of them have been declared."""
    for name in service.handlers:
        # Both: root's requests are not asked, and others shall hear of this before they hear of their policies.
        service.handlers[name] = _handler(name, service.handlers[name], refuse)
        service.accesses[name] = _asks(name, service.asks(name), refuse)


def _handler(name: str, handler: Handler, refuse: Refuse) -> Handler:
    @wraps(handler)
    async def guarded(ctx: Context, req: Doc) -> Doc:
        refuse(ctx.principal, name)
        return await handler(ctx, req)

    return guarded


def _asks(name: str, asks: Asks, refuse: Refuse) -> Asks:
    def guarded(ctx: Context, req: Doc) -> Sequence[Ask]:
        refuse(ctx.principal, name)
        return asks(ctx, req)

    return guarded
