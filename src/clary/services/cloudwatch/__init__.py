"""CloudWatch: metrics, alarms and dashboards.

Alarms need the ports MetricStore, Router (which actions are served) and Deliverer; the bus calls their subscribers,
`alarm_follow.AlarmFollower` and `composite_follow.CompositeWaker`, with what happens to the kind `alarm_rows.KIND`.
"""

from collections.abc import Mapping

from clary.kernel.clock import Clock
from clary.kernel.metrics import MetricStore
from clary.kernel.reconcile import Reconciler
from clary.kernel.resource import StateMachine
from clary.kernel.store import Store
from clary.services.cloudwatch import (
    access,
    alarm_access,
    alarm_change,
    alarm_describe,
    alarm_follow,
    alarm_rows,
    alarm_tags,
    alarm_watch,
    alarms,
    composite,
    composite_follow,
    dashboards,
    data,
    history,
    host,
    page,
    put,
    read,
)
from clary.services.cloudwatch.api import service

alarm_access.register()
access.register()

MACHINES: Mapping[str, StateMachine] = {alarm_rows.KIND: alarm_rows.MACHINE}


def reconcilers(store: Store, metrics: MetricStore, clock: Clock) -> Mapping[str, Reconciler]:
    """The reconciler of each kind that is made true by work."""
    return {alarm_rows.KIND: alarm_watch.Alarms(store, metrics, clock)}


__all__ = [
    "MACHINES",
    "access",
    "alarm_access",
    "alarm_change",
    "alarm_describe",
    "alarm_follow",
    "alarm_rows",
    "alarm_tags",
    "alarm_watch",
    "alarms",
    "composite",
    "composite_follow",
    "dashboards",
    "data",
    "history",
    "host",
    "page",
    "put",
    "read",
    "reconcilers",
    "service",
]
