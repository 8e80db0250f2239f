"""Scaling policies: when, and by how much, the capacity of a target changes.

A policy of target tracking has alarms of its own. They are asked for right after the policy is stored; the reconciler
asks for them again where a crash came in between, and where the home's speed is not the one they were made for.
"""

from collections.abc import Callable
from typing import Final

from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.clock import Clock
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.reconcile import Step, again, rest
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.application_autoscaling import alarms, listing, policy_checks
from clary.services.application_autoscaling.api import (
    POLICY,
    LimitExceededException,
    ObjectNotFoundException,
    check_resource,
    children,
    delete,
    find_target,
    service,
    target_name,
    wake,
    words,
)
from clary.services.application_autoscaling.pace import Pace

MOST: Final = 50
"""Policies of one target, as AWS's quota is."""
_HEAL_SECONDS: Final = 5.0
_SAID: Final = ("PolicyName", "ServiceNamespace", "ResourceId", "ScalableDimension")

Acting = Callable[[Resource], Context]
"""A context that acts as the role that is linked to the scaling, for that resource. Raises acting.NotAssumable."""


@service.operation("PutScalingPolicy")
async def put_scaling_policy(ctx: Context, req: Doc) -> Doc:
    """The policy is in force, with its alarms if it tracks a target; one that was there is changed. Errors:
    ValidationException, ObjectNotFoundException (no target), LimitExceededException."""
    check_resource(req)
    target = find_target(ctx, req)
    given: Doc = {member: req[member] for member in _SAID}
    while True:
        try:
            policy = _put(ctx, target, req, given)
        except (Stale, Exists):  # Written since it was read: look again.
            continue
        break
    shown: list[Doc] = []
    if policy.spec["PolicyType"] == policy_checks.TRACKING:
        pace = ctx.port(Pace)
        try:
            shown = await alarms.put(ctx, policy, pace)
        except ServiceError as error:
            await _take_back(ctx, policy)
            if error.error_code in ("ValidationError", "InvalidParameterCombination", "InvalidParameterValue"):
                raise ValidationException(f"The metric of the policy makes no alarm: {error.message}") from None
            raise
        _remember(ctx.store, policy, shown, pace)
    wake(ctx.store, target, ctx.clock.now())
    return {"PolicyARN": policy.arn, "Alarms": shown}


def _put(ctx: Context, target: Resource, req: Doc, given: Doc) -> Resource:
    name = f"{target.name}|{req['PolicyName']}"
    try:
        old = ctx.store.get(ctx.account, ctx.region, POLICY, name)
    except Missing:
        spec = _spec(req, given)
        if len(children(ctx.store, POLICY, target)) >= MOST:
            raise LimitExceededException(f"A scalable target has at most {MOST} scaling policies.") from None
        return ctx.store.create(_made(ctx, name, spec))
    changed = any(member in req for member in policy_checks.CONFIGS.values())
    spec = _spec(req, given) if changed else old.spec
    if spec["PolicyType"] != old.spec["PolicyType"]:
        raise ValidationException(
            f"The policy {req['PolicyName']!r} is of the type {old.spec['PolicyType']}, which cannot be changed: "
            "delete it first"
        )
    due = ctx.clock.now() + _HEAL_SECONDS if spec["PolicyType"] == policy_checks.TRACKING else None
    return ctx.store.update(old, spec=spec, due=due, _speed=None, _before=old.spec)


def _spec(req: Doc, given: Doc) -> Doc:
    type_ = policy_checks.type_of(req)
    config = policy_checks.CONFIGS[type_]
    spec = {**given, "PolicyType": type_, config: req[config]}
    policy_checks.check(spec)
    return spec


def _made(ctx: Context, name: str, spec: Doc) -> Resource:
    where = f"resource/{spec['ServiceNamespace']}/{spec['ResourceId']}:policyName/{spec['PolicyName']}"
    status: Doc = {}
    due = None
    if spec["PolicyType"] == policy_checks.TRACKING:
        # The names are in the row before there is an alarm: whoever finds the row finds, and removes, the alarms.
        start = f"TargetTracking-{spec['ResourceId']}"
        status = {"_high": f"{start}-AlarmHigh-{ids.request_id()}", "_low": f"{start}-AlarmLow-{ids.request_id()}"}
        due = ctx.clock.now() + _HEAL_SECONDS
    return Resource(
        POLICY,
        name,
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=ctx.arn("autoscaling", f"scalingPolicy:{ids.request_id()}:{where}"),
        parent=spec["ResourceId"],
        spec=spec,
        status=status,
        due=due,
    )


