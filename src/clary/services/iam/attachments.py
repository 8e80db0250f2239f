"""Managed policies attached to users, groups and roles, by ARN; and the permissions boundaries of users and roles."""

from collections.abc import Mapping
from typing import Any, Final

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.resource import Doc, Resource
from clary.services.iam.api import InvalidInputException, NoSuchEntityException, service
from clary.services.iam.entities import (
    GROUP,
    ROLE,
    USER,
    Family,
    attached,
    boundary,
    change,
    check_modifiable,
    limit,
    named,
)
from clary.services.iam.pages import of_names
from clary.services.iam.policy_arns import check_attachable, path_of_arn

_MOST: Final = 10


def _serve(family: Family) -> None:
    @service.operation(f"Attach{family.title}Policy")
    async def attach(ctx: Context, req: Doc) -> Doc:
        """The policy is attached; again changes nothing. A policy of AWS whose document Clary does not have can be
        attached too: it grants nothing, and the log says so.

        Errors: NoSuchEntity, InvalidInput, LimitExceeded, UnmodifiableEntity."""
        arn = req["PolicyArn"]

        def changed(one: Resource) -> Mapping[str, Any]:
            check_modifiable(one)
            check_attachable(ctx, arn)
            arns = attached(one)
            if arn in arns:
                return {}
            if len(arns) >= _MOST:
                raise limit(f"PoliciesPer{family.title}", _MOST)
            return {"_attached": [*arns, arn]}

        change(ctx, family, req[family.member], changed)
        return {}

    @service.operation(f"Detach{family.title}Policy")
    async def detach(ctx: Context, req: Doc) -> Doc:
        """Errors: NoSuchEntity, UnmodifiableEntity."""
        arn = req["PolicyArn"]

        def changed(one: Resource) -> Mapping[str, Any]:
            check_modifiable(one)
            arns = attached(one)
            if arn not in arns:
                raise NoSuchEntityException(f"Policy {arn} was not found.")
            return {"_attached": [other for other in arns if other != arn] or None}

        change(ctx, family, req[family.member], changed)
        return {}

    @service.operation(f"ListAttached{family.title}Policies")
    async def list_attached(ctx: Context, req: Doc) -> Doc:
        """Errors: NoSuchEntity."""
        one = named(ctx, family, req[family.member])
        prefix = req.get("PathPrefix", "/")
        arns = sorted(arn for arn in attached(one) if path_of_arn(arn).startswith(prefix))
        listed, answer = of_names(req, arns, page.digest("attached-policies", one.uid, prefix))
        return {"AttachedPolicies": described(listed), **answer}


def described(arns: list[str]) -> list[Doc]:
    return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]


def _serve_boundary(family: Family) -> None:
    @service.operation(f"Put{family.title}PermissionsBoundary")
    async def put_boundary(ctx: Context, req: Doc) -> Doc:
        """The policy bounds what it may be allowed, in place of an earlier one. Errors: NoSuchEntity, InvalidInput,
        UnmodifiableEntity."""
        arn = req["PermissionsBoundary"]

        def changed(one: Resource) -> Mapping[str, Any]:
            check_modifiable(one)
            check_boundary(ctx, arn)
            return {"_boundary": arn}

        change(ctx, family, req[family.member], changed)
        return {}

    @service.operation(f"Delete{family.title}PermissionsBoundary")
    async def delete_boundary(ctx: Context, req: Doc) -> Doc:
        """Nothing bounds it any more. Errors: NoSuchEntity, UnmodifiableEntity."""

        def changed(one: Resource) -> Mapping[str, Any]:
            check_modifiable(one)
            return {"_boundary": None}

        change(ctx, family, req[family.member], changed)
        return {}


def check_boundary(ctx: Context, arn: str) -> None:
    """Raises InvalidInputException unless `arn` is a policy that can be a boundary."""
    try:
        check_attachable(ctx, arn)
    except NoSuchEntityException:
        raise InvalidInputException(f"Scope ARN: {arn} does not exist or is not attachable.") from None


def described_boundary(one: Resource) -> Doc:
    """The member `PermissionsBoundary` of a user or role, where it has one."""
    arn = boundary(one)
    if arn is None:
        return {}
    said = {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": arn}
    return {"PermissionsBoundary": said}


for _family in (USER, GROUP, ROLE):
    _serve(_family)
for _family in (USER, ROLE):
    _serve_boundary(_family)
