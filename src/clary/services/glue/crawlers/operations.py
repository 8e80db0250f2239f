"""Crawlers are made, changed, shown and deleted."""

from typing import Any, Final

from clary.aws.acting import Acting, NotAssumable, session_of
from clary.aws.authorize import IdentityPolicies
from clary.aws.service import Context
from clary.kernel import ids, schedule
from clary.kernel.errors import BadToken, Exists, Missing, Stale
from clary.kernel.page import paginate
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.glue import roles, tags
from clary.services.glue.api import PRINCIPAL, service
from clary.services.glue.crawlers import configuration
from clary.services.glue.crawlers.rows import CLASSIFIER, CRAWL, CRAWLER, described, find
from clary.services.glue.errors import (
    AlreadyExistsException,
    CrawlerRunningException,
    InvalidInputException,
)

_PAGE: Final = 100
_SAID: Final[tuple[str, ...]] = (
    *("Name", "Role", "DatabaseName", "Description", "Targets", "Schedule", "Classifiers", "TablePrefix"),
    *("SchemaChangePolicy", "RecrawlPolicy", "LineageConfiguration", "LakeFormationConfiguration", "Configuration"),
    *("CrawlerSecurityConfiguration", "CatalogId"),
)
# Whose Lake Formation it is says nothing where its credentials are not used.
_IGNORED: Final = ("CrawlerSecurityConfiguration", "LakeFormationConfiguration.AccountId")

tags.holds(CRAWLER, "glue:crawler")


@service.operation("CreateCrawler", ignores=_IGNORED)
async def create_crawler(ctx: Context, req: Doc) -> Doc:
    """The crawler is there and, with a Schedule, crawls from now on. Errors: AlreadyExistsException,
    InvalidInputException (also a role that Glue cannot assume, a classifier that is not there)."""
    spec = {name: req[name] for name in _SAID if name in req}
    _check(ctx, spec)
    now = ctx.clock.now()
    moment = next_moment(spec, now)
    row = Resource(
        CRAWLER,
        req["Name"],
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=ctx.arn("glue", f"crawler/{req['Name']}"),
        phase="READY",
        spec=spec,
        status={
            "_tags": tags.checked(req.get("Tags")),
            "_version": 1,
            "_updated": now,
            "_scheduled": bool(spec.get("Schedule")),
            "_next": moment,
        },
        due=moment,
    )
    try:
        ctx.store.create(row)
    except Exists:
        raise AlreadyExistsException(f"Crawler with name {req['Name']} already exists") from None
    return {}


@service.operation("UpdateCrawler", ignores=_IGNORED)
async def update_crawler(ctx: Context, req: Doc) -> Doc:
    """What the request names is as it says; the rest stays. Errors: CrawlerRunningException, EntityNotFoundException,
    InvalidInputException."""
    while True:
        row = find(ctx, req["Name"])
        if row.phase != "READY":
            raise CrawlerRunningException(f"Crawler with name {row.name} is currently running. Stop it first.")
        spec: Doc = {**row.spec, **{name: req[name] for name in _SAID if name in req}}
        spec = {name: value for name, value in spec.items() if value != "" or name == "TablePrefix"}
        _check(ctx, spec)
        scheduled = bool(spec.get("Schedule")) and ("Schedule" in req or bool(row.status["_scheduled"]))
        try:
            write(ctx, row, spec, scheduled=scheduled)
        except Stale:  # written since it was read: look again
            continue
        return {}


@service.operation("DeleteCrawler")
async def delete_crawler(ctx: Context, req: Doc) -> Doc:
    """The crawler and what it remembers of its crawls are gone; the tables stay. Errors: CrawlerRunningException,
    EntityNotFoundException."""
    while True:
        row = find(ctx, req["Name"])
        if row.phase != "READY":
            raise CrawlerRunningException(f"Crawler with name {row.name} is currently running. Stop it first.")
        try:
            ctx.store.delete(row)
        except Stale:  # written since it was read: look again
            continue
        forget(ctx, row.uid)
        return {}


