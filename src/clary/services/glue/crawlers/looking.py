"""What is below the targets: a page of objects a look, each looked into, and kept as a row."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import orjson

from clary.aws.access import Ask
from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.engines.schemas.base import Sample
from clary.jobs import files
from clary.jobs.locations import Location
from clary.jobs.refusals import InputError
from clary.kernel import ids
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.glue.crawlers import classifiers
from clary.services.glue.crawlers.catalog import Catalog
from clary.services.glue.crawlers.crawl import Crawl, CrawlFailed, Excluded, Target, target_of
from clary.services.glue.crawlers.grouping import File
from clary.services.glue.crawlers.rows import PAGE

OBJECTS: Final = 1000
"""So many objects a look."""
_NAMED: Final = 20
"""So many files a look that cannot be read are named in the log."""
Listed = list[tuple[str, int]]
"""(key, size)"""


async def look(crawl: Crawl, ctx: Context, folders: dict[str, Doc]) -> None:
    """The next page of objects is kept as a row. `folders`: those that need not be looked into again, and what is in
    them. Raises CrawlFailed, SurveyError."""
    memory = crawl.memory
    target = target_of(memory["targets"][memory["target"]])
    listed, after = await _page(ctx, target, memory.get("after", ""))
    excluded = Excluded(target.exclusions)
    wanted = [one for one in listed if _counts(target, excluded, one[0])]
    schemas: list[Doc] = []
    kept: list[list[object]] = []
    fresh: Listed = []
    for key, size in wanted:
        known = folders.get(f"s3://{target.bucket}/{key.rpartition('/')[0]}/")
        if known is None:
            fresh.append((key, size))
            continue
        kept.append([key[len(target.prefix) :], size, 0, _number(schemas, known)])
    chosen, others = _sampled(memory, target, fresh)
    survey_schemas, seen = await _survey(crawl, ctx, target, chosen)
    numbers = [_number(schemas, one) for one in survey_schemas]
    kept += [[name, size, records, numbers[schema]] for name, size, records, schema in seen]
    # What a sample leaves out is of the folder's format as far as we know, and has as many records a byte.
    kept += [[key[len(target.prefix) :], size, -1, -1] for key, size in others]
    _keep(crawl, schemas, kept)
    crawl.count("files seen", len(wanted))
    if after:
        memory["after"] = after
        return
    memory.pop("after", None)
    memory.pop("sampled", None)
    memory["target"] += 1


def load(crawl: Crawl, target: int) -> tuple[list[Doc], list[File]]:
    """All that was seen below a target: schemas, and the files that have one."""
    store, row = crawl.crawling.store, crawl.row
    where = Where(account=row.account, region=row.region, parent=crawl.id)
    schemas: list[Doc] = []
    numbers: dict[bytes, int] = {}
    found: list[File] = []
    left_out: list[tuple[tuple[str, ...], str, int]] = []
    after: list[str] | None = None
    while pages := store.page(PAGE, where, after=after, limit=50):
        for page in pages:
            if page.spec["target"] != target:
                continue
            own = []
            for schema in page.spec["schemas"]:
                number = numbers.setdefault(orjson.dumps(schema), len(schemas))
                if number == len(schemas):
                    schemas.append(schema)
                own.append(number)
            for name, size, records, schema in page.spec["files"]:
                *folder, base = name.split("/")
                if schema < 0:
                    left_out.append((tuple(folder), base, size))
                else:
                    found.append(File(tuple(folder), base, size, records, own[schema]))
        after = [pages[-1].name, pages[-1].name]
    return schemas, found + _guessed(found, left_out)


def forget(crawl: Crawl) -> None:
    """The pages of the crawl are gone."""
    store, row = crawl.crawling.store, crawl.row
    where = Where(account=row.account, region=row.region, parent=crawl.id)
    while pages := store.page(PAGE, where, limit=50):
        for page in pages:
            store.delete(page)


async def known_folders(crawl: Crawl, ctx: Context) -> dict[str, Doc]:
    """Folders that earlier crawls have made tables or partitions of, and what is in them; {} where all is to be looked
    at anew."""
    return await Catalog(crawl, ctx).folders() if crawl.new_folders_only else {}


async def _page(ctx: Context, target: Target, after: str) -> tuple[Listed, str]:
    """(objects, where to go on; "" is the end). Raises CrawlFailed."""
    asked: Doc = {"Bucket": target.bucket, "Prefix": target.prefix + target.file, "MaxKeys": OBJECTS}
    if after:
        asked["StartAfter"] = after
    try:
        page = await ctx.call("s3", "ListObjectsV2", asked)
    except ServiceError as error:
        place = f"s3://{target.bucket}/{target.prefix}{target.file}"
        if error.http_status == 404:
            raise CrawlFailed(f"The S3 location {place} does not exist: {error.message}") from None
        if error.http_status == 403:
            raise CrawlFailed(f"The crawler's role may not list {place}: {error.message}") from None
        raise
    listed = [(one["Key"], one["Size"]) for one in page.get("Contents") or []]
    return listed, listed[-1][0] if page.get("IsTruncated") and listed else ""


def _counts(target: Target, excluded: Excluded, key: str) -> bool:
    """It is a file of data: not a folder's marker, nothing that writers hide, nothing that is excluded."""
    path = key[len(target.prefix) :]
    if not path or path.endswith("/") or (target.file and path != target.file):
        return False
    hidden = any(part.startswith(".") or (part.startswith("_") and "=" not in part) for part in path.split("/"))
    return not hidden and not excluded(path)


