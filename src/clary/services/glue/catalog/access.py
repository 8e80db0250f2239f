"""What the catalog asks of the policies. As on AWS, who wants a table needs its database and the catalog too."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.access import Asks
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.glue.asking import Names, asking
from clary.services.glue.catalog.names import catalog_arn, database_arn, function_arn, table_arn


def _catalog(ctx: Context, req: Doc) -> Sequence[str]:
    return [catalog_arn(ctx)]


def _new_database(ctx: Context, req: Doc) -> Sequence[str]:
    return [catalog_arn(ctx), database_arn(ctx, req["DatabaseInput"]["Name"])]


def _named_database(ctx: Context, req: Doc) -> Sequence[str]:
    return [catalog_arn(ctx), database_arn(ctx, req["Name"])]


def _all_databases(ctx: Context, req: Doc) -> Sequence[str]:
    return [catalog_arn(ctx), database_arn(ctx, "*")]


def _whole_database(ctx: Context, req: Doc) -> Sequence[str]:
    name = req["Name"]
    return [*_named_database(ctx, req), table_arn(ctx, name, "*"), function_arn(ctx, name, "*")]


def _tables(member: str) -> Names:
    """The table that the request names by that member; without one, all of the database."""

    def names(ctx: Context, req: Doc) -> Sequence[str]:
        database = req.get("DatabaseName", "*")
        name = req.get("TableInput", {}).get("Name") or req.get("Name", "*") if member == "" else req.get(member, "*")
        return [catalog_arn(ctx), database_arn(ctx, database), table_arn(ctx, database, name)]

    return names


def _many_tables(ctx: Context, req: Doc) -> Sequence[str]:
    database = req["DatabaseName"]
    several = [table_arn(ctx, database, name) for name in req["TablesToDelete"]]
    return [catalog_arn(ctx), database_arn(ctx, database), *several]


def _every_table(ctx: Context, req: Doc) -> Sequence[str]:
    return [catalog_arn(ctx), database_arn(ctx, "*"), table_arn(ctx, "*", "*")]


def _functions(ctx: Context, req: Doc) -> Sequence[str]:
    database = req.get("DatabaseName", "*")
    name = req.get("FunctionName") or req.get("FunctionInput", {}).get("FunctionName", "*")
    return [catalog_arn(ctx), database_arn(ctx, database), function_arn(ctx, database, name)]


_NAMES: Final[Mapping[str, Names]] = {
    "CreateDatabase": _new_database,
    "GetDatabase": _named_database,
    "GetDatabases": _all_databases,
    "UpdateDatabase": _named_database,
    "DeleteDatabase": _whole_database,
    "CreateTable": _tables(""),
    "UpdateTable": _tables(""),
    "GetTable": _tables("Name"),
    "DeleteTable": _tables("Name"),
    "GetTables": _tables("TableName"),
    "BatchDeleteTable": _many_tables,
    "SearchTables": _every_table,
    **{
        operation: _tables("TableName")
        for operation in (
            "GetTableVersion",
            "GetTableVersions",
            "DeleteTableVersion",
            "BatchDeleteTableVersion",
            "CreatePartition",
            "BatchCreatePartition",
            "GetPartition",
            "GetPartitions",
            "BatchGetPartition",
            "UpdatePartition",
            "BatchUpdatePartition",
            "DeletePartition",
            "BatchDeletePartition",
            "CreatePartitionIndex",
            "GetPartitionIndexes",
            "DeletePartitionIndex",
            "UpdateColumnStatisticsForTable",
            "GetColumnStatisticsForTable",
            "DeleteColumnStatisticsForTable",
            "UpdateColumnStatisticsForPartition",
            "GetColumnStatisticsForPartition",
            "DeleteColumnStatisticsForPartition",
        )
    },
    "CreateUserDefinedFunction": _functions,
    "GetUserDefinedFunction": _functions,
    "GetUserDefinedFunctions": _functions,
    "UpdateUserDefinedFunction": _functions,
    "DeleteUserDefinedFunction": _functions,
}
ASKS: Final[Mapping[str, Asks]] = {operation: asking(operation, names) for operation, names in _NAMES.items()}
