"""Partitions of a table: added, dropped, moved, and found in its folders (MSCK REPAIR TABLE)."""

import re
from contextlib import suppress
from typing import Final

from clary.aws.service import Context
from clary.engines.queries.base import QueryError
from clary.kernel.resource import Doc
from clary.services.athena import publishing
from clary.services.athena.files import objects
from clary.services.athena.statements.base import Do, Gone, Said, answered, glue
from clary.services.athena.tables import pages, table_of


async def _adds_partitions(ctx: Context, doc: Doc, again: bool) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    top = table["StorageDescriptor"].get("Location", "").rstrip("/")
    keys = [one["Name"] for one in table.get("PartitionKeys", [])]
    places = []
    for one in doc["partitions"]:
        values = _values(table, keys, one["values"])
        folders = "/".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))
        places.append((values, one.get("location", f"{top}/{folders}")))
    if not (doc["exists_ok"] or again):
        for values, _ in places:
            with suppress(Gone):
                asked = {"DatabaseName": doc["database"], "TableName": doc["table"], "PartitionValues": values}
                await glue(ctx, "GetPartition", asked)
                raise QueryError(f"Partition already exists: {values}", code="HIVE_PARTITION_ALREADY_EXISTS")
    await publishing.add_partitions(ctx, doc["database"], table, places)
    return answered()


def _values(table: Doc, keys: list[str], given: dict[str, str]) -> list[str]:
    if sorted(keys) != sorted(given):
        told = f"the partition keys of {table['Name']} are {', '.join(keys) or 'none'}, not {', '.join(given)}"
        raise QueryError(told, code="HIVE_METASTORE_ERROR")
    return [given[key] for key in keys]


async def _drops_partitions(ctx: Context, doc: Doc, again: bool) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    keys = [one["Name"] for one in table.get("PartitionKeys", [])]
    for one in doc["partitions"]:
        values = _values(table, keys, one)
        asked = {"DatabaseName": doc["database"], "TableName": doc["table"], "PartitionValues": values}
        try:
            await glue(ctx, "DeletePartition", asked)
        except Gone:
            if not (doc["missing_ok"] or again):
                raise QueryError(f"Partition not found: {values}", code="HIVE_PARTITION_NOT_FOUND") from None
    return answered()


async def moved(ctx: Context, doc: Doc) -> Said:
    """ALTER TABLE ... PARTITION ... SET LOCATION. Raises QueryError."""
    table = await table_of(ctx, doc["database"], doc["table"])
    values = _values(table, [one["Name"] for one in table.get("PartitionKeys", [])], doc["partition"])
    asked = {"DatabaseName": doc["database"], "TableName": doc["table"]}
    storage = {**table["StorageDescriptor"], "Location": doc["location"]}
    try:
        told = {"Values": values, "StorageDescriptor": storage}
        await glue(ctx, "UpdatePartition", {**asked, "PartitionValueList": values, "PartitionInput": told})
    except Gone:
        raise QueryError(f"Partition not found: {values}", code="HIVE_PARTITION_NOT_FOUND") from None
    return answered()


async def _repairs(ctx: Context, doc: Doc, again: bool) -> Said:
    """Partitions are added whose folders k=v hold data and that the catalog does not know."""
    table = await table_of(ctx, doc["database"], doc["table"])
    keys = [one["Name"] for one in table.get("PartitionKeys", [])]
    if not keys:
        return answered()
    top = table["StorageDescriptor"]["Location"].rstrip("/") + "/"
    asked = {"DatabaseName": doc["database"], "TableName": doc["table"], "ExcludeColumnSchema": True}
    known = {tuple(one["Values"]) async for one in pages(ctx, "glue", "GetPartitions", asked, "Partitions")}
    found: dict[tuple[str, ...], str] = {}
    async for file in objects(ctx, top):
        folders = file["uri"].removeprefix(top).split("/")[: len(keys)]
        pairs = [folder.partition("=") for folder in folders]
        if [pair[0].lower() for pair in pairs] == [key.lower() for key in keys]:
            found.setdefault(tuple(_decoded(pair[2]) for pair in pairs), f"{top}{'/'.join(folders)}")
    new = [(list(values), place) for values, place in sorted(found.items()) if values not in known]
    await publishing.add_partitions(ctx, doc["database"], table, new)
    name = doc["table"]

    def path(values: list[str]) -> str:
        return "/".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))

    lines = [f"Partitions not in metastore:\t{name}:" + f"\t{name}:".join(path(one) for one, _ in new)] if new else []
    return answered(lines + [f"Repair: Added partition to metastore {name}:{path(one)}" for one, _ in new], "result")


def _decoded(said: str) -> str:
    return re.sub(r"%([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), said)


DO: Final[dict[str, Do]] = {
    "add-partitions": _adds_partitions,
    "drop-partitions": _drops_partitions,
    "repair": _repairs,
}
