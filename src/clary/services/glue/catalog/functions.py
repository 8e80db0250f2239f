"""User-defined functions of databases: their definitions are kept. Nothing here calls them."""

import re
from typing import Final

from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.glue.api import service
from clary.services.glue.catalog.names import FUNCTION, check_catalog, find_database, folded, function_arn, row_name
from clary.services.glue.catalog.searching import pattern
from clary.services.glue.errors import AlreadyExistsException, EntityNotFoundException, InvalidInputException

_PAGE: Final = 100
_BITE: Final = 200
_NAME: Final = re.compile(r"[^/\s]+")


@service.operation("CreateUserDefinedFunction", stored=True)
async def create_function(ctx: Context, req: Doc) -> Doc:
    """The database has the function. Errors: AlreadyExists, EntityNotFound (no database), InvalidInput."""
    check_catalog(ctx, req)
    database = find_database(ctx, req["DatabaseName"])
    said = req["FunctionInput"]
    name = folded(said.get("FunctionName", ""))
    if not _NAME.fullmatch(name):
        raise InvalidInputException(f"FunctionInput.FunctionName {name!r} is no name of a function")
    made = Resource(
        kind=FUNCTION,
        name=row_name(database, name),
        account=ctx.account,
        region=ctx.region,
        uid=ids.new(),
        arn=function_arn(ctx, database.name, name),
        parent=database.uid,
        spec={**said, "FunctionName": name},
        status={"_database": database.name},
    )
    try:
        ctx.store.create(made)
    except Exists:
        raise AlreadyExistsException(f"Function already exists: {name}") from None
    return {}


@service.operation("GetUserDefinedFunction")
async def get_function(ctx: Context, req: Doc) -> Doc:
    """Errors: EntityNotFoundException."""
    return {"UserDefinedFunction": _described(_find(ctx, req))}


@service.operation("GetUserDefinedFunctions")
async def get_functions(ctx: Context, req: Doc) -> Doc:
    """Those whose name matches Pattern, of one database or of all, by database as they were made and by name. Errors:
    EntityNotFoundException, InvalidInputException."""
    check_catalog(ctx, req)
    parent = find_database(ctx, req["DatabaseName"]).uid if "DatabaseName" in req else None
    matches = pattern(req["Pattern"])
    filters = page.digest("functions", parent, req["Pattern"], req.get("FunctionType"))
    most = min(req.get("MaxResults", _PAGE), _PAGE)
    after = None
    if "NextToken" in req:
        try:
            after = page.decode(req["NextToken"], filters, str, str)
        except BadToken as error:
            raise InvalidInputException(str(error)) from None
    found: list[Resource] = []
    where = Where(account=ctx.account, region=ctx.region, parent=parent)
    while len(found) <= most:
        rows = ctx.store.page(FUNCTION, where, after=after, limit=_BITE)
        found += [
            one
            for one in rows
            if req.get("FunctionType") in (None, one.spec.get("FunctionType"))
            and matches(one.spec["FunctionName"])
            and _stands(ctx, one)
        ]
        if not rows:
            break
        after = [rows[-1].name, rows[-1].name]
    more: Doc = {}
    if len(found) > most:
        found = found[:most]
        more = {"NextToken": page.encode([found[-1].name, found[-1].name], filters)}
    return {"UserDefinedFunctions": [_described(one) for one in found], **more}


@service.operation("UpdateUserDefinedFunction", stored=True)
async def update_function(ctx: Context, req: Doc) -> Doc:
    """The function is as FunctionInput says. Errors: EntityNotFoundException, InvalidInputException."""
    said = req["FunctionInput"]
    name = folded(req["FunctionName"])
    if folded(said.get("FunctionName", name)) != name:
        raise InvalidInputException("A function cannot be renamed: FunctionInput.FunctionName must be the same")
    while True:
        function = _find(ctx, req)
        try:
            ctx.store.update(function, spec={**said, "FunctionName": name})
        except Stale:
            continue
        return {}


@service.operation("DeleteUserDefinedFunction")
async def delete_function(ctx: Context, req: Doc) -> Doc:
    """The database has no such function. Errors: EntityNotFoundException."""
    while True:
        try:
            ctx.store.delete(_find(ctx, req))
        except Stale:
            continue
        return {}


def _find(ctx: Context, req: Doc) -> Resource:
    check_catalog(ctx, req)
    database = find_database(ctx, req["DatabaseName"])
    try:
        return ctx.store.get(ctx.account, ctx.region, FUNCTION, row_name(database, req["FunctionName"]))
    except Missing:
        raise EntityNotFoundException(
            f"Entity Not Found: function {folded(req['FunctionName'])} in database {database.name}."
        ) from None


def _stands(ctx: Context, function: Resource) -> bool:
    """Its database is there: what only waits to be removed is not listed."""
    try:
        return find_database(ctx, function.status["_database"]).uid == function.parent
    except EntityNotFoundException:
        return False


def _described(function: Resource) -> Doc:
    return {
        **function.spec,
        "DatabaseName": function.status["_database"],
        "CreateTime": function.created,
        "CatalogId": function.account,
    }
