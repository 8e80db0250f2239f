"""Amazon Athena: SQL over the tables of the Glue catalog. Needs the ports Queries and ObjectStore."""

from collections.abc import Callable, Mapping

from clary.aws.credentials import Principal
from clary.aws.service import Context
from clary.engines.queries.base import Queries
from clary.kernel.clock import Clock
from clary.kernel.reconcile import Reconciler
from clary.kernel.resource import StateMachine
from clary.kernel.store import Store
from clary.services.athena import access, catalogs, executions, prepared, results, running, workgroups
from clary.services.athena.api import EXECUTION, service

# Last: it looks at what all others have registered.
access.register()

MACHINES: Mapping[str, StateMachine] = {EXECUTION: executions.MACHINE}


def reconcilers(
    queries: Queries, inside: Callable[[Principal, str], Context], store: Store, clock: Clock
) -> Mapping[str, Reconciler]:
    """The reconciler of each kind that is made true by work."""
    return {EXECUTION: running.Executions(queries, inside, store, clock)}


__all__ = ["MACHINES", "access", "catalogs", "prepared", "reconcilers", "results", "service", "workgroups"]
