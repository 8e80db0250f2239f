"""Tables of the catalog: made, read, changed, deleted.

The row holds the table as it is now; `_version` counts its versions from 0, as Glue does. What it was before stands in
rows of its own (see versions.py).
"""

from collections.abc import Sequence
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.glue import tags
from clary.services.glue.api import service
from clary.services.glue.catalog import iceberg, indexes, removals, versions
from clary.services.glue.catalog.names import (
    TABLE,
    check_catalog,
    find_database,
    find_table,
    folded,
    refuse,
    row_name,
    table_arn,
    table_at,
    table_in,
)
from clary.services.glue.errors import (
    AlreadyExistsException,
    ConcurrentModificationException,
    EntityNotFoundException,
    InvalidInputException,
)

_TRANSACTIONS: Final = "governed tables and their transactions are no more. Leave it out."
_PAST: Final = "GetTableVersions has what a table was; an Iceberg table tells its own past."

tags.holds(TABLE, "glue:table", table_at)


@service.operation("CreateTable")
async def create_table(ctx: Context, req: Doc) -> Doc:
    """The table is there; with OpenTableFormatInput its first Iceberg metadata file too. Errors: AlreadyExists,
    EntityNotFound (no database), InvalidInput."""
    check_catalog(ctx, req)
    refuse(req, "TransactionId", why=_TRANSACTIONS)
    database = find_database(ctx, req["DatabaseName"])
    said = _checked(_input(req))
    indexed = indexes.checked(said, req.get("PartitionIndexes", ()))
    if "OpenTableFormatInput" in req:
        _vacant(ctx, database, said["Name"])
        said = await iceberg.created(ctx, said, req["OpenTableFormatInput"])
        # Somebody may have deleted the database while the file was written.
        database = find_database(ctx, req["DatabaseName"])
    made = Resource(
        kind=TABLE,
        name=row_name(database, said["Name"]),
        account=ctx.account,
        region=ctx.region,
        uid=ids.new(),
        arn=table_arn(ctx, database.name, said["Name"]),
        parent=database.uid,
        spec=said,
        status={
            "_database": database.name,
            "_version": 0,
            "_by": ctx.principal.arn,
            "_updated": ctx.clock.now(),
            "_indexes": indexed,
        },
    )
    try:
        ctx.store.create(made)
    except Exists:
        raise AlreadyExistsException(f"Table already exists: {said['Name']}") from None
    return {}


@service.operation("GetTable", ignores=("AuditContext", "IncludeStatusDetails"))
async def get_table(ctx: Context, req: Doc) -> Doc:
    """The table as it is now. Errors: EntityNotFoundException."""
    check_catalog(ctx, req)
    refuse(req, "TransactionId", why=_TRANSACTIONS)
    refuse(req, "QueryAsOfTime", why=_PAST)
    return {"Table": chosen(versions.described(find_table(ctx, req["DatabaseName"], req["Name"])), req)}


@service.operation("UpdateTable", ignores=("Force",))
async def update_table(ctx: Context, req: Doc) -> Doc:
    """The table is as TableInput says it, one version further; the version before is kept unless SkipArchive. Errors:
    EntityNotFound, ConcurrentModification (VersionId is not the present one), InvalidInput."""
    check_catalog(ctx, req)
    refuse(req, "TransactionId", why=_TRANSACTIONS)
    refuse(req, "ViewUpdateAction", why="there is no view of several dialects. Update TableInput.ViewOriginalText.")
    refuse(req, "UpdateOpenTableFormatInput", why="commit to an Iceberg table with an Iceberg client.")
    said = _checked(_input(req))
    if "Name" in req and folded(req["Name"]) != said["Name"]:
        raise InvalidInputException("A table cannot be renamed: Name and TableInput.Name must be the same")
    while True:
        table = find_table(ctx, req["DatabaseName"], said["Name"])
        if req.get("VersionId", versions.number(table)) != versions.number(table):
            raise ConcurrentModificationException(
                f"Update table failed due to concurrent modifications: the table is at version "
                f"{versions.number(table)}, not {req['VersionId']}. Read it again."
            )
        _check_keys(ctx, table, said)
        if not req.get("SkipArchive"):
            versions.archive(ctx.store, table)
        try:
            ctx.store.update(
                table,
                spec=said,
                emit=True,
                _version=table.status["_version"] + 1,
                _updated=ctx.clock.now(),
            )
        except Stale:
            continue  # written since it was read: with VersionId, somebody else's commit is found out above
        return {}


