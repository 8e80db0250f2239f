"""What a statement reads, as the catalog and the buckets have it, with the rights of whoever asked."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.engines.queries.base import QueryError, Talk
from clary.kernel.objects import ObjectStore
from clary.kernel.resource import Doc
from clary.services.athena import projection

_MOST_DEEP: Final = 30
"""Views within views."""
_LIST_WHOLE: Final = 50
"""Beyond so many partitions below a table's location, the location is listed once."""
_FORMATS: Final = (
    ("parquet", "parquet"),
    ("opencsv", "opencsv"),
    ("json", "json"),
    ("lazysimple", "csv"),
)
_PRESTO: Final = "/* Presto View: "


async def table_of(ctx: Context, database: str, name: str, where: str = "1:1") -> Doc:
    """The table of the catalog. Raises QueryError in Athena's words, ServiceError when it may not be seen."""
    try:
        found: Doc = await ctx.call("glue", "GetTable", {"DatabaseName": database, "Name": name})
    except ServiceError as error:
        if error.error_code != "EntityNotFoundException":
            raise
        if not await database_exists(ctx, database):
            raise QueryError(f"line {where}: Schema '{database}' does not exist", code="SCHEMA_NOT_FOUND") from None
        told = f"line {where}: Table 'awsdatacatalog.{database}.{name}' does not exist"
        raise QueryError(told, code="TABLE_NOT_FOUND") from None
    table: Doc = found["Table"]
    return table


async def database_exists(ctx: Context, name: str) -> bool:
    try:
        await ctx.call("glue", "GetDatabase", {"Name": name})
    except ServiceError as error:
        if error.error_code != "EntityNotFoundException":
            raise
        return False
    return True


async def pages(ctx: Context, service: str, operation: str, params: Doc, member: str) -> AsyncIterator[Any]:
    """Every item of a list of another service."""
    more: Doc = {}
    while True:
        answer = await ctx.call(service, operation, {**params, **more})
        for one in answer.get(member, []):
            yield one
        token = answer.get("NextToken")
        if not token:
            return
        more = {"NextToken": token}


def view_of(table: Doc) -> Doc | None:
    """The Presto view that a table of the catalog is; None: it is none. Raises QueryError."""
    if table.get("TableType") != "VIRTUAL_VIEW":
        return None
    text = table.get("ViewOriginalText", "")
    if not text.startswith(_PRESTO):
        told = f"line 1:1: the view {table['Name']} was not made by Athena: only its own views are read"
        raise QueryError(told, code="NOT_SUPPORTED")
    try:
        found: Doc = json.loads(base64.b64decode(text.removeprefix(_PRESTO).removesuffix(" */")))
        found["originalSql"]
    except (ValueError, KeyError):
        raise QueryError(f"line 1:1: the text of the view {table['Name']} is broken", code="INVALID_VIEW") from None
    return found


def presto(sql: str, database: str, columns: list[Doc]) -> str:
    """How Athena stores a view in the catalog."""
    doc = {"originalSql": sql, "catalog": "awsdatacatalog", "schema": database, "columns": columns}
    return f"{_PRESTO}{base64.b64encode(json.dumps(doc, separators=(',', ':')).encode()).decode()} */"


