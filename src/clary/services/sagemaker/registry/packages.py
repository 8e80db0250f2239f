"""Model packages: what a model is made of, what was measured of it, and whether somebody has approved it.

What UpdateModelPackage changes stands in the spec, so a Describe is the spec with a few facts. A package is Completed
as soon as it is there: nothing of it is validated by a run of its own.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import refuse, require
from clary.services.sagemaker.registry import sources
from clary.services.sagemaker.registry.names import PACKAGE, created_by, find_group, find_package, package_arn

APPROVED: Final = "Approved"
PENDING: Final = "PendingManualApproval"
MOST_SPECIFICATIONS: Final = 15
MOST_PROPERTIES: Final = 50
_REFUSED = {
    "SourceAlgorithmSpecification": "algorithm resources and AWS Marketplace",
    "CertifyForMarketplace": "AWS Marketplace",
    "ValidationSpecification": "validation of a package by transform jobs",
}


_KEPT = ("InferenceSpecification", "ModelCard", "ModelLifeCycle")
"""Kept and described again; of what is in them only what makes a model is looked at."""


@service.operation(
    "CreateModelPackage",
    ignores=(
        *_KEPT,
        "AdditionalInferenceSpecifications",
        "DriftCheckBaselines",
        "ManagedStorageType",
        "MetadataProperties",
        "ModelMetrics",
        "SecurityConfig",
        "SkipModelValidation",
    ),
)
async def create_model_package(ctx: Context, req: Doc) -> Doc:
    """The package is there: with ModelPackageGroupName as the group's next version, else under its own name. Asked
    again with the same ClientToken, it is the same one. Errors: ValidationException."""
    refuse(req, _REFUSED)
    tags.check(req.get("Tags"))
    name, group = req.get("ModelPackageName"), req.get("ModelPackageGroupName")
    require(bool(name) != bool(group), "Set either ModelPackageGroupName (a version) or ModelPackageName (without one)")
    uid = _uid(ctx, req)
    try:
        return {"ModelPackageArn": ctx.store.find(PACKAGE, uid).arn}
    except Missing:
        pass
    spec = sources.completed(ctx, {key: value for key, value in req.items() if key != "ClientToken"})
    if name:
        require("ModelApprovalStatus" not in req, "ModelApprovalStatus does not apply to packages without a version")
        return {"ModelPackageArn": _create(ctx, uid, name, "", spec, {}).arn}
    require(not req.get("Tags"), "A version has the tags of its group: leave Tags out")
    return {"ModelPackageArn": _version(ctx, uid, str(group), spec).arn}


@service.operation("DescribeModelPackage", ignores=("IncludedData",))
async def describe_model_package(ctx: Context, req: Doc) -> Doc:
    """All that is known of the package. Errors: ValidationException "... does not exist"."""
    return described(find_package(ctx, req["ModelPackageName"]))


@service.operation("UpdateModelPackage", ignores=("ClientToken", "AdditionalInferenceSpecificationsToAdd", *_KEPT))
async def update_model_package(ctx: Context, req: Doc) -> Doc:
    """The members that are given hold; a change of the approval is told as an event. Errors: ValidationException."""
    while True:
        package = find_package(ctx, req["ModelPackageArn"])
        spec = _updated(package, req)
        try:
            ctx.store.update(package, spec=spec, emit=True, LastModifiedBy=created_by(ctx))
        except Stale:
            continue  # it was written meanwhile: look again
        return {"ModelPackageArn": package.arn}


@service.operation("DeleteModelPackage")
async def delete_model_package(ctx: Context, req: Doc) -> Doc:
    """The package is gone; models that were made of it stay, and its version is not given out again."""
    while True:
        package = find_package(ctx, req["ModelPackageName"])
        try:
            ctx.store.delete(package)
        except Stale:
            continue  # it was written meanwhile: look again
        tags.forget(ctx.store, package)
        return {}


def described(package: Resource) -> Doc:
    """DescribeModelPackage's answer."""
    said = package.public()
    said.pop("Tags", None)
    said = {name: value for name, value in said.items() if value not in ({}, [])}
    told = {
        **said,
        "ModelPackageName": package.name.partition("/")[0],
        "ModelPackageArn": package.arn,
        "CreationTime": package.created,
        "ModelPackageStatus": package.phase,
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CertifyForMarketplace": False,
    }
    return {**told, "LastModifiedTime": package.modified} if "LastModifiedBy" in told else told


