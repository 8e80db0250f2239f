"""Inline policies of users, groups and roles: kept with whom they are for, and gone with it."""

from collections.abc import Mapping
from typing import Any

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.resource import Doc, Resource
from clary.services.iam.api import LimitExceededException, NoSuchEntityException, service
from clary.services.iam.documents import check_permissions, on_the_wire, size
from clary.services.iam.entities import GROUP, ROLE, USER, Family, change, check_modifiable, inline, named
from clary.services.iam.pages import of_names


def _serve(family: Family) -> None:
    def missing(name: str) -> NoSuchEntityException:
        return NoSuchEntityException(f"The {family.kind} policy with name {name} cannot be found.")

    @service.operation(f"Put{family.title}Policy")
    async def put_policy(ctx: Context, req: Doc) -> Doc:
        """It has the inline policy, in place of one of the same name. Errors: NoSuchEntity, MalformedPolicyDocument,
        LimitExceeded, UnmodifiableEntity."""
        check_permissions(req["PolicyDocument"])

        def put(one: Resource) -> Mapping[str, Any]:
            check_modifiable(one)
            policies = inline(one) | {req["PolicyName"]: req["PolicyDocument"]}
            if sum(map(size, policies.values())) > family.most_inline:
                raise LimitExceededException(
                    f"Maximum policy size of {family.most_inline} bytes exceeded for {family.kind} {one.name}"
                )
            return {"_inline": policies}

        change(ctx, family, req[family.member], put)
        return {}

    @service.operation(f"Get{family.title}Policy")
    async def get_policy(ctx: Context, req: Doc) -> Doc:
        """Errors: NoSuchEntity."""
        name = req["PolicyName"]
        policies = inline(named(ctx, family, req[family.member]))
        if name not in policies:
            raise missing(name)
        document = on_the_wire(policies[name])
        return {family.member: req[family.member], "PolicyName": name, "PolicyDocument": document}

    @service.operation(f"Delete{family.title}Policy")
    async def delete_policy(ctx: Context, req: Doc) -> Doc:
        """Errors: NoSuchEntity, UnmodifiableEntity."""
        name = req["PolicyName"]

        def delete(one: Resource) -> Mapping[str, Any]:
            check_modifiable(one)
            policies = inline(one)
            if policies.pop(name, None) is None:
                raise missing(name)
            return {"_inline": policies or None}

        change(ctx, family, req[family.member], delete)
        return {}

    @service.operation(f"List{family.title}Policies")
    async def list_policies(ctx: Context, req: Doc) -> Doc:
        """Names of inline policies. Errors: NoSuchEntity."""
        one = named(ctx, family, req[family.member])
        names, answer = of_names(req, sorted(inline(one)), page.digest("inline-policies", one.uid))
        return {"PolicyNames": names, **answer}


for _family in (USER, GROUP, ROLE):
    _serve(_family)