class Sources:
    """Gathers tables and views, each once, views after what they read."""

    def __init__(self, ctx: Context, talk: Talk) -> None:
        self._ctx = ctx
        self._talk = talk
        self.tables: list[Doc] = []
        self.views: list[Doc] = []
        self._seen: set[tuple[Any, ...]] = set()

    async def gather(self, wanted: Any, depth: int = 0) -> None:
        """Raises QueryError, ServiceError."""
        for one in wanted:
            key = (one["database"], one["table"], one.get("version"), one.get("timestamp"))
            if key in self._seen:
                continue
            self._seen.add(key)
            if one["database"] == "information_schema":
                self.tables.append(await information(self._ctx, one["table"]))
                continue
            where = f"{one['line']}:{one['column']}"
            if one["table"].endswith("$partitions"):
                self.tables.append(await _partitions_table(self._ctx, one, where))
                continue
            table = await table_of(self._ctx, one["database"], one["table"], where)
            view = view_of(table)
            if view is None:
                self.tables.append({**_described(one, table), "_table": table})
                continue
            if depth >= _MOST_DEEP:
                raise QueryError(f"line {where}: views are nested too deeply, or in a circle", code="INVALID_VIEW")
            said = await self._talk.ask({"ask": "read", "sql": view["originalSql"], "database": view["schema"]})
            await self.gather(said["tables"], depth + 1)
            made = {"database": one["database"], "table": one["table"]}
            self.views.append({**made, "sql": view["originalSql"], "of": view["schema"]})

    async def files(self, sql: str, database: str) -> None:
        """Each table knows its files, of those partitions that the statement can see."""
        parted = [one for one in self.tables if one.get("keys") and "rows" not in one]
        seen: dict[int, str | None] = {}
        if parted:
            statements = [{"sql": sql, "database": database}]
            statements += [{"sql": one["sql"], "database": one["of"]} for one in self.views]
            brief = [{key: one[key] for key in ("database", "table", "keys")} for one in parted]
            told = await self._talk.ask({"ask": "prune", "statements": statements, "tables": brief})
            seen = {id(one): text for one, text in zip(parted, told["expressions"], strict=True)}
        for one in self.tables:
            if "_table" in one:
                await _fill(self._ctx, one, one.pop("_table"), seen.get(id(one)))


def _described(one: Doc, table: Doc) -> Doc:
    """Raises QueryError for a format that is not read."""
    storage, parameters = table.get("StorageDescriptor", {}), table.get("Parameters", {})
    serde = storage.get("SerdeInfo", {})
    columns = [{"Name": c["Name"].lower(), "Type": c.get("Type", "string")} for c in storage.get("Columns", [])]
    keys = [{"Name": c["Name"].lower(), "Type": c.get("Type", "string")} for c in table.get("PartitionKeys", [])]
    told: Doc = {key: one[key] for key in ("database", "table", "version", "timestamp") if key in one}
    found: Doc = {**told, "columns": columns, "keys": keys, "parameters": parameters}
    found["serde"] = serde.get("Parameters", {})
    if parameters.get("table_type", "").upper() == "ICEBERG":
        metadata = parameters.get("metadata_location")
        if metadata is None:
            raise QueryError(f"the Iceberg table {one['table']} has no metadata_location", code="ICEBERG_BAD_DATA")
        return {**found, "format": "iceberg", "metadata": metadata, "keys": []}
    if "version" in one or "timestamp" in one:
        raise QueryError("line 1:1: only Iceberg tables travel in time", code="NOT_SUPPORTED")
    library = serde.get("SerializationLibrary", "")
    said = library or parameters.get("classification", "")
    if said == "csv":
        return {**found, "format": "csv"}
    for word, name in _FORMATS:
        if word in said.lower():
            return {**found, "format": name}
    raise QueryError(
        f"the table {one['database']}.{one['table']} is kept as {library or said or 'nothing known'}, which is not read"
        " here: Parquet, JSON, CSV (LazySimpleSerDe, OpenCSVSerde) and Iceberg tables are",
        code="NOT_SUPPORTED",
    )


async def _fill(ctx: Context, one: Doc, table: Doc, expression: str | None) -> None:
    one["files"], one["partitions"] = [], [[]]
    if one["format"] == "iceberg":
        return
    location = table.get("StorageDescriptor", {}).get("Location", "")
    if not one["keys"]:
        one["files"] = [{**file, "partition": 0} async for file in objects(ctx, location)]
        return
    places: list[Doc]
    if projection.enabled(one["parameters"]):
        places = [
            {"values": values, "location": place}
            for values, place in projection.partitions(one["parameters"], one["keys"], location, ctx.clock.now())
        ]
    else:
        places = [place async for place in _places(ctx, one, expression)]
    one["partitions"] = [place["values"] for place in places]
    one["files"] = await _files_of(ctx, location, [place["location"] for place in places])


