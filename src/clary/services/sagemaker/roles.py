"""The role that a job or a model server acts as."""

from hashlib import sha256

from clary.aws.credentials import Principal
from clary.aws.service import Context
from clary.kernel.resource import Resource
from clary.services.sagemaker.engines import Engines

SESSION = "SageMaker"
SPARE_SECONDS = 3600.0
"""How much longer the keys last than the work may: uploads and a grace period come after it."""


def principal(account: str, role_arn: str) -> Principal:
    """The session that SageMaker opens on the role. Policies do not decide yet, so the role need not exist, and one of
    another account stands for its namesake here: a notebook runs with the role ARN that is written in it."""
    name = role_arn.rsplit("/", 1)[-1] or SESSION  # A model may name no role.
    unique = "AROA" + sha256(role_arn.encode()).hexdigest()[:17].upper()
    return Principal(
        account, f"arn:aws:sts::{account}:assumed-role/{name}/{SESSION}", f"{unique}:{SESSION}", "assumed-role"
    )


def context(engines: Engines, one: Resource, role_arn: str) -> Context:
    """A context that acts for the resource with its role's authority."""
    return engines.inside(principal(one.account, role_arn), one.region)


def environment(engines: Engines, one: Resource, role_arn: str, seconds: float) -> dict[str, str]:
    """The variables that point any AWS SDK inside a run at this wire, with the role's keys for that many seconds."""
    keys = engines.keys.issue(principal(one.account, role_arn), engines.clock.now() + seconds + SPARE_SECONDS)
    return {
        "AWS_REGION": one.region,
        "AWS_DEFAULT_REGION": one.region,
        "AWS_ENDPOINT_URL": engines.endpoint_url,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_SESSION_TOKEN": keys.session_token or "",
    }
