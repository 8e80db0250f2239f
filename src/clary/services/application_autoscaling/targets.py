"""Scalable targets: RegisterScalableTarget, DeregisterScalableTarget, DescribeScalableTargets."""

from typing import Final

from clary.aws.authorize import IdentityPolicies
from clary.aws.errors import AccessDenied, ServiceError, ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.application_autoscaling import alarms, capacity, listing, tagged
from clary.services.application_autoscaling.api import (
    ACTION,
    INSTANCES,
    LINKED,
    POLICY,
    PROVISIONED,
    TARGET,
    LimitExceededException,
    check_resource,
    children,
    delete,
    find_target,
    role_arn,
    service,
    target_name,
)

MOST: Final = 3000
"""Of one region, as AWS's quota is."""
_SUSPENDED: Final = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")


@service.operation("RegisterScalableTarget", ignores=("RoleARN",))
async def register_scalable_target(ctx: Context, req: Doc) -> Doc:
    """The variant is scaled between these bounds, and is brought between them if it is in service. One that is
    registered already keeps what the request does not say; its tags are those of its first request. Errors:
    ValidationException, LimitExceededException."""
    check_resource(req)
    tags = tagged.checked(req.get("Tags", {}))
    seen = await _seen(ctx, req)
    await _link(ctx)
    while True:
        try:
            target = _put(ctx, req, seen, tags)
        except (Stale, Exists):  # Written since it was read: look again.
            continue
        return {"ScalableTargetARN": target.arn}


async def _seen(ctx: Context, req: Doc) -> capacity.Capacity:
    """Raises ValidationException unless the variant is there and has that dimension."""
    resource, dimension = req["ResourceId"], req["ScalableDimension"]
    try:
        seen = await capacity.look(ctx, resource, dimension)
    except capacity.NoVariant as error:
        raise ValidationException(str(error)) from None
    if seen.serverless and dimension == INSTANCES:
        raise ValidationException(f"{resource} is serverless and has no instances: use the dimension {PROVISIONED}")
    if not seen.serverless and dimension == PROVISIONED:
        raise ValidationException(f"{resource} is not serverless: use the dimension {INSTANCES}")
    return seen


async def _link(ctx: Context) -> None:
    """The linked role is there. Who may not make it is refused, as on AWS."""
    if ctx.port(IdentityPolicies).role(role_arn(ctx.account)) is not None:
        return
    try:
        await ctx.call("iam", "CreateServiceLinkedRole", {"AWSServiceName": LINKED})
    except ServiceError as error:
        if ctx.port(IdentityPolicies).role(role_arn(ctx.account)) is not None:
            return  # somebody was quicker
        if error.error_code == "AccessDenied":  # IAM's word for it
            raise AccessDenied(error.message) from None
        raise


def _put(ctx: Context, req: Doc, seen: capacity.Capacity, tags: dict[str, str]) -> Resource:
    try:
        old = ctx.store.get(ctx.account, ctx.region, TARGET, target_name(req))
    except Missing:
        for member in ("MinCapacity", "MaxCapacity"):
            if member not in req:
                raise ValidationException(f"{member} is required to register a new scalable target") from None
        if ctx.store.count(TARGET, Where(ctx.account, ctx.region)) >= MOST:
            raise LimitExceededException(f"There are {MOST} scalable targets, which is the most.") from None
        spec = _spec(req, {})
        _check(spec, seen)
        return ctx.store.create(_made(ctx, spec, tags))
    spec = _spec(req, old.spec)
    _check(spec, seen)
    return ctx.store.update(old, spec=spec, due=ctx.clock.now(), _bring=True)


def _spec(req: Doc, old: Doc) -> Doc:
    spec = {**old, **{member: req[member] for member in ("ServiceNamespace", "ResourceId", "ScalableDimension")}}
    for member in ("MinCapacity", "MaxCapacity"):
        if member in req:
            spec[member] = req[member]
    suspended = {**dict.fromkeys(_SUSPENDED, False), **old.get("SuspendedState", {}), **req.get("SuspendedState", {})}
    return {**spec, "SuspendedState": suspended}


def _check(spec: Doc, seen: capacity.Capacity) -> None:
    problem = trouble(spec["MinCapacity"], spec["MaxCapacity"])
    if problem:
        raise ValidationException(problem)
    if not spec["MinCapacity"] and not (spec["ScalableDimension"] == INSTANCES and seen.asynchronous):
        raise ValidationException(
            "MinCapacity must be at least 1: only asynchronous endpoints are scaled in to nothing"
        )


def trouble(low: int, high: int) -> str:
    """What is wrong with these bounds; "": nothing."""
    if low < 0:
        return f"Minimum capacity cannot be less than 0 (it is {low})"
    if high < low:
        return f"Maximum capacity cannot be less than minimum capacity ({high} is less than {low})"
    return ""


def _made(ctx: Context, spec: Doc, tags: dict[str, str]) -> Resource:
    uid = ids.new()
    return Resource(
        TARGET,
        target_name(spec),
        ctx.account,
        ctx.region,
        uid=uid,
        arn=ctx.arn("application-autoscaling", f"scalable-target/{uid}"),
        parent=spec["ResourceId"],
        spec=spec,
        status={"_tags": tags, "_bring": True},
        due=ctx.clock.now(),
    )


@service.operation("DeregisterScalableTarget")
async def deregister_scalable_target(ctx: Context, req: Doc) -> Doc:
    """The target is gone with its policies, their alarms and its scheduled actions; its activities are still told.
    Errors: ObjectNotFoundException, ValidationException."""
    check_resource(req)
    await forget(ctx, find_target(ctx, req, "found"))
    return {}


async def forget(ctx: Context, target: Resource) -> None:
    """What `deregister_scalable_target` says. Killed at any line, it may be done again: the target goes last."""
    for policy in children(ctx.store, POLICY, target):
        await alarms.remove(ctx, policy)
        delete(ctx.store, policy)
    drop(ctx.store, target)


def drop(store: Store, target: Resource) -> None:
    """The rows are gone; alarms are not looked at."""
    for policy in children(store, POLICY, target):
        delete(store, policy)
    for action in children(store, ACTION, target):
        delete(store, action)
    delete(store, target)


@service.operation("DescribeScalableTargets")
async def describe_scalable_targets(ctx: Context, req: Doc) -> Doc:
    """A page of the targets, by resource. Errors: ValidationException, InvalidNextTokenException."""
    resources = req.get("ResourceIds")
    found, more = listing.page(ctx, TARGET, req, lambda one: not resources or one.spec["ResourceId"] in resources)
    return {"ScalableTargets": [described(one) for one in found], **more}


def described(target: Resource) -> Doc:
    return {
        **target.public(),
        "RoleARN": role_arn(target.account),
        "CreationTime": target.created,
        "ScalableTargetARN": target.arn,
    }
