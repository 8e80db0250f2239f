"""SNS: topics and their subscriptions.

Needs the ports `notices.Notices`, `aws.delivery.Deliverer` and `kernel.web.Web`; gives `policy.TopicPolicies` as
`aws.authorize.ResourcePolicies`. `fanout.Fanout` is to hear the lines of the kind `publish.KIND`.
"""

from collections.abc import Mapping
from typing import Final

from clary.kernel.clock import Clock
from clary.kernel.reconcile import Reconciler
from clary.kernel.resource import StateMachine
from clary.services.sns import (
    access,
    fanout,
    links,
    mail,
    notices,
    policy,
    publish,
    subscription_attributes,
    subscriptions,
    tags,
    tidying,
    topics,
)
from clary.services.sns.api import SUBSCRIPTION, service

# Last: it looks at what all others have registered.
access.register()

MACHINES: Final[Mapping[str, StateMachine]] = {SUBSCRIPTION: subscriptions.MACHINE}


def reconcilers(clock: Clock) -> Mapping[str, Reconciler]:
    """By the kind of resource that each looks after."""
    return {SUBSCRIPTION: subscriptions.SubscriptionReconciler(clock)}


__all__ = [
    "MACHINES",
    "access",
    "fanout",
    "links",
    "mail",
    "notices",
    "policy",
    "publish",
    "reconcilers",
    "service",
    "subscription_attributes",
    "subscriptions",
    "tags",
    "tidying",
    "topics",
]