def specifications(spec: Doc) -> Mapping[str | None, Doc]:
    """The package's inference specifications by name; None is the name of the first."""
    found: dict[str | None, Doc] = {one["Name"]: one for one in spec.get("AdditionalInferenceSpecifications") or []}
    return {None: spec["InferenceSpecification"], **found} if spec.get("InferenceSpecification") else found


def _uid(ctx: Context, req: Doc) -> str:
    """The same for the same ClientToken, so that a repeated request finds what its first one made."""
    token = req.get("ClientToken")
    if not token:
        return ids.new()
    return sha256(f"{PACKAGE}/{ctx.account}/{ctx.region}/{token}".encode()).hexdigest()[:20]


def _version(ctx: Context, uid: str, group_name: str, spec: Doc) -> Resource:
    while True:
        group = find_group(ctx, group_name)
        number = int(group.status.get("_versions", 0)) + 1
        try:
            # First the number is taken, then the version is made: a crash in between leaves a gap, and no two of one.
            ctx.store.update(group, _versions=number)
        except Stale:
            continue
        facts = {"ModelPackageGroupName": group.name, "ModelPackageVersion": number}
        approval = {"ModelApprovalStatus": spec.get("ModelApprovalStatus", PENDING)}
        return _create(ctx, uid, f"{group.name}/{number}", group.name, {**spec, **approval}, facts)


def _create(ctx: Context, uid: str, name: str, parent: str, spec: Doc, facts: Doc) -> Resource:
    arn = package_arn(ctx, name)
    status = {"CreatedBy": created_by(ctx), **facts}
    made = Resource(PACKAGE, name, ctx.account, ctx.region, uid, arn, "Completed", parent, spec=spec, status=status)
    try:
        return ctx.store.create(made)
    except Exists:
        raise ValidationException(f"ModelPackage already exists: {arn}") from None


def _updated(package: Resource, req: Doc) -> Doc:
    """The package's spec after the request. Raises ValidationException."""
    spec = dict(package.spec)
    if req.get("ModelApprovalStatus"):
        require(bool(package.parent), "ModelApprovalStatus does not apply to packages without a version")
    for member in (
        "ModelApprovalStatus",
        "ModelPackageRegistrationType",
        "ApprovalDescription",
        "InferenceSpecification",
        "SourceUri",
        "ModelCard",
        "ModelLifeCycle",
    ):
        if member in req:
            spec[member] = req[member]
    gone = set(req.get("CustomerMetadataPropertiesToRemove") or ())
    kept = {key: value for key, value in (spec.get("CustomerMetadataProperties") or {}).items() if key not in gone}
    properties = {**kept, **(req.get("CustomerMetadataProperties") or {})}
    require(len(properties) <= MOST_PROPERTIES, f"A package has at most {MOST_PROPERTIES} CustomerMetadataProperties")
    spec["CustomerMetadataProperties"] = properties
    had, added = spec.get("AdditionalInferenceSpecifications"), req.get("AdditionalInferenceSpecificationsToAdd")
    more = [*(had or []), *(added or [])]
    require(len(more) <= MOST_SPECIFICATIONS, f"A package has at most {MOST_SPECIFICATIONS} additional specifications")
    require(len({one["Name"] for one in more}) == len(more), "Names of additional inference specifications are unique")
    spec["AdditionalInferenceSpecifications"] = more
    return spec
