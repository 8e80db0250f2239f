"""From the pages of a crawl to its tables: the same each time that it is asked, so nothing of it need be kept."""

import asyncio

from clary.kernel.resource import Doc
from clary.services.glue.crawlers import looking
from clary.services.glue.crawlers.crawl import Crawl, CrawlFailed, Target, target_of
from clary.services.glue.crawlers.grouping import File, Grouping
from clary.services.glue.crawlers.tables import Planned, planned


async def plan(crawl: Crawl) -> list[Planned]:
    """All tables of all targets."""
    targets = [target_of(said) for said in crawl.memory["targets"]]
    seen = [looking.load(crawl, number) for number in range(len(targets))]
    # A second or so for each hundred thousand files: others go on meanwhile.
    return await asyncio.to_thread(_plan, crawl, targets, seen)


def _plan(crawl: Crawl, targets: list[Target], seen: list[tuple[list[Doc], list[File]]]) -> list[Planned]:
    found: list[Planned] = []
    for target, (schemas, files) in zip(targets, seen, strict=True):
        grouping = Grouping(schemas, crawl.configuration, target.level, whole=target.known is not None)
        made = grouping.tables(files)
        if target.known is not None:
            # Of a table of the catalog only what is of its place as a whole can be said.
            made = [table for table in made if not table.folder and not table.file]
        if target.file:
            for table in made:
                table.leaves[0].file = target.file
        found += [planned(target.bucket, target.prefix, table, target.known) for table in made]
    return _once(found)


def check(crawl: Crawl, tables: list[Planned]) -> None:
    """Raises CrawlFailed when there are more tables than the configuration wants."""
    most = crawl.configuration.most_tables
    if most is not None and len(tables) > most:
        raise CrawlFailed(
            f"The number of tables detected by crawler: {len(tables)} is greater than the table threshold value "
            f"provided: {most}. Failing crawler without writing to Data Catalog."
        )


def _once(tables: list[Planned]) -> list[Planned]:
    """Targets may overlap: a place is one table."""
    places: dict[tuple[str, object], Planned] = {}
    for one in tables:
        places.setdefault((one.location, one.known), one)
    return list(places.values())
