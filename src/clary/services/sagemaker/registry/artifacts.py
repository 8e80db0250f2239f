"""The model data of a version is what it was when the version was registered: its ETag is kept, and looked at again
when a model is made of the version. So an artifact that was written over does not slip in under an old approval."""

from collections.abc import Mapping
from typing import Final

from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.jobs import locations
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker.registry.names import find_package

KEPT: Final = "_artifacts"
"""The status member: ModelDataUrl -> ETag."""


async def seen(ctx: Context, spec: Doc, before: Resource | None = None) -> Doc:
    """The status member, of all model data that is there and that the caller may see; of other data nothing is known,
    and nothing is checked later. What was seen `before` stays as it was seen then."""
    lists = [spec.get("InferenceSpecification") or {}, *(spec.get("AdditionalInferenceSpecifications") or [])]
    urls = {one["ModelDataUrl"] for said in lists for one in said.get("Containers") or [] if one.get("ModelDataUrl")}
    found = dict(_kept(before)) if before is not None else {}
    for url in sorted(urls - found.keys()):
        if (etag := await _etag(ctx, url)) is not None:
            found[url] = etag
    return {KEPT: found} if found else {}


async def check(ctx: Context, container: Doc, role: Context | None) -> None:
    """Raises ValidationException when data of the package that the container names is another now, as the model's role
    (else the caller) sees it."""
    named = container.get("ModelPackageName")
    if not named:
        return
    package = find_package(ctx, named)
    for url, etag in _kept(package).items():
        now = await _etag(role or ctx, url)
        if now is not None and now != etag:
            raise ValidationException(
                f"The model data at {url} was written over after model package {package.arn} was registered: it is not "
                "what was approved. Register it as a new version."
            )


def _kept(package: Resource) -> Mapping[str, str]:
    found: Mapping[str, str] = package.status.get(KEPT) or {}
    return found


async def _etag(ctx: Context, url: str) -> str | None:
    at = locations.parse(url)
    if not at.key:
        return None
    try:
        return str((await ctx.call("s3", "HeadObject", {"Bucket": at.bucket, "Key": at.key}))["ETag"])
    except ServiceError as error:
        if error.http_status in (403, 404):
            return None
        raise
