"""Scheduled actions: moments at which a target gets other bounds.

A moment that passed while nobody looked (a stop, a suspended machine) is made up for once, then the schedule goes on
from now. What an action does is to set bounds, so that doing it twice after a crash comes to the same.
"""

from contextlib import suppress
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.clock import Clock
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.reconcile import Step, again, rest
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.application_autoscaling import activities, calendars, listing
from clary.services.application_autoscaling.api import (
    ACTION,
    LimitExceededException,
    ObjectNotFoundException,
    check_resource,
    children,
    delete,
    find_target,
    service,
    target_name,
    target_of,
    words,
)
from clary.services.application_autoscaling.targets import trouble

MOST: Final = 200
"""Scheduled actions of one target, as AWS's quota is."""
LOOK_SECONDS: Final = 3600.0
"""An action that is due later than this is looked at in between: the clock may have been put back."""
_SAID: Final = ("ScheduledActionName", "ServiceNamespace", "ResourceId", "ScalableDimension")
_KEPT: Final = ("Schedule", "Timezone", "ScalableTargetAction")
_TIMES: Final = ("StartTime", "EndTime")


@service.operation("PutScheduledAction")
async def put_scheduled_action(ctx: Context, req: Doc) -> Doc:
    """The action is done at its moments from now on. One that is there already keeps what the request does not say, but
    for start and end. Errors: ValidationException, ObjectNotFoundException (no target), LimitExceededException."""
    check_resource(req)
    target = find_target(ctx, req)
    while True:
        with suppress(Stale, Exists):  # Written since it was read: look again.
            _put(ctx, target, req)
            return {}


def _put(ctx: Context, target: Resource, req: Doc) -> None:
    now, name = ctx.clock.now(), f"{target.name}|{req['ScheduledActionName']}"
    try:
        old: Resource | None = ctx.store.get(ctx.account, ctx.region, ACTION, name)
    except Missing:
        old = None
        if len(children(ctx.store, ACTION, target)) >= MOST:
            raise LimitExceededException(f"A scalable target has at most {MOST} scheduled actions.") from None
    kept: Doc = {} if old is None else {member: old.spec[member] for member in _KEPT if member in old.spec}
    given: Doc = {member: req[member] for member in (*_SAID, *_KEPT, *_TIMES) if member in req}
    spec: Doc = {**kept, **given}
    _check(spec, now)
    first = calendars.following(spec, now)(now)
    assert first is not None
    due = min(first, now + LOOK_SECONDS)
    if old is not None:
        ctx.store.update(old, spec=spec, due=due, _put=now, _next=first)
        return
    where = (
        f"resource/{spec['ServiceNamespace']}/{spec['ResourceId']}:scheduledActionName/{spec['ScheduledActionName']}"
    )
    ctx.store.create(
        Resource(
            ACTION,
            name,
            ctx.account,
            ctx.region,
            uid=ids.new(),
            arn=ctx.arn("autoscaling", f"scheduledAction:{ids.request_id()}:{where}"),
            parent=spec["ResourceId"],
            spec=spec,
            status={"_put": now, "_next": first},
            due=due,
        )
    )


def _check(spec: Doc, now: float) -> None:
    if "Schedule" not in spec:
        raise ValidationException("Schedule is required to create a scheduled action")
    bounds: Doc = spec.get("ScalableTargetAction") or {}
    if not bounds:
        raise ValidationException("ScalableTargetAction must set MinCapacity, MaxCapacity, or both")
    low = bounds.get("MinCapacity", 0)
    problem = trouble(low, bounds.get("MaxCapacity", max(low, 0)))
    if problem:
        raise ValidationException(problem)
    calendars.check(spec, now)


@service.operation("DeleteScheduledAction")
async def delete_scheduled_action(ctx: Context, req: Doc) -> Doc:
    """The action is gone; the bounds that it set stay. Errors: ObjectNotFoundException, ValidationException."""
    check_resource(req)
    name = f"{target_name(req)}|{req['ScheduledActionName']}"
    try:
        found = ctx.store.get(ctx.account, ctx.region, ACTION, name)
    except Missing:
        raise ObjectNotFoundException(
            f"No scheduled action found for {words(req)}, scheduled action name: {req['ScheduledActionName']}"
        ) from None
    delete(ctx.store, found)
    return {}


@service.operation("DescribeScheduledActions")
async def describe_scheduled_actions(ctx: Context, req: Doc) -> Doc:
    """A page of the actions, by target and name. Errors: ValidationException, InvalidNextTokenException."""
    names = req.get("ScheduledActionNames")

    def wanted(one: Resource) -> bool:
        return not names or one.spec["ScheduledActionName"] in names or one.arn in names

    found, more = listing.page(ctx, ACTION, req, wanted)
    shown = [{**one.public(), "ScheduledActionARN": one.arn, "CreationTime": one.created} for one in found]
    return {"ScheduledActions": shown, **more}


class ActionReconciler:
    """Desired: at each of its moments the target has got the action's bounds. Every step may be repeated."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def __call__(self, action: Resource) -> Step:
        now, due = self._clock.now(), action.status.get("_next")
        if due is None:
            return rest()
        after = calendars.following(action.spec, action.status["_put"])
        if now >= due:
            self._do(action, due, now)
        following = after(now)
        if following is None and now < due:
            following = due  # the clock was put back behind its only moment
        if following is None:
            return rest(_next=None)
        return again(min(following - now, LOOK_SECONDS), _next=following)

    def give_up(self, action: Resource, error: Exception) -> Step:
        """Never: the schedule goes on."""
        return again(60.0)

    def _do(self, action: Resource, due: float, now: float) -> None:
        """The target has the bounds, and is brought between them by its own reconciler."""
        while True:
            try:
                target = target_of(self._store, action)
            except Missing:
                return
            if target.spec["SuspendedState"]["ScheduledScalingSuspended"]:
                return
            bounds = {**{one: target.spec[one] for one in ("MinCapacity", "MaxCapacity")},
                      **action.spec["ScalableTargetAction"]}  # fmt: skip
            problem = trouble(bounds["MinCapacity"], bounds["MaxCapacity"])
            if not problem:
                try:
                    self._store.update(target, spec={**target.spec, **bounds}, due=now, _bring=True)
                except Stale:  # Written since it was read: look again.
                    continue
            self._note(target, action, due, now, bounds, problem)
            return

    def _note(self, target: Resource, action: Resource, due: float, now: float, bounds: Doc, problem: str) -> None:
        what = f"min capacity to {bounds['MinCapacity']} and max capacity to {bounds['MaxCapacity']}"
        activities.note(
            self._store,
            target,
            str(uuid5(NAMESPACE_URL, f"clary:{action.uid}:{due}")),
            due,
            Description=f"Setting {what}",
            Cause=f"scheduled action name {action.spec['ScheduledActionName']} was triggered",
            StatusCode="Failed" if problem else "Successful",
            StatusMessage=f"Failed to set {what}. Reason: {problem}" if problem else f"Successfully set {what}",
            EndTime=now,
        )
