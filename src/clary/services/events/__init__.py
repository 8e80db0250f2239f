"""EventBridge: buses, rules, targets, and the flow of events between them.

Needs the ports Router (which operations are served) and IdentityPolicies; the flow needs Heralds and Deliverer.
`policies.EventPolicies` and `policies.LogGroupPolicies` fulfil aws.authorize.ResourcePolicies.
"""

from collections.abc import Mapping

from clary.kernel.clock import Clock
from clary.kernel.reconcile import Reconciler
from clary.kernel.resource import StateMachine
from clary.kernel.store import Store
from clary.kernel.telemetry import LogStore
from clary.services.events import (
    access,
    archives,
    buses,
    flow,
    policies,
    put,
    replays,
    rules,
    tagged,
    targets,
    timer,
)
from clary.services.events.api import REPLAY, RULE, service

# Last: it looks at what all others have registered.
access.register()

MACHINES: Mapping[str, StateMachine] = {RULE: timer.MACHINE, REPLAY: replays.MACHINE}


def reconcilers(store: Store, logs: LogStore, clock: Clock) -> Mapping[str, Reconciler]:
    """The reconciler of each kind that is made true by work."""
    return {RULE: timer.RuleTimer(store, clock), REPLAY: replays.ReplayReconciler(store, logs, clock)}


__all__ = [
    "MACHINES",
    "access",
    "archives",
    "buses",
    "flow",
    "policies",
    "put",
    "reconcilers",
    "replays",
    "rules",
    "service",
    "tagged",
    "targets",
]
