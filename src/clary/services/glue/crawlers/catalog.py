"""The catalog as a crawl reads it, with the rights of the crawler's role."""

from collections.abc import AsyncIterator
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.glue.crawlers.crawl import Crawl, CrawlFailed
from clary.services.glue.crawlers.tables import UPDATED_BY, schema_of
from clary.services.glue.errors import EntityNotFoundException

_PAGE: Final = 100
_PARTITIONS: Final = 1000


class Catalog:
    """Public operations of Glue, as the role."""

    def __init__(self, crawl: Crawl, ctx: Context) -> None:
        self._crawl = crawl
        self._ctx = ctx

    async def call(self, operation: str, **params: object) -> Doc:
        """Raises CrawlFailed where the role may not, EntityNotFoundException where nothing is."""
        try:
            return await self._ctx.call("glue", operation, params)
        except EntityNotFoundException:
            raise
        except ServiceError as error:
            if error.http_status >= 500:
                raise
            raise CrawlFailed(f"{operation} was refused: {error.message}") from None

    async def table(self, database: str, name: str) -> Doc | None:
        try:
            found: Doc = (await self.call("GetTable", DatabaseName=database, Name=name))["Table"]
        except EntityNotFoundException:
            return None
        return found

    async def own_tables(self) -> list[Doc]:
        """Those of the database that this crawler has written."""
        crawler = self._crawl.row.name
        found: list[Doc] = []
        token: Doc = {}
        while True:
            page = await self.call("GetTables", DatabaseName=self._crawl.database, MaxResults=_PAGE, **token)
            found += [one for one in page["TableList"] if (one.get("Parameters") or {}).get(UPDATED_BY) == crawler]
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}

    async def partitions(self, database: str, table: str) -> AsyncIterator[Doc]:
        token: Doc = {}
        while True:
            page = await self.call(
                "GetPartitions", DatabaseName=database, TableName=table, MaxResults=_PARTITIONS, **token
            )
            for one in page["Partitions"]:
                yield one
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    async def folders(self) -> dict[str, Doc]:
        """The places of this crawler's tables and partitions, and the schema of what is there."""
        found: dict[str, Doc] = {}
        for table in await self.own_tables():
            schema = schema_of(table)
            if not table.get("PartitionKeys"):
                found[table["StorageDescriptor"]["Location"]] = schema
                continue
            async for one in self.partitions(self._crawl.database, table["Name"]):
                found[one["StorageDescriptor"]["Location"]] = schema
        return found

    async def lacks_database(self) -> bool:
        """The crawler's database is not there."""
        try:
            await self.call("GetDatabase", Name=self._crawl.database)
        except EntityNotFoundException:
            return True
        return False

    async def make_database(self) -> None:
        """The crawler's database is there, made by this call or by one before a crash."""
        if await self.lacks_database():
            await self.call("CreateDatabase", DatabaseInput={"Name": self._crawl.database})
