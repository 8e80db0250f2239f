"""Tables of earlier crawls of which nothing is left: the DeleteBehavior says what becomes of them."""

from contextlib import suppress
from typing import Final

from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.glue.crawlers import tables
from clary.services.glue.crawlers.catalog import Catalog
from clary.services.glue.crawlers.crawl import Crawl, Excluded, target_of
from clary.services.glue.crawlers.tables import Planned
from clary.services.glue.errors import EntityNotFoundException

_READ_ONLY: Final = (
    *("DatabaseName", "CreateTime", "UpdateTime", "CreatedBy", "IsRegisteredWithLakeFormation", "CatalogId"),
    *("VersionId", "FederatedTable", "IsMultiDialectView", "IsMaterializedView", "Status", "IcebergTableMetadata"),
    "RLSProperties",
)


async def listed(crawl: Crawl, ctx: Context, found: list[Planned]) -> list[str]:
    """The names of this crawler's tables below its targets that were not found in this crawl."""
    if crawl.new_folders_only or not crawl.database:
        return []
    places = {one.location for one in found}
    gone = []
    for table in await Catalog(crawl, ctx).own_tables():
        location = (table.get("StorageDescriptor") or {}).get("Location", "")
        deprecated = tables.DEPRECATED_BY in (table.get("Parameters") or {})
        if location not in places and not deprecated and _was_looked_at(crawl, location):
            gone.append(table["Name"])
    return gone


async def remove(crawl: Crawl, ctx: Context, name: str) -> None:
    """The table is deleted, marked or only told of. Raises CrawlFailed."""
    catalog, database, behavior = Catalog(crawl, ctx), crawl.database, crawl.policy["DeleteBehavior"]
    if behavior == "LOG":
        crawl.say("INFO", f"Nothing was found of table {name} in database {database}; DeleteBehavior is LOG")
        return
    if behavior == "DELETE_FROM_DATABASE":
        with suppress(EntityNotFoundException):  # by this act, before a crash, or by its owner
            await catalog.call("DeleteTable", DatabaseName=database, Name=name)
        crawl.count("tables deleted", 1, name)
        crawl.say("INFO", f"Deleted table {name} in database {database}")
        return
    there = await catalog.table(database, name)
    if there is None:
        return
    if tables.DEPRECATED_BY not in (there.get("Parameters") or {}):
        wanted: Doc = {member: value for member, value in there.items() if member not in _READ_ONLY}
        wanted["Parameters"] = {**(there.get("Parameters") or {}), tables.DEPRECATED_BY: crawl.row.name}
        await catalog.call("UpdateTable", DatabaseName=database, TableInput=wanted)
    crawl.count("tables updated", 1, name)
    crawl.say("INFO", f"Deprecated table {name} in database {database}")


def _was_looked_at(crawl: Crawl, location: str) -> bool:
    for said in crawl.memory["targets"]:
        target = target_of(said)
        place = f"s3://{target.bucket}/{target.prefix}{target.file}"
        if location == place or (not target.file and location.startswith(place)):
            return not Excluded(target.exclusions)(location[len(place) :].rstrip("/"))
    return False
