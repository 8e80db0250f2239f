"""Who a service is when it does something for a resource: a role that trusts it, or the service itself."""

from dataclasses import dataclass

from clary.aws.authorize import IdentityPolicies, service_may_assume
from clary.aws.credentials import Principal, service_principal


@dataclass(frozen=True, slots=True)
class Acting:
    """On whose authority something is done."""

    service: str
    """As policies write it, for example "events.amazonaws.com"."""
    source: str
    """The ARN of the resource that asks for it, for example a rule: aws:SourceArn."""
    role: str = ""
    """The ARN of the role to act as; "": the service acts by itself, as policies of resources allow it."""
    session: str = "clary"
    """The name of the role's session."""


class NotAssumable(Exception):
    """The role is not there, or its trust policy does not let the service act as it."""


def principal_of(acting: Acting, identities: IdentityPolicies, account: str, now: float) -> Principal:
    """Who acts. Raises NotAssumable, also for a role of another account."""
    if not acting.role:
        return service_principal(account, acting.service)
    return session_of(acting, identities, account, now)


def session_of(acting: Acting, identities: IdentityPolicies, account: str, now: float) -> Principal:
    """The session that the service opens on the role, which must be named. Raises NotAssumable."""
    role = identities.role(acting.role) if f"::{account}:role/" in acting.role else None
    keys = {"aws:sourceaccount": account, "aws:sourcearn": acting.source}
    if role is None or not service_may_assume(role, acting.service, keys):
        raise NotAssumable(
            f"Could not assume role {acting.role}: the role must exist and its trust policy must let "
            f"'{acting.service}' assume it."
        )
    return Principal(
        account,
        f"arn:aws:sts::{account}:assumed-role/{role.name}/{acting.session}",
        f"{role.role_id}:{acting.session}",
        "assumed-role",
        issued=now,
    )
