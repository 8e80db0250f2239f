"""EventBridge: buses, rules, targets, and the flow of events between them.

Needs the ports Router (which operations are served) and IdentityPolicies; the flow needs Heralds and Deliverer.
`policies.EventPolicies` and `policies.LogGroupPolicies` fulfil aws.authorize.ResourcePolicies.
"""

from collections.abc import Mapping

from clary.kernel.clock import Clock
from clary.kernel.reconcile import Reconciler
from clary.kernel.resource import StateMachine
from clary.kernel.store import Store
from clary.services.events import access, buses, flow, policies, put, rules, tagged, targets, timer
from clary.services.events.api import RULE, service

# Last: it looks at what all others have registered.
access.register()

MACHINES: Mapping[str, StateMachine] = {RULE: timer.MACHINE}


def reconcilers(store: Store, clock: Clock) -> Mapping[str, Reconciler]:
    """The reconciler of each kind that is made true by work."""
    return {RULE: timer.RuleTimer(store, clock)}


__all__ = [
    "MACHINES",
    "access",
    "buses",
    "flow",
    "policies",
    "put",
    "reconcilers",
    "rules",
    "service",
    "tagged",
    "targets",
]
