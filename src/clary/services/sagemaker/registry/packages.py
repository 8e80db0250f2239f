"""Model packages: what a model is made of, what was measured of it, and whether somebody has approved it.

What UpdateModelPackage changes stands in the spec, so a Describe is the spec with a few facts. A package is Completed
as soon as it is there: nothing of it is validated by a run of its own. What was measured of it is copied when it is
made (measures.py), and who approved it stands in its status (approval.py).
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import group_tags, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.cards import structure
from clary.services.sagemaker.errors import refuse, require
from clary.services.sagemaker.registry import approval, artifacts, measures, sources
from clary.services.sagemaker.registry.approval import APPROVED, PENDING
from clary.services.sagemaker.registry.measures import Measure
from clary.services.sagemaker.registry.names import PACKAGE, created_by, find_group, find_package, package_arn

MOST_SPECIFICATIONS: Final = 15
MOST_PROPERTIES: Final = 50
MOST_LETTERS: Final = 256
"""Of a property's value."""
TOUCHED: Final = "_touched"
"""The status member that says which members the last update changed: an event tells it."""
_DEFINING: Final = ("InferenceSpecification", "SourceUri", "AdditionalInferenceSpecificationsToAdd")
_TOLD: Final = (
    "ModelApprovalStatus",
    "ModelPackageRegistrationType",
    "ApprovalDescription",
    "CustomerMetadataProperties",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
)
_REFUSED = {
    "SourceAlgorithmSpecification": "algorithm resources and AWS Marketplace",
    "CertifyForMarketplace": "AWS Marketplace",
    "ValidationSpecification": "validation of a package by transform jobs",
}


_KEPT = ("InferenceSpecification", "ModelLifeCycle")
"""Kept and described again; of what is in them only what makes a model is looked at."""


@service.operation(
    "CreateModelPackage",
    ignores=(
        *_KEPT,
        "AdditionalInferenceSpecifications",
        "DriftCheckBaselines",
        "ManagedStorageType",
        "MetadataProperties",
        "SecurityConfig",
        "SkipModelValidation",
    ),
)
async def create_model_package(ctx: Context, req: Doc) -> Doc:
    """The package is there: with ModelPackageGroupName as the group's next version, else under its own name. The files
    of ModelMetrics are read and kept with it. Asked again with the same ClientToken, it is the same one. Errors:
    ValidationException, AccessDeniedException where a rule keeps it from being Approved at once."""
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
    _check_properties(req.get("CustomerMetadataProperties") or {}, {})
    _check_card({}, req)
    measured = await measures.read(ctx, spec)
    data = await artifacts.seen(ctx, spec)
    if name:
        require("ModelApprovalStatus" not in req, "ModelApprovalStatus does not apply to packages without a version")
        kept = await measures.keep(ctx, name, measured)
        return {"ModelPackageArn": _create(ctx, _new(ctx, uid, name, "", spec, {**kept, **data}))}
    require(not req.get("Tags"), "A version has the tags of its group: leave Tags out")
    return {"ModelPackageArn": await _version(ctx, uid, str(group), spec, measured, data)}


@service.operation("DescribeModelPackage")
async def describe_model_package(ctx: Context, req: Doc) -> Doc:
    """All that is known of the package; with MetadataOnly, of its card only what AWS lists. Errors: ValidationException
    "... does not exist"."""
    said = described(find_package(ctx, req["ModelPackageName"]))
    if req.get("IncludedData") == "MetadataOnly" and "ModelCardContent" in said.get("ModelCard", {}):
        card = said["ModelCard"]
        said["ModelCard"] = {**card, "ModelCardContent": structure.metadata(card["ModelCardContent"])}
    return said


@service.operation("UpdateModelPackage", ignores=("ClientToken", "AdditionalInferenceSpecificationsToAdd", *_KEPT))
async def update_model_package(ctx: Context, req: Doc) -> Doc:
    """The members that are given hold; a change of the approval is told as an event. The first of two approvals is
    kept, and the version stays as it is. Errors: ValidationException, and AccessDeniedException with the rule that
    forbids the approval."""
    while True:
        package = find_package(ctx, req["ModelPackageArn"])
        _check_card(package.spec.get("ModelCard") or {}, req)
        spec = _updated(package, req)
        status = approval.check_unchanged(ctx, package, req, _DEFINING)
        if any(req.get(member) for member in _DEFINING):
            status |= await artifacts.seen(ctx, spec, package)
        if req.get("ModelApprovalStatus"):
            asked, comment = req["ModelApprovalStatus"], req.get("ApprovalDescription", "")
            spec, more = approval.decided(ctx, package, spec, asked, comment)
            status |= more
        status[TOUCHED] = sorted(
            member for member in req if member in _TOLD and req[member] != package.spec.get(member)
        )
        if spec.get("ModelApprovalStatus") == package.spec.get("ModelApprovalStatus"):
            status[TOUCHED] = [member for member in status[TOUCHED] if member != "ModelApprovalStatus"]
        try:
            ctx.store.update(package, spec=spec, emit=True, LastModifiedBy=created_by(ctx), **status)
        except Stale:
            continue  # it was written meanwhile: look again
        return {"ModelPackageArn": package.arn}


