"""What brings a target to the capacity that its bounds and policies want.

One row decides for its variant: the target's. A decision is written there before anything is done about it, with the
capacity that it comes to (not by how much it changes), so that whoever repeats it after a crash asks for the same:

    _flight  {"id", "start", "from", "base", "to", "cause", "inward", "cooldown", "sent"}   what is being done; sent:
                                                                                             SageMaker was asked
    _last    {"from", "base", "to", "inward", "ended", "until"}   the last that came true; until: it cools down
    _bring   true: the bounds were set, and the capacity is to be brought between them

Times are epoch seconds. While an alarm calls, a target is looked at once a minute (of the home's speed); else it rests.
"""

import logging
from collections.abc import Callable
from typing import Final

from clary.aws.acting import Acting as Actor
from clary.aws.acting import NotAssumable, session_of
from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import Principal
from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.clock import Clock
from clary.kernel.reconcile import Step, again, rest
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.application_autoscaling import activities, capacity, decide, watched
from clary.services.application_autoscaling.api import DIMENSIONS, LINKED, POLICY, children, role_arn
from clary.services.application_autoscaling.capacity import Capacity
from clary.services.application_autoscaling.decide import Bounds, Proposal
from clary.services.application_autoscaling.pace import Pace

BUSY_SECONDS: Final = 5.0
"""How often an endpoint that is being changed is looked at when no hint comes."""
TROUBLE_SECONDS: Final = 60.0
_SESSION: Final = "AutoScaling-UpdateDesiredCapacity"
_IN_PROGRESS: Final = "in-progress"
_LONGEST: Final = 1024

log = logging.getLogger(__name__)

Inside = Callable[[Principal, str], Context]


class Actors:
    """Contexts of the role that is linked to the scaling of endpoints."""

    def __init__(self, inside: Inside, identities: IdentityPolicies, clock: Clock) -> None:
        self._inside = inside
        self._identities = identities
        self._clock = clock

    def __call__(self, one: Resource) -> Context:
        """Raises NotAssumable."""
        actor = Actor(LINKED, one.arn, role_arn(one.account), _SESSION)
        return self._inside(session_of(actor, self._identities, one.account, self._clock.now()), one.region)


