"""Crawlers run: by schedule or by hand, in looks that are each short and may each be repeated.

start     the targets are known
database  it is there; only where it was not
look      a page of objects a look (looking.py)
plan      what was seen becomes tables (planning.py); nothing is written yet
write     a table, or a chunk of its partitions, a look (writing.py)
remove    a table of which nothing is left a look (removing.py)
end       the crawl's row says what came of it; then the crawler is READY
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from clary.aws.acting import NotAssumable
from clary.aws.service import Context
from clary.engines.schemas.base import SurveyError
from clary.kernel.errors import Exists, Missing
from clary.kernel.moments import LOOK_SECONDS, looked
from clary.kernel.reconcile import Step, again, move, rest
from clary.kernel.resource import Doc, Resource
from clary.kernel.schedule import parse
from clary.services.glue.crawlers import looking, planning, removing, starting
from clary.services.glue.crawlers.catalog import Catalog
from clary.services.glue.crawlers.crawl import Crawl, CrawlFailed, stream_of
from clary.services.glue.crawlers.operations import next_moment
from clary.services.glue.crawlers.rows import CRAWL, LOG_GROUP, OUTCOMES, Crawling
from clary.services.glue.crawlers.running import begun
from clary.services.glue.crawlers.tables import Planned
from clary.services.glue.crawlers.writing import Known, Writing

_MESSAGE: Final = 2048


class CrawlerReconciler:
    """Desired: a crawler that runs has looked at all of its targets, and the catalog says what is there."""

    def __init__(self, crawling: Crawling) -> None:
        self._crawling = crawling
        self._held: dict[str, dict[Any, Any]] = {}
        """What can be found out again at any time, of the crawls that are under way in this process."""

    async def __call__(self, row: Resource) -> Step:
        if row.phase == "READY":
            return self._wait(row)
        crawl = Crawl(self._crawling, row)
        if crawl.memory["stage"] == "end":
            return self._end(crawl)
        self._begin(crawl)
        if row.phase == "STOPPING":
            crawl.say("INFO", "The crawl was stopped")
            return await self._ends(crawl, "STOPPED", "")
        try:
            ctx = crawl.context()
            step = await self._stage(crawl, ctx)
        except NotAssumable as error:
            return await self._ends(crawl, "FAILED", str(error))
        except CrawlFailed as error:
            return await self._ends(crawl, "FAILED", str(error))
        return step

    def give_up(self, row: Resource, error: Exception) -> Step:
        """The crawl has failed; the crawler can be started again."""
        if row.phase == "READY":
            return again(60.0)
        words = str(error) if isinstance(error, SurveyError) else "Internal Service Exception"
        memory = {**row.status["_crawl"], "stage": "end", "outcome": "FAILED", "error": words}
        return again(0.0, _crawl=memory)

    def _wait(self, row: Resource) -> Step:
        """Until the schedule's next moment."""
        due: float | None = row.status.get("_next")
        if due is None:
            return rest()
        now = self._crawling.clock.now()
        fires, following = looked(due, now, parse(row.spec["Schedule"]))
        if fires:
            return move("RUNNING", after=0.0, _crawl=begun(now), _next=following)
        if following is None:
            return rest(_next=None)
        return again(min(max(0.0, following - now), LOOK_SECONDS), _next=following)

    def _begin(self, crawl: Crawl) -> None:
        """There is a row of the crawl; with it, the bus hears that it has begun."""
        row = crawl.row
        made = Resource(
            CRAWL,
            crawl.id,
            row.account,
            row.region,
            uid=crawl.id,
            phase="RUNNING",
            parent=row.uid,
            spec={
                "CrawlerName": row.name,
                "StartTime": crawl.memory["started"],
                "LogStream": stream_of(row.name),
            },
        )
        if crawl.memory["stage"] == "start":
            with suppress(Exists):  # by this look, before a crash
                self._crawling.store.create(made)

    async def _stage(self, crawl: Crawl, ctx: Context) -> Step:
        memory = crawl.memory
        match memory["stage"]:
            case "start":
                await starting.start(crawl, ctx)
            case "database":
                await starting.make_database(crawl, ctx)
            case "look" if memory["target"] < len(memory["targets"]):
                folders = await self._hold(crawl, "folders", lambda: looking.known_folders(crawl, ctx))
                await looking.look(crawl, ctx, folders)
            case "look":
                memory["stage"] = "plan"
            case "plan":
                tables = await self._plan(crawl)
                planning.check(crawl, tables)
                self._say_seen(crawl, tables)
                memory |= {"stage": "write", "table": 0}
            case "write":
                await self._write(crawl, ctx)
            case "remove":
                if memory["gone"]:
                    await removing.remove(crawl, ctx, memory["gone"][0])
                    memory["gone"] = memory["gone"][1:]
                else:
                    crawl.say("BENCHMARK", "Finished writing to Catalog")
                    return await self._ends(crawl, "COMPLETED", "")
        await crawl.write_log()
        return again(0.0, _crawl=memory)

    async def _write(self, crawl: Crawl, ctx: Context) -> None:
        memory, tables = crawl.memory, await self._plan(crawl)
        if memory["table"] >= len(tables):
            memory |= {"stage": "remove", "gone": await removing.listed(crawl, ctx, tables)}
            return
        plan = tables[memory["table"]]
        own = await self._hold(crawl, "own", lambda: _own(crawl, ctx))

        async def known() -> Known:
            doing = memory["doing"]
            place = (doing["database"], doing["name"])
            found: Known = await self._hold(crawl, place, lambda: _partitions(crawl, ctx, *place))
            return found

        before = memory["table"]
        await Writing(crawl, ctx, own).table(plan, known)
        if memory["table"] != before:
            self._held[crawl.id] = {key: kept for key, kept in self._held[crawl.id].items() if isinstance(key, str)}

    async def _plan(self, crawl: Crawl) -> list[Planned]:
        found: list[Planned] = await self._hold(crawl, "plan", lambda: planning.plan(crawl))
        return found

    async def _hold(self, crawl: Crawl, name: Any, make: Callable[[], Awaitable[Any]]) -> Any:
        held = self._held.setdefault(crawl.id, {})
        if name not in held:
            held[name] = await make()
        return held[name]

    def _say_seen(self, crawl: Crawl, tables: list[Planned]) -> None:
        policy = crawl.policy
        crawl.say(
            "INFO",
            f"Looked at {crawl.counted('files seen')} files: {len(tables)} tables; "
            f"{crawl.counted('files empty')} empty, {crawl.counted('files unknown')} of no known format, "
            f"{crawl.counted('files unreadable')} unreadable",
        )
        crawl.say("BENCHMARK", f"Classification complete, writing results to database {crawl.database}")
        crawl.say(
            "INFO",
            f'Crawler configured with SchemaChangePolicy {{"UpdateBehavior":"{policy["UpdateBehavior"]}",'
            f'"DeleteBehavior":"{policy["DeleteBehavior"]}"}}.',
        )

    async def _ends(self, crawl: Crawl, outcome: str, error: str) -> Step:
        """It is decided how the crawl ends, before anybody is told."""
        if error:
            crawl.say("ERROR", error)
        crawl.say("BENCHMARK", "Crawler has finished running and is in state READY")
        await crawl.write_log()
        memory = {**crawl.memory, "stage": "end", "outcome": outcome, "error": error}
        memory["ended"] = self._crawling.clock.now()
        return again(0.0, _crawl=memory)

    def _end(self, crawl: Crawl) -> Step:
        row, memory, store = crawl.row, crawl.memory, self._crawling.store
        outcome, error = memory["outcome"], memory["error"][:_MESSAGE]
        try:
            one = store.get(row.account, row.region, CRAWL, crawl.id)
        except Missing:
            one = None  # the crawl had not even begun
        if one is not None and one.phase == "RUNNING":
            told: Doc = {"ErrorMessage": error} if error else {}
            ended = memory.get("ended", self._crawling.clock.now())
            told |= {"EndTime": ended, "_counts": memory["counts"], "_names": memory.get("names", {})}
            store.update(one, phase=outcome, **told)
        looking.forget(crawl)
        self._held.pop(crawl.id, None)
        last: Doc = {
            "Status": OUTCOMES[outcome],
            "LogGroup": LOG_GROUP,
            "LogStream": stream_of(row.name),
            "MessagePrefix": crawl.id,
            "StartTime": memory["started"],
            **({"ErrorMessage": error} if error else {}),
        }
        # The schedule goes on from now: moments that passed while it ran are not made up for.
        now = self._crawling.clock.now()
        due = next_moment(row.spec, now) if row.status["_scheduled"] else None
        after = None if due is None else min(due - now, LOOK_SECONDS)
        return move("READY", after=after, _crawl=None, _last=last, _next=due)


async def _own(crawl: Crawl, ctx: Context) -> dict[str, str]:
    """This crawler's tables: place -> name."""
    if not crawl.database:
        return {}
    found = await Catalog(crawl, ctx).own_tables()
    return {(one.get("StorageDescriptor") or {}).get("Location", ""): one["Name"] for one in found}


async def _partitions(crawl: Crawl, ctx: Context, database: str, table: str) -> Known:
    return {tuple(one["Values"]): one async for one in Catalog(crawl, ctx).partitions(database, table)}
