"""Versions of tables: what a table was before each UpdateTable."""

from contextlib import suppress
from typing import Final

from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.glue.api import service
from clary.services.glue.catalog.names import VERSION, table_of
from clary.services.glue.errors import EntityNotFoundException, InvalidInputException

_PAGE: Final = 100
_DIGITS: Final = 10


def number(table: Resource) -> str:
    """VersionId as the wire has it."""
    return str(table.status["_version"])


def described(table: Resource) -> Doc:
    """The table as Get answers it."""
    status = table.status
    return {
        "Retention": 0,
        "PartitionKeys": [],
        **table.spec,
        "DatabaseName": status["_database"],
        "CreateTime": table.created,
        "UpdateTime": status["_updated"],
        "CreatedBy": status["_by"],
        "IsRegisteredWithLakeFormation": False,
        "CatalogId": table.account,
        "VersionId": number(table),
    }


def archive(store: Store, table: Resource) -> None:
    """What the table is now is kept, also when it changes. Written before the change: a crash in between leaves the
    present version twice, and the lists leave out the second."""
    kept = Resource(
        kind=VERSION,
        name=_row(table, table.status["_version"]),
        account=table.account,
        region=table.region,
        uid=ids.new(),
        parent=table.uid,
        spec=described(table),
    )
    with suppress(Exists):
        store.create(kept)


@service.operation("GetTableVersion", ignores=("AuditContext",))
async def get_table_version(ctx: Context, req: Doc) -> Doc:
    """That version, or the present one. Errors: EntityNotFoundException, InvalidInputException."""
    table = table_of(ctx, req)
    wanted = req.get("VersionId", number(table))
    if wanted == number(table):
        return {"TableVersion": {"Table": described(table), "VersionId": wanted}}
    return {"TableVersion": {"Table": _find(ctx, table, wanted).spec, "VersionId": wanted}}


@service.operation("GetTableVersions", ignores=("AuditContext",))
async def get_table_versions(ctx: Context, req: Doc) -> Doc:
    """All that are kept, the newest first. Errors: EntityNotFoundException, InvalidInputException."""
    table = table_of(ctx, req)
    most = min(req.get("MaxResults", _PAGE), _PAGE)
    filters = page.digest("versions", table.uid)
    shown, before = [], table.status["_version"]
    if "NextToken" in req:
        try:
            before = page.decode(req["NextToken"], filters, int, int)[0]
        except BadToken as error:
            raise InvalidInputException(str(error)) from None
    else:
        shown.append({"Table": described(table), "VersionId": number(table)})
    where = Where(account=ctx.account, region=ctx.region, parent=table.uid)
    place = _row(table, before)
    kept = ctx.store.page(VERSION, where, descending=True, after=[place, place], limit=most - len(shown) + 1)
    shown += [{"Table": one.spec, "VersionId": one.spec["VersionId"]} for one in kept]
    if len(shown) <= most:
        return {"TableVersions": shown}
    return {
        "TableVersions": shown[:most],
        "NextToken": page.encode([int(shown[most - 1]["VersionId"]), 0], filters),
    }


@service.operation("DeleteTableVersion")
async def delete_table_version(ctx: Context, req: Doc) -> Doc:
    """That version is no longer kept. Errors: EntityNotFoundException, InvalidInputException (the present one)."""
    _delete(ctx, table_of(ctx, req), req["VersionId"])
    return {}


@service.operation("BatchDeleteTableVersion")
async def batch_delete_table_version(ctx: Context, req: Doc) -> Doc:
    """As DeleteTableVersion, of each; Errors says which were not deleted. Errors: EntityNotFoundException."""
    table = table_of(ctx, req)
    errors = []
    for wanted in req["VersionIds"]:
        try:
            _delete(ctx, table, wanted)
        except (EntityNotFoundException, InvalidInputException) as error:
            said = {"ErrorCode": error.error_code, "ErrorMessage": error.message}
            errors.append({"TableName": table.spec["Name"], "VersionId": wanted, "ErrorDetail": said})
    return {"Errors": errors} if errors else {}


def _delete(ctx: Context, table: Resource, wanted: str) -> None:
    if wanted == number(table):
        raise InvalidInputException(f"Version {wanted} is the table as it is now: it goes with the table")
    with suppress(Stale):
        ctx.store.delete(_find(ctx, table, wanted))


def _find(ctx: Context, table: Resource, wanted: str) -> Resource:
    if not wanted.isascii() or not wanted.isdecimal() or len(wanted) > _DIGITS:
        raise InvalidInputException(f"VersionId {wanted!r} is not a number")
    try:
        return ctx.store.get(ctx.account, ctx.region, VERSION, _row(table, int(wanted)))
    except Missing:
        raise EntityNotFoundException(
            f"Version not found: version {wanted} of table {table.spec['Name']} is not kept"
        ) from None


def _row(table: Resource, version: int) -> str:
    return f"{table.uid}/{version:0{_DIGITS}d}"
