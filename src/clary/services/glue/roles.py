"""The roles that Glue acts as."""

from collections.abc import Mapping
from typing import Final

from clary.aws.access import Ask
from clary.jobs.rights import Actor
from clary.services.glue.api import PRINCIPAL

ACTOR: Final = Actor(PRINCIPAL, "GlueJobRunnerSession")


def arn_of(account: str, role: str) -> str:
    """The ARN of a role that a request names by its name, its path and name, or its ARN."""
    return role if role.startswith("arn:") else f"arn:aws:iam::{account}:role/{role.strip('/')}"


def pass_role(account: str, role: str) -> Ask:
    """Who hands a role to Glue must be allowed to."""
    keys: Mapping[str, str] = {"iam:PassedToService": PRINCIPAL}
    return Ask("iam:PassRole", arn_of(account, role), keys)
