"""What brings an endpoint into service and keeps it there."""

from clary.engines.serving.base import Route
from clary.kernel.reconcile import Step, again, gone, move, rest
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import jobs, tags
from clary.services.sagemaker.endpoints.fleet import SOON_SECONDS, Fleet
from clary.services.sagemaker.endpoints.routing import plain
from clary.services.sagemaker.endpoints.servers import ways
from clary.services.sagemaker.engines import Engines

LOOK_SECONDS = 15.0
"""How often an endpoint in service is looked at when no hint comes."""
FRONTS_SECONDS = 1.0
"""How often while a front has not taken up the route yet."""
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
        fleet = Fleet(self._ways, self._engines.clock, endpoint)
        await fleet.observe()
        target, live = endpoint.status.get("_target"), endpoint.status.get("_live")
        await fleet.fill([one for one in (live, target) if one is not None])
        if target is not None:
            return await self._deploy(endpoint, fleet, target)
        if live is None:  # It failed before it ever served.
            await fleet.dismiss(unrouted=True)
            return again(fleet.pause(LOOK_SECONDS), **fleet.status()) if fleet.leaving else rest(**fleet.status())
        return await self._keep(endpoint, fleet, live)

    def give_up(self, endpoint: Resource, error: Exception) -> Step:
        why = f"Clary could not go on with the deployment ({type(error).__name__})."
        if endpoint.status.get("_target") is not None:
            return self._refuse(endpoint, why, {})
        # An endpoint that serves is never given up: somebody may mend the machine under it.
        return again(LOOK_SECONDS)

    async def _deploy(self, endpoint: Resource, fleet: Fleet, target: Doc) -> Step:
        """The target takes over once all its instances are ready and every front serves it, or is refused."""
        fleet.impatient(target)
        why = fleet.failure(target, MOST_CRASHES, target["started"])
        if why is not None:
            return self._refuse(endpoint, why, fleet.status())
        if not fleet.complete(target):
            live = endpoint.status.get("_live")
            # While an update is under way the old deployment is kept as alive as ever.
            served = live is None or await self._publish(plain(endpoint, live, fleet.ready(live)))
            await fleet.dismiss(unrouted=served)
            return again(fleet.pause(LOOK_SECONDS), **fleet.status())
        served = await self._publish(plain(endpoint, target, fleet.ready(target)))
        await fleet.dismiss(unrouted=served)
        if not served:
            return again(SOON_SECONDS, **fleet.status())
        # Old instances leave at the next look, when it is written that the new ones serve: a crash in between finds
        # both alive and the new route published, and comes to the same end.
        return move(
            "InService",
            after=0.0,
            **fleet.status(),
            _live=target,
            _target=None,
            EndpointConfigName=target["config"],
        )

    async def _keep(self, endpoint: Resource, fleet: Fleet, live: Doc) -> Step:
        fleet.impatient(live)
        served = await self._publish(plain(endpoint, live, fleet.ready(live)))
        await fleet.dismiss(unrouted=served)
        await fleet.dismiss_strays()
        after = min(fleet.pause(LOOK_SECONDS), LOOK_SECONDS if served else FRONTS_SECONDS)
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

    def _refuse(self, endpoint: Resource, why: str, status: Doc) -> Step:
        """The target is dropped: a new endpoint has failed, an old one goes back to what it served."""
        phase = "Failed" if endpoint.phase == "Creating" else "RollingBack"
        return move(phase, after=0.0, **status, _target=None, FailureReason=why[: jobs.LONGEST_REASON])

    async def _delete(self, endpoint: Resource) -> Step:
        # First nobody is sent there any more, then the instances go, last the row: repeated at will.
        await self._engines.serving.withdraw(endpoint.account, endpoint.region, endpoint.name)
        await Fleet(self._ways, self._engines.clock, endpoint).remove_all()
        tags.forget(self._engines.store, endpoint)
        return gone()
