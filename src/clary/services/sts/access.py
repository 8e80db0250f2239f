"""What STS asks of the policies."""

from collections.abc import Sequence
from typing import Final

from clary.aws.access import Ask, nothing
from clary.aws.credentials import Principal
from clary.aws.service import Context
from clary.aws.sessions import guard, of_token
from clary.kernel.resource import Doc
from clary.services.sts.api import AccessDenied, service

_FREE: Final = ("GetCallerIdentity", "GetSessionToken")
"""Everybody may, and AWS lets no policy forbid it."""
_IN_THE_HANDLER: Final = ("AssumeRole",)
"""The role's trust policy decides together with the caller's own, so the handler asks both at once."""


def _federation(ctx: Context, req: Doc) -> Sequence[Ask]:
    return [Ask("sts:GetFederationToken", f"arn:aws:sts::{ctx.account}:federated-user/{req['Name']}")]


def _refuse_tokens(principal: Principal, operation: str) -> None:
    if operation == "GetCallerIdentity" or (operation == "AssumeRole" and principal.kind != "federated-user"):
        return
    if of_token(principal) or principal.kind == "federated-user":
        raise AccessDenied(f"Cannot call {operation} with session credentials")


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for name in service.handlers:
        if name in (*_FREE, *_IN_THE_HANDLER):
            service.access(name, nothing)
        elif name == "GetFederationToken":
            service.access(name, _federation)
        else:
            service.access(name)
    guard(service, _refuse_tokens)
