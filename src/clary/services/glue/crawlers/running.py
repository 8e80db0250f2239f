"""Crawlers are started and stopped, by hand and by schedule."""

from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Stale
from clary.kernel.resource import Doc, Resource
from clary.services.glue.api import service
from clary.services.glue.crawlers import configuration
from clary.services.glue.crawlers.operations import write
from clary.services.glue.crawlers.rows import find
from clary.services.glue.errors import (
    CrawlerNotRunningException,
    CrawlerRunningException,
    CrawlerStoppingException,
    NoScheduleException,
    SchedulerNotRunningException,
    SchedulerRunningException,
)


@service.operation("StartCrawler")
async def start_crawler(ctx: Context, req: Doc) -> Doc:
    """The crawler runs. Errors: CrawlerRunningException, EntityNotFoundException."""
    while True:
        row = find(ctx, req["Name"])
        if row.phase != "READY":
            raise CrawlerRunningException(f"Crawler with name {row.name} has already started")
        now = ctx.clock.now()
        try:
            ctx.store.update(row, phase="RUNNING", due=now, _crawl=begun(now))
        except Stale:  # written since it was read: look again
            continue
        return {}


@service.operation("StopCrawler")
async def stop_crawler(ctx: Context, req: Doc) -> Doc:
    """The crawl ends soon; tables that it has written stay. Errors: CrawlerNotRunningException,
    CrawlerStoppingException, EntityNotFoundException."""
    while True:
        row = find(ctx, req["Name"])
        if row.phase == "READY":
            raise CrawlerNotRunningException(f"Crawler with name {row.name} isn't running")
        if row.phase == "STOPPING":
            raise CrawlerStoppingException(f"Crawler with name {row.name} is already stopping")
        try:
            ctx.store.update(row, phase="STOPPING", due=ctx.clock.now())
        except Stale:
            continue
        return {}


@service.operation("UpdateCrawlerSchedule")
async def update_crawler_schedule(ctx: Context, req: Doc) -> Doc:
    """The crawler has this schedule, or none, and follows it. Errors: EntityNotFoundException,
    InvalidInputException."""
    expression = req.get("Schedule", "")
    if expression:
        configuration.check_schedule(expression)
    while True:
        row = find(ctx, req["CrawlerName"])
        spec = {**row.spec, "Schedule": expression}
        if not expression:
            del spec["Schedule"]
        try:
            write(ctx, row, spec, scheduled=bool(expression))
        except Stale:
            continue
        return {}


@service.operation("StartCrawlerSchedule")
async def start_crawler_schedule(ctx: Context, req: Doc) -> Doc:
    """The crawler follows its schedule. Errors: EntityNotFoundException, NoScheduleException,
    SchedulerRunningException."""
    while True:
        row = find(ctx, req["CrawlerName"])
        if not row.spec.get("Schedule"):
            raise NoScheduleException(f"Crawler with name {row.name} doesn't have a schedule")
        if row.status["_scheduled"]:
            raise SchedulerRunningException(f"Crawler with name {row.name} has schedule already running")
        if _scheduled(ctx, row, True):
            return {}


@service.operation("StopCrawlerSchedule")
async def stop_crawler_schedule(ctx: Context, req: Doc) -> Doc:
    """The crawler has its schedule, but does not follow it. Errors: EntityNotFoundException,
    SchedulerNotRunningException."""
    while True:
        row = find(ctx, req["CrawlerName"])
        if not row.status["_scheduled"]:
            raise SchedulerNotRunningException(f"Crawler with name {row.name} is not running on a schedule")
        if _scheduled(ctx, row, False):
            return {}


def begun(now: float) -> Doc:
    """What a crawl remembers at its begin."""
    return {"id": ids.request_id(), "started": now, "stage": "start", "lines": 0, "counts": {}}


def _scheduled(ctx: Context, row: Resource, follows: bool) -> bool:
    try:
        write(ctx, row, row.spec, scheduled=follows)
    except Stale:
        return False
    return True
