"""Lists of model packages, and many of them described at once."""

from dataclasses import astuple

from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Order, Where
from clary.services.sagemaker import listing
from clary.services.sagemaker.api import service
from clary.services.sagemaker.registry.names import PACKAGE, find_group, find_package
from clary.services.sagemaker.registry.packages import described

DEFAULT_TYPE = "Unversioned"
_STEP = 200
"""Rows that are looked at at once for a filter that no index serves."""
_SUMMARY = (
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)
_ORDERS: dict[str, Order] = {"Name": "name", "CreationTime": "created"}


@service.operation("ListModelPackages")
async def list_model_packages(ctx: Context, req: Doc) -> Doc:
    """A page of the packages that pass the filters, oldest first unless asked otherwise; without a group and a
    ModelPackageType, those without a version. Errors: ValidationException for a token of another list."""
    group = req.get("ModelPackageGroupName")
    parent = find_group(ctx, group).name if group else None
    kind = req.get("ModelPackageType") or ("Versioned" if parent else DEFAULT_TYPE)
    wanted = Where(
        account=ctx.account,
        region=ctx.region,
        parent=parent if parent is not None else ("" if kind == "Unversioned" else None),
        name_contains=req.get("NameContains"),
        created_after=req.get("CreationTimeAfter"),
        created_before=req.get("CreationTimeBefore"),
    )
    order: Order = _ORDERS[req.get("SortBy", "CreationTime")]
    descending = req.get("SortOrder", "Ascending") == "Descending"
    approval, limit = req.get("ModelApprovalStatus"), req.get("MaxResults", listing.DEFAULT_PAGE)
    filters = page.digest(PACKAGE, astuple(wanted), order, descending, approval, kind)
    try:
        sort = float if order == "created" else str
        after = page.decode(req["NextToken"], filters, sort, str, str, str) if req.get("NextToken") else None
    except BadToken as error:
        raise ValidationException(f"Invalid NextToken: {error}") from None
    found: list[Resource] = []
    while len(found) <= limit:
        rows = ctx.store.page(PACKAGE, wanted, order=order, descending=descending, after=after, limit=_STEP)
        found += [one for one in rows if _passes(one, kind, approval)]
        if len(rows) < _STEP:
            break
        after = page.position(rows[-1], order)
    more = {"NextToken": page.encode(page.position(found[limit - 1], order), filters)} if len(found) > limit else {}
    return {"ModelPackageSummaryList": [summary(one) for one in found[:limit]], **more}


@service.operation("BatchDescribeModelPackage")
async def batch_describe_model_package(ctx: Context, req: Doc) -> Doc:
    """Each of the packages, by ARN; of those that could not be described, why."""
    found: Doc = {}
    errors: Doc = {}
    for arn in req["ModelPackageArnList"]:
        try:
            said = described(find_package(ctx, arn))
        except ServiceError as error:
            errors[arn] = {"ErrorCode": error.error_code, "ErrorResponse": error.message}
            continue
        members = (*_SUMMARY, "InferenceSpecification")
        unsaid = ("ModelPackageName", "ModelLifeCycle")
        found[arn] = listing.pick(said, *[one for one in members if one not in unsaid])
        found[arn].setdefault("InferenceSpecification", {"Containers": []})
    return {"ModelPackageSummaries": found, **({"BatchDescribeModelPackageErrorMap": errors} if errors else {})}


def summary(package: Resource) -> Doc:
    """One of ListModelPackages' answer: a version has no name of its own."""
    said = listing.pick(described(package), *_SUMMARY)
    if package.parent:
        said.pop("ModelPackageName")
    return said


def _passes(one: Resource, kind: str, approval: str | None) -> bool:
    if (kind == "Versioned" and not one.parent) or (kind == "Unversioned" and one.parent):
        return False
    return approval is None or one.spec.get("ModelApprovalStatus") == approval