class TargetReconciler:
    """Desired: the capacity is between the bounds and what the policies want. Every step may be repeated after a crash
    at any line."""

    def __init__(self, store: Store, clock: Clock, acting: Actors, pace: Pace) -> None:
        self._store = store
        self._clock = clock
        self._acting = acting
        self._pace = pace

    async def __call__(self, target: Resource) -> Step:
        try:
            ctx = self._acting(target)
            seen = await capacity.look(ctx, target.spec["ResourceId"], target.spec["ScalableDimension"])
        except NotAssumable as error:
            log.warning("a target cannot be scaled", extra={"target": target.arn, "why": str(error)})
            return again(TROUBLE_SECONDS)
        except capacity.NoVariant as error:
            return self._gone(target, str(error))
        flight = target.status.get("_flight")
        if flight is not None:
            return await self._fly(ctx, target, flight, seen)
        if seen.busy:
            # A new decision waits for what is true then; the end of the change wakes us.
            return again(BUSY_SECONDS)
        if not seen.active:
            return rest(_bring=None)
        return await self._decide(ctx, target, seen)

    def give_up(self, target: Resource, error: Exception) -> Step:
        """Never: a target is looked at again."""
        return again(TROUBLE_SECONDS)

    def _gone(self, target: Resource, why: str) -> Step:
        """There is nothing to scale: what was begun has failed."""
        flight = target.status.get("_flight")
        if flight is not None:
            self._note(target, flight, "Failed", f"{_failed(target, flight)} Reason: {why}")
        return rest(_flight=None, _bring=None)

    async def _decide(self, ctx: Context, target: Resource, seen: Capacity) -> Step:
        now, bounds = self._clock.now(), Bounds(target.spec["MinCapacity"], target.spec["MaxCapacity"])
        if target.status.get("_bring"):
            held = bounds.hold(seen.desired)
            if held != seen.desired:
                which = "minimum" if held > seen.desired else "maximum"
                cause = f"{which} capacity was set to {held}"
                start = activities.behind(self._store, target, now)
                return _take_off(start, seen.desired, seen.desired, held, cause, held < seen.desired, 0.0)
        base = _base(target, seen, now)
        called, shrinking = await self._proposals(ctx, target, base)
        if not called:
            return rest(_bring=None)
        proposals = [one for one in called if one is not None]
        suspended = target.spec["SuspendedState"]
        chosen = decide.most(proposals, seen.desired)
        if chosen is not None:
            stopped = suspended["DynamicScalingOutSuspended"]
        else:
            chosen = decide.least(proposals, seen.desired, shrinking)
            stopped = suspended["DynamicScalingInSuspended"]
            if chosen is not None and self._cools(target, now):
                stopped = True
        if chosen is not None and not stopped:
            held = bounds.hold(chosen.wanted)
            if held != seen.desired and (held < seen.desired) == chosen.inward:
                # An alarm calls once a minute: whatever else wakes the target meanwhile, it is no second call.
                cooldown = max(self._pace.seconds(chosen.cooldown), self._pace.minute)
                start = activities.behind(self._store, target, now)
                return _take_off(start, seen.desired, base.before, held, chosen.cause, chosen.inward, cooldown)
        step = self._stay(target, seen, bounds, proposals, stopped, now)
        # An alarm whose metric does not say anything yet calls on, and nobody would wake us.
        return step if len(proposals) == len(called) else again(self._pace.minute, _bring=None)

    async def _proposals(self, ctx: Context, target: Resource, base: watched.Base) -> tuple[list[Proposal | None], int]:
        """What the policies want, and how many of them scale in to track a target."""
        found: list[Proposal | None] = []
        policies = children(self._store, POLICY, target)
        for policy in policies:
            found += await watched.proposals(ctx, policy, base)
        return found, sum(map(watched.shrinks, policies))

    def _cools(self, target: Resource, now: float) -> bool:
        """No scale-in begins: the last one cools down, or it is less than a minute since the last scale-out."""
        last: Doc = target.status.get("_last") or {}
        if not last:
            return False
        until: float = last["until"] if last["inward"] else last["ended"] + self._pace.minute
        return until > now

    def _stay(
        self,
        target: Resource,
        seen: Capacity,
        bounds: Bounds,
        proposals: list[Proposal],
        stopped: bool,
        now: float,
    ) -> Step:
        """Alarms call, and nothing comes of it now: why is noted, where AWS would note it."""
        outward = [one for one in proposals if not one.inward]
        settled = True
        for one in proposals:
            reason = _reason(one, seen.desired, bounds)
            at_bound = reason is not None and reason["Code"] in ("AlreadyAtMaxCapacity", "AlreadyAtMinCapacity")
            settled = settled and at_bound
            if reason is not None and not stopped and (not outward or one in outward):
                activities.not_scaled(self._store, target, now, one.cause, reason)
        if settled:
            # At its bound a target need not be looked at: what can change that (its bounds, its capacity, an alarm that
            # calls anew) wakes it.
            return rest(_bring=None)
        return again(self._pace.minute, _bring=None)

    async def _fly(self, ctx: Context, target: Resource, flight: Doc, seen: Capacity) -> Step:
        if flight["sent"]:
            return self._land(target, flight, seen)
        if seen.busy:
            self._note(target, flight, "Pending", "Waiting until the endpoint can be updated.")
            return again(BUSY_SECONDS)
        if not seen.active:
            return self._fail(target, flight, f"The endpoint is {seen.status}.")
        if seen.desired not in (flight["from"], flight["to"]):
            self._note(target, flight, "Overridden", _overridden(target, flight, seen))
            return again(0.0, _flight=None)
        try:
            # After a crash behind this line the variant is asked for the same once more, or it wants it already.
            await capacity.ask(ctx, target.spec["ResourceId"], target.spec["ScalableDimension"], flight["to"])
        except ServiceError as error:
            if error.error_code == "ValidationException" and _IN_PROGRESS in error.message:
                return again(BUSY_SECONDS)  # somebody else was quicker
            return self._fail(target, flight, f"{error.message} (Service: AmazonSageMaker; Error Code: "
                              f"{error.error_code})")  # fmt: skip
        self._note(target, flight, "InProgress", _waiting(target, flight))
        return again(BUSY_SECONDS, _flight={**flight, "sent": True})

    def _land(self, target: Resource, flight: Doc, seen: Capacity) -> Step:
        """SageMaker was asked: it is under way, or it came true, or it did not."""
        if seen.busy:
            return again(BUSY_SECONDS)
        if not seen.active:
            return self._fail(target, flight, f"The endpoint is {seen.status}. {seen.why}".strip())
        if seen.desired != flight["to"]:
            if seen.desired == flight["from"] and seen.why:
                why = f"Change was not fulfilled by sagemaker: {seen.why}"
                self._note(target, flight, "Unfulfilled", f"{_succeeded(target, flight)} {why}")
            else:
                self._note(target, flight, "Overridden", _overridden(target, flight, seen))
            return again(self._pace.minute, _flight=None)
        # The activity is told of as ended before the target forgets it: killed in between, it is told again.
        ended = self._note(
            target, flight, "Successful", f"{_succeeded(target, flight)} Change successfully fulfilled by sagemaker."
        )
        last = {name: flight[name] for name in ("from", "base", "to", "inward")}
        last |= {"ended": ended, "until": ended + flight["cooldown"]}
        return again(self._pace.minute, _flight=None, _last=last)

    def _fail(self, target: Resource, flight: Doc, why: str) -> Step:
        self._note(target, flight, "Failed", f"{_failed(target, flight)} Reason: {why}")
        return again(self._pace.minute, _flight=None, _bring=None)

    def _note(self, target: Resource, flight: Doc, status: str, message: str) -> float:
        """The activity says so; when that was."""
        now = self._clock.now()
        ended = {} if status in ("Pending", "InProgress") else {"EndTime": now}
        activities.note(
            self._store,
            target,
            flight["id"],
            flight["start"],
            Description=f"Setting {_noun(target)} to {flight['to']}.",
            Cause=flight["cause"],
            StatusCode=status,
            StatusMessage=message[:_LONGEST],
            **ended,
        )
        return now


