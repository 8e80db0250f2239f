"""The data catalog: databases, tables with their versions, partitions, statistics and functions."""

from collections.abc import Mapping

from clary.kernel.reconcile import Reconciler
from clary.kernel.store import Store
from clary.services.glue.catalog import (
    databases,
    functions,
    partitions,
    removals,
    searching,
    statistics,
    tables,
    versions,
)
from clary.services.glue.removals import Removing


def reconcilers(store: Store) -> Mapping[str, Reconciler]:
    """What removes what stood in deleted databases and tables."""
    return {removals.REMOVAL: Removing(store, removals.REMOVALS)}


__all__ = [
    "databases",
    "functions",
    "partitions",
    "reconcilers",
    "removals",
    "searching",
    "statistics",
    "tables",
    "versions",
]
