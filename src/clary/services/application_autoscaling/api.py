"""Application Auto Scaling: the service, its errors, and what of SageMaker it scales.

A scalable target is one row, and so are each of its policies, scheduled actions and activities; the `parent` of all
of them is the ResourceId. A target's name is `<ResourceId>|<ScalableDimension>`; those of its policies and actions
begin so.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from clary.aws.errors import NotImplementedHere, ServiceError, ValidationException
from clary.aws.service import Context, Service
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where

service = Service("application-autoscaling")

TARGET: Final = "scalable-target"
POLICY: Final = "scaling-policy"
ACTION: Final = "scheduled-action"
ACTIVITY: Final = "scaling-activity"

INSTANCES: Final = "sagemaker:variant:DesiredInstanceCount"
PROVISIONED: Final = "sagemaker:variant:DesiredProvisionedConcurrency"
LINKED: Final = "sagemaker.application-autoscaling.amazonaws.com"
_ROLE: Final = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
_RESOURCE: Final = re.compile(r"endpoint/([a-zA-Z0-9-]{1,63})/variant/([a-zA-Z0-9-]{1,63})")


class ObjectNotFoundException(ServiceError):
    """The specified object could not be found."""


class ResourceNotFoundException(ServiceError):
    """The specified resource doesn't exist. Of the tag operations."""


class LimitExceededException(ServiceError):
    """A per-account resource limit is exceeded."""


class TooManyTagsException(ServiceError):
    """The request contains too many tags."""


class InvalidNextTokenException(ServiceError):
    """The next token supplied was invalid."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """A capacity that can be scaled."""

    noun: str
    """As activities call it."""


DIMENSIONS: Final = {INSTANCES: Dimension("desired instance count"), PROVISIONED: Dimension("provisioned concurrency")}


def check_scope(req: Doc) -> None:
    """The request is about something that is scaled here. Raises NotImplementedHere, by name."""
    namespace = req["ServiceNamespace"]
    if namespace != "sagemaker":
        raise NotImplementedHere(f"The namespace {namespace!r} is not scaled by Clary: only 'sagemaker' is.")
    dimension = req.get("ScalableDimension")
    if dimension is None:
        return
    if dimension not in DIMENSIONS:
        if not dimension.startswith("sagemaker:"):
            raise ValidationException(
                f"Scalable dimension {dimension} is not supported for service namespace sagemaker"
            )
        raise NotImplementedHere(f"The dimension {dimension!r} is not scaled by Clary: use one of {_listed()}.")


def check_resource(req: Doc) -> None:
    """As `check_scope`, and the resource is called as a variant of an endpoint is. Raises ValidationException."""
    check_scope(req)
    if _RESOURCE.fullmatch(req["ResourceId"]) is None:
        raise ValidationException(
            f"Unsupported resource ID {req['ResourceId']!r} for the scalable dimension {req['ScalableDimension']}: "
            "use endpoint/<endpoint name>/variant/<variant name>"
        )


def _listed() -> str:
    return ", ".join(DIMENSIONS)


def variant_of(resource_id: str) -> tuple[str, str]:
    """(endpoint, variant) of a ResourceId that was checked."""
    _, endpoint, _, variant = resource_id.split("/")
    return endpoint, variant


def target_name(req: Doc) -> str:
    return f"{req['ResourceId']}|{req['ScalableDimension']}"


def words(req: Doc) -> str:
    """How AWS's messages name a target."""
    return (
        f"service namespace: {req['ServiceNamespace']}, resource ID: {req['ResourceId']}, "
        f"scalable dimension: {req['ScalableDimension']}"
    )


def find_target(ctx: Context, req: Doc, verb: str = "registered") -> Resource:
    """Raises ObjectNotFoundException."""
    try:
        return ctx.store.get(ctx.account, ctx.region, TARGET, target_name(req))
    except Missing:
        raise ObjectNotFoundException(f"No scalable target {verb} for {words(req)}") from None


def children(store: Store, kind: str, target: Resource) -> list[Resource]:
    """The policies or scheduled actions of the target, by name."""
    rows = store.page(kind, Where(target.account, target.region, parent=target.parent), limit=10_000)
    return [one for one in rows if target_name(one.spec) == target.name]


def target_of(store: Store, one: Resource) -> Resource:
    """The target that a policy or scheduled action belongs to. Raises Missing."""
    return store.get(one.account, one.region, TARGET, target_name(one.spec))


def wake(store: Store, target: Resource, now: float, **status: Any) -> None:
    """The target is looked at now; its status says this. Nothing when it is gone."""
    while True:
        with suppress(Stale):  # Written since it was read: look again.
            with suppress(Missing):
                store.update(store.get(target.account, target.region, TARGET, target.name), due=now, **status)
            return


def delete(store: Store, one: Resource) -> None:
    """The row is gone."""
    while True:
        with suppress(Stale):  # Written since it was read: look again.
            with suppress(Missing):
                store.delete(store.get(one.account, one.region, one.kind, one.name))
            return


def role_arn(account: str) -> str:
    """The role that is linked to the scaling of endpoints."""
    return f"arn:aws:iam::{account}:role/aws-service-role/{LINKED}/{_ROLE}"