def _base(target: Resource, seen: Capacity, now: float) -> watched.Base:
    """What policies count from now."""
    last: Doc = target.status.get("_last") or {}
    if not last or last["to"] != seen.desired:  # nothing was scaled, or somebody else has changed it since
        return watched.Base(seen.desired, seen.desired, seen.desired, last.get("ended", 0.0))
    cooling = not last["inward"] and last["until"] > now
    before = last["base"] if cooling else seen.desired
    return watched.Base(seen.desired, before, last["from"], last["ended"])


def _take_off(start: float, current: int, base: int, wanted: int, cause: str, inward: bool, cooldown: float) -> Step:
    """The decision is written; what it comes to is done by the next looks."""
    flight = {
        "id": ids.request_id(),
        "start": start,
        "from": current,
        "base": base,
        "to": wanted,
        "cause": cause,
        "inward": inward,
        "cooldown": cooldown,
        "sent": False,
    }
    return again(0.0, _flight=flight, _bring=None)


def _reason(one: Proposal, current: int, bounds: Bounds) -> Doc | None:
    """Why nothing came of a proposal, as AWS tells it; None: it waits for its cooldown, or for other policies."""
    if one.inward:
        if current <= bounds.low:
            return {"Code": "AlreadyAtMinCapacity", "MinCapacity": bounds.low, "CurrentCapacity": current}
        if one.wanted >= current:
            # One less would be over the target again.
            code = "AutoScalingAnticipatedFlapping" if one.tracking else "AlreadyAtDesiredCapacity"
            return {"Code": code, "CurrentCapacity": current}
        return None
    if current >= bounds.high:
        return {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": bounds.high, "CurrentCapacity": current}
    if one.wanted == current:
        return {"Code": "AlreadyAtDesiredCapacity", "CurrentCapacity": current}
    return None


def _noun(target: Resource) -> str:
    return DIMENSIONS[target.spec["ScalableDimension"]].noun


def _succeeded(target: Resource, flight: Doc) -> str:
    return f"Successfully set {_noun(target)} to {flight['to']}."


def _waiting(target: Resource, flight: Doc) -> str:
    return f"{_succeeded(target, flight)} Waiting for change to be fulfilled by sagemaker."


def _failed(target: Resource, flight: Doc) -> str:
    return f"Failed to set {_noun(target)} to {flight['to']}."


def _overridden(target: Resource, flight: Doc, seen: Capacity) -> str:
    return f"{_succeeded(target, flight)} Found it was later changed to {seen.desired}."
