"""What crawlers have done: their crawls, and measures of them."""

from collections.abc import Callable
from statistics import median
from typing import Any, Final

import orjson

from clary.aws import times
from clary.aws.service import Context
from clary.kernel.errors import BadToken, Missing
from clary.kernel.page import paginate
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.glue.api import service
from clary.services.glue.crawlers.operations import page
from clary.services.glue.crawlers.rows import CRAWL, CRAWLER, LOG_GROUP, find
from clary.services.glue.errors import InvalidInputException

_PAGE: Final = 20
_MEDIAN_OF: Final = 100
_COMPARED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "GT": lambda one, other: bool(one > other),
    "GE": lambda one, other: bool(one >= other),
    "LT": lambda one, other: bool(one < other),
    "LE": lambda one, other: bool(one <= other),
    "EQ": lambda one, other: bool(one == other),
    "NE": lambda one, other: bool(one != other),
}


@service.operation("ListCrawls")
async def list_crawls(ctx: Context, req: Doc) -> Doc:
    """The crawls of a crawler, the newest first. Errors: EntityNotFoundException, InvalidInputException."""
    crawler = find(ctx, req["CrawlerName"])
    holds = [_filter(one) for one in req.get("Filters") or ()]
    where = Where(account=ctx.account, region=ctx.region, parent=crawler.uid)
    try:
        found, token = paginate(
            ctx.store,
            CRAWL,
            where,
            order="created",
            descending=True,
            limit=req.get("MaxResults", _PAGE),
            token=req.get("NextToken"),
        )
    except BadToken as error:
        raise InvalidInputException(f"Invalid NextToken: {error}") from None
    shown = [_described(one) for one in found if all(one_holds(one) for one_holds in holds)]
    return {"Crawls": shown, **({} if token is None else {"NextToken": token})}


@service.operation("GetCrawlerMetrics")
async def get_crawler_metrics(ctx: Context, req: Doc) -> Doc:
    """How long crawlers take, and how many tables their last crawls created, updated and deleted."""
    more: Doc = {}
    if req.get("CrawlerNameList"):
        found = []
        for name in dict.fromkeys(req["CrawlerNameList"]):
            try:
                found.append(ctx.store.get(ctx.account, ctx.region, CRAWLER, name))
            except Missing:
                continue  # as AWS: who is not there has no measures
    else:
        found, more = page(ctx, CRAWLER, req)
    return {"CrawlerMetricsList": [_measures(ctx, one) for one in found], **more}


def _measures(ctx: Context, row: Resource) -> Doc:
    where = Where(account=ctx.account, region=ctx.region, parent=row.uid)
    newest = ctx.store.page(CRAWL, where, order="created", descending=True, limit=_MEDIAN_OF)
    ended = [one for one in newest if one.phase != "RUNNING"]
    lasted = [one.status["EndTime"] - one.spec["StartTime"] for one in ended]
    counts = ended[0].status["_counts"] if ended else {}
    crawl = row.status.get("_crawl")
    left = 0.0
    if crawl is not None and lasted:
        left = max(0.0, median(lasted) - (ctx.clock.now() - crawl["started"]))
    return {
        "CrawlerName": row.name,
        "TimeLeftSeconds": left,
        "StillEstimating": crawl is not None and not lasted,
        "LastRuntimeSeconds": lasted[0] if lasted else 0.0,
        "MedianRuntimeSeconds": median(lasted) if lasted else 0.0,
        "TablesCreated": counts.get("tables created", 0),
        "TablesUpdated": counts.get("tables updated", 0),
        "TablesDeleted": counts.get("tables deleted", 0),
    }


def _described(one: Resource) -> Doc:
    said: Doc = {
        "CrawlId": one.name,
        "State": one.phase,
        "StartTime": one.spec["StartTime"],
        "LogGroup": LOG_GROUP,
        "LogStream": one.spec["LogStream"],
        "MessagePrefix": one.name,
    }
    for name in ("EndTime", "ErrorMessage"):
        if name in one.status:
            said[name] = one.status[name]
    if one.phase != "RUNNING":
        said["Summary"] = summary(one.status["_counts"], one.status["_names"])
    return said


def summary(counts: Doc, names: Doc) -> str:
    """What was added, updated and deleted, as the console reads it: a JSON text of JSON texts."""
    said: Doc = {}
    words = {"created": "ADD", "updated": "UPDATE", "deleted": "DELETE"}
    for what in ("table", "partition"):
        changes = {
            word: {"Count": counts[f"{what}s {verb}"], "Details": {"names": names.get(f"{what}s {verb}", [])}}
            for verb, word in words.items()
            if counts.get(f"{what}s {verb}")
        }
        if changes:
            said[what.upper()] = orjson.dumps(changes).decode()
    return orjson.dumps(said).decode()


def _filter(said: Doc) -> Callable[[Resource], bool]:
    field, value = said.get("FieldName"), said.get("FieldValue", "")
    compared = _COMPARED[said.get("FilterOperator", "EQ")]
    if field in ("CRAWL_ID", "STATE"):
        return lambda one: compared(one.name if field == "CRAWL_ID" else one.phase, value)
    if field in ("START_TIME", "END_TIME"):
        moment = _moment(value)
        return lambda one: _at(one, field) is not None and compared(_at(one, field), moment)
    raise InvalidInputException(f"Crawls cannot be filtered by {field}: use CRAWL_ID, STATE, START_TIME or END_TIME")


def _at(one: Resource, field: str) -> float | None:
    found: float | None = one.spec["StartTime"] if field == "START_TIME" else one.status.get("EndTime")
    return found


def _moment(value: str) -> float:
    """Milliseconds since the epoch, or ISO 8601."""
    try:
        return float(value) / 1000
    except ValueError:
        pass
    try:
        return times.parse(value)
    except ValueError:
        raise InvalidInputException(f"{value!r} is no time: write milliseconds since the epoch") from None