@service.operation("DeleteTable")
async def delete_table(ctx: Context, req: Doc) -> Doc:
    """The table is gone at once; its partitions and versions are removed meanwhile. Its files stay. Errors:
    EntityNotFoundException."""
    check_catalog(ctx, req)
    refuse(req, "TransactionId", why=_TRANSACTIONS)
    _delete(ctx, find_database(ctx, req["DatabaseName"]), req["Name"], "DeleteTable")
    return {}


@service.operation("BatchDeleteTable")
async def batch_delete_table(ctx: Context, req: Doc) -> Doc:
    """As DeleteTable, of each; Errors says which were not there. Errors: EntityNotFoundException (no database)."""
    check_catalog(ctx, req)
    refuse(req, "TransactionId", why=_TRANSACTIONS)
    database = find_database(ctx, req["DatabaseName"])
    errors = []
    for name in req["TablesToDelete"]:
        try:
            _delete(ctx, database, name, "BatchDeleteTable")
        except EntityNotFoundException as error:
            errors.append({"TableName": name, "ErrorDetail": detail(error)})
    return {"Errors": errors} if errors else {}


def detail(error: ServiceError) -> Doc:
    """An error of one of many."""
    return {"ErrorCode": error.error_code, "ErrorMessage": error.message}


def chosen(table: Doc, req: Doc) -> Doc:
    """What AttributesToGet leaves of a table."""
    wanted: Sequence[str] = req.get("AttributesToGet", ())
    if "LATEST_ICEBERG_METADATA" in wanted:
        refuse({"AttributesToGet": wanted}, "AttributesToGet", why="read the file that metadata_location names.")
    if not wanted or "DEFAULT" in wanted:
        return table
    kept = ("Name", "DatabaseName", "CatalogId", *(["TableType"] if "TABLE_TYPE" in wanted else []))
    return {member: table[member] for member in kept if member in table}


def _delete(ctx: Context, database: Resource, name: str, operation: str) -> None:
    while True:
        table = table_in(ctx, database, name)
        try:
            removals.remove(ctx.store, table, operation, database.name, folded(name))
        except Stale:
            continue
        return


def _input(req: Doc) -> Doc:
    """TableInput, or what stands in its place where OpenTableFormatInput says the rest."""
    if "TableInput" in req:
        return dict(req["TableInput"])
    if "Name" in req and "OpenTableFormatInput" in req:
        return {"Name": req["Name"]}
    raise InvalidInputException("TableInput is missing: it says the table's name, columns and location")


def _vacant(ctx: Context, database: Resource, name: str) -> None:
    try:
        table_in(ctx, database, name)
    except EntityNotFoundException:
        return
    raise AlreadyExistsException(f"Table already exists: {name}")


def _checked(said: Doc) -> Doc:
    """With its name folded. Raises InvalidInputException, NotImplementedHere."""
    refuse(said, "TargetTable", "FederatedTable", why="a table of the catalog is its own. Leave it out.")
    refuse(said, "ViewDefinition", why="there is no view of several dialects. Use ViewOriginalText.")
    name = folded(said["Name"])
    if not name.strip() or "/" in name:
        raise InvalidInputException(f"A table cannot be called {name!r}: give it a name without a slash")
    return {**said, "Name": name}


def _check_keys(ctx: Context, table: Resource, said: Doc) -> None:
    """What partitions are called by does not change its number while there are any, nor what an index stands on."""
    old = [folded(one["Name"]) for one in table.spec.get("PartitionKeys", ())]
    new = [folded(one["Name"]) for one in said.get("PartitionKeys", ())]
    if old == new:
        return
    if len(old) != len(new) and indexes.partitioned(ctx, table):
        raise InvalidInputException(
            f"The table has partitions by ({', '.join(old)}): delete them before its partition keys change to "
            f"({', '.join(new)})"
        )
    if table.status["_indexes"]:
        raise InvalidInputException("The table has partition indexes: delete them before its partition keys change")