def _sampled(memory: Doc, target: Target, listed: Listed) -> tuple[Listed, Listed]:
    """(those to be looked into, the others): so many a folder as SampleSize says."""
    if target.sample is None:
        return listed, []
    folder, count = memory.get("sampled") or ["", 0]
    chosen: Listed = []
    others: Listed = []
    for key, size in listed:
        mine = key.rpartition("/")[0]
        folder, count = (mine, count) if mine == folder else (mine, 0)
        if count < target.sample:
            chosen.append((key, size))
        else:
            others.append((key, size))
        count += 1
    memory["sampled"] = [folder, count]
    return chosen, others


async def _survey(
    crawl: Crawl, ctx: Context, target: Target, listed: Listed
) -> tuple[Sequence[Doc], list[tuple[str, int, int, int]]]:
    """(schemas, (path below the target, size, records, schema) of what could be read). Raises CrawlFailed."""
    crawling = crawl.crawling
    full = [one for one in listed if one[1] > 0]
    crawl.count("files empty", len(listed) - len(full))
    paths, fetched = await _paths(crawl, ctx, target, [key for key, _ in full])
    samples = [Sample(str(paths[key]), size) for key, size in full if key in paths]
    names = [(key[len(target.prefix) :], size) for key, size in full if key in paths]
    said = classifiers.asked(ctx, crawl.row.spec.get("Classifiers") or [])
    try:
        survey = await crawling.surveys.survey(samples, said)
    finally:
        for path in fetched:
            path.unlink(missing_ok=True)
    found = []
    wrong: list[str] = []
    for (name, size), seen in zip(names, survey.seen, strict=True):
        if seen.kind == "data":
            found.append((name, size, seen.records, seen.schema))
        else:
            place = f"s3://{target.bucket}/{target.prefix}{name}"
            crawl.count(f"files {seen.kind}", 1, place)
            wrong.append(f"{place} is {seen.kind}: {seen.why}")
    for words in wrong[:_NAMED]:
        crawl.say("WARN", words)
    if len(wrong) > _NAMED:
        crawl.say("WARN", f"... and {len(wrong) - _NAMED} more files among the last {len(listed)}")
    return survey.schemas, found


async def _paths(crawl: Crawl, ctx: Context, target: Target, keys: Sequence[str]) -> tuple[dict[str, Path], list[Path]]:
    """(a file of this machine for each key, those of them that were fetched). What was deleted since it was listed is
    left out. Raises CrawlFailed."""
    objects, scratch = crawl.crawling.objects, crawl.crawling.scratch
    asks = replace(ctx, family="s3")
    for key in keys:
        ask = Ask("s3:GetObject", f"arn:aws:s3:::{target.bucket}/{key}")
        if not asks.allowed(ask):
            why = ctx.decide(ask).because
            raise CrawlFailed(
                f"The crawler's role may not read s3://{target.bucket}/{key}: {ctx.principal.arn} is not authorized to "
                f"perform s3:GetObject {why}"
            )

    def local() -> list[Path | None]:
        return [objects.local(target.bucket, key) for key in keys]

    found: dict[str, Path] = {}
    fetched: list[Path] = []
    for key, path in zip(keys, await asyncio.to_thread(local), strict=True):
        if path is not None:
            found[key] = path
            continue
        try:
            [there] = await files.local(ctx, objects, scratch, [Location(target.bucket, key)])
        except InputError:
            continue
        found[key] = there
        fetched.append(there)
    return found, fetched


def _number(schemas: list[Doc], one: Doc) -> int:
    if one not in schemas:
        schemas.append(one)
    return schemas.index(one)


def _keep(crawl: Crawl, schemas: Sequence[Doc], kept: Sequence[object]) -> None:
    memory, row = crawl.memory, crawl.row
    number = memory["pages"] = memory.get("pages", 0) + 1
    page = Resource(
        PAGE,
        f"{crawl.id}/{number:06d}",
        row.account,
        row.region,
        uid=ids.new(),
        parent=crawl.id,
        spec={"target": memory["target"], "schemas": list(schemas), "files": list(kept)},
    )
    # Kept before the step is written: after a crash in between, the same page is looked at again and replaces it.
    crawl.crawling.store.create(page, replace=True)


def _guessed(found: Sequence[File], left_out: Sequence[tuple[tuple[str, ...], str, int]]) -> list[File]:
    """Files that a sample left out, as those of their folder are that were looked into."""
    first: dict[tuple[str, ...], File] = {}
    for file in found:
        first.setdefault(file.folder, file)
    guessed = []
    for folder, name, size in left_out:
        like = first.get(folder)
        if like is not None:
            records = round(size * like.records / like.size) if like.size else 0
            guessed.append(File(folder, name, size, records, like.schema))
    return guessed
