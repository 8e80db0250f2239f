"""What IAM asks of the policies: `iam:<Operation>` on the user, group, role, policy or profile that a request names."""

from collections.abc import Sequence
from typing import Final

from clary.aws.access import Ask, Given, anywhere
from clary.aws.credentials import Principal
from clary.aws.service import Context
from clary.aws.sessions import guard, of_token
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.iam.api import REGION, InvalidClientTokenId, service
from clary.services.iam.entities import GROUP, POLICY, PROFILE, ROLE, USER, Family, tags

_NAMED: Final = (GROUP, PROFILE, ROLE, USER)
"""Whose name in a request tells the resource: a group before the user that joins it, a profile before its role."""
_OF_CALLER: Final = (
    "ChangePassword", "CreateAccessKey", "DeleteAccessKey", "GetUser", "ListAccessKeys", "UpdateAccessKey",
)  # fmt: skip
"""Without a UserName they mean the caller."""


def _asks(operation: str, ctx: Context, req: Doc) -> Sequence[Ask]:
    resource, found = _resource(operation, ctx, req)
    keys: dict[str, Given] = {}
    if "PolicyArn" in req and operation.startswith(("Attach", "Detach")):
        keys["iam:PolicyARN"] = req["PolicyArn"]
    if "PermissionsBoundary" in req:
        keys["iam:PermissionsBoundary"] = req["PermissionsBoundary"]
    if "AWSServiceName" in req:
        keys["iam:AWSServiceName"] = req["AWSServiceName"]
    wanted = {tag["Key"]: tag["Value"] for tag in req.get("Tags", ())} or dict.fromkeys(req.get("TagKeys", ()), "")
    ask = Ask(f"iam:{operation}", resource, keys, wanted or None, lambda: _tags(found))
    if operation == "AddRoleToInstanceProfile":
        return [ask, Ask("iam:PassRole", _arn(ctx, ROLE, req)[0], {"iam:PassedToService": "ec2.amazonaws.com"})]
    return [ask]


def _resource(operation: str, ctx: Context, req: Doc) -> tuple[str, Resource | None]:
    for member in ("PolicySourceArn", "Arn"):
        if member in req:
            return req[member], None
    for family in _NAMED:
        if family.member in req:
            return _arn(ctx, family, req)
    if "PolicyArn" in req:
        return req["PolicyArn"], _at(ctx, POLICY, req["PolicyArn"].rpartition("/")[2])
    if "PolicyName" in req:
        return _arn(ctx, POLICY, req)
    if "AWSServiceName" in req:
        return f"arn:aws:iam::{ctx.account}:role/aws-service-role/{req['AWSServiceName']}/*", None
    if operation in _OF_CALLER:
        return ctx.principal.arn, _at(ctx, USER, ctx.principal.arn.rpartition("/")[2])
    return "*", None


def _arn(ctx: Context, family: Family, req: Doc) -> tuple[str, Resource | None]:
    """With the path that it has, or shall get."""
    name: str = req[family.member]
    found = _at(ctx, family, name)
    return (family.arn(ctx.account, req.get("Path", "/"), name) if found is None else found.arn), found


def _at(ctx: Context, family: Family, name: str) -> Resource | None:
    try:
        return ctx.store.get(ctx.account, REGION, family.kind, name)
    except Missing:
        return None


def _tags(found: Resource | None) -> dict[str, str]:
    return {} if found is None else {tag["Key"]: tag["Value"] for tag in tags(found)}


def _register(operation: str) -> None:
    service.access(operation, lambda ctx, req: _asks(operation, ctx, req))


def _refuse_tokens(principal: Principal, operation: str) -> None:
    if of_token(principal) or principal.kind == "federated-user":
        raise InvalidClientTokenId("The security token included in the request is invalid")


_LISTS: Final = ("ListGroups", "ListInstanceProfiles", "ListPolicies", "ListRoles", "ListUsers")


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for name in service.handlers:
        if name in _LISTS:
            service.access(name, anywhere(f"iam:{name}"))
        else:
            _register(name)
    guard(service, _refuse_tokens)