async def _places(ctx: Context, one: Doc, expression: str | None) -> AsyncIterator[Doc]:
    asked: Doc = {"DatabaseName": one["database"], "TableName": one["table"], "ExcludeColumnSchema": True}
    if expression is not None and len(expression) <= 2048:
        asked["Expression"] = expression
    async for part in pages(ctx, "glue", "GetPartitions", asked, "Partitions"):
        yield {"values": part["Values"], "location": part.get("StorageDescriptor", {}).get("Location", "")}


async def _files_of(ctx: Context, location: str, places: list[str]) -> list[Doc]:
    found: list[Doc] = []
    top = location.rstrip("/") + "/"
    below = {place.rstrip("/") + "/": at for at, place in enumerate(places) if place.startswith(top)}
    if len(below) <= _LIST_WHOLE:
        below = {}
    if below:
        async for file in objects(ctx, location):
            folder = file["uri"].rpartition("/")[0] + "/"
            while len(folder) > len(top) and folder not in below:
                folder = folder.rstrip("/").rpartition("/")[0] + "/"
            if folder in below:
                found.append({**file, "partition": below[folder]})
    for at, place in enumerate(places):
        if place.rstrip("/") + "/" not in below:
            found += [{**file, "partition": at} async for file in objects(ctx, place)]
    return found


def place_of(uri: str) -> tuple[str, str]:
    """(bucket, key) of an s3:// address. Raises QueryError."""
    for scheme in ("s3://", "s3a://", "s3n://"):
        if uri.startswith(scheme):
            bucket, _, key = uri.removeprefix(scheme).partition("/")
            if bucket:
                return bucket, key
    raise QueryError(f"{uri!r} is not an s3:// location", code="HIVE_INVALID_METADATA")


async def objects(ctx: Context, location: str) -> AsyncIterator[Doc]:
    """The data below a location that the caller may list and read: `path` on this machine, `uri`, `size`. What begins
    with a dot or an underscore is none, as in Hive."""
    bucket, key = place_of(location)
    prefix = key if not key or key.endswith("/") else f"{key}/"
    more: Doc = {}
    empty = True
    while True:
        answer = await _listed(ctx, {"Bucket": bucket, "Prefix": prefix, **more})
        for one in answer.get("Contents", []):
            empty = False
            rest = one["Key"][len(prefix) :]
            if one["Size"] and not any(part[:1] in ("_", ".") for part in rest.split("/")):
                yield await _file(ctx, bucket, one)
        if not answer.get("IsTruncated"):
            break
        more = {"ContinuationToken": answer["NextContinuationToken"]}
    if empty and key and not key.endswith("/"):
        answer = await _listed(ctx, {"Bucket": bucket, "Prefix": key, "MaxKeys": 1})
        for one in answer.get("Contents", []):
            if one["Key"] == key:  # a location may be one object
                yield await _file(ctx, bucket, one)


async def _listed(ctx: Context, asked: Doc) -> Doc:
    try:
        return await ctx.call("s3", "ListObjectsV2", asked)
    except ServiceError as error:
        if error.error_code != "NoSuchBucket":
            raise
        told = f"the bucket {asked['Bucket']} of the table's location does not exist"
        raise QueryError(told, code="HIVE_METASTORE_ERROR") from None


async def _file(ctx: Context, bucket: str, one: Doc) -> Doc:
    """The object in place. Raises AccessDenied."""
    key = one["Key"]
    if ctx.principal.kind != "root":
        # The same question to the same policies as if it were read over the wire.
        await ctx.call("s3", "HeadObject", {"Bucket": bucket, "Key": key})
    path = ctx.port(ObjectStore).local(bucket, key)
    if path is None:
        raise QueryError(f"s3://{bucket}/{key} is not a file of this machine", code="HIVE_CANNOT_OPEN_SPLIT")
    return {"path": str(path), "uri": f"s3://{bucket}/{key}", "size": one["Size"], "modified": one["LastModified"]}


