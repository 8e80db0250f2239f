"""The begin of a crawl: what it is to look at."""

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.glue.crawlers.catalog import Catalog
from clary.services.glue.crawlers.configuration import path_of
from clary.services.glue.crawlers.crawl import Crawl, CrawlFailed
from clary.services.glue.errors import InvalidInputException


async def start(crawl: Crawl, ctx: Context) -> None:
    """The targets are known, and whether the database is to be made. Raises CrawlFailed."""
    row = crawl.row
    crawl.say("BENCHMARK", f"Running Start Crawl for Crawler {row.name}")
    catalog = Catalog(crawl, ctx)
    targets: list[Doc] = [await _of_s3(ctx, said) for said in row.spec["Targets"].get("S3Targets") or ()]
    for said in row.spec["Targets"].get("CatalogTargets") or ():
        targets += [await _of_catalog(catalog, said["DatabaseName"], name) for name in said["Tables"]]
    # Decided before it is done: a repetition after a crash finds the database, and must tell of it all the same.
    lacking = bool(crawl.database) and await catalog.lacks_database()
    crawl.memory |= {"stage": "database" if lacking else "look", "targets": targets, "target": 0}


async def make_database(crawl: Crawl, ctx: Context) -> None:
    """The database that was not there is."""
    await Catalog(crawl, ctx).make_database()
    crawl.say("INFO", f"Created database {crawl.database}")
    crawl.memory["stage"] = "look"


async def _of_s3(ctx: Context, said: Doc) -> Doc:
    bucket, key = path_of(said)
    found: Doc = {
        "bucket": bucket,
        "prefix": key,
        "exclusions": said.get("Exclusions") or [],
        "sample": said.get("SampleSize"),
    }
    if key and not key.endswith("/"):
        folder, _, name = key.rpartition("/")
        if await _is_object(ctx, bucket, key):
            return {**found, "prefix": f"{folder}/" if folder else "", "file": name}
        found["prefix"] = f"{key}/"
    return found


async def _of_catalog(catalog: Catalog, database: str, name: str) -> Doc:
    table = await catalog.table(database, name)
    if table is None:
        raise CrawlFailed(f"The table {name} of the database {database}, which is to be crawled, is not there")
    location = (table.get("StorageDescriptor") or {}).get("Location", "")
    try:
        bucket, prefix = path_of({"Path": location})
    except InvalidInputException:
        raise CrawlFailed(f"The table {database}.{name} cannot be crawled: its location is {location!r}") from None
    folder = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
    return {"bucket": bucket, "prefix": folder, "known": [table["DatabaseName"], table["Name"]]}


async def _is_object(ctx: Context, bucket: str, key: str) -> bool:
    """There is an object of just that key. Raises CrawlFailed."""
    try:
        page = await ctx.call("s3", "ListObjectsV2", {"Bucket": bucket, "Prefix": key, "MaxKeys": 1})
    except ServiceError as error:
        if error.http_status == 404:
            raise CrawlFailed(f"The S3 location s3://{bucket}/{key} does not exist: {error.message}") from None
        if error.http_status == 403:
            raise CrawlFailed(f"The crawler's role may not list s3://{bucket}/{key}: {error.message}") from None
        raise
    # The key itself sorts before all that begin with it.
    return [one["Key"] for one in page.get("Contents") or []] == [key]
