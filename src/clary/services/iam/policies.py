"""Policies of roles: managed ones attached by ARN, inline ones kept with the role.

What they allow is not decided yet: every principal of the account may do everything. They are kept as given."""

from collections.abc import Mapping
from typing import Any, Final

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.resource import Doc, Resource
from clary.services.iam.api import (
    InvalidInputException,
    LimitExceededException,
    NoSuchEntityException,
    attached,
    change_role,
    inline,
    role_named,
    service,
)
from clary.services.iam.documents import check_permissions, on_the_wire
from clary.services.iam.roles import paged

_MOST_ATTACHED: Final = 10
_MOST_INLINE_BYTES: Final = 10_240
_OF_AWS: Final = "arn:aws:iam::aws:policy/"


@service.operation("AttachRolePolicy", stored=True)
async def attach_role_policy(ctx: Context, req: Doc) -> Doc:
    """The policy is attached; again changes nothing. Policies of AWS (arn:aws:iam::aws:policy/...) need not exist here.

    Errors: NoSuchEntity, InvalidInput, LimitExceeded."""
    arn = req["PolicyArn"]
    if not arn.startswith("arn:"):
        raise InvalidInputException(f"ARN {arn} is not valid.")

    def attach(role: Resource) -> Mapping[str, Any]:
        if not arn.startswith(_OF_AWS) or arn == _OF_AWS:
            raise NoSuchEntityException(f"Policy {arn} does not exist or is not attachable.")
        arns = attached(role)
        if arn in arns:
            return {}
        if len(arns) >= _MOST_ATTACHED:
            raise LimitExceededException(f"Cannot exceed quota for PoliciesPerRole: {_MOST_ATTACHED}")
        return {"_attached": [*arns, arn]}

    change_role(ctx, req["RoleName"], attach)
    return {}


@service.operation("DetachRolePolicy", stored=True)
async def detach_role_policy(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity."""
    arn = req["PolicyArn"]

    def detach(role: Resource) -> Mapping[str, Any]:
        arns = attached(role)
        if arn not in arns:
            raise NoSuchEntityException(f"Policy {arn} was not found.")
        return {"_attached": [one for one in arns if one != arn]}

    change_role(ctx, req["RoleName"], detach)
    return {}


@service.operation("ListAttachedRolePolicies", stored=True)
async def list_attached_role_policies(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity."""
    role = role_named(ctx, req["RoleName"])
    prefix = req.get("PathPrefix", "/")
    arns = sorted(arn for arn in attached(role) if _path_of(arn).startswith(prefix))
    listed, answer = paged(req, arns, page.digest("attached-policies", role.uid, prefix))
    return {
        "AttachedPolicies": [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in listed],
        **answer,
    }


def _path_of(arn: str) -> str:
    """ "/service-role/" of "arn:aws:iam::aws:policy/service-role/Name"."""
    return "/" + arn.partition("/")[2].rpartition("/")[0].strip("/") + "/" if arn.count("/") > 1 else "/"


@service.operation("PutRolePolicy", stored=True)
async def put_role_policy(ctx: Context, req: Doc) -> Doc:
    """The role has the inline policy, in place of one of the same name. Errors: NoSuchEntity, MalformedPolicyDocument,
    LimitExceeded."""
    check_permissions(req["PolicyDocument"])

    def put(role: Resource) -> Mapping[str, Any]:
        policies = inline(role) | {req["PolicyName"]: req["PolicyDocument"]}
        # AWS counts all inline policies of a role together, white space left out.
        if sum(len("".join(one.split())) for one in policies.values()) > _MOST_INLINE_BYTES:
            raise LimitExceededException(
                f"Maximum policy size of {_MOST_INLINE_BYTES} bytes exceeded for role {role.name}"
            )
        return {"_inline": policies}

    change_role(ctx, req["RoleName"], put)
    return {}


@service.operation("GetRolePolicy", stored=True)
async def get_role_policy(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity."""
    name = req["PolicyName"]
    policies = inline(role_named(ctx, req["RoleName"]))
    if name not in policies:
        raise _no_policy(name)
    return {"RoleName": req["RoleName"], "PolicyName": name, "PolicyDocument": on_the_wire(policies[name])}


@service.operation("DeleteRolePolicy", stored=True)
async def delete_role_policy(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity."""
    name = req["PolicyName"]

    def delete(role: Resource) -> Mapping[str, Any]:
        policies = inline(role)
        if policies.pop(name, None) is None:
            raise _no_policy(name)
        return {"_inline": policies}

    change_role(ctx, req["RoleName"], delete)
    return {}


@service.operation("ListRolePolicies", stored=True)
async def list_role_policies(ctx: Context, req: Doc) -> Doc:
    """Names of inline policies. Errors: NoSuchEntity."""
    role = role_named(ctx, req["RoleName"])
    names, answer = paged(req, sorted(inline(role)), page.digest("inline-policies", role.uid))
    return {"PolicyNames": names, **answer}


def _no_policy(name: str) -> NoSuchEntityException:
    return NoSuchEntityException(f"The role policy with name {name} cannot be found.")
