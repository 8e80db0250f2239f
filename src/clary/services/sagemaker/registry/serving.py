"""Which versions of a group an endpoint serves now."""

from typing import Final

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import tags
from clary.services.sagemaker.registry.names import PACKAGE, find_package

TAG: Final = "clary:model-package"
"""The tag of an endpoint that names its package, for when its model is deleted."""


def versions(ctx: Context, group_name: str, endpoint_name: str) -> list[Resource]:
    """The versions of the group that the endpoint's production variants serve; none where it serves nothing yet. Raises
    ValidationException where it serves something that is no version of the group: nothing can be compared with it."""
    try:
        endpoint = ctx.store.get(ctx.account, ctx.region, "endpoint", endpoint_name)
    except Missing:
        return []
    live: Doc = endpoint.status.get("_live") or {}
    found: dict[str, Resource] = {}
    for variant in live.get("variants") or []:
        package = _package(ctx, variant["model"]) or _tagged(ctx, endpoint)
        if package is None or package.parent != group_name:
            raise ValidationException(
                f"The endpoint {endpoint_name} serves the model {variant['model']}, which is no version of "
                f"{group_name}: it cannot be told what must be beaten. Name another endpoint in the group's tag "
                "approval:endpoint, or deploy a version there first."
            )
        found[package.uid] = package
    return list(found.values())


def _package(ctx: Context, model_name: str) -> Resource | None:
    try:
        model = ctx.store.get(ctx.account, ctx.region, "model", model_name)
    except Missing:
        return None
    given = model.spec.get("Containers") or [model.spec.get("PrimaryContainer") or {}]
    names = [one["ModelPackageName"] for one in given if one.get("ModelPackageName")]
    return _found(ctx, names[0]) if names else None


def _tagged(ctx: Context, endpoint: Resource) -> Resource | None:
    arn = tags.of(ctx.store, endpoint).get(TAG)
    return _found(ctx, arn) if arn else None


def _found(ctx: Context, said: str) -> Resource | None:
    try:
        package = find_package(ctx, said)
    except ValidationException:
        return None
    return package if package.kind == PACKAGE else None