@service.operation("GetCrawler")
async def get_crawler(ctx: Context, req: Doc) -> Doc:
    """The crawler as it is. Errors: EntityNotFoundException."""
    return {"Crawler": described(find(ctx, req["Name"]), ctx.clock.now())}


@service.operation("GetCrawlers")
async def get_crawlers(ctx: Context, req: Doc) -> Doc:
    """All crawlers, by name."""
    found, more = page(ctx, CRAWLER, req)
    return {"Crawlers": [described(one, ctx.clock.now()) for one in found], **more}


@service.operation("BatchGetCrawlers")
async def batch_get_crawlers(ctx: Context, req: Doc) -> Doc:
    """Those that there are, and the names of the others."""
    found, missing = [], []
    for name in dict.fromkeys(req["CrawlerNames"]):
        try:
            found.append(described(ctx.store.get(ctx.account, ctx.region, CRAWLER, name), ctx.clock.now()))
        except Missing:
            missing.append(name)
    return {"Crawlers": found, "CrawlersNotFound": missing}


@service.operation("ListCrawlers")
async def list_crawlers(ctx: Context, req: Doc) -> Doc:
    """The names of all crawlers, or of those that have all the tags."""
    found, more = page(ctx, CRAWLER, req)
    wanted = (req.get("Tags") or {}).items()
    return {"CrawlerNames": [one.name for one in found if wanted <= (one.status.get("_tags") or {}).items()], **more}


def page(ctx: Context, kind: str, req: Doc, **where: Any) -> tuple[list[Resource], Doc]:
    """A page of rows by name. Raises InvalidInputException for a foreign token."""
    space = Where(account=ctx.account, region=ctx.region, **where)
    try:
        found, token = paginate(ctx.store, kind, space, limit=req.get("MaxResults", _PAGE), token=req.get("NextToken"))
    except BadToken as error:
        raise InvalidInputException(f"Invalid NextToken: {error}") from None
    return found, {} if token is None else {"NextToken": token}


def write(ctx: Context, row: Resource, spec: Doc, *, scheduled: bool) -> None:
    """The crawler is told `spec` from now on. Raises Stale."""
    now = ctx.clock.now()
    moment = next_moment(spec, now) if scheduled else None
    due: Doc = {"due": moment} if row.phase == "READY" else {}
    version = row.status["_version"] + 1
    ctx.store.update(row, spec=spec, **due, _version=version, _updated=now, _scheduled=scheduled, _next=moment)


def next_moment(spec: Doc, now: float) -> float | None:
    """When the schedule says to crawl next; None: never by itself."""
    return schedule.next_after(spec["Schedule"], now) if spec.get("Schedule") else None


def forget(ctx: Context, uid: str) -> None:
    """No crawl of that crawler is remembered."""
    where = Where(account=ctx.account, region=ctx.region, parent=uid)
    while found := ctx.store.page(CRAWL, where):
        for one in found:
            ctx.store.delete(one)


def _check(ctx: Context, spec: Doc) -> None:
    configuration.check(spec)
    if spec.get("CatalogId", ctx.account) != ctx.account:
        raise InvalidInputException(f"CatalogId {spec['CatalogId']} is not the catalog of this account, {ctx.account}")
    arn = roles.arn_of(ctx.account, spec["Role"])
    acting = Acting(PRINCIPAL, ctx.arn("glue", f"crawler/{spec['Name']}"), arn, "AWS-Crawler")
    try:
        session_of(acting, ctx.port(IdentityPolicies), ctx.account, ctx.clock.now())
    except NotAssumable:
        raise InvalidInputException(
            f"Service is unable to assume provided role. Please verify role's TrustPolicy: {arn} must be there and "
            f"let {PRINCIPAL} assume it"
        ) from None
    for name in spec.get("Classifiers") or ():
        try:
            ctx.store.get(ctx.account, ctx.region, CLASSIFIER, name)
        except Missing:
            raise InvalidInputException(f"Classifier with name {name} does not exist") from None
