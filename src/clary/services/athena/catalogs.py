"""The data catalog AwsDataCatalog: Glue's, in Athena's words."""

from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.athena.api import CATALOG, MetadataException, invalid, service

_ATTRIBUTES: Final = {"NAME": "Name", "TABLE_TYPE": "TableType"}
_SUMMARY: Final = {"CatalogName": CATALOG, "Type": "GLUE"}


@service.operation("ListDataCatalogs", ignores=("WorkGroup", "MaxResults", "NextToken"))
async def list_data_catalogs(ctx: Context, req: Doc) -> Doc:
    """The one there is."""
    return {"DataCatalogsSummary": [dict(_SUMMARY)]}


@service.operation("GetDataCatalog", ignores=("WorkGroup",))
async def get_data_catalog(ctx: Context, req: Doc) -> Doc:
    """The catalog. Errors: InvalidRequestException."""
    _known(req["Name"])
    return {"DataCatalog": {"Name": CATALOG, "Type": "GLUE", "Parameters": {"catalog-id": ctx.account}}}


@service.operation("GetDatabase", ignores=("WorkGroup",))
async def get_database(ctx: Context, req: Doc) -> Doc:
    """The database. Errors: InvalidRequestException, MetadataException."""
    _known(req["CatalogName"])
    return {"Database": _database((await _glue(ctx, "GetDatabase", {"Name": req["DatabaseName"]}))["Database"])}


@service.operation("ListDatabases", ignores=("WorkGroup",))
async def list_databases(ctx: Context, req: Doc) -> Doc:
    """The databases by name; with AttributesToGet nothing but their names. Errors: InvalidRequestException,
    MetadataException."""
    _known(req["CatalogName"])
    told = _attributes(req, ("NAME",)) if req.get("AttributesToGet") else None
    answer = await _glue(ctx, "GetDatabases", _paged(req))
    return {"DatabaseList": [_only(_database(one), told) for one in answer.get("DatabaseList", [])], **_more(answer)}


@service.operation("GetTableMetadata", ignores=("WorkGroup",))
async def get_table_metadata(ctx: Context, req: Doc) -> Doc:
    """The table. Errors: InvalidRequestException, MetadataException."""
    _known(req["CatalogName"])
    asked = {"DatabaseName": req["DatabaseName"], "Name": req["TableName"]}
    return {"TableMetadata": _table((await _glue(ctx, "GetTable", asked))["Table"])}


@service.operation("ListTableMetadata", ignores=("WorkGroup",))
async def list_table_metadata(ctx: Context, req: Doc) -> Doc:
    """The tables of a database by name; with AttributesToGet no more of them than is asked for. Errors:
    InvalidRequestException, MetadataException."""
    _known(req["CatalogName"])
    told = _attributes(req, ("NAME", "TABLE_TYPE")) if "AttributesToGet" in req else None
    asked = {"DatabaseName": req["DatabaseName"], **_paged(req)}
    if "Expression" in req:
        asked["Expression"] = req["Expression"]
    answer = await _glue(ctx, "GetTables", asked)
    return {"TableMetadataList": [_only(_table(one), told) for one in answer.get("TableList", [])], **_more(answer)}


def _known(name: str) -> None:
    if name.lower() != CATALOG.lower():
        raise invalid(f"The data catalog {name} does not exist; {CATALOG} does.")


def _attributes(req: Doc, known: tuple[str, ...]) -> set[str]:
    """The members that shall be told. Raises InvalidRequestException."""
    asked = set(req["AttributesToGet"])
    if "NAME" not in asked or not asked <= {*known}:
        raise invalid(f"AttributesToGet must include NAME and may hold nothing but {' and '.join(known)}.")
    return {_ATTRIBUTES[one] for one in asked}


def _only(one: Doc, members: set[str] | None) -> Doc:
    return one if members is None else {key: value for key, value in one.items() if key in members}


def _paged(req: Doc) -> Doc:
    return {key: req[key] for key in ("NextToken", "MaxResults") if key in req}


def _more(answer: Doc) -> Doc:
    return {"NextToken": answer["NextToken"]} if answer.get("NextToken") else {}


async def _glue(ctx: Context, operation: str, asked: Doc) -> Doc:
    try:
        return await ctx.call("glue", operation, asked)
    except ServiceError as error:
        if error.http_status >= 500:
            raise
        raise MetadataException(f"{error.error_code}: {error.message}") from None


def _database(one: Doc) -> Doc:
    return {key: one[key] for key in ("Name", "Description", "Parameters") if key in one}


def _table(one: Doc) -> Doc:
    storage = one.get("StorageDescriptor", {})
    told = {
        "Name": one["Name"],
        "CreateTime": one.get("CreateTime"),
        "LastAccessTime": one.get("LastAccessTime"),
        "TableType": one.get("TableType"),
        "Columns": [_column(column) for column in storage.get("Columns", [])],
        "PartitionKeys": [_column(column) for column in one.get("PartitionKeys", [])],
        "Parameters": {
            **one.get("Parameters", {}),
            **{name: storage[key] for name, key in _STORAGE.items() if storage.get(key)},
            **({"serde.serialization.lib": library} if (library := _library(storage)) else {}),
        },
    }
    return {key: value for key, value in told.items() if value is not None}


_STORAGE: Final = {"location": "Location", "inputformat": "InputFormat", "outputformat": "OutputFormat"}


def _library(storage: Doc) -> str:
    found: str = storage.get("SerdeInfo", {}).get("SerializationLibrary", "")
    return found


def _column(one: Doc) -> Doc:
    return {key: one[key] for key in ("Name", "Type", "Comment") if key in one}
