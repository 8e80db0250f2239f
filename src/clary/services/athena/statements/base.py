"""What every statement of DDL and SHOW is made of: its answer, and what it asks the catalog."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.engines.queries.base import QueryError
from clary.kernel.resource import Doc
from clary.services.athena.tables import pages


@dataclass(frozen=True, slots=True)
class Said:
    """The answer to a statement of DDL."""

    lines: list[str]
    columns: list[Doc]


Do = Callable[[Context, Doc, bool], Awaitable[Said]]
"""With whether it may have been done already, by a server that was killed then."""


def column(name: str) -> Doc:
    """A column of text, as the metadata of results describes it."""
    return {
        **{"CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": name, "Label": name, "Type": "string"},
        **{"Precision": 0, "Scale": 0, "Nullable": "UNKNOWN", "CaseSensitive": False},
    }


def answered(lines: list[str] | None = None, *names: str) -> Said:
    return Said(lines or [], [column(name) for name in names])


async def tables_in(ctx: Context, database: str) -> list[Doc]:
    """Tables and views of a database. Raises QueryError if it does not exist."""
    try:
        return [one async for one in pages(ctx, "glue", "GetTables", {"DatabaseName": database}, "TableList")]
    except ServiceError as error:
        if error.error_code != "EntityNotFoundException":
            raise
        raise QueryError(f"Database does not exist: {database}", code="SCHEMA_NOT_FOUND") from None


def columns_of(table: Doc) -> list[Doc]:
    """Partition keys are the last."""
    return [*table.get("StorageDescriptor", {}).get("Columns", []), *table.get("PartitionKeys", [])]


class Gone(Exception):
    """What the catalog was asked for is not there; perhaps somebody else deleted it just now."""


async def glue(ctx: Context, operation: str, params: Doc) -> Doc:
    """The answer of the catalog. Raises Gone."""
    try:
        return await ctx.call("glue", operation, params)
    except ServiceError as error:
        if error.error_code == "EntityNotFoundException":
            raise Gone from None
        raise
