"""SQS: standard queues over the message store.

Needs the port `kernel.queues.QueueStore`; gives `policy.QueuePolicies` as `aws.authorize.ResourcePolicies`.
"""

from collections.abc import Mapping
from typing import Final

from clary.kernel.clock import Clock
from clary.kernel.queues import QueueStore
from clary.kernel.reconcile import Reconciler
from clary.kernel.resource import StateMachine
from clary.kernel.store import Store
from clary.services.sqs import (
    access,
    attributes,
    depths,
    moves,
    policy,
    queues,
    receipts,
    receive,
    redrive,
    send,
    tags,
    tidying,
)
from clary.services.sqs.api import service

# Last: it looks at what all others have registered.
access.register()

MACHINES: Final[Mapping[str, StateMachine]] = {moves.KIND: moves.MACHINE}


def reconcilers(store: Store, messages: QueueStore, clock: Clock) -> Mapping[str, Reconciler]:
    """By the kind of resource that each looks after."""
    return {moves.KIND: moves.MoveReconciler(store, messages, clock)}


__all__ = [
    "MACHINES",
    "access",
    "attributes",
    "depths",
    "moves",
    "policy",
    "queues",
    "receipts",
    "receive",
    "reconcilers",
    "redrive",
    "send",
    "service",
    "tags",
    "tidying",
]
