"""The schema registry: registries, schemas, and versions that are checked for compatibility."""

from collections.abc import Mapping

from clary.kernel.reconcile import Reconciler
from clary.kernel.store import Store
from clary.services.glue.registry import metadata, registries, schemas, versions
from clary.services.glue.registry.names import REMOVAL
from clary.services.glue.removals import Removing


def reconcilers(store: Store) -> Mapping[str, Reconciler]:
    """What removes what stood in deleted registries and schemas."""
    return {REMOVAL: Removing(store, registries.REMOVALS)}


__all__ = ["metadata", "reconcilers", "registries", "schemas", "versions"]
