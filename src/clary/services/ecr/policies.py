"""Policies that repositories carry, and rules of their life that are remembered."""

from typing import Final

import orjson

from clary.aws import policy
from clary.aws.access import Ask
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.kernel.store import Store
from clary.services.ecr.api import REPOSITORY, repository_of, service
from clary.services.ecr.errors import (
    InvalidParameterException,
    LifecyclePolicyNotFoundException,
    RepositoryPolicyNotFoundException,
)
from clary.services.ecr.repositories import change

_POLICY: Final = "_policy"
_LIFECYCLE: Final = "_lifecycle"


class RepositoryPolicies:
    """The port `aws.authorize.ResourcePolicies` over the repositories of one account."""

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account

    def of(self, ask: Ask) -> str | None:
        head, _, name = ask.resource.partition(":repository/")
        parts = head.split(":")
        if len(parts) != 5 or parts[4] != self._account or not name:
            return None
        try:
            repository = self._store.get(self._account, parts[3], REPOSITORY, name)
        except Missing:
            return None
        text = repository.status.get(_POLICY)
        return None if text is None else _about(text, repository.arn)


def _about(text: str, arn: str) -> str:
    """The policy as others are written: a repository's names no resource, since it can only mean its own."""
    said = orjson.loads(text)
    statements = said["Statement"] if isinstance(said["Statement"], list) else [said["Statement"]]
    return orjson.dumps({**said, "Statement": [{"Resource": arn, **one} for one in statements]}).decode()


@service.operation("SetRepositoryPolicy", ignores=("force",))
async def set_repository_policy(ctx: Context, req: Doc) -> Doc:
    """The repository carries the policy. Errors: RepositoryNotFound, InvalidParameter."""
    repository, text = repository_of(ctx, req), req["policyText"]
    try:
        policy.parse(_about(text, repository.arn), "resource")
    except (policy.Malformed, ValueError, KeyError, TypeError) as error:
        raise InvalidParameterException(
            f"Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy: {error}'"
        ) from None
    change(ctx, req, **{_POLICY: text})
    return {**_named(ctx, req), "policyText": text}


@service.operation("GetRepositoryPolicy")
async def get_repository_policy(ctx: Context, req: Doc) -> Doc:
    """Errors: RepositoryNotFound, RepositoryPolicyNotFound."""
    return {**_named(ctx, req), "policyText": _policy(ctx, req)}


@service.operation("DeleteRepositoryPolicy")
async def delete_repository_policy(ctx: Context, req: Doc) -> Doc:
    """The repository carries no policy. Errors: RepositoryNotFound, RepositoryPolicyNotFound."""
    text = _policy(ctx, req)
    change(ctx, req, **{_POLICY: None})
    return {**_named(ctx, req), "policyText": text}


@service.operation("PutLifecyclePolicy", stored=True)
async def put_lifecycle_policy(ctx: Context, req: Doc) -> Doc:
    """Remembered, and answered again: no image is deleted by it. Errors: RepositoryNotFound, InvalidParameter."""
    text = req["lifecyclePolicyText"]
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidParameterException(
            f"Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: '{error}'"
        ) from None
    if not isinstance(said, dict) or not isinstance(said.get("rules"), list) or not said["rules"]:
        raise InvalidParameterException(
            "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'it has no rules'"
        )
    change(ctx, req, **{_LIFECYCLE: text})
    return {**_named(ctx, req), "lifecyclePolicyText": text}


@service.operation("GetLifecyclePolicy", stored=True)
async def get_lifecycle_policy(ctx: Context, req: Doc) -> Doc:
    """Errors: RepositoryNotFound, LifecyclePolicyNotFound."""
    return {**_named(ctx, req), "lifecyclePolicyText": _lifecycle(ctx, req)}


@service.operation("DeleteLifecyclePolicy", stored=True)
async def delete_lifecycle_policy(ctx: Context, req: Doc) -> Doc:
    """Errors: RepositoryNotFound, LifecyclePolicyNotFound."""
    text = _lifecycle(ctx, req)
    change(ctx, req, **{_LIFECYCLE: None})
    return {**_named(ctx, req), "lifecyclePolicyText": text}


def _named(ctx: Context, req: Doc) -> Doc:
    return {"registryId": ctx.account, "repositoryName": req["repositoryName"]}


def _policy(ctx: Context, req: Doc) -> str:
    text: str | None = repository_of(ctx, req).status.get(_POLICY)
    if text is None:
        raise RepositoryPolicyNotFoundException(req["repositoryName"], ctx.account)
    return text


def _lifecycle(ctx: Context, req: Doc) -> str:
    text: str | None = repository_of(ctx, req).status.get(_LIFECYCLE)
    if text is None:
        raise LifecyclePolicyNotFoundException(req["repositoryName"], ctx.account)
    return text
