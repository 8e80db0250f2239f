"""What a query is asked for by its kind, and what becomes of its outcome."""

from pathlib import Path

from clary.aws.service import Context
from clary.engines.queries.base import QueryError
from clary.kernel.resource import Doc, Resource
from clary.services.athena import publishing
from clary.services.athena.files import objects
from clary.services.athena.statements.base import column
from clary.services.athena.statements.defining import creates_view
from clary.services.athena.tables import table_of

_FORMATS = {"PARQUET": "parquet", "JSON": "json", "TEXTFILE": "csv"}
_KNOWN = {
    *("format", "external_location", "partitioned_by", "write_compression", "parquet_compression", "field_delimiter"),
    *("compression", "is_external", "table_type"),
}


async def question(ctx: Context, row: Resource, statement: Doc, again: bool) -> Doc:
    """`sql`, and for statements that write: `write` and where it goes. Raises QueryError, ServiceError."""
    kind, doc = statement["kind"], statement["doc"]
    if kind == "explain":
        return {"sql": doc["sql"], "analyze": doc["analyze"]}
    if kind == "ctas":
        return await _ctas(ctx, row, doc, again)
    if kind == "unload":
        write = _write(doc["properties"], "the option")
        location = _folder(doc["to"])
        await _empty(ctx, row, location, again)
        return {"sql": doc["sql"], "write": write, "location": location}
    if kind == "insert":
        return await _insert(ctx, doc)
    return {"sql": doc["sql"]}


def _folder(location: str) -> str:
    return location if location.endswith("/") else f"{location}/"


def _write(properties: Doc, what: str) -> Doc:
    unknown = sorted(set(properties) - _KNOWN)
    if unknown:
        told = f"{what} {unknown[0]} is not supported; known are {', '.join(sorted(_KNOWN))}"
        raise QueryError(told, code="INVALID_TABLE_PROPERTY")
    if str(properties.get("table_type", "hive")).lower() != "hive":
        raise QueryError("CREATE TABLE AS makes Hive tables here, no Iceberg tables", code="NOT_SUPPORTED")
    said = str(properties.get("format", "PARQUET")).upper()
    if said not in _FORMATS:
        told = f"the format {said} is not written here; one of {', '.join(_FORMATS)} is"
        raise QueryError(told, code="NOT_SUPPORTED")
    compression = next(
        (properties[key] for key in ("write_compression", "compression", "parquet_compression") if key in properties),
        None,
    )
    found: Doc = {"format": _FORMATS[said], "compression": compression}
    found["keys"] = [one.lower() for one in properties.get("partitioned_by", [])]
    if "field_delimiter" in properties:
        found["delimiter"] = properties["field_delimiter"].encode().decode("unicode_escape")
    return found


async def _ctas(ctx: Context, row: Resource, doc: Doc, again: bool) -> Doc:
    write = _write(doc["properties"], "the table property")
    at = row.spec["ResultConfiguration"]["OutputLocation"]
    location = _folder(doc["properties"].get("external_location", f"{at}tables/{row.name}/"))
    if not again or doc["exists_ok"]:
        try:
            await table_of(ctx, doc["database"], doc["table"])
        except QueryError as error:
            if error.code != "TABLE_NOT_FOUND":
                raise
        else:
            if not doc["exists_ok"]:
                told = f"line 1:1: Table 'awsdatacatalog.{doc['database']}.{doc['table']}' already exists"
                raise QueryError(told, code="TABLE_ALREADY_EXISTS")
            return {"sql": f"{doc['sql']}", "write": write, "location": location, "skip": True}
    await _empty(ctx, row, location, again)
    sql = doc["sql"] if doc["data"] else f"SELECT * FROM ({doc['sql']}) LIMIT 0"
    return {"sql": sql, "write": write, "location": location, "data": doc["data"]}


async def _empty(ctx: Context, row: Resource, location: str, again: bool) -> None:
    """Nothing is at the location but perhaps what this execution put there. Raises QueryError."""
    async for one in objects(ctx, location):
        if not (again and row.name in one["uri"]):
            told = f"Target directory for table already exists: {location}"
            raise QueryError(told, code="HIVE_PATH_ALREADY_EXISTS")


async def _insert(ctx: Context, doc: Doc) -> Doc:
    table = await table_of(ctx, doc["database"], doc["table"])
    storage = table.get("StorageDescriptor", {})
    library = storage.get("SerdeInfo", {}).get("SerializationLibrary", "").lower()
    serde = storage.get("SerdeInfo", {}).get("Parameters", {})
    kind = next(
        (name for word, name in (("parquet", "parquet"), ("json", "json"), ("lazysimple", "csv")) if word in library),
        None,
    )
    iceberg = table.get("Parameters", {}).get("table_type", "").upper() == "ICEBERG"
    if kind is None or iceberg or table.get("TableType") == "VIRTUAL_VIEW":
        what = "an Iceberg table" if iceberg else library or "a view"
        told = f"INSERT INTO {doc['table']}: it is {what}; Parquet, JSON and LazySimpleSerDe tables are written here"
        raise QueryError(told, code="NOT_SUPPORTED")
    write: Doc = {
        "format": kind,
        "compression": "none" if kind == "csv" else None,
        "keys": [one["Name"].lower() for one in table.get("PartitionKeys", [])],
        "into": [
            {"Name": one["Name"].lower(), "Type": one.get("Type", "string")}
            for one in (*storage.get("Columns", []), *table.get("PartitionKeys", []))
        ],
        "given": doc["columns"] or None,
        "delimiter": serde.get("field.delim"),
    }
    return {"sql": doc["sql"], "write": write, "location": _folder(storage["Location"])}


async def published(ctx: Context, row: Resource, outcome: Doc, scratch: Path, again: bool) -> Doc:
    """The outcome is where it belongs; members of the row's status. Raises QueryError, ServiceError."""
    kind, doc = outcome["kind"], row.status["_statement"]["doc"]
    if kind == "query":
        return await publishing.result(ctx, row, outcome, scratch)
    if kind == "explain":
        return await publishing.text(ctx, row, outcome["text"], [column("Query Plan")])
    if kind == "view":
        of = row.spec["QueryExecutionContext"].get("Database", "default").lower()
        await creates_view(ctx, {**doc, "of": of}, outcome, again)
        return await publishing.text(ctx, row, [], [])
    asked = outcome["question"]
    if asked.get("skip"):
        return await publishing.text(ctx, row, [], [])
    location: str = asked["location"]
    if not asked.get("data", True):
        outcome = {**outcome, "files": [], "rows": 0}
    whole = {**outcome, "location": location, "output": _output(kind, location)}
    told = await publishing.data(ctx, row, whole, scratch, again)
    if kind == "unload":
        return told
    keys: list[str] = asked["write"]["keys"]
    if kind == "ctas":
        table = publishing.table_input(doc["table"], outcome["hive"], keys, asked["write"], location)
        await publishing.made(ctx, doc["database"], table, exists_ok=doc["exists_ok"] or again)
    else:
        table = await table_of(ctx, doc["database"], doc["table"])
    if keys:
        places = {tuple(one["values"]): f"{location}{one['key'].rpartition('/')[0]}" for one in outcome["files"]}
        await publishing.add_partitions(
            ctx, doc["database"], table, [(list(v), at) for v, at in sorted(places.items())]
        )
    return told


def _output(kind: str, location: str) -> str | None:
    return location if kind == "ctas" else None
