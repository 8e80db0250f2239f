"""The role that a job or a model server acts as: it must be there, it must trust SageMaker, and what it may not do, its
job may not do either. Reading inputs and storing outputs is done as the role too."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from clary.aws.access import Ask
from clary.aws.acting import NotAssumable as NoSuchActing
from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import KeyRing, Keys, Principal
from clary.aws.errors import ValidationException
from clary.aws.inside import ORIGIN_INSIDE
from clary.aws.service import Context
from clary.jobs import rights
from clary.jobs.rights import Actor
from clary.kernel.resource import Resource
from clary.kernel.store import Store
from clary.services.sagemaker.engines import Engines

SERVICE: Final = "sagemaker.amazonaws.com"
ACTOR: Final = Actor(SERVICE, "SageMaker")
LENT_SECONDS: Final = 6 * 3600.0
"""How long keys last that can be asked for again, as in a container on AWS."""


class NotAssumable(ValidationException):
    """The role is not there, or its trust policy does not let SageMaker act as it."""

    code = "ValidationException"


def principal(identities: IdentityPolicies, account: str, role_arn: str, source_arn: str, now: float) -> Principal:
    """The session that SageMaker opens on the role for the resource of `source_arn`. Raises NotAssumable, in AWS's
    words, also for a role of another account."""
    try:
        return ACTOR.principal(identities, account, role_arn, source_arn, now)
    except NoSuchActing:
        raise NotAssumable(
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
            f"'{SERVICE}' to assume the role."
        ) from None


def acting(ctx: Context, role_arn: str, source_arn: str) -> Context:
    """A context that acts as the role that a request names. Raises NotAssumable."""
    role = principal(ctx.port(IdentityPolicies), ctx.account, role_arn, source_arn, ctx.clock.now())
    return replace(ctx, principal=role, headers={}, origin=ORIGIN_INSIDE)


def check(ctx: Context, role_arn: str, source_arn: str) -> None:
    """Raises NotAssumable unless SageMaker may act as the role now."""
    principal(ctx.port(IdentityPolicies), ctx.account, role_arn, source_arn, ctx.clock.now())


def context(engines: Engines, one: Resource, role_arn: str) -> Context:
    """A context that acts for the resource with its role's authority. Raises NotAssumable."""
    return engines.inside(_principal(engines, one, role_arn), one.region)


def environment(engines: Engines, one: Resource, role_arn: str, seconds: float) -> dict[str, str]:
    """The variables that point any AWS SDK inside a run at this wire, with the role's keys for that many seconds and an
    hour: longer than the run may last, so they need no renewal. Raises NotAssumable."""
    acting_as = _principal(engines, one, role_arn)
    keys = engines.keys.issue(acting_as, engines.clock.now() + seconds + rights.SPARE_SECONDS)
    return {**rights.where(engines, one), **rights.variables(keys)}


def lasting_environment(engines: Engines, one: Resource, role_arn: str) -> dict[str, str]:
    """As `environment`, for a run that may last longer than any key: SDKs inside ask for keys again before they lapse,
    with a warrant that is good for as long as the resource is there (`redeem`). Raises NotAssumable."""
    _principal(engines, one, role_arn)
    claims = {"kind": one.kind, "uid": one.uid, "role": role_arn}
    return {**rights.where(engines, one), "AWS_CONTAINER_AUTHORIZATION_TOKEN": engines.keys.warrant(claims)}


def redeem(keys: KeyRing, store: Store, identities: IdentityPolicies, warrant: str, now: float) -> tuple[str, Keys]:
    """(the role's ARN, keys of it for LENT_SECONDS). Raises BadSessionToken for what is no warrant, Missing when its
    resource is gone, and NotAssumable when the role is, or trusts SageMaker no more."""
    claims = keys.claims(warrant)
    one = store.find(claims["kind"], claims["uid"])
    acting_as = principal(identities, one.account, claims["role"], one.arn, now)
    return claims["role"], keys.issue(acting_as, now + LENT_SECONDS)


def pass_role(role_arn: str) -> Ask:
    """Who hands a role to SageMaker must be allowed to."""
    keys: Mapping[str, str] = {"iam:PassedToService": SERVICE}
    return Ask("iam:PassRole", role_arn, keys)


def _principal(engines: Engines, one: Resource, role_arn: str) -> Principal:
    return principal(engines.identities, one.account, role_arn, one.arn, engines.clock.now())