async def file_at(ctx: Context, uri: str) -> Doc:
    """One object that a query found in the metadata of its table. Raises QueryError, AccessDenied."""
    bucket, key = place_of(uri)
    try:
        head = await ctx.call("s3", "HeadObject", {"Bucket": bucket, "Key": key})
    except ServiceError as error:
        if error.http_status != 404:
            raise
        raise QueryError(f"{uri} does not exist", code="ICEBERG_MISSING_METADATA") from None
    path = ctx.port(ObjectStore).local(bucket, key)
    if path is None:
        raise QueryError(f"{uri} is not a file of this machine", code="ICEBERG_CANNOT_OPEN_SPLIT")
    return {"path": str(path), "uri": uri, "size": head["ContentLength"]}


async def _partitions_table(ctx: Context, one: Doc, where: str) -> Doc:
    base = one["table"].removesuffix("$partitions")
    table = await table_of(ctx, one["database"], base, where)
    keys = [{"Name": c["Name"].lower(), "Type": c.get("Type", "string")} for c in table.get("PartitionKeys", [])]
    asked = {"database": one["database"], "table": base}
    rows = [place["values"] async for place in _places(ctx, asked, None)]
    return {"database": one["database"], "table": one["table"], "columns": keys, "rows": rows}


async def information(ctx: Context, name: str) -> Doc:
    """A table of the information_schema. Raises QueryError."""
    columns = _INFORMATION.get(name)
    if columns is None:
        raise QueryError(
            f"line 1:1: Table 'awsdatacatalog.information_schema.{name}' does not exist", code="TABLE_NOT_FOUND"
        )
    rows: list[list[Any]] = []
    async for database in pages(ctx, "glue", "GetDatabases", {}, "DatabaseList"):
        schema = database["Name"]
        if name == "schemata":
            rows.append(["awsdatacatalog", schema])
            continue
        async for table in pages(ctx, "glue", "GetTables", {"DatabaseName": schema}, "TableList"):
            rows.extend(_information_rows(name, schema, table))
    return {
        "database": "information_schema",
        "table": name,
        "columns": [{"Name": one, "Type": type_} for one, type_ in columns],
        "rows": rows,
    }


def _information_rows(name: str, schema: str, table: Doc) -> Iterator[list[Any]]:
    is_view = table.get("TableType") == "VIRTUAL_VIEW"
    if name == "tables":
        yield ["awsdatacatalog", schema, table["Name"], "VIEW" if is_view else "BASE TABLE"]
    elif name == "views" and is_view:
        view = view_of(table)
        yield ["awsdatacatalog", schema, table["Name"], view["originalSql"] if view else None]
    elif name == "columns":
        keys = table.get("PartitionKeys", [])
        every = [*table.get("StorageDescriptor", {}).get("Columns", []), *keys]
        for at, one in enumerate(every, 1):
            extra = "partition key" if one in keys else None
            type_ = _trino(one.get("Type", "string"))
            yield [
                "awsdatacatalog",
                schema,
                table["Name"],
                one["Name"],
                at,
                None,
                "YES",
                type_,
                one.get("Comment"),
                extra,
            ]


def _trino(hive: str) -> str:
    return {"string": "varchar", "int": "integer", "float": "real", "binary": "varbinary"}.get(hive, hive)


_NAMED: Final = (("table_catalog", "string"), ("table_schema", "string"), ("table_name", "string"))
_INFORMATION: Final = {
    "schemata": (("catalog_name", "string"), ("schema_name", "string")),
    "tables": (*_NAMED, ("table_type", "string")),
    "views": (*_NAMED, ("view_definition", "string")),
    "columns": (
        *_NAMED,
        ("column_name", "string"),
        ("ordinal_position", "bigint"),
        ("column_default", "string"),
        ("is_nullable", "string"),
        ("data_type", "string"),
        ("comment", "string"),
        ("extra_info", "string"),
    ),
}
