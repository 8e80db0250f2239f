"""What brings an endpoint into service and keeps it there."""

from clary.engines.serving.base import Route
from clary.kernel.reconcile import Step, again, gone, move, rest
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import jobs, serverless, tags
from clary.services.sagemaker.endpoints import alarms, rollout, routing, shifting
from clary.services.sagemaker.endpoints.compiled import decided
from clary.services.sagemaker.endpoints.fleet import SOON_SECONDS, Fleet
from clary.services.sagemaker.endpoints.servers import ways
from clary.services.sagemaker.endpoints.shifting import Shift, shift_of
from clary.services.sagemaker.engines import Engines

LOOK_SECONDS = 15.0
"""How often an endpoint in service is looked at when no hint comes."""
FRONTS_SECONDS = 1.0
"""How often while a front has not taken up the route yet."""
ALARM_SECONDS = 2.0
"""How often alarms are read while an update may be taken back."""
MOST_CRASHES = 3
"""A deployment fails when an instance of it has crashed so often before it was ever steady."""


class EndpointReconciler:
    """Desired: the target deployment serves, with as many live instances as it asks for, for ever. Every step may be
    repeated after a crash at any line."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._ways = ways(engines)

    async def __call__(self, endpoint: Resource) -> Step:
        if endpoint.phase == "Deleting":
            return await self._delete(endpoint)
        endpoint = serverless.sized(self._engines, endpoint)
        if changed := decided(self._engines, endpoint):
            return again(0.0, **changed)
        fleet = Fleet(self._ways, self._engines.clock, endpoint)
        await fleet.observe()
        serverless.measure(self._engines, endpoint, fleet.status()["_instances"])
        target, live = endpoint.status.get("_target"), endpoint.status.get("_live")
        shift = shift_of(endpoint)
        both = [one for one in (live, target) if one is not None]
        await fleet.fill(both if shift is None else shift.asked())
        if shift is not None:
            return await (self._unshift if shift.back else self._shift)(endpoint, fleet, shift)
        if target is not None:
            return await self._deploy(endpoint, fleet, target)
        if live is None:  # It failed before it ever served.
            await fleet.dismiss(unrouted=True)
            return again(fleet.pause(LOOK_SECONDS), **fleet.status()) if fleet.leaving else rest(**fleet.status())
        return await self._keep(endpoint, fleet, live)

    def give_up(self, endpoint: Resource, error: Exception) -> Step:
        why = f"Clary could not go on with the deployment ({type(error).__name__})."
        if endpoint.status.get("_target") is not None:
            return self._refuse(endpoint, shift_of(endpoint), why, {})
        # An endpoint that serves is never given up: somebody may mend the machine under it.
        return again(LOOK_SECONDS)

    async def _deploy(self, endpoint: Resource, fleet: Fleet, target: Doc) -> Step:
        """A new endpoint, or other counts and weights of one that serves: the target takes over once all its instances
        are ready and every front serves it, or is refused."""
        fleet.impatient(target)
        why = fleet.failure(target, MOST_CRASHES, target["started"])
        if why is not None:
            return self._refuse(endpoint, None, why, fleet.status())
        if not fleet.complete(target):
            live = endpoint.status.get("_live")
            # While an update is under way the old deployment is kept as alive as ever.
            if live is None or await self._publish(routing.plain(endpoint, live, fleet.ready(live))):
                await fleet.dismiss(unrouted=True)
            return again(fleet.pause(LOOK_SECONDS), **fleet.status())
        served = await self._publish(routing.plain(endpoint, target, fleet.ready(target)))
        await fleet.dismiss(unrouted=served)
        if not served:
            return again(SOON_SECONDS, **fleet.status())
        return self._arrived(fleet, target)

    async def _shift(self, endpoint: Resource, fleet: Fleet, shift: Shift) -> Step:
        """The stages of an update: the instances of each come up, its share of the traffic moves, it bakes."""
        fleet.impatient(shift.new)
        why = await self._objection(endpoint, fleet, shift)
        if why is not None:
            return self._refuse(endpoint, shift, why, fleet.status())
        now = self._engines.clock.now()
        if shift.stage == shifting.CREATING and shift.ready(fleet):
            shift = shift.enter(shifting.ACTIVATING, now)
        served = await self._publish(shift.route(fleet))
        await fleet.dismiss(unrouted=served)
        moved, wait = self._progress(shift, now, served)
        if moved is None:
            # Old instances leave at the next look, when it is written that the new ones serve: a crash in between finds
            # both alive and the new route published, and comes to the same end.
            return self._arrived(fleet, shift.new)
        told = moved.stage != endpoint.status.get("_rollout", {}).get("stage")
        after = min(wait, fleet.pause(LOOK_SECONDS), LOOK_SECONDS if served else SOON_SECONDS, self._watch(shift, now))
        return again(after, emit=told, **fleet.status(), _rollout=moved.doc())

    def _progress(self, shift: Shift, now: float, served: bool) -> tuple[Shift | None, float]:
        """(where the update stands when its route is served, seconds until it can get further); None: it is done."""
        if shift.stage == shifting.ACTIVATING and served:
            shift = shift.enter(shifting.BAKING, now)
        if shift.stage == shifting.BAKING and now - shift.since >= rollout.wait_seconds(shift.config):
            if not shift.last:
                return shift.enter(shifting.CREATING, now, step=shift.step + 1), 0.0
            shift = shift.enter(shifting.DELETING, now)
        if shift.stage == shifting.DELETING and now - shift.since >= rollout.termination_seconds(shift.config):
            return None, 0.0
        waits = {
            shifting.BAKING: rollout.wait_seconds(shift.config),
            shifting.DELETING: rollout.termination_seconds(shift.config),
        }
        wait = waits.get(shift.stage)
        return shift, LOOK_SECONDS if wait is None else max(0.0, shift.since + wait - now)

    async def _objection(self, endpoint: Resource, fleet: Fleet, shift: Shift) -> str | None:
        """Why the update shall go no further."""
        if shift.stage == shifting.DELETING:
            return None  # it is complete: only the old instances wait for their end
        why = fleet.failure(shift.new, MOST_CRASHES, shift.began)
        if why is not None:
            return why
        longest = rollout.timeout_seconds(shift.config)
        if longest is not None and self._engines.clock.now() - shift.began > longest:
            return f"The deployment was not complete within MaximumExecutionTimeoutInSeconds, which is {longest}."
        return await alarms.tripped(self._engines, endpoint, shift.by, rollout.alarms(shift.config))

    def _watch(self, shift: Shift, now: float) -> float:
        """Seconds until something may object."""
        longest = rollout.timeout_seconds(shift.config)
        left = LOOK_SECONDS if longest is None else max(0.0, shift.began + longest - now) + SOON_SECONDS
        return min(left, ALARM_SECONDS) if rollout.alarms(shift.config) else left

    async def _unshift(self, endpoint: Resource, fleet: Fleet, shift: Shift) -> Step:
        """The way back: the old instances are all there again, they get all traffic, then the new ones leave."""
        now = self._engines.clock.now()
        if shift.stage == shifting.CREATING and shift.ready(fleet):
            shift = shift.enter(shifting.ACTIVATING, now)
        served = await self._publish(shift.route(fleet))
        await fleet.dismiss(unrouted=served)
        if shift.stage == shifting.ACTIVATING and served:
            if shift.last:
                return move("InService", after=0.0, **fleet.status(), _undone=None, _rollout=None)
            shift = shift.enter(shifting.CREATING, now, step=shift.step + 1)
            return again(0.0, **fleet.status(), _rollout=shift.doc())
        fleet.impatient(shift.old)
        why = fleet.failure(shift.old, MOST_CRASHES, shift.began)
        after = min(fleet.pause(LOOK_SECONDS), LOOK_SECONDS if served else FRONTS_SECONDS)
        if why is not None and endpoint.phase == "RollingBack":
            reason = f"{endpoint.status.get('FailureReason') or ''} The update could not be taken back either: {why}"
            # Whoever is ready of either deployment goes on serving; another update, or a deletion, leads out of it.
            return move(
                "UpdateRollbackFailed",
                after=after,
                **fleet.status(),
                _rollout=shift.doc(),
                FailureReason=reason.strip()[: jobs.LONGEST_REASON],
            )
        return again(after, **fleet.status(), _rollout=shift.doc())

    async def _keep(self, endpoint: Resource, fleet: Fleet, live: Doc) -> Step:
        fleet.impatient(live)
        served = await self._publish(routing.plain(endpoint, live, fleet.ready(live)))
        await fleet.dismiss(unrouted=served)
        await fleet.dismiss_strays()
        idle = serverless.pause(self._engines, endpoint, live)
        after = min(fleet.pause(LOOK_SECONDS), LOOK_SECONDS if served else FRONTS_SECONDS, idle)
        if endpoint.phase == "RollingBack" and served and fleet.complete(live):
            return move("InService", after=after, **fleet.status())
        return again(after, **fleet.status())

    async def _publish(self, route: Route) -> bool:
        """Every front serves exactly this route; False: not yet."""
        serving = self._engines.serving
        if await serving.serves(route):
            return True
        await serving.publish(route)
        return await serving.serves(route)

    def _arrived(self, fleet: Fleet, target: Doc) -> Step:
        """The target is what serves."""
        done = {"_live": target, "_target": None, "_rollout": None, "EndpointConfigName": target["config"]}
        return move("InService", after=0.0, **fleet.status(), **done)

    def _refuse(self, endpoint: Resource, shift: Shift | None, why: str, status: Doc) -> Step:
        """The target is dropped: a new endpoint has failed, an old one goes back to what it served."""
        phase = "Failed" if endpoint.phase == "Creating" else "RollingBack"
        status = {**status, "_target": None, "FailureReason": why[: jobs.LONGEST_REASON]}
        if shift is not None:
            back = shift.taken_back(self._engines.clock.now())
            status |= {"_undone": shift.new, "_rollout": back.doc()}
        return move(phase, after=0.0, **status)

    async def _delete(self, endpoint: Resource) -> Step:
        # First nobody is sent there any more, then the instances go, last the row: repeated at will.
        await self._engines.serving.withdraw(endpoint.account, endpoint.region, endpoint.name)
        await Fleet(self._ways, self._engines.clock, endpoint).remove_all()
        tags.forget(self._engines.store, endpoint)
        self._engines.demand.forget(endpoint.account, endpoint.region, endpoint.name)
        return gone()