async def _take_back(ctx: Context, policy: Resource) -> None:
    """A policy whose alarms were refused is as it was before the request: not there, or with its former configuration,
    which its reconciler brings back to the alarms."""
    before = policy.status.get("_before")
    try:
        if before is None:
            await alarms.remove(ctx, policy)
            ctx.store.delete(policy)
        else:
            ctx.store.update(policy, spec=before, due=ctx.clock.now(), _before=None)
    except Stale:  # somebody has put it anew: then it is theirs
        return


def _remember(store: Store, policy: Resource, shown: list[Doc], pace: Pace) -> None:
    try:
        store.update(policy, due=None, Alarms=shown, _speed=pace.speed, _before=None)
    except Stale:  # somebody has put it anew, or its reconciler was quicker
        return


@service.operation("DeleteScalingPolicy")
async def delete_scaling_policy(ctx: Context, req: Doc) -> Doc:
    """The policy is gone, and so are the alarms that it made; those of step scaling stay, they are their maker's.
    Errors: ObjectNotFoundException, ValidationException."""
    check_resource(req)
    policy = _find(ctx, req)
    # First the alarms: a row that is left can be deleted again, alarms without a row could not.
    await alarms.remove(ctx, policy)
    delete(ctx.store, policy)
    return {}


@service.operation("DescribeScalingPolicies")
async def describe_scaling_policies(ctx: Context, req: Doc) -> Doc:
    """A page of the policies, by target and name. Errors: ValidationException, InvalidNextTokenException."""
    names = req.get("PolicyNames")

    def wanted(one: Resource) -> bool:
        return not names or one.spec["PolicyName"] in names or one.arn in names

    found, more = listing.page(ctx, POLICY, req, wanted)
    return {"ScalingPolicies": [await _described(ctx, one) for one in found], **more}


async def _described(ctx: Context, policy: Resource) -> Doc:
    said = policy.public()
    if policy.spec["PolicyType"] == policy_checks.STEP:
        said["Alarms"] = [
            {"AlarmName": one["AlarmName"], "AlarmARN": one["AlarmArn"]} for one in await alarms_of(ctx, policy)
        ]
    return {"Alarms": [], **said, "PolicyARN": policy.arn, "CreationTime": policy.created}


async def alarms_of(ctx: Context, policy: Resource) -> list[Doc]:
    """The alarms that have the policy as an action, as DescribeAlarms tells them."""
    found: list[Doc] = []
    token: Doc = {}
    while True:
        said = await ctx.call("cloudwatch", "DescribeAlarms", {"ActionPrefix": policy.arn, **token})
        found += said["MetricAlarms"]
        if "NextToken" not in said:
            return found
        token = {"NextToken": said["NextToken"]}


def _find(ctx: Context, req: Doc) -> Resource:
    """Raises ObjectNotFoundException."""
    try:
        return ctx.store.get(ctx.account, ctx.region, POLICY, f"{target_name(req)}|{req['PolicyName']}")
    except Missing:
        raise ObjectNotFoundException(
            f"No scaling policy found for {words(req)}, policy name: {req['PolicyName']}"
        ) from None


class PolicyReconciler:
    """Desired: a policy that tracks a target has its alarms, of this home's speed. Every step may be repeated."""

    def __init__(self, acting: Acting, pace: Pace) -> None:
        self._acting = acting
        self._pace = pace

    async def __call__(self, policy: Resource) -> Step:
        if policy.spec["PolicyType"] != policy_checks.TRACKING:
            return rest()
        shown = await alarms.put(self._acting(policy), policy, self._pace)
        return rest(Alarms=shown, _speed=self._pace.speed, _before=None)

    def give_up(self, policy: Resource, error: Exception) -> Step:
        """Never: alarms are asked for again."""
        return again(60.0)


def at_speed(store: Store, clock: Clock, pace: Pace) -> None:
    """Policies whose alarms were made for another speed are due: to be called when a server starts."""
    for one in store.page(POLICY, Where(), limit=1_000_000):
        if one.status.get("_speed", pace.speed) != pace.speed:
            store.update(one, due=clock.now())