@service.operation("DeleteModelPackage")
async def delete_model_package(ctx: Context, req: Doc) -> Doc:
    """The package is gone; models that were made of it stay, and its version is not given out again. Errors:
    ValidationException while an alias names it."""
    while True:
        package = find_package(ctx, req["ModelPackageName"])
        _check_unnamed(ctx, package)
        try:
            ctx.store.delete(package)
        except Stale:
            continue  # it was written meanwhile: look again
        tags.forget(ctx.store, package)
        await measures.forget(ctx, package)
        return {}


def described(package: Resource) -> Doc:
    """DescribeModelPackage's answer."""
    said = package.public()
    said.pop("Tags", None)
    said["ModelMetrics"] = measures.shown(package)
    said["CustomerMetadataProperties"] = {**(said.get("CustomerMetadataProperties") or {}), **_own(package)}
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


def _check_card(card: Doc, req: Doc) -> None:
    """Raises ValidationException for a card that is not of the schema, or is archived."""
    given = req.get("ModelCard") or {}
    content = given.get("ModelCardContent")
    if content is None:
        return
    structure.check(content, of_package=True)
    archived = card.get("ModelCardStatus") == "Archived" and content != card.get("ModelCardContent")
    require(not archived, "Model Card is in Archived state: its content cannot change")


def _check_unnamed(ctx: Context, package: Resource) -> None:
    """Raises ValidationException for a version that has an alias: it would name nothing then."""
    if not package.parent:
        return
    found = tags.of(ctx.store, find_group(ctx, package.parent))
    named = group_tags.aliases(found, package.status["ModelPackageVersion"])
    require(
        not named,
        f"Version {package.name} is called {', '.join(named)} by its group's tags: give the alias to another version "
        "or take it away first",
    )


def _own(package: Resource) -> dict[str, str]:
    """What the registry itself has to say, among the package's properties: where its metrics came from, and who decided
    about it."""
    came = {f"{approval.RESERVED}{path}": uri for path, uri in measures.sources(package) if len(uri) <= MOST_LETTERS}
    said = {**approval.shown(package), **came}
    room = MOST_PROPERTIES - len(package.spec.get("CustomerMetadataProperties") or {})
    return dict(list(said.items())[: max(0, room)])


async def _version(ctx: Context, uid: str, group_name: str, spec: Doc, measured: Sequence[Measure], data: Doc) -> str:
    group = find_group(ctx, group_name)
    approved = {"ModelApprovalStatus": spec.get("ModelApprovalStatus", PENDING)}
    if approved["ModelApprovalStatus"] == APPROVED:
        # Its rules are looked at before a number is taken, with the metrics as they were just read.
        seen = {measures.KEPT: {one.path: {"numbers": one.numbers} for one in measured}}
        approval.check_created(ctx, _new(ctx, uid, f"{group.name}/new", group.name, spec, seen))
    while True:
        group = find_group(ctx, group_name)
        number = int(group.status.get("_versions", 0)) + 1
        try:
            # First the number is taken, then the version is made: a crash in between leaves a gap, and no two of one.
            ctx.store.update(group, _versions=number)
        except Stale:
            continue
        name = f"{group.name}/{number}"
        facts = {"ModelPackageGroupName": group.name, "ModelPackageVersion": number}
        kept = await measures.keep(ctx, name, measured)
        return _create(ctx, _new(ctx, uid, name, group.name, {**spec, **approved}, {**facts, **kept, **data}))


def _new(ctx: Context, uid: str, name: str, parent: str, spec: Doc, facts: Doc) -> Resource:
    status = {"CreatedBy": created_by(ctx), **facts}
    arn = package_arn(ctx, name)
    return Resource(PACKAGE, name, ctx.account, ctx.region, uid, arn, "Completed", parent, spec=spec, status=status)


def _create(ctx: Context, made: Resource) -> str:
    try:
        return ctx.store.create(made).arn
    except Exists:
        raise ValidationException(f"ModelPackage already exists: {made.arn}") from None


def _check_properties(given: Mapping[str, str], shown: Mapping[str, str]) -> None:
    """Raises ValidationException for a property that only the registry sets; what it shows may be given back."""
    for key, value in given.items():
        require(
            not key.startswith(approval.RESERVED) or key == approval.PAGE or shown.get(key) == value,
            f"CustomerMetadataProperties that begin with {approval.RESERVED!r} are the registry's own: {key}",
        )


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
            # A card has two members, and an update may name one of them.
            spec[member] = {**(spec.get(member) or {}), **req[member]} if member == "ModelCard" else req[member]
    gone = set(req.get("CustomerMetadataPropertiesToRemove") or ())
    kept = {key: value for key, value in (spec.get("CustomerMetadataProperties") or {}).items() if key not in gone}
    given, own = req.get("CustomerMetadataProperties") or {}, _own(package)
    _check_properties(given, own)
    properties = {**kept, **{key: value for key, value in given.items() if key not in own}}
    require(len(properties) <= MOST_PROPERTIES, f"A package has at most {MOST_PROPERTIES} CustomerMetadataProperties")
    spec["CustomerMetadataProperties"] = properties
    had, added = spec.get("AdditionalInferenceSpecifications"), req.get("AdditionalInferenceSpecificationsToAdd")
    more = [*(had or []), *(added or [])]
    require(len(more) <= MOST_SPECIFICATIONS, f"A package has at most {MOST_SPECIFICATIONS} additional specifications")
    require(len({one["Name"] for one in more}) == len(more), "Names of additional inference specifications are unique")
    spec["AdditionalInferenceSpecifications"] = more
    return spec
