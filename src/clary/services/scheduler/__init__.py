"""EventBridge Scheduler: schedules in groups, which call public operations with the rights of a role.

Needs the ports Router (which operations are served) and IdentityPolicies; firing needs a Deliverer.
"""

from collections.abc import Mapping

from clary.aws.delivery import Deliverer
from clary.kernel.clock import Clock
from clary.kernel.reconcile import Reconciler
from clary.kernel.resource import StateMachine
from clary.kernel.store import Store
from clary.services.scheduler import access, groups, schedules, timer
from clary.services.scheduler.api import GROUP, SCHEDULE, service

# Last: it looks at what all others have registered.
access.register()

MACHINES: Mapping[str, StateMachine] = {SCHEDULE: timer.MACHINE, GROUP: groups.MACHINE}


def reconcilers(store: Store, clock: Clock, deliverer: Deliverer) -> Mapping[str, Reconciler]:
    """The reconciler of each kind that is made true by work."""
    return {SCHEDULE: timer.ScheduleTimer(clock, deliverer), GROUP: groups.GroupEnd(store)}


__all__ = ["MACHINES", "access", "groups", "reconcilers", "schedules", "service"]
