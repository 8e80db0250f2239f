"""Model package groups: versions of one model under one name, and the policy that says who else may see them."""

from clary.aws import policy
from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sagemaker import group_tags, listing, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.registry.names import GROUP, PACKAGE, created_by, find_group, group_arn


@service.operation("CreateModelPackageGroup", ignores=("ManagedConfiguration",))
async def create_model_package_group(ctx: Context, req: Doc) -> Doc:
    """The group is there, without versions. Errors: ValidationException "... already exists"."""
    name = req["ModelPackageGroupName"]
    arn = group_arn(ctx, name)
    added = tags.check(req.get("Tags"))
    group_tags.check_rules(added)
    require(
        not any(key.startswith(group_tags.ALIAS) for key in added), "A new group has no version to give an alias to"
    )
    status = {"CreatedBy": created_by(ctx)}
    try:
        ctx.store.create(
            Resource(GROUP, name, ctx.account, ctx.region, ids.new(), arn, "Completed", spec=req, status=status)
        )
    except Exists:
        # The SDK goes on with the group that is there when it reads these words.
        raise ValidationException(f"Model Package Group already exists: {arn}") from None
    return {"ModelPackageGroupArn": arn}


@service.operation("DescribeModelPackageGroup")
async def describe_model_package_group(ctx: Context, req: Doc) -> Doc:
    """The Create request, who made it, and when. Errors: ValidationException "... does not exist"."""
    return described(find_group(ctx, req["ModelPackageGroupName"]))


@service.operation("ListModelPackageGroups", ignores=("CrossAccountFilterOption",))
async def list_model_package_groups(ctx: Context, req: Doc) -> Doc:
    """A page of the groups of this account, newest first unless asked otherwise; no other account shares any."""
    found, more = listing.page(ctx, GROUP, req, descending=True)
    members = ("ModelPackageGroupName", "ModelPackageGroupArn", "ModelPackageGroupDescription", "CreationTime")
    groups = [listing.pick(described(one), *members, "ModelPackageGroupStatus") for one in found]
    return {"ModelPackageGroupSummaryList": groups, **more}


@service.operation("DeleteModelPackageGroup")
async def delete_model_package_group(ctx: Context, req: Doc) -> Doc:
    """The group is gone. Errors: ValidationException while it has versions."""
    while True:
        group = find_group(ctx, req["ModelPackageGroupName"])
        here = Where(account=ctx.account, region=ctx.region, parent=group.name)
        if ctx.store.count(PACKAGE, here):
            raise ValidationException(
                f"Model Package Group cannot be deleted: {group.arn} still has model packages. Delete them first."
            )
        try:
            ctx.store.delete(group)
        except Stale:
            continue  # a version was begun meanwhile, or the policy changed: look again
        tags.forget(ctx.store, group)
        return {}


@service.operation("PutModelPackageGroupPolicy")
async def put_model_package_group_policy(ctx: Context, req: Doc) -> Doc:
    """The policy counts from now on for the group and its versions (policies.py), beside those of the callers. Errors:
    ValidationException for what is no policy."""
    try:
        policy.parse(req["ResourcePolicy"], "resource")
    except policy.Malformed as error:
        raise ValidationException(f"ResourcePolicy is no resource policy: {error}") from None
    return {"ModelPackageGroupArn": _keep(ctx, req["ModelPackageGroupName"], req["ResourcePolicy"]).arn}


@service.operation("GetModelPackageGroupPolicy")
async def get_model_package_group_policy(ctx: Context, req: Doc) -> Doc:
    """The policy as it was put. Errors: ValidationException where there is none."""
    group = find_group(ctx, req["ModelPackageGroupName"])
    if "_policy" not in group.status:
        raise ValidationException(f"Cannot find resource policy for: {group.arn}")
    return {"ResourcePolicy": group.status["_policy"]}


@service.operation("DeleteModelPackageGroupPolicy")
async def delete_model_package_group_policy(ctx: Context, req: Doc) -> Doc:
    """The group carries no policy. No complaint when it had none."""
    _keep(ctx, req["ModelPackageGroupName"], None)
    return {}


def described(group: Resource) -> Doc:
    """DescribeModelPackageGroup's answer."""
    said = group.public()
    said.pop("Tags", None)
    return {
        **{name: value for name, value in said.items() if value not in ({}, [])},
        "ModelPackageGroupArn": group.arn,
        "CreationTime": group.created,
        "ModelPackageGroupStatus": group.phase,
    }


def _keep(ctx: Context, name: str, text: str | None) -> Resource:
    while True:
        group = find_group(ctx, name)
        try:
            return ctx.store.update(group, _policy=text)
        except Stale:
            continue  # it was written meanwhile: look again
