"""Tags of users, roles, managed policies and instance profiles: Tag..., Untag..., List...Tags."""

from typing import Final

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.resource import Doc
from clary.services.iam.api import InvalidInputException, LimitExceededException, service
from clary.services.iam.entities import POLICY, PROFILE, ROLE, USER, Family, change, named, tags
from clary.services.iam.pages import of_names
from clary.services.iam.policy_arns import policy_name

_MOST: Final = 50


def merged(old: list[Doc], new: list[Doc]) -> list[Doc] | None:
    """`old` with `new` laid over it, None for no tags. Raises InvalidInputException, LimitExceededException."""
    keys = [tag["Key"].lower() for tag in new]
    if len(set(keys)) < len(keys):
        raise InvalidInputException("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    both = {tag["Key"]: {"Key": tag["Key"], "Value": tag["Value"]} for tag in [*old, *new]}
    if len(both) > _MOST:
        raise LimitExceededException(f"The number of tags has reached the maximum limit of {_MOST}.")
    return list(both.values()) or None


def _serve(family: Family) -> None:
    def name_in(ctx: Context, req: Doc) -> str:
        return policy_name(ctx, req["PolicyArn"]) if family is POLICY else str(req[family.member])

    @service.operation(f"Tag{family.title}")
    async def tag(ctx: Context, req: Doc) -> Doc:
        """It has these tags beside its others. Errors: NoSuchEntity, InvalidInput, LimitExceeded."""
        change(ctx, family, name_in(ctx, req), lambda one: {"Tags": merged(tags(one), req["Tags"])})
        return {}

    @service.operation(f"Untag{family.title}")
    async def untag(ctx: Context, req: Doc) -> Doc:
        """It has none of these tags. Errors: NoSuchEntity."""
        gone = set(req["TagKeys"])
        change(
            ctx,
            family,
            name_in(ctx, req),
            lambda one: {"Tags": [tag for tag in tags(one) if tag["Key"] not in gone] or None},
        )
        return {}

    @service.operation(f"List{family.title}Tags")
    async def list_tags(ctx: Context, req: Doc) -> Doc:
        """Tags by key. Errors: NoSuchEntity."""
        one = named(ctx, family, name_in(ctx, req))
        by_key = {tag["Key"]: tag for tag in tags(one)}
        keys, answer = of_names(req, sorted(by_key), page.digest("tags", one.uid))
        return {"Tags": [by_key[key] for key in keys], **answer}


for _family in (USER, ROLE, POLICY, PROFILE):
    _serve(_family)
