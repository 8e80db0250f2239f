"""What is in a database or a table that was deleted goes too."""

from typing import Final

from clary.kernel.resource import Resource
from clary.kernel.store import Store
from clary.services.glue.catalog.names import DATABASE, FUNCTION, PARTITION, STATISTICS, TABLE, VERSION
from clary.services.glue.removals import Removals

REMOVAL: Final = "glue-removal"


def _holds(one: Resource) -> bool:
    return one.kind != PARTITION or bool(one.status.get("_statistics"))


REMOVALS: Final = Removals(
    REMOVAL,
    {DATABASE: (TABLE, FUNCTION), TABLE: (PARTITION, VERSION, STATISTICS), PARTITION: (STATISTICS,)},
    _holds,
)


def remove(store: Store, one: Resource, operation: str, database: str = "", table: str = "") -> None:
    """`one` is gone, and what is in it will be. `operation`: what the event that tells of it says. Raises Stale."""
    REMOVALS.remove(store, one, Operation=operation, DatabaseName=database, TableName=table, Arn=one.arn)
