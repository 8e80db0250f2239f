"""Databases of the catalog."""

from typing import Final

from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.glue import tags
from clary.services.glue.api import service
from clary.services.glue.catalog import removals
from clary.services.glue.catalog.names import (
    DATABASE,
    check_catalog,
    database_arn,
    find_database,
    folded,
    listed,
    refuse,
)
from clary.services.glue.errors import AlreadyExistsException, InvalidInputException

_PAGE: Final = 100
_LINKS: Final = "a database of the catalog has its tables itself. Leave it out."
_EVERYBODY: Final = [{"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}, "Permissions": ["ALL"]}]

tags.holds(DATABASE, "glue:database")


@service.operation("CreateDatabase", ignores=("DatabaseInput.CreateTableDefaultPermissions",))
async def create_database(ctx: Context, req: Doc) -> Doc:
    """The database is there, empty. Errors: AlreadyExistsException, InvalidInputException."""
    check_catalog(ctx, req)
    said = _checked(req["DatabaseInput"])
    name = said["Name"]
    made = Resource(
        kind=DATABASE,
        name=name,
        account=ctx.account,
        region=ctx.region,
        uid=ids.new(),
        arn=database_arn(ctx, name),
        spec=said,
        status={"_tags": tags.checked(req.get("Tags"))},
    )
    try:
        ctx.store.create(made)
    except Exists:
        raise AlreadyExistsException(f"Database already exists: {name}") from None
    return {}


@service.operation("GetDatabase")
async def get_database(ctx: Context, req: Doc) -> Doc:
    """Errors: EntityNotFoundException."""
    check_catalog(ctx, req)
    return {"Database": described(find_database(ctx, req["Name"]))}


@service.operation("GetDatabases", ignores=("ResourceShareType",))
async def get_databases(ctx: Context, req: Doc) -> Doc:
    """By name. Errors: InvalidInputException (a foreign token)."""
    check_catalog(ctx, req)
    found, more = listed(ctx, DATABASE, req, _PAGE)
    databases = [described(one) for one in found]
    if "AttributesToGet" in req:
        databases = [{"Name": one["Name"], "CatalogId": one["CatalogId"]} for one in databases]
    return {"DatabaseList": databases, **more}


@service.operation("UpdateDatabase", ignores=("DatabaseInput.CreateTableDefaultPermissions",))
async def update_database(ctx: Context, req: Doc) -> Doc:
    """The database is as the request says it; what it leaves out is no more. Errors: EntityNotFoundException,
    InvalidInputException."""
    check_catalog(ctx, req)
    said = _checked(req["DatabaseInput"])
    if said["Name"] != folded(req["Name"]):
        raise InvalidInputException(
            f"A database cannot be renamed: DatabaseInput.Name is {said['Name']}, the database {folded(req['Name'])}"
        )
    while True:
        database = find_database(ctx, req["Name"])
        try:
            ctx.store.update(database, spec=said)
        except Stale:  # written since it was read: look again
            continue
        return {}


@service.operation("DeleteDatabase")
async def delete_database(ctx: Context, req: Doc) -> Doc:
    """The database is gone at once, and nothing in it can be reached; its tables, partitions and functions are removed
    meanwhile. Errors: EntityNotFoundException."""
    check_catalog(ctx, req)
    while True:
        database = find_database(ctx, req["Name"])
        try:
            removals.remove(ctx.store, database, "DeleteDatabase", database.name)
        except Stale:
            continue
        return {}


def described(database: Resource) -> Doc:
    return {
        "CreateTableDefaultPermissions": _EVERYBODY,
        **database.public(),
        "CreateTime": database.created,
        "CatalogId": database.account,
    }


def _checked(said: Doc) -> Doc:
    refuse(said, "TargetDatabase", "FederatedDatabase", why=_LINKS)
    name = folded(said["Name"])
    if not name.strip() or "/" in name:
        raise InvalidInputException(f"A database cannot be called {name!r}: give it a name without a slash")
    return {**said, "Name": name}
