"""What happens to the catalog, as Amazon EventBridge tells it."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.heralds import Herald, envelope
from clary.kernel.resource import Doc
from clary.kernel.store import Event
from clary.services.glue.catalog.names import DATABASE, PARTITION, TABLE
from clary.services.glue.catalog.removals import REMOVAL

SOURCE: Final = "aws.glue"
_OF_DATABASE: Final = "Glue Data Catalog Database State Change"
_OF_TABLE: Final = "Glue Data Catalog Table State Change"


def _database(event: Event) -> Sequence[Doc]:
    if event.type != "created":
        return ()
    return [_of_database(event, "CreateDatabase", event.name, event.resource["arn"])]


def _table(event: Event) -> Sequence[Doc]:
    database, name = event.resource["status"]["_database"], event.resource["spec"]["Name"]
    if event.type == "created":
        return [_of_database(event, "CreateTable", database, event.resource["arn"], name)]
    if event.type == "changed":
        return [_of_table(event, "UpdateTable", database, name, event.resource["arn"])]
    return ()


def _partition(event: Event) -> Sequence[Doc]:
    """One event a partition; which operation it was stands in the row."""
    status = event.resource["status"]
    operation = status["_by"]
    if event.type == "deleted" and not operation.endswith("DeletePartition"):
        return ()  # it went with its table, which told of it
    if event.type == "changed" and operation.endswith("DeletePartition"):
        return ()
    values = f"[{', '.join(status['_partition']['Values'])}]"
    return [_of_table(event, operation, status["_database"], status["_table"], status["_of"], values)]


def _removal(event: Event) -> Sequence[Doc]:
    said = event.resource["spec"]
    if event.type != "created" or not said.get("Operation"):
        return ()
    tables = [said["TableName"]] if said["TableName"] else []
    return [_of_database(event, said["Operation"], said["DatabaseName"], said["Arn"], *tables)]


def _of_database(event: Event, operation: str, database: str, arn: str, *tables: str) -> Doc:
    detail: Doc = {"databaseName": database, "typeOfChange": operation, "changedTables": list(tables)}
    return envelope(event, SOURCE, _OF_DATABASE, detail, [arn])


def _of_table(event: Event, operation: str, database: str, table: str, arn: str, *partitions: str) -> Doc:
    detail: Doc = {
        "databaseName": database,
        "changedPartitions": list(partitions),
        "typeOfChange": operation,
        "tableName": table,
    }
    return envelope(event, SOURCE, _OF_TABLE, detail, [arn])


HERALDS: Final[Mapping[str, Herald]] = {
    DATABASE: _database,
    PARTITION: _partition,
    REMOVAL: _removal,
    TABLE: _table,
}
