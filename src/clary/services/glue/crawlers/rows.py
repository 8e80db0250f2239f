"""How crawlers, their crawls and classifiers are kept, and what is shown of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from clary.aws.authorize import IdentityPolicies
from clary.aws.service import Context
from clary.engines.schemas.base import Surveys
from clary.jobs.ground import Inside
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.objects import ObjectStore
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Store
from clary.kernel.telemetry import LogSink
from clary.services.glue.errors import EntityNotFoundException

CRAWLER: Final = "glue-crawler"
CRAWL: Final = "glue-crawl"
"""One run of a crawler; its name is the id, its parent the crawler's uid."""
PAGE: Final = "glue-crawl-page"
"""What a running crawl has seen so far, a page of objects a row; its parent is the crawl's id."""
CLASSIFIER: Final = "glue-classifier"

LOG_GROUP: Final = "/aws-glue/crawlers"

MACHINE: Final = StateMachine(
    "State", "READY", {"READY": {"RUNNING"}, "RUNNING": {"READY", "STOPPING"}, "STOPPING": {"READY"}}
)
CRAWL_MACHINE: Final = StateMachine("State", "RUNNING", {"RUNNING": {"COMPLETED", "FAILED", "STOPPED"}})
OUTCOMES: Final = {"COMPLETED": "SUCCEEDED", "FAILED": "FAILED", "STOPPED": "CANCELLED"}
"""How a crawl's end is called in LastCrawl."""


@dataclass(frozen=True, slots=True)
class Crawling:
    """What crawls need of the house."""

    objects: ObjectStore
    logs: LogSink
    clock: Clock
    store: Store
    inside: Inside
    identities: IdentityPolicies
    scratch: Path
    surveys: Surveys


def find(ctx: Context, name: str) -> Resource:
    """The crawler. Raises EntityNotFoundException."""
    try:
        return ctx.store.get(ctx.account, ctx.region, CRAWLER, name)
    except Missing:
        raise EntityNotFoundException(f"Crawler with name {name} does not exist") from None


def described(row: Resource, now: float) -> Doc:
    """As GetCrawler shows it."""
    said: Doc = {
        "Classifiers": [],
        "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
        "LineageConfiguration": {"CrawlerLineageSettings": "DISABLE"},
        "LakeFormationConfiguration": {"UseLakeFormationCredentials": False, "AccountId": ""},
        **{name: value for name, value in row.spec.items() if name != "Tags"},
        "SchemaChangePolicy": policy(row.spec),
        "State": row.phase,
        "CrawlElapsedTime": elapsed(row, now),
        "CreationTime": row.created,
        "LastUpdated": row.status["_updated"],
        "Version": row.status["_version"],
    }
    said.pop("Schedule", None)
    if row.spec.get("Schedule"):
        state = "SCHEDULED" if row.status.get("_scheduled") else "NOT_SCHEDULED"
        said["Schedule"] = {"ScheduleExpression": row.spec["Schedule"], "State": state}
    if row.status.get("_last"):
        said["LastCrawl"] = row.status["_last"]
    return said


def policy(spec: Doc) -> Doc:
    """The SchemaChangePolicy with AWS's defaults."""
    given = spec.get("SchemaChangePolicy") or {}
    return {
        "UpdateBehavior": given.get("UpdateBehavior", "UPDATE_IN_DATABASE"),
        "DeleteBehavior": given.get("DeleteBehavior", "DEPRECATE_IN_DATABASE"),
    }


def elapsed(row: Resource, now: float) -> int:
    """Milliseconds since the crawl began, while there is one."""
    crawl: dict[str, Any] | None = row.status.get("_crawl")
    return 0 if crawl is None else max(0, round((now - crawl["started"]) * 1000))
