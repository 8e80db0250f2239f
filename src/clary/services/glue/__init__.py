"""AWS Glue: the catalog, crawlers, and jobs with their triggers."""

from collections.abc import Mapping

from clary.kernel.reconcile import Reconciler
from clary.kernel.resource import StateMachine
from clary.services.glue import access, catalog, crawlers, jobs, registry, tags, triggers
from clary.services.glue.api import service
from clary.services.glue.engines import Engines
from clary.services.glue.jobs.reconcile import JobRunReconciler
from clary.services.glue.triggers.reconcile import TriggerReconciler

# Last: it looks at what all others have registered.
access.register()

MACHINES: Mapping[str, StateMachine] = {**crawlers.MACHINES, jobs.RUN: jobs.MACHINE, triggers.TRIGGER: triggers.MACHINE}
JOBS: tuple[str, ...] = (jobs.RUN,)
"""The kinds that wait their turn for this machine."""


def reconcilers(engines: Engines) -> Mapping[str, Reconciler]:
    """The reconcilers of jobs and triggers."""
    return {jobs.RUN: JobRunReconciler(engines), triggers.TRIGGER: TriggerReconciler(engines)}


__all__ = [
    "JOBS",
    "MACHINES",
    "Engines",
    "access",
    "catalog",
    "crawlers",
    "jobs",
    "reconcilers",
    "registry",
    "service",
    "tags",
    "triggers",
]
