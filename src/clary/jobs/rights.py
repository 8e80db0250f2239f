"""The role that a job acts as: it must be there, it must trust the service, and what it may not do, its job may not do
either. Reading inputs and storing outputs is done as the role too."""

from dataclasses import dataclass
from typing import Final

from clary.aws.acting import Acting, session_of
from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import Keys, Principal
from clary.aws.service import Context
from clary.jobs.ground import Ground
from clary.kernel.resource import Resource

SPARE_SECONDS: Final = 3600.0
"""How much longer the keys last than the work may: uploads and a grace period come after it."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A service that acts as the roles of its jobs."""

    service: str
    """As trust policies write it, for example "sagemaker.amazonaws.com"."""
    session: str
    """The name of the sessions that it opens."""

    def principal(
        self, identities: IdentityPolicies, account: str, role_arn: str, source_arn: str, now: float
    ) -> Principal:
        """The session on the role for the resource of `source_arn`. Raises acting.NotAssumable, also for a role of
        another account."""
        return session_of(Acting(self.service, source_arn, role_arn, self.session), identities, account, now)

    def of(self, ground: Ground, one: Resource, role_arn: str) -> Principal:
        """The session for that resource, now. Raises acting.NotAssumable."""
        return self.principal(ground.identities, one.account, role_arn, one.arn, ground.clock.now())

    def context(self, ground: Ground, one: Resource, role_arn: str) -> Context:
        """A context that acts for the resource with its role's authority. Raises acting.NotAssumable."""
        return ground.inside(self.of(ground, one, role_arn), one.region)

    def environment(self, ground: Ground, one: Resource, role_arn: str, seconds: float) -> dict[str, str]:
        """The variables that point any AWS SDK inside a run at this wire, with the role's keys for that many seconds
        and an hour: longer than the run may last, so they need no renewal. Raises acting.NotAssumable."""
        acting_as = self.of(ground, one, role_arn)
        keys = ground.keys.issue(acting_as, ground.clock.now() + seconds + SPARE_SECONDS)
        return {**where(ground, one), **variables(keys)}


def where(ground: Ground, one: Resource) -> dict[str, str]:
    """The variables that point any AWS SDK inside a run of that resource at this wire."""
    return {
        "AWS_REGION": one.region,
        "AWS_DEFAULT_REGION": one.region,
        "AWS_ENDPOINT_URL": ground.endpoint_url,
    }


def variables(keys: Keys) -> dict[str, str]:
    """The variables by which any AWS SDK finds the keys."""
    return {
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_SESSION_TOKEN": keys.session_token or "",
    }
