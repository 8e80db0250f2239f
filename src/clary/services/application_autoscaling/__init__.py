"""Application Auto Scaling of SageMaker's endpoints: targets, policies, scheduled actions and activities.

Needs the ports IdentityPolicies and Pace, and the services sagemaker, cloudwatch and iam, which are asked by their
public operations. The world hands `carrier` to the deliverer and `EndpointFollower` to the bus.
"""

from collections.abc import Callable, Mapping

from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import Principal
from clary.aws.service import Context
from clary.kernel.clock import Clock
from clary.kernel.reconcile import Reconciler
from clary.kernel.store import Store
from clary.services.application_autoscaling import access, activities, policies, scheduled, tagged, targets
from clary.services.application_autoscaling.activities import tidy
from clary.services.application_autoscaling.api import ACTION, POLICY, TARGET, service
from clary.services.application_autoscaling.follow import SUBSCRIBER, EndpointFollower, carrier
from clary.services.application_autoscaling.pace import Pace
from clary.services.application_autoscaling.policies import PolicyReconciler, at_speed
from clary.services.application_autoscaling.reconcile import Actors, TargetReconciler
from clary.services.application_autoscaling.scheduled import ActionReconciler

access.register()


def reconcilers(
    store: Store,
    clock: Clock,
    inside: Callable[[Principal, str], Context],
    identities: IdentityPolicies,
    pace: Pace,
) -> Mapping[str, Reconciler]:
    """The reconciler of each kind that is made true by work."""
    acting = Actors(inside, identities, clock)
    return {
        TARGET: TargetReconciler(store, clock, acting, pace),
        POLICY: PolicyReconciler(acting, pace),
        ACTION: ActionReconciler(store, clock),
    }


__all__ = [
    "SUBSCRIBER",
    "Actors",
    "EndpointFollower",
    "Pace",
    "access",
    "activities",
    "at_speed",
    "carrier",
    "policies",
    "reconcilers",
    "scheduled",
    "service",
    "tagged",
    "targets",
    "tidy",
]
