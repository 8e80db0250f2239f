"""What the ARN of a managed policy stands for: one of the account's own, or one of AWS's."""

import re
from collections import Counter
from typing import Final, NamedTuple

from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Resource
from clary.services.iam.api import REGION, InvalidInputException, NoSuchEntityException
from clary.services.iam.entities import ATTACHED, BOUNDED, POLICY

_OF_AWS: Final = re.compile(r"arn:aws[\w-]*:iam::aws:policy/(?:[\w+=,.@-]+/)*[\w+=,.@-]+")
_ARN: Final = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):policy/(?:[!-~]+/)?([\w+=,.@-]+)")


class Usage(NamedTuple):
    """How often each policy is used, by ARN: by how many users, groups and roles."""

    attachments: Counter[str]
    boundaries: Counter[str]


def is_of_aws(arn: str) -> bool:
    return _OF_AWS.fullmatch(arn) is not None


def policy_at(ctx: Context, arn: str) -> Resource:
    """The account's own policy of that ARN. Raises NoSuchEntityException, InvalidInputException."""
    found = _ARN.fullmatch(arn)
    if found is None:
        if is_of_aws(arn):
            raise NoSuchEntityException(f"Policy {arn} was not found.")
        raise InvalidInputException(f"ARN {arn} is not valid.")
    try:
        policy = ctx.store.get(ctx.account, REGION, POLICY.kind, found[2])
    except Missing:
        policy = None
    if policy is None or policy.arn != arn:
        raise NoSuchEntityException(f"Policy {arn} was not found.")
    return policy


def policy_name(ctx: Context, arn: str) -> str:
    """Raises as `policy_at` does."""
    return policy_at(ctx, arn).name


def check_attachable(ctx: Context, arn: str) -> None:
    """Raises NoSuchEntityException, InvalidInputException."""
    if is_of_aws(arn):
        return
    try:
        policy_at(ctx, arn)
    except NoSuchEntityException:
        raise NoSuchEntityException(f"Policy {arn} does not exist or is not attachable.") from None


def path_of_arn(arn: str) -> str:
    """ "/service-role/" of "arn:aws:iam::aws:policy/service-role/Name"."""
    return "/" + arn.partition("/")[2].rpartition("/")[0].strip("/") + "/" if arn.count("/") > 1 else "/"


def usage(ctx: Context, arn: str = "") -> Usage:
    """Of all policies that are used; of one alone where its `arn` is given."""

    def counted(prefix: str) -> Counter[str]:
        found = ctx.store.references(ctx.account, REGION, prefix + arn)
        return Counter({target.removeprefix(prefix): count for target, count in found.items()})

    return Usage(counted(ATTACHED), counted(BOUNDED))
