"""What a statement reads, as the catalog and the buckets have it, with the rights of whoever asked."""

from collections.abc import AsyncIterator
from typing import Any, Final

from clary.aws.service import Context
from clary.engines.queries.base import QueryError, Talk
from clary.kernel.resource import Doc
from clary.services.athena import projection
from clary.services.athena.files import objects
from clary.services.athena.information import information
from clary.services.athena.tables import pages, table_of, view_of

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


async def _partitions_table(ctx: Context, one: Doc, where: str) -> Doc:
    base = one["table"].removesuffix("$partitions")
    table = await table_of(ctx, one["database"], base, where)
    keys = [{"Name": c["Name"].lower(), "Type": c.get("Type", "string")} for c in table.get("PartitionKeys", [])]
    asked = {"database": one["database"], "table": base}
    rows = [place["values"] async for place in _places(ctx, asked, None)]
    return {"database": one["database"], "table": one["table"], "columns": keys, "rows": rows}
